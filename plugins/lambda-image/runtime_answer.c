/* SPDX-License-Identifier: MIT */
/* Bodies that an environment's process sends, above all the answers of its runtime: collected, or
 * given to the invocation as they come. */
#include "environment_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/base64.h>

#define SMALL_BODY_MAX 65536 /* of what extensions send */
#define TOO_LARGE_TYPE "Function.ResponseSizeTooLarge"
/* Source: AWS-recorded payload, in this order of keys. */
#define TOO_LARGE_DOCUMENT                                                                         \
    "{\"errorMessage\":\"Response payload size exceeded maximum allowed payload size (6291556 "    \
    "bytes).\",\"errorType\":\"" TOO_LARGE_TYPE "\"}"
#define STREAM_TOO_LARGE_DOCUMENT                                                                  \
    "{\"errorMessage\":\"Response payload size exceeded maximum allowed payload size (209715200 "  \
    "bytes).\",\"errorType\":\"" TOO_LARGE_TYPE "\"}"

/* --- the list of bodies --- */

static void take_off(struct body *body) {
    struct environment *environment = body->environment;
    if (environment->response == body) {
        environment->response = NULL;
    }
    if (body->previous != NULL) {
        body->previous->next = body->next;
    } else {
        environment->bodies = body->next;
    }
    if (body->next != NULL) {
        body->next->previous = body->previous;
    }
    environment->bodies_count--;
}

static void free_body(struct body *body) {
    free(body->bytes);
    free(body);
}

void runtime_bodies_break_off(struct environment *environment) {
    while (environment->bodies != NULL) {
        struct body *body = environment->bodies;
        struct virga_request *req = body->req;
        take_off(body);
        free_body(body);
        req->http->body_stop(req);
        req->http->abort(req);
    }
}

/* --- collecting --- */

static void append(struct body *body, struct virga_str chunk) {
    if (body->too_large || chunk.len > body->limit - body->len) {
        body->too_large = true;
        free(body->bytes);
        body->bytes = NULL;
        body->len = body->size = 0;
        return;
    }
    if (body->len + chunk.len + 1 > body->size) {
        size_t size = body->size == 0 ? 1024 : body->size;
        uint64_t announced = body->req->content_length;
        while (size < body->len + chunk.len + 1) {
            size *= 2;
        }
        if (body->size == 0 && announced != VIRGA_LENGTH_UNKNOWN && announced <= body->limit) {
            size = (size_t)announced + 1;
        }
        char *larger = realloc(body->bytes, size);
        if (larger == NULL) {
            body->out_of_memory = true;
            return;
        }
        body->bytes = larger;
        body->size = size;
    }
    memcpy(body->bytes + body->len, chunk.ptr, chunk.len);
    body->len += chunk.len;
    body->bytes[body->len] = '\0';
}

static char *take_bytes(struct body *body) {
    char *bytes = body->bytes;
    body->bytes = NULL;
    return bytes;
}

/* --- an invocation's answer --- */

static struct virga_str header(const struct virga_request *req, const char *name) {
    return req->http->header(req, name);
}

static void answer_too_large(struct body *body) {
    struct environment *environment = body->environment;
    struct virga_request *req = body->req;
    const char *document = body->passes ? STREAM_TOO_LARGE_DOCUMENT : TOO_LARGE_DOCUMENT;
    unsigned long most = body->passes ? INVOCATION_STREAM_MAX : INVOCATION_PAYLOAD_MAX;
    char *payload = strdup(document);
    run_set_payload(environment, TOO_LARGE_TYPE, virga_str_from("application/json"), payload,
                    payload != NULL ? strlen(payload) : 0);
    runtime_api_refuse(req, 413, "RequestEntityTooLarge",
                       "Exceeded maximum allowed payload size (%lu bytes).", most);
    run_answered(environment);
}

static void answer_out_of_memory(struct body *body) {
    struct environment *environment = body->environment;
    struct virga_request *req = body->req;
    run_set_refused(environment, "out of memory");
    runtime_api_refuse(req, 500, "InternalServerError", "Internal Server Error");
    run_answered(environment);
}

