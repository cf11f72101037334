/* SPDX-License-Identifier: MIT */
/* Calls from plugin to plugin: a carrier in memory, so that such a request takes the way of all
 * others from its head to its answer. */
#include "ext_dispatch.h"

#include <errno.h>
#include <stdlib.h>

#include "body.h"
#include "carrier.h"
#include "defer.h"
#include "dispatch.h"
#include "host.h"
#include "http1_client.h"
#include "http_engine.h"
#include "identity.h"
#include "listener.h"
#include "request.h"
#include "resource.h"
#include "response.h"

#define BODY_LIMIT_DEFAULT_BYTES (UINT64_C(4) * 1024 * 1024)
#define TIMEOUT_DEFAULT_MS UINT64_C(30000)
#define ANSWER_SIZE_FIRST ((size_t)4096)
/* The parts in which a streamed request gets its body. */
#define PIECE_BYTES ((size_t)256 * 1024)
#define PEER_SIZE 80

struct virga_dispatch_handle {
    struct resource resource; /* owner: the plugin that calls */
    struct carrier carrier;
    struct host *host;
    struct request *req; /* NULL once it is let go */
    struct listener_options options;
    struct defer turn;
    uv_timer_t timer;
    bool begun;
    bool done;
    int error;                  /* for on_done */
    unsigned depth;             /* of who calls */
    struct virga_str body_left; /* of the request's; its memory goes with the request */
    struct http1_client *answer;
    bool answer_ended;
    char *body; /* the answer's */
    size_t body_len;
    size_t body_size;
    uint64_t body_limit_bytes;
    void (*on_done)(void *arg, const struct virga_dispatch_response *res);
    void *arg;
    char peer[PEER_SIZE];
};

static struct virga_dispatch_handle *call_of(const struct carrier *carrier) {
    return LIST_ENTRY((uintptr_t)carrier, struct virga_dispatch_handle, carrier);
}

/* ---- the end ---- */

static void on_timer_closed(uv_handle_t *timer) {
    free(timer->data);
}

/* The request must have been let go. */
static void destroy(struct virga_dispatch_handle *call) {
    defer_cancel(&call->turn);
    resource_remove(&call->resource);
    http1_client_destroy(call->answer);
    free(call->body);
    call->host->dispatch_calls--;
    uv_close((uv_handle_t *)&call->timer, on_timer_closed);
}

/* Lets the request go, with what its handler is told (0: it has answered). */
static void let_go(struct virga_dispatch_handle *call, int status) {
    struct request *req = call->req;
    call->req = NULL;
    call->done = true;
    (void)uv_timer_stop(&call->timer);
    if (req != NULL) {
        request_detach(req, status);
    }
}

static void finish(struct virga_dispatch_handle *call, int error) {
    if (!call->done) {
        call->error = error;
        let_go(call, error == 0 || error == -ETIMEDOUT ? error : -ECONNRESET);
        defer_arm(call->host, &call->turn);
    }
}

/* Connection and coding are of the way that the answer did not take. */
static bool is_of_the_way(struct virga_str name) {
    return http1_same(name, "connection") || http1_same(name, "keep-alive") ||
           http1_same(name, "transfer-encoding");
}

/* Fills status, headers and body. Owns: the caller frees res->headers. Errors: -ENOMEM. */
static int fill_answer(const struct virga_dispatch_handle *call,
                       struct virga_dispatch_response *res) {
    const struct http1_client_head *head = http1_client_head(call->answer);
    struct virga_header *headers = calloc(head->headers_count + 1, sizeof *headers);
    if (headers == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < head->headers_count; i++) {
        if (!is_of_the_way(head->headers[i].name)) {
            headers[res->headers_count++] = head->headers[i];
        }
    }
    res->headers = headers;
    res->status = head->status;
    if (call->body_len > 0) {
        call->body[call->body_len] = '\0';
        res->body = (struct virga_str){call->body, call->body_len};
    }
    return 0;
}

