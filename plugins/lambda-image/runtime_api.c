/* SPDX-License-Identifier: MIT */
/* The port that an environment's process talks to: the Runtime API itself, and the way to the
 * Extensions API. Source: the developer guide, "Using the Lambda runtime API"; texts of refusals:
 * aws-lambda-runtime-interface-emulator, rapi/rendering. */
#include "environment_impl.h"

#include <stdarg.h>
#include <virga/helpers/json_writer.h>

#define RUNTIME_PREFIX "/2018-06-01/"
#define EXTENSIONS_PREFIX "/2020-01-01/extension/"

/* --- answers --- */

static void answer(struct virga_request *req, int status, const char *type, struct virga_str body) {
    const struct virga_header header = {virga_str_from("Content-Type"), virga_str_from(type)};
    const struct virga_response res = {.struct_size = sizeof res,
                                       .status = status,
                                       .headers = &header,
                                       .headers_count = 1,
                                       .body = body};
    (void)req->http->respond(req, &res);
}

void runtime_api_refuse(struct virga_request *req, int status, const char *error_type,
                        const char *format, ...) {
    struct virga_json_writer writer = {0};
    char message[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "errorMessage", message);
    virga_json_string(&writer, "errorType", error_type);
    virga_json_end_object(&writer);
    answer(req, writer.failed ? 500 : status, "application/json",
           (struct virga_str){writer.ptr, writer.failed ? 0 : writer.len});
    virga_json_finish(&writer);
}

void runtime_api_accept(struct virga_request *req) {
    answer(req, 202, "application/json", virga_str_from("{\"status\":\"OK\"}\n"));
}

const char *runtime_state_name(enum runtime_state state) {
    static const char *const names[] = {
        [RUNTIME_STARTED] = "Started",
        [RUNTIME_INIT_ERROR] = "InitError",
        [RUNTIME_READY] = "Ready",
        [RUNTIME_RUNNING] = "Running",
        [RUNTIME_RESPONSE] = "InvocationResponse",
        [RUNTIME_ERROR_RESPONSE] = "InvocationErrorResponse",
        [RUNTIME_RESPONSE_SENT] = "RuntimeResponseSentState",
    };
    return names[state];
}

static void refuse_transition(const struct environment *environment, struct virga_request *req,
                              enum runtime_state to) {
    runtime_api_refuse(req, 403, "InvalidStateTransition",
                       "State transition from %s to %s failed for runtime. Error: State transition "
                       "is not allowed",
                       runtime_state_name(environment->runtime), runtime_state_name(to));
}

/* --- the next event --- */

static void on_next_cancelled(void *arg, struct virga_request *req, int status) {
    struct environment *environment = arg;
    (void)status;
    environment->runtime_next = NULL;
    req->http->abort(req);
}

static void next(struct environment *environment, struct virga_request *req) {
    if (environment->runtime == RUNTIME_INIT_ERROR || environment->runtime == RUNTIME_RESPONSE ||
        environment->runtime == RUNTIME_ERROR_RESPONSE) {
        refuse_transition(environment, req, RUNTIME_READY);
        return;
    }
    if (environment->runtime_next != NULL) {
        struct virga_request *older = environment->runtime_next;
        environment->runtime_next = NULL;
        older->http->abort(older);
    }
    /* A runtime that asks again without an answer gets the same event again, as on AWS. */
    environment->owed |= environment->runtime == RUNTIME_RUNNING && !environment->answered;
    environment->runtime = RUNTIME_READY;
    environment->runtime_next = req;
    req->http->on_cancel(req, on_next_cancelled, environment);
    run_give(environment);
    environment_check(environment);
}

/* --- which request it is --- */

static bool is_method(const struct virga_request *req, const char *method) {
    return virga_str_equal(req->method, virga_str_from(method));
}

/* Takes `start` off the path. */
static bool take(struct virga_str *path, const char *start) {
    size_t len = strlen(start);
    if (path->len < len || memcmp(path->ptr, start, len) != 0) {
        return false;
    }
    *path = (struct virga_str){path->ptr + len, path->len - len};
    return true;
}

