/* SPDX-License-Identifier: MIT */
/* InvokeWithResponseStream: what a function answers goes on as it comes, as events. */
#include "actions.h"
#include "event_stream.h"
#include "invoke.h"
#include "out_stream.h"
#include "pool.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/base64.h>

struct streaming {
    struct call *call;      /* until the answer has begun */
    struct out_stream *out; /* from then on */
    struct invocation *invocation;
};

static void on_ready(void *arg) {
    struct streaming *streaming = arg;
    invocation_resume(streaming->invocation);
}

/* The function runs to its end all the same. */
static void on_gone(void *arg) {
    struct streaming *streaming = arg;
    invocation_abandon(streaming->invocation);
}

/* Sends the head, once. False: out of memory; the client has been told. */
static bool begin(struct streaming *streaming) {
    const struct invocation *invocation = streaming->invocation;
    struct virga_header headers[] = {
        {virga_str_from("Content-Type"), virga_str_from("application/vnd.amazon.eventstream")},
        {virga_str_from("X-Amz-Executed-Version"), virga_str_from(invocation->function->version)},
        {virga_str_from("X-Amzn-Trace-Id"), virga_str_from(invocation->trace_id)}};
    const struct virga_response head = {
        .struct_size = sizeof head, .status = 200, .headers = headers, .headers_count = 3};
    if (streaming->out == NULL && streaming->call != NULL) {
        struct virga_request *req = call_detach(streaming->call);
        streaming->call = NULL;
        if (out_stream_begin(req, &head, on_ready, on_gone, streaming, &streaming->out) != 0) {
            req->http->abort(req);
        }
    }
    return streaming->out != NULL;
}

static int add(struct streaming *streaming, const char *type, const char *content_type,
               struct virga_str payload) {
    char *bytes = malloc(event_stream_size(type, content_type, payload.len));
    size_t len = bytes != NULL ? event_stream_write(type, content_type, payload, bytes) : 1;
    return out_stream_add(streaming->out, bytes, len);
}

static void on_head(struct invocation *invocation, const char *content_type) {
    (void)content_type;
    (void)begin(invocation->arg);
}

static int on_chunk(struct invocation *invocation, struct virga_str chunk) {
    struct streaming *streaming = invocation->arg;
    return begin(streaming) ? add(streaming, "PayloadChunk", "application/octet-stream", chunk)
                            : VIRGA_BODY_GO_ON;
}

/* The last event; it says whether the function failed. */
static void complete(struct streaming *streaming, const struct invocation_result *result) {
    char tail[VIRGA_BASE64_SIZE(INVOCATION_TAIL_MAX)];
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    if (result->outcome != INVOCATION_DONE) {
        virga_json_string(&writer, "ErrorCode", "Unhandled");
        virga_json_str(&writer, "ErrorDetails", result->payload);
    }
    if (streaming->invocation->wants_tail && result->tail.len <= INVOCATION_TAIL_MAX) {
        virga_json_str(&writer, "LogResult",
                       (struct virga_str){tail, virga_base64_encode(result->tail, tail)});
    }
    virga_json_end_object(&writer);
    (void)add(streaming, "InvokeComplete", "application/json",
              (struct virga_str){writer.ptr, writer.failed ? 0 : writer.len});
    virga_json_finish(&writer);
}

static void on_done(struct invocation *invocation, const struct invocation_result *result) {
    struct streaming *streaming = invocation->arg;
    bool ran = result->outcome == INVOCATION_DONE || result->outcome == INVOCATION_ERROR;
    if (!ran && streaming->call != NULL) {
        invoke_refuse(streaming->call, result);
    } else if (begin(streaming)) {
        if (result->outcome == INVOCATION_DONE && result->payload.len > 0) {
            (void)add(streaming, "PayloadChunk", "application/octet-stream", result->payload);
        }
        if (ran) {
            complete(streaming, result);
            out_stream_end(streaming->out);
        } else {
            out_stream_abort(streaming->out);
        }
    }
    free(streaming);
    invocation_destroy(invocation);
}

void action_invoke_with_response_stream(struct call *call) {
    struct invoke_headers headers;
    struct invocation *invocation = NULL;
    if (!invoke_take_headers(call, "RequestResponse, DryRun", &headers) ||
        !invoke_prepare(call, &headers, "InvokeWithResponseStream", &invocation)) {
        return;
    }
    if (invocation == NULL) {
        struct virga_json_writer nothing = {0};
        call_answer(call, 204, &nothing);
        return;
    }
    struct streaming *streaming = calloc(1, sizeof *streaming);
    if (streaming == NULL) {
        invocation_destroy(invocation);
        call_broken(call, "The event could not be taken", -ENOMEM);
        return;
    }
    streaming->call = call;
    streaming->invocation = invocation;
    invocation->wants_tail = headers.tail;
    invocation->streams = true;
    invocation->on_head = on_head;
    invocation->on_chunk = on_chunk;
    invocation->on_done = on_done;
    invocation->arg = streaming;
    pool_invoke(call->lambda->pool, invocation);
}