static void complete(struct virga_dispatch_handle *call) {
    struct host *host = call->host;
    struct plugin *owner = call->resource.owner;
    struct virga_dispatch_response res = {
        .struct_size = sizeof res, .error = call->error, .body = {"", 0}};
    if (res.error == 0) {
        res.error = fill_answer(call, &res);
    }
    resource_remove(&call->resource);
    unsigned depth = host->dispatch_depth;
    struct plugin_call guard;
    host->dispatch_depth = call->depth;
    plugin_enter(&guard, owner, "dispatch on_done", NULL);
    call->on_done(call->arg, &res);
    plugin_leave(&guard);
    host->dispatch_depth = depth;
    free((void *)(uintptr_t)res.headers);
    destroy(call);
}

static void reclaim(struct resource *resource) {
    struct virga_dispatch_handle *call =
        LIST_ENTRY(resource, struct virga_dispatch_handle, resource);
    let_go(call, -ECONNRESET);
    destroy(call);
}

static void on_timeout(uv_timer_t *timer) {
    finish(timer->data, -ETIMEDOUT);
}

/* ---- the answer ---- */

static int keep(struct virga_dispatch_handle *call, struct virga_str part) {
    if (part.len > call->body_limit_bytes - call->body_len) {
        return -EMSGSIZE;
    }
    size_t needed = call->body_len + part.len + 1;
    if (needed > call->body_size) {
        size_t size = call->body_size != 0 ? call->body_size : ANSWER_SIZE_FIRST;
        while (size < needed) {
            size *= 2;
        }
        char *grown = realloc(call->body, size);
        if (grown == NULL) {
            return -ENOMEM;
        }
        call->body = grown;
        call->body_size = size;
    }
    memcpy(call->body + call->body_len, part.ptr, part.len);
    call->body_len += part.len;
    return 0;
}

static int take(struct virga_dispatch_handle *call, const char *bytes, size_t len) {
    struct virga_str part;
    int event = HTTP1_CLIENT_HEAD;
    while (event > HTTP1_CLIENT_MORE && !call->answer_ended) {
        event = http1_client_next(call->answer, &bytes, &len, &part);
        call->answer_ended = event == HTTP1_CLIENT_END;
        if (event == HTTP1_CLIENT_BODY) {
            int result = keep(call, part);
            event = result != 0 ? result : event;
        }
    }
    return event < 0 ? event : 0;
}

static int on_send(struct request *req, uv_buf_t *bufs, unsigned count, bool copy) {
    struct virga_dispatch_handle *call = call_of(req->carrier);
    (void)copy;
    for (unsigned i = 0; i < count; i++) {
        int result = take(call, bufs[i].base, bufs[i].len);
        if (result != 0) {
            finish(call, result);
            return -ECANCELED;
        }
    }
    return 1;
}

static void on_send_interim(struct carrier *carrier, const char *text, size_t len) {
    (void)carrier; /* nobody waits for it */
    (void)text;
    (void)len;
}

static void on_wake(struct carrier *carrier) {
    struct virga_dispatch_handle *call = call_of(carrier);
    defer_arm(call->host, &call->turn);
}

static void on_settle(struct carrier *carrier) {
    struct virga_dispatch_handle *call = call_of(carrier);
    if (call->req != NULL && call->req->phase == REQUEST_ANSWERED) {
        finish(call, call->answer_ended && !call->req->cut ? 0 : -ECONNRESET);
    }
}

static void on_break(struct carrier *carrier, int status, bool reset) {
    (void)reset;
    finish(call_of(carrier), status == -ENOMEM ? -ENOMEM : -ECONNRESET);
}

static bool can_persist(const struct carrier *carrier) {
    (void)carrier;
    return true;
}

static struct virga_str peer(struct carrier *carrier) {
    return virga_str_from(call_of(carrier)->peer);
}

static const struct carrier_ops carrier_ops = {
    .send = on_send,
    .send_interim = on_send_interim,
    .wake = on_wake,
    .settle = on_settle,
    .break_off = on_break,
    .can_persist = can_persist,
    .peer = peer,
};

/* ---- the request ---- */