static struct virga_str trailer(const struct virga_request *req, const char *name) {
    return VIRGA_HAS(struct virga_http, req->http, trailer) ? req->http->trailer(req, name)
                                                            : (struct virga_str){NULL, 0};
}

/* A streamed answer that says behind its end that it has failed. Source: the developer guide,
 * "Custom runtimes: response streaming". */
static bool complete_with_trailers(struct body *body) {
    struct environment *environment = body->environment;
    struct virga_request *req = body->req;
    struct virga_str given = trailer(req, "Lambda-Runtime-Function-Error-Type");
    struct virga_str base64 = trailer(req, "Lambda-Runtime-Function-Error-Body");
    char type[REPORT_TYPE_MAX + 1];
    size_t len = 0;
    if (given.ptr == NULL) {
        return false;
    }
    char *payload = base64.len > 0 ? malloc(base64.len) : NULL;
    if (payload != NULL && virga_base64_decode(base64, payload, &len) != 0) {
        len = 0;
    }
    report_type(given, type);
    run_set_payload(environment, type, virga_str_from("application/json"), payload, len);
    runtime_api_accept(req);
    run_answered(environment);
    return true;
}

static void complete_response(struct body *body) {
    struct environment *environment = body->environment;
    struct virga_request *req = body->req;
    if (environment->state != ENVIRONMENT_BUSY || !body->is_current) {
        runtime_api_refuse(req, 400, "InvalidRequestID", "Invalid request ID");
        return;
    }
    if (body->too_large) {
        answer_too_large(body);
        return;
    }
    if (body->out_of_memory) {
        answer_out_of_memory(body);
        return;
    }
    char type[REPORT_TYPE_MAX + 1];
    bool is_error = body->kind == BODY_ERROR;
    if (!is_error && complete_with_trailers(body)) {
        return;
    }
    if (is_error) {
        report_type(header(req, "Lambda-Runtime-Function-Error-Type"), type);
    }
    size_t len = body->len;
    run_set_payload(environment, is_error ? type : NULL, header(req, "Content-Type"),
                    take_bytes(body), len);
    runtime_api_accept(req);
    run_answered(environment);
}

static void complete_init_error(struct body *body) {
    struct environment *environment = body->environment;
    struct virga_request *req = body->req;
    char type[REPORT_TYPE_MAX + 1];
    report_type(header(req, "Lambda-Runtime-Function-Error-Type"), type);
    if (environment->state != ENVIRONMENT_INIT || environment->answered) {
        runtime_api_refuse(req, 403, "InvalidStateTransition", "The environment ends");
        return;
    }
    size_t len = body->len;
    run_set_payload(environment, type, virga_str_from("application/json"), take_bytes(body), len);
    runtime_api_accept(req);
    if (environment_set_timer(environment, ENVIRONMENT_EXIT_MS, environment_on_exit_awaited) != 0) {
        environment_on_exit_awaited(environment);
    }
}

/* --- what comes --- */

static int pass(struct body *body, struct virga_str chunk) {
    struct environment *environment = body->environment;
    struct invocation *invocation = environment->invocation;
    if (body->received > INVOCATION_STREAM_MAX) {
        body->too_large = true;
    }
    if (body->too_large || invocation == NULL || invocation->abandoned) {
        return VIRGA_BODY_GO_ON;
    }
    if (invocation->on_chunk(invocation, chunk) != VIRGA_BODY_PAUSE) {
        return VIRGA_BODY_GO_ON;
    }
    environment->pauses = true;
    body->paused = true;
    return VIRGA_BODY_PAUSE;
}

static void on_no_exit(void *arg) {
    struct environment *environment = arg;
    environment_stop_timer(environment);
    run_set_error(environment, "Runtime.TruncatedResponse", "HTTP request detected as truncated");
    run_answered(environment);
    environment_check(environment);
}

/* Either the process has ended, which is about to be told, or its client has given up. */
static void break_response(struct body *body) {
    struct environment *environment = body->environment;
    if (environment->state != ENVIRONMENT_BUSY || !body->is_current) {
        return;
    }
    environment->runtime = RUNTIME_RESPONSE_SENT;
    if (environment_set_timer(environment, ENVIRONMENT_EXIT_MS, on_no_exit) != 0) {
        on_no_exit(environment);
    }
}