static void refuse_path(struct virga_request *req) {
    answer(req, 404, "text/plain; charset=utf-8", virga_str_from("404 page not found\n"));
}

static void refuse_method(struct virga_request *req) {
    answer(req, 405, "text/plain; charset=utf-8", virga_str_from(""));
}

/* <request id>/response and <request id>/error */
static void handle_invocation(struct environment *environment, struct virga_request *req,
                              struct virga_str path) {
    const char *slash = memchr(path.ptr, '/', path.len);
    struct virga_str id = {path.ptr, slash != NULL ? (size_t)(slash - path.ptr) : 0};
    struct virga_str what = slash != NULL ? virga_str_from(slash) : virga_str_from("");
    bool is_error = virga_str_equal(what, virga_str_from("/error"));
    if (!is_error && !virga_str_equal(what, virga_str_from("/response"))) {
        refuse_path(req);
    } else if (!is_method(req, "POST")) {
        refuse_method(req);
    } else if (environment->state != ENVIRONMENT_BUSY ||
               !virga_str_equal(id, virga_str_from(environment->request_id))) {
        runtime_api_refuse(req, 400, "InvalidRequestID", "Invalid request ID");
    } else if (environment->runtime != RUNTIME_RUNNING) {
        refuse_transition(environment, req, is_error ? RUNTIME_ERROR_RESPONSE : RUNTIME_RESPONSE);
    } else {
        runtime_answer_begin(environment, req, is_error);
    }
}

static void handle_init_error(struct environment *environment, struct virga_request *req) {
    if (environment->state != ENVIRONMENT_INIT || environment->runtime != RUNTIME_STARTED) {
        refuse_transition(environment, req, RUNTIME_INIT_ERROR);
        return;
    }
    environment->runtime = RUNTIME_INIT_ERROR;
    runtime_body_read(environment, req, BODY_INIT_ERROR, 0);
}

static void handle_runtime(struct environment *environment, struct virga_request *req,
                           struct virga_str path) {
    if (virga_str_equal(path, virga_str_from("runtime/invocation/next"))) {
        is_method(req, "GET") ? next(environment, req) : refuse_method(req);
    } else if (take(&path, "runtime/invocation/")) {
        handle_invocation(environment, req, path);
    } else if (virga_str_equal(path, virga_str_from("runtime/init/error"))) {
        is_method(req, "POST") ? handle_init_error(environment, req) : refuse_method(req);
    } else if (virga_str_equal(path, virga_str_from("ping"))) {
        answer(req, 200, "text/plain; charset=utf-8", virga_str_from("pong"));
    } else {
        refuse_path(req);
    }
}

void runtime_api_handle(void *arg, struct virga_request *req) {
    struct environment *environment = arg;
    struct virga_str path = req->path;
    const struct executor *executor = environment->executor;
    if (executor->admits != NULL && !executor->admits(environment->executor, req->peer)) {
        answer(req, 403, "text/plain; charset=utf-8",
               virga_str_from("this port is for a function that virga runs\n"));
    } else if (take(&path, RUNTIME_PREFIX)) {
        handle_runtime(environment, req, path);
    } else if (take(&path, EXTENSIONS_PREFIX)) {
        extensions_api_handle(environment, req, path);
    } else if (virga_str_equal(path, virga_str_from("/2022-07-01/telemetry")) ||
               virga_str_equal(path, virga_str_from("/2022-07-01/telemetry/")) ||
               virga_str_equal(path, virga_str_from("/2020-08-15/logs"))) {
        is_method(req, "PUT") ? telemetry_subscribe(environment, req) : refuse_method(req);
    } else {
        refuse_path(req);
    }
}

/* --- the end --- */

static void abort_parked(struct virga_request **parked) {
    struct virga_request *req = *parked;
    *parked = NULL;
    if (req != NULL) {
        req->http->abort(req);
    }
}

void runtime_api_break_off(struct environment *environment) {
    abort_parked(&environment->runtime_next);
    for (size_t i = 0; i < environment->extensions_count; i++) {
        abort_parked(&environment->extensions[i].next);
    }
    runtime_bodies_break_off(environment);
}