/* Gives the request's body to whoever wants it, as far as it is wanted. */
static void feed(struct virga_dispatch_handle *call) {
    while (call->req != NULL && body_wants_input(call->req)) {
        struct request *req = call->req;
        struct virga_str piece = call->body_left;
        request_ref(req);
        if (piece.len == 0) {
            body_on_end(req);
        } else {
            piece.len = piece.len < PIECE_BYTES ? piece.len : PIECE_BYTES;
            call->body_left.ptr += piece.len;
            call->body_left.len -= piece.len;
            body_on_data(req, piece);
        }
        request_unref(req);
    }
}

static void on_turn(struct defer *turn) {
    struct virga_dispatch_handle *call = LIST_ENTRY(turn, struct virga_dispatch_handle, turn);
    struct request *req = call->req;
    if (req != NULL) {
        request_ref(req);
        if (!call->begun) {
            call->begun = true;
            request_on_head(req);
        }
        feed(call);
        if (call->req != NULL) {
            response_flush(req);
        }
        request_unref(req);
    }
    if (call->done) {
        complete(call);
    }
}

static bool is_framing(struct virga_str name) {
    return http1_same(name, "content-length") || http1_same(name, "transfer-encoding") ||
           http1_same(name, "expect");
}

static char *put(char *to, struct virga_str text) {
    if (text.len > 0) {
        memcpy(to, text.ptr, text.len);
    }
    return to + text.len;
}

/* Writes the head as a client would: the parser has the last word on what may be in one. Errors:
 * -EINVAL, -ENOMEM. */
static int write_head(struct request *req, const struct virga_dispatch_request *request,
                      struct virga_str *ret_head) {
    struct virga_str method = virga_str_from(request->method != NULL ? request->method : "POST");
    struct virga_str target = request->target.ptr != NULL ? request->target : virga_str_from("/");
    size_t size = method.len + target.len + 100;
    bool has_host = false;
    if (!http1_is_token(method) || !http1_is_value(target)) {
        return -EINVAL;
    }
    for (size_t i = 0; i < request->headers_count; i++) {
        const struct virga_header *header = &request->headers[i];
        if (!http1_is_token(header->name) || header->value.ptr == NULL ||
            !http1_is_value(header->value) || is_framing(header->name)) {
            return -EINVAL;
        }
        has_host = has_host || http1_same(header->name, "host");
        size += header->name.len + header->value.len + 4;
    }
    char *head = arena_alloc(&req->arena, size);
    if (head == NULL) {
        return -ENOMEM;
    }
    char *at = put(head, method);
    at = put(at, virga_str_from(" "));
    at = put(at, target);
    at = put(at, virga_str_from(" HTTP/1.1\r\n"));
    for (size_t i = 0; i < request->headers_count; i++) {
        at = put(at, request->headers[i].name);
        at = put(at, virga_str_from(": "));
        at = put(at, request->headers[i].value);
        at = put(at, virga_str_from("\r\n"));
    }
    at += snprintf(at, 80, "%sContent-Length: %zu\r\n\r\n", has_host ? "" : "Host: localhost\r\n",
                   request->body.len);
    *ret_head = (struct virga_str){head, (size_t)(at - head)};
    return 0;
}

static int read_head(struct request *req, struct virga_str head) {
    struct virga_str piece;
    size_t used;
    enum http1_event event = http1_next(&req->http1, head.ptr, head.len, &used, &piece);
    if (event == HTTP1_HEAD && used == head.len) {
        return 0;
    }
    return event == HTTP1_BAD && req->http1.status == 500 ? -ENOMEM : -EINVAL;
}

static int copy_body(struct virga_dispatch_handle *call, struct virga_str body) {
    if (body.len == 0) {
        return 0;
    }
    /* Held by the request: on_body may have a part of it when the call is long over. */
    char *copy = malloc(body.len);
    if (copy == NULL) {
        return -ENOMEM;
    }
    memcpy(copy, body.ptr, body.len);
    call->req->held = copy;
    call->body_left = (struct virga_str){copy, body.len};
    return 0;
}

