/* SPDX-License-Identifier: MIT */
/* virga.fetch/1: buffered and streamed, answered from the script. */
#include <stdlib.h>

#include "kit.h"

#define BODY_LIMIT_BYTES (UINT64_C(4) * 1024 * 1024)
#define SEND_BUFFER_BYTES 16384

enum fetch_stage { FETCH_SEND, FETCH_HEAD, FETCH_BODY, FETCH_END };

struct virga_fetch_handle {
    struct handle handle;
    struct task task;
    struct virga_fetch_request given; /* pointers into what the next members own */
    char *method;
    char *url;
    struct text headers;
    struct text body;
    enum fetch_stage stage;
    bool waits; /* for resume() */
    bool in_callback;
    bool resumed_early;
    int error; /* of cancel() */
    const struct testkit_answer *answer;
    struct virga_header *answer_headers;
    size_t answer_headers_count;
    size_t taken; /* of the answer's body */
};

static void free_fetch(struct virga_fetch_handle *fetch) {
    kit_handle_remove(&fetch->handle);
    kit_task_disarm(&fetch->task);
    kit_text_free(&fetch->headers);
    kit_text_free(&fetch->body);
    free(fetch->method);
    free(fetch->url);
    free(fetch->answer_headers);
    free(fetch);
}

static void drop(struct handle *handle) {
    free_fetch(LINK_ENTRY(handle, struct virga_fetch_handle, handle));
}

/* --- the steps; each returns false when it waits for resume() --- */

static bool send_body(struct virga_fetch_handle *fetch) {
    char buffer[SEND_BUFFER_BYTES];
    struct kit_call call;
    while (fetch->given.on_send != NULL) {
        fetch->in_callback = true;
        fetch->resumed_early = false;
        kit_enter(&call, fetch->handle.kit, "fetch on_send");
        size_t len = fetch->given.on_send(fetch->given.arg, buffer, sizeof buffer);
        kit_leave(&call);
        fetch->in_callback = false;
        if (len == VIRGA_FETCH_WAIT) {
            if (fetch->resumed_early) {
                continue;
            }
            return false;
        }
        if (len == 0 || fetch->error != 0) {
            break;
        }
        if (len > sizeof buffer) {
            kit_problem(fetch->handle.kit, "fetch on_send returned %zu for a buffer of %zu", len,
                        sizeof buffer);
            break;
        }
        kit_text_add(&fetch->body, buffer, len);
    }
    fetch->answer = kit_script_take(
        fetch->handle.kit, TESTKIT_FETCH, fetch->method, fetch->url, &fetch->headers,
        (struct virga_str){kit_text_get(&fetch->body), fetch->body.len});
    if (fetch->answer != NULL) {
        fetch->answer_headers =
            kit_headers_parse(fetch->answer->headers, &fetch->answer_headers_count);
    }
    return true;
}

static int error_of(const struct virga_fetch_handle *fetch) {
    uint64_t limit =
        fetch->given.body_limit_bytes != 0 ? fetch->given.body_limit_bytes : BODY_LIMIT_BYTES;
    if (fetch->error != 0) {
        return fetch->error;
    }
    if (fetch->answer == NULL) {
        return -ECONNREFUSED;
    }
    if (fetch->answer->error == 0 && fetch->given.on_chunk == NULL &&
        fetch->answer->body_length > limit) {
        return -EMSGSIZE;
    }
    return fetch->answer->error;
}

static struct virga_fetch_response response_of(const struct virga_fetch_handle *fetch) {
    int error = error_of(fetch);
    struct virga_fetch_response res = {
        .struct_size = sizeof res,
        .error = error,
        .error_text = error != 0 ? strerror(-error) : "",
        .body = {"", 0},
    };
    if (fetch->answer != NULL && (error == 0 || fetch->stage == FETCH_END)) {
        res.status = error == 0 || fetch->given.on_chunk != NULL ? fetch->answer->status : 0;
        res.headers = fetch->answer_headers;
        res.headers_count = fetch->answer_headers_count;
    }
    return res;
}

static void tell_head(struct virga_fetch_handle *fetch) {
    struct virga_fetch_response res = response_of(fetch);
    struct kit_call call;
    if (fetch->given.on_head != NULL && res.error == 0) {
        kit_enter(&call, fetch->handle.kit, "fetch on_head");
        fetch->given.on_head(fetch->given.arg, &res);
        kit_leave(&call);
    }
}

