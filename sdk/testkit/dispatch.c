/* SPDX-License-Identifier: MIT */
/* virga.dispatch/1: other services, answered from the script. */
#include <stdlib.h>

#include "kit.h"

#define BODY_LIMIT_BYTES (UINT64_C(4) * 1024 * 1024)

struct virga_dispatch_handle {
    struct handle handle;
    struct task task;
    char *method;
    char *target;
    struct text headers;
    struct text body;
    uint64_t limit_bytes;
    bool cancelled;
    void (*on_done)(void *arg, const struct virga_dispatch_response *res);
    void *arg;
};

static void free_call(struct virga_dispatch_handle *call) {
    kit_handle_remove(&call->handle);
    kit_task_disarm(&call->task);
    kit_text_free(&call->headers);
    kit_text_free(&call->body);
    free(call->method);
    free(call->target);
    free(call);
}

static void drop(struct handle *handle) {
    free_call(LINK_ENTRY(handle, struct virga_dispatch_handle, handle));
}

static void finish(struct task *task) {
    /* What a host says of a JSON service that no plugin serves. */
    static const struct testkit_answer nobody = {
        .status = 400,
        .headers = "Content-Type: application/x-amz-json-1.1\n",
        .body = "{\"__type\":\"UnknownOperationException\",\"message\":\"testkit: no answer is "
                "scripted\"}",
    };
    struct virga_dispatch_handle *call = LINK_ENTRY(task, struct virga_dispatch_handle, task);
    struct testkit *kit = call->handle.kit;
    struct virga_dispatch_response res = {.struct_size = sizeof res, .body = {"", 0}};
    struct virga_header *headers = NULL;
    struct kit_call guard;
    const struct testkit_answer *answer =
        call->cancelled
            ? NULL
            : kit_script_take(kit, TESTKIT_DISPATCH, call->method, call->target, &call->headers,
                              (struct virga_str){kit_text_get(&call->body), call->body.len});
    answer = answer == NULL ? &nobody : answer;
    size_t length = answer == &nobody ? strlen(nobody.body) : answer->body_length;
    res.error = call->cancelled ? -ECANCELED : answer->error;
    if (res.error == 0 && length > call->limit_bytes) {
        res.error = -EMSGSIZE;
    }
    if (res.error == 0) {
        headers = kit_headers_parse(answer->headers, &res.headers_count);
        res.headers = headers;
        res.status = answer->status;
        res.body = (struct virga_str){answer->body, length};
    }
    kit_handle_remove(&call->handle);
    kit_enter(&guard, kit, "dispatch on_done");
    call->on_done(call->arg, &res);
    kit_leave(&guard);
    free(headers);
    free_call(call);
}

static void add_header(struct text *to, const char *name, struct virga_str value) {
    if (value.ptr != NULL) {
        const struct virga_header header = {virga_str_from(name), value};
        kit_headers_format(to, &header, 1);
    }
}

static int call_service(const struct virga_host *host, const struct virga_dispatch_request *given,
                        struct virga_dispatch_handle **ret_call) {
    struct testkit *kit = kit_from(host);
    struct virga_dispatch_request request = {0};
    memcpy(&request, given,
           given->struct_size < sizeof request ? given->struct_size : sizeof request);
    if (request.on_done == NULL ||
        (request.target.ptr != NULL && request.target.len > 0 && request.target.ptr[0] != '/')) {
        return -EINVAL;
    }
    if (kit_alloc_fails(kit)) {
        return -ENOMEM;
    }
    struct virga_dispatch_handle *call = kit_must_alloc(sizeof *call);
    struct virga_str target = request.target.len > 0 ? request.target : virga_str_from("/");
    struct virga_str action =
        kit_headers_find(request.headers, request.headers_count, "x-amz-target");
    struct text line = {0};
    /* The action stands in the target's line, so that a script can be matched by it. */
    kit_text_add(&line, target.ptr, target.len);
    if (action.ptr != NULL) {
        kit_text_add(&line, " ", 1);
        kit_text_add(&line, action.ptr, action.len);
    }
    call->method = kit_must_strdup(request.method != NULL ? request.method : "POST");
    call->target = kit_must_copy(kit_text_get(&line), line.len);
    kit_text_free(&line);
    kit_headers_format(&call->headers, request.headers, request.headers_count);
    add_header(&call->headers, "testkit-account", request.account);
    add_header(&call->headers, "testkit-region", request.region);
    add_header(&call->headers, "testkit-service", request.service);
    kit_text_add(&call->body, request.body.ptr, request.body.len);
    call->limit_bytes = request.body_limit_bytes != 0 ? request.body_limit_bytes : BODY_LIMIT_BYTES;
    call->on_done = request.on_done;
    call->arg = request.arg;
    task_init(&call->task);
    kit_handle_add(kit, &call->handle, "call to another service that is under way", drop);
    kit_task_arm(kit, &call->task, finish);
    if (ret_call != NULL) {
        *ret_call = call;
    }
    return 0;
}

static void cancel(struct virga_dispatch_handle *call) {
    call->cancelled = true;
}

const struct virga_dispatch kit_dispatch = {
    .struct_size = sizeof kit_dispatch,
    .call = call_service,
    .cancel = cancel,
};