static void complete(struct body *body) {
    switch (body->kind) {
    case BODY_RESPONSE:
    case BODY_ERROR:
        complete_response(body);
        break;
    case BODY_INIT_ERROR:
        complete_init_error(body);
        break;
    case BODY_REGISTER:
    case BODY_TELEMETRY:
        extensions_api_body(body);
        break;
    }
}

static int on_body(void *arg, struct virga_request *req, int status, struct virga_str chunk) {
    struct body *body = arg;
    if (status == VIRGA_BODY_DATA) {
        body->received += chunk.len;
        if (body->passes) {
            return pass(body, chunk);
        }
        append(body, chunk);
        return VIRGA_BODY_GO_ON;
    }
    body->is_current = body->environment->response == body;
    take_off(body);
    if (status == VIRGA_BODY_END) {
        complete(body);
    } else {
        if (body->kind == BODY_RESPONSE || body->kind == BODY_ERROR) {
            break_response(body);
        }
        req->http->abort(req);
    }
    free_body(body);
    return VIRGA_BODY_GO_ON;
}

static struct body *begin(struct environment *environment, struct virga_request *req,
                          enum body_kind kind, size_t extension) {
    struct body *body =
        environment->bodies_count < ENVIRONMENT_BODIES_MAX ? calloc(1, sizeof *body) : NULL;
    if (body == NULL) {
        runtime_api_refuse(req, 500, "InternalServerError", "Internal Server Error");
        return NULL;
    }
    body->environment = environment;
    body->req = req;
    body->kind = kind;
    body->extension = extension;
    body->limit =
        kind == BODY_REGISTER || kind == BODY_TELEMETRY ? SMALL_BODY_MAX : INVOCATION_PAYLOAD_MAX;
    body->next = environment->bodies;
    if (body->next != NULL) {
        body->next->previous = body;
    }
    environment->bodies = body;
    environment->bodies_count++;
    return body;
}

static void flow(struct body *body) {
    struct virga_request *req = body->req;
    if (req->http->body_start(req, on_body, body) != 0) {
        take_off(body);
        free_body(body);
        req->http->abort(req);
    }
}

void runtime_body_read(struct environment *environment, struct virga_request *req,
                       enum body_kind kind, size_t extension) {
    struct body *body = begin(environment, req, kind, extension);
    if (body != NULL) {
        flow(body);
    }
}

/* What "streaming" is answered where it is misspelled. */
static void refuse_mode(struct environment *environment, struct virga_request *req) {
    run_set_error(environment, "Runtime.InvalidResponseModeHeader",
                  "Invalid function response mode");
    runtime_api_refuse(req, 400, "InvalidFunctionResponseMode", "Invalid function response mode");
    run_answered(environment);
}

void runtime_answer_begin(struct environment *environment, struct virga_request *req,
                          bool is_error) {
    struct virga_str mode = header(req, "Lambda-Runtime-Function-Response-Mode");
    struct invocation *invocation = environment->invocation;
    bool streams = virga_str_equal(mode, virga_str_from("streaming"));
    if (!is_error && mode.len > 0 && !streams) {
        refuse_mode(environment, req);
        return;
    }
    struct body *body = begin(environment, req, is_error ? BODY_ERROR : BODY_RESPONSE, 0);
    if (body == NULL) {
        return;
    }
    environment->runtime = is_error ? RUNTIME_ERROR_RESPONSE : RUNTIME_RESPONSE;
    environment->response = body;
    if (!is_error && streams && invocation->streams) {
        body->passes = environment->passes = true;
        if (!invocation->abandoned) {
            invocation->on_head(invocation, header(req, "Content-Type").ptr);
        }
        if (environment->response != body) {
            return; /* on_head has killed the environment */
        }
    }
    flow(body);
}

void runtime_answer_resume(struct environment *environment) {
    struct body *body = environment->response;
    if (body != NULL && body->paused) {
        body->paused = false;
        body->req->http->body_resume(body->req);
    }
}

void runtime_answer_detach(struct environment *environment) {
    struct body *body = environment->response;
    environment->response = NULL;
    environment->pauses = false;
    if (body != NULL && body->paused) {
        body->paused = false;
        body->req->http->body_resume(body->req);
    }
}