/* A part that was not used up comes again. */
static bool tell_body(struct virga_fetch_handle *fetch) {
    struct kit_call call;
    while (fetch->given.on_chunk != NULL && error_of(fetch) == 0 &&
           fetch->taken < fetch->answer->body_length) {
        size_t len = fetch->answer->body_length - fetch->taken;
        size_t piece = fetch->answer->piece_bytes;
        struct virga_str chunk = {fetch->answer->body + fetch->taken,
                                  piece > 0 && piece < len ? piece : len};
        fetch->in_callback = true;
        fetch->resumed_early = false;
        kit_enter(&call, fetch->handle.kit, "fetch on_chunk");
        int result = fetch->given.on_chunk(fetch->given.arg, chunk);
        kit_leave(&call);
        fetch->in_callback = false;
        if (result == VIRGA_BODY_PAUSE && fetch->error == 0) {
            if (fetch->resumed_early) {
                continue;
            }
            return false;
        }
        fetch->taken += chunk.len;
    }
    return true;
}

static void finish(struct virga_fetch_handle *fetch) {
    struct virga_fetch_response res = response_of(fetch);
    struct kit_call call;
    if (res.error == 0 && fetch->given.on_chunk == NULL) {
        res.body = (struct virga_str){fetch->answer->body, fetch->answer->body_length};
    }
    /* Not in the list any more: whatever the callback does, it is done. */
    kit_handle_remove(&fetch->handle);
    kit_enter(&call, fetch->handle.kit, "fetch on_done");
    fetch->given.on_done(fetch->given.arg, &res);
    kit_leave(&call);
    free_fetch(fetch);
}

static void step(struct task *task) {
    struct virga_fetch_handle *fetch = LINK_ENTRY(task, struct virga_fetch_handle, task);
    fetch->waits = false;
    if (fetch->stage == FETCH_SEND && fetch->error == 0) {
        if (!send_body(fetch)) {
            fetch->waits = true;
            return;
        }
        fetch->stage = FETCH_HEAD;
    }
    if (fetch->stage == FETCH_HEAD && fetch->error == 0) {
        tell_head(fetch);
        fetch->stage = FETCH_BODY;
    }
    if (fetch->stage == FETCH_BODY && fetch->error == 0 && !tell_body(fetch)) {
        fetch->waits = true;
        return;
    }
    fetch->stage = FETCH_END;
    finish(fetch);
}

/* --- the interface --- */

static int start(const struct virga_host *host, const struct virga_fetch_request *given,
                 struct virga_fetch_handle **ret_fetch) {
    struct testkit *kit = kit_from(host);
    struct virga_fetch_request request = {0};
    memcpy(&request, given,
           given->struct_size < sizeof request ? given->struct_size : sizeof request);
    if (request.on_done == NULL || request.url == NULL ||
        (strncmp(request.url, "http://", 7) != 0 && strncmp(request.url, "https://", 8) != 0) ||
        (request.on_send != NULL && request.body.len > 0)) {
        return -EINVAL;
    }
    if (kit_alloc_fails(kit)) {
        return -ENOMEM;
    }
    struct virga_fetch_handle *fetch = kit_must_alloc(sizeof *fetch);
    fetch->given = request;
    fetch->method = kit_must_strdup(request.method != NULL ? request.method : "GET");
    fetch->url = kit_must_strdup(request.url);
    kit_headers_format(&fetch->headers, request.headers, request.headers_count);
    kit_text_add(&fetch->body, request.body.ptr, request.body.len);
    task_init(&fetch->task);
    kit_handle_add(kit, &fetch->handle, "fetch that is under way", drop);
    kit_task_arm(kit, &fetch->task, step);
    if (ret_fetch != NULL) {
        *ret_fetch = fetch;
    }
    return 0;
}

static void cancel(struct virga_fetch_handle *fetch) {
    fetch->error = -ECANCELED;
    fetch->resumed_early = true;
    if (!fetch->in_callback) {
        kit_task_arm(fetch->handle.kit, &fetch->task, step);
    }
}

static void resume(struct virga_fetch_handle *fetch) {
    fetch->resumed_early = fetch->in_callback;
    if (fetch->waits) {
        kit_task_arm(fetch->handle.kit, &fetch->task, step);
    }
}

const struct virga_fetch kit_fetch = {
    .struct_size = sizeof kit_fetch,
    .start = start,
    .cancel = cancel,
    .resume = resume,
};