static int prepare(struct virga_dispatch_handle *call,
                   const struct virga_dispatch_request *request) {
    struct host *host = call->host;
    struct http_engine *engine;
    struct virga_str head;
    int result = http_engine_ref(host, &engine);
    if (result != 0) {
        return result;
    }
    call->req = request_create(engine, NULL, &call->options, &call->carrier);
    http_engine_unref(engine);
    if (call->req == NULL) {
        return -ENOMEM;
    }
    result = write_head(call->req, request, &head);
    result = result == 0 ? read_head(call->req, head) : result;
    if (result == 0) {
        struct virga_str key = VIRGA_HAS(struct virga_dispatch_request, request, access_key)
                                   ? request->access_key
                                   : (struct virga_str){0};
        result = identity_give(call->req, request->account, request->region, request->service, key);
    }
    if (result == 0) {
        bool to_head = virga_str_equal(call->req->http1.head.method, virga_str_from("HEAD"));
        result = http1_client_create(to_head, &call->answer);
    }
    return result == 0 ? copy_body(call, request->body) : result;
}

/* How many calls stand behind the code that runs now. */
static unsigned depth_now(const struct host *host) {
    for (const struct plugin_call *call = host->calls; call != NULL; call = call->outer) {
        if (call->has_request) {
            return call->depth;
        }
    }
    return host->dispatch_depth;
}

static int start(const struct virga_host *api, const struct virga_dispatch_request *request,
                 struct virga_dispatch_handle **ret_call) {
    if (api == NULL || request == NULL ||
        request->struct_size < offsetof(struct virga_dispatch_request, access_key) ||
        request->on_done == NULL || (request->body.len > 0 && request->body.ptr == NULL) ||
        (request->headers_count > 0 && request->headers == NULL)) {
        return -EINVAL;
    }
    struct plugin *plugin = plugin_from(api);
    struct host *host = plugin->host;
    unsigned depth = depth_now(host);
    if (depth >= EXT_DISPATCH_DEPTH_MAX) {
        return -ELOOP;
    }
    if (host->dispatch_calls >= EXT_DISPATCH_CALLS_MAX) {
        return -EAGAIN;
    }
    struct virga_dispatch_handle *call = calloc(1, sizeof *call);
    if (call == NULL) {
        return -ENOMEM;
    }
    if (uv_timer_init(host->loop, &call->timer) != 0) {
        free(call);
        return -ENOMEM;
    }
    call->timer.data = call;
    call->host = host;
    host->dispatch_calls++;
    call->carrier.ops = &carrier_ops;
    call->options = (struct listener_options){
        .on_head = dispatch_head, .on_request = dispatch_request, .arg = host};
    defer_init(&call->turn, on_turn);
    list_init(&call->resource.node);
    call->depth = depth;
    call->on_done = request->on_done;
    call->arg = request->arg;
    call->body_limit_bytes =
        request->body_limit_bytes != 0 ? request->body_limit_bytes : BODY_LIMIT_DEFAULT_BYTES;
    (void)snprintf(call->peer, sizeof call->peer, "dispatch/%s", plugin->desc->name);
    int result = prepare(call, request);
    if (result != 0) {
        let_go(call, 0);
        destroy(call);
        return result;
    }
    call->req->depth = depth + 1;
    /* The loop's clock stands still during a callback: the time counts from now. */
    uv_update_time(host->loop);
    (void)uv_timer_start(&call->timer, on_timeout,
                         request->timeout_ms != 0 ? request->timeout_ms : TIMEOUT_DEFAULT_MS, 0);
    resource_add(&call->resource, plugin, "dispatch call", reclaim);
    defer_arm(host, &call->turn);
    if (ret_call != NULL) {
        *ret_call = call;
    }
    return 0;
}

static void cancel(struct virga_dispatch_handle *call) {
    if (call != NULL) {
        finish(call, -ECANCELED);
        call->error = -ECANCELED;
    }
}

const struct virga_dispatch ext_dispatch = {
    .struct_size = sizeof ext_dispatch,
    .call = start,
    .cancel = cancel,
};
