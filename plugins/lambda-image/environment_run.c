/* SPDX-License-Identifier: MIT */
/* One invocation in an environment: START, the event, the answer, END and REPORT, and its end for
 * who invoked. */
#include "environment_impl.h"

#include <errno.h>
#include <stdlib.h>

/* --- results --- */

static void forget_result(struct environment *environment) {
    free(environment->payload);
    environment->payload = NULL;
    environment->result = (struct invocation_result){0};
}

void run_set_error(struct environment *environment, const char *error_type, const char *message) {
    forget_result(environment);
    (void)snprintf(environment->error_type, sizeof environment->error_type, "%s", error_type);
    size_t len = report_document(environment->request_id, message, environment->error_type,
                                 environment->document);
    environment->result = (struct invocation_result){.outcome = INVOCATION_ERROR,
                                                     .error_type = environment->error_type,
                                                     .payload = {environment->document, len},
                                                     .content_type = "application/json"};
    environment->answered = true;
}

void run_set_payload(struct environment *environment, const char *error_type,
                     struct virga_str content_type, char *payload, size_t len) {
    forget_result(environment);
    if (error_type != NULL) {
        (void)snprintf(environment->error_type, sizeof environment->error_type, "%s", error_type);
    }
    if (content_type.ptr != NULL) {
        (void)snprintf(environment->content_type, sizeof environment->content_type, "%s",
                       content_type.ptr);
    }
    environment->payload = payload;
    environment->result = (struct invocation_result){
        .outcome = error_type != NULL ? INVOCATION_ERROR : INVOCATION_DONE,
        .error_type = error_type != NULL ? environment->error_type : NULL,
        .payload = {payload != NULL ? payload : "", len},
        .content_type = content_type.ptr != NULL ? environment->content_type : NULL};
    environment->answered = true;
}

void run_set_refused(struct environment *environment, const char *message) {
    forget_result(environment);
    (void)snprintf(environment->document, sizeof environment->document,
                   "The function's environment could not be run: %s", message);
    environment->result = (struct invocation_result){.outcome = INVOCATION_REFUSED,
                                                     .status = 500,
                                                     .code = "ServiceException",
                                                     .message = environment->document};
    environment->answered = true;
}

/* --- the beginning --- */

void run_take(struct environment *environment, struct invocation *invocation) {
    forget_result(environment);
    environment->invocation = invocation;
    invocation->runner = environment;
    memcpy(environment->request_id, invocation->request_id, sizeof environment->request_id);
    environment->wants_tail = invocation->wants_tail;
    environment->started = environment->owed = environment->answered = false;
    environment->hold_over = environment->settled = false;
    environment->ready_ns = 0;
    environment->passes = environment->pauses = false;
}

static void on_timeout(void *arg) {
    struct environment *environment = arg;
    char message[64];
    (void)snprintf(message, sizeof message, "Task timed out after %.2f seconds",
                   (double)environment->function->timeout_ms / 1000);
    environment_fail(environment, "timeout", "Sandbox.Timedout", message, SHUTDOWN_TIMEOUT);
}

/* Sets the timer for what is left of the function's time. */
static void set_timeout(struct environment *environment) {
    int64_t spent_ms =
        (int64_t)((environment_now_ns(environment) - environment->started_ns) / 1000000);
    if (environment_set_timer(environment, environment->function->timeout_ms - spent_ms,
                              on_timeout) != 0) {
        LAMBDA_LOG(environment->lambda, VIRGA_LOG_ERROR, NULL,
                   "out of memory: an invocation of %s has no time limit",
                   environment->function->arn);
    }
}

void run_start(struct environment *environment) {
    const struct lambda *lambda = environment->lambda;
    char line[REPORT_SIZE];
    environment->started = true;
    environment->started_ns = environment_now_ns(environment);
    environment->deadline_ms =
        lambda->timer->now_ms(lambda->host) + environment->function->timeout_ms;
    size_t len = report_start(environment->request_id, environment->function->version, line);
    output_platform(environment, "", 0);
    if (environment->state != ENVIRONMENT_INIT || environment->init_late) {
        output_reset_tail(
            environment); /* what an init has written is not the tail's, or it failed */
    }
    output_platform(environment, line, len);
    set_timeout(environment);
}

void run_deliver(struct environment *environment) {
    environment->owed = true;
    for (size_t i = 0; i < environment->extensions_count; i++) {
        struct extension *extension = &environment->extensions[i];
        extension->owed_invoke = extension->wants_invoke && extension->state != EXTENSION_FAILED;
    }
    run_give(environment);
    extensions_give(environment);
}

static void add(struct virga_header *headers, size_t *count, const char *name, const char *value) {
    if (value != NULL && value[0] != '\0') {
        headers[(*count)++] = (struct virga_header){virga_str_from(name), virga_str_from(value)};
    }
}

/* JSON as a header's value: line breaks between its tokens become blanks. NULL: there is none. */
static const char *flatten(struct virga_request *req, const char *json) {
    if (json == NULL || strpbrk(json, "\r\n") == NULL) {
        return json;
    }
    size_t len = strlen(json);
    char *flat = req->http->alloc(req, len + 1);
    for (size_t i = 0; flat != NULL && i <= len; i++) {
        flat[i] = json[i] == '\r' || json[i] == '\n' ? ' ' : json[i];
    }
    return flat;
}

void run_give(struct environment *environment) {
    struct virga_request *req = environment->runtime_next;
    const struct invocation *invocation = environment->invocation;
    if (!environment->owed || req == NULL || invocation == NULL) {
        return;
    }
    struct virga_header headers[8];
    size_t count = 0;
    char deadline[24];
    (void)snprintf(deadline, sizeof deadline, "%lld", (long long)environment->deadline_ms);
    add(headers, &count, "Content-Type", "application/json");
    add(headers, &count, "Lambda-Runtime-Aws-Request-Id", invocation->request_id);
    add(headers, &count, "Lambda-Runtime-Deadline-Ms", deadline);
    add(headers, &count, "Lambda-Runtime-Invoked-Function-Arn", invocation->invoked_arn);
    add(headers, &count, "Lambda-Runtime-Trace-Id", invocation->trace_id);
    add(headers, &count, "Lambda-Runtime-Client-Context", flatten(req, invocation->client_context));
    add(headers, &count, "Lambda-Runtime-Cognito-Identity",
        flatten(req, invocation->cognito_identity));
    const struct virga_response res = {.struct_size = sizeof res,
                                       .status = 200,
                                       .headers = headers,
                                       .headers_count = count,
                                       .body = {invocation->payload, invocation->payload_len}};
    environment->runtime_next = NULL;
    if (req->http->respond(req, &res) == 0) {
        environment->owed = false;
        environment->runtime = RUNTIME_RUNNING;
    }
}

/* --- the answer --- */

/* A runtime that does not stream, for one who wants it streamed. */
static void give_single_chunk(struct environment *environment) {
    struct invocation *invocation = environment->invocation;
    struct virga_str payload = environment->result.payload;
    if (!invocation->streams || environment->passes || invocation->abandoned ||
        environment->result.outcome != INVOCATION_DONE) {
        return;
    }
    environment->passes = true;
    invocation->on_head(invocation, environment->result.content_type);
    if (environment->invocation == invocation && payload.len > 0) {
        environment->pauses = invocation->on_chunk(invocation, payload) == VIRGA_BODY_PAUSE;
    }
    environment->result.payload = (struct virga_str){"", 0};
}

static bool is_held(const struct environment *environment) {
    return environment->wants_tail || environment->pauses || !environment->hold_over;
}

static void on_hold_over(void *arg) {
    struct environment *environment = arg;
    environment->hold_over = true;
    /* From now on it is the runtime's own time: the function's timeout goes on. */
    set_timeout(environment);
    if (!is_held(environment)) {
        run_done(environment);
    }
}

void run_answered(struct environment *environment) {
    if (environment->runtime != RUNTIME_READY) {
        environment->runtime = RUNTIME_RESPONSE_SENT;
    }
    give_single_chunk(environment);
    if (environment->state == ENVIRONMENT_BUSY &&
        environment_set_timer(environment, ENVIRONMENT_HOLD_MS, on_hold_over) != 0) {
        on_hold_over(environment);
    }
}

void run_resumed(struct environment *environment) {
    if (environment->state == ENVIRONMENT_BUSY && environment->answered &&
        environment->invocation != NULL && !is_held(environment)) {
        run_done(environment);
    }
    environment_check(environment);
}

void environment_resume(struct environment *environment) {
    environment->pauses = false;
    runtime_answer_resume(environment);
    if (environment->answered) {
        environment_later(environment);
    }
}

/* --- the end --- */

void run_done(struct environment *environment) {
    struct invocation *invocation = environment->invocation;
    char tail[INVOCATION_TAIL_MAX];
    if (invocation == NULL) {
        return;
    }
    struct invocation_result result = environment->result;
    if (environment->wants_tail) {
        result.tail = (struct virga_str){tail, output_tail(environment, tail)};
    }
    char *payload = environment->payload;
    environment->payload = NULL;
    environment->result = (struct invocation_result){0};
    environment->invocation = NULL;
    invocation->runner = NULL;
    invocation->on_done(invocation, &result);
    free(payload);
}

void run_over(struct environment *environment, const char *status, const char *error_type) {
    const struct executor *executor = environment->executor;
    struct report report = {
        .request_id = environment->request_id,
        .duration_ns = (int64_t)((environment->ready_ns != 0 ? environment->ready_ns
                                                             : environment_now_ns(environment)) -
                                 environment->started_ns),
        .memory_mb = environment->function->memory_mb,
        .peak_bytes =
            environment->instance != NULL ? executor->memory_peak(environment->instance) : -1,
        .init_ns = environment->init_ns,
        .status = status,
        .error_type = error_type};
    char line[2 * REPORT_SIZE];
    /* What the timer was late by is nobody's time. */
    int64_t limit_ns = environment->function->timeout_ms * 1000000;
    if (report.peak_bytes < 0 && error_type != NULL &&
        strcmp(error_type, "Runtime.OutOfMemory") == 0) {
        report.peak_bytes = report.memory_mb * 1024 * 1024; /* who counted it is gone with it */
    }
    if (status != NULL && strcmp(status, "timeout") == 0 && report.duration_ns > limit_ns) {
        report.duration_ns = limit_ns;
    }
    size_t len = report_end(environment->request_id, line);
    len += report_line(&report, line + len);
    output_platform(environment, line, len);
    run_done(environment);
}

static void finish(struct environment *environment) {
    environment_stop_timer(environment);
    run_over(environment, NULL, NULL);
    if (environment->state == ENVIRONMENT_BUSY) {
        environment_become_idle(environment);
    }
}

static void on_settled(void *arg) {
    struct environment *environment = arg;
    environment->settled = true;
    finish(environment);
}

void run_everybody_is_ready(struct environment *environment) {
    if (environment->invocation != NULL && environment->pauses) {
        return;
    }
    if (environment->ready_ns == 0) {
        environment->ready_ns = environment_now_ns(environment);
    }
    if (environment->invocation == NULL || !environment->wants_tail || environment->settled) {
        finish(environment);
    } else if (environment_set_timer(environment, ENVIRONMENT_SETTLE_MS, on_settled) != 0) {
        on_settled(environment);
    }
}
