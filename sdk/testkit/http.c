/* SPDX-License-Identifier: MIT */
/* virga.http/1: what the plugin does with a request, and what a client would have got. */
#include <stdlib.h>
#include <strings.h>

#include "request.h"

static void *http_alloc(struct virga_request *pub, size_t size) {
    struct testkit_request *req = request_from(pub);
    if (!kit_request_answerable(req, "alloc()")) {
        return NULL;
    }
    return kit_alloc_fails(req->kit) ? NULL : kit_request_memory(req, size);
}

static struct virga_str http_header(const struct virga_request *pub, const char *name) {
    return kit_headers_find(pub->headers, pub->headers_count, name);
}

/* The strings live as long as the test's request: nobody may rely on it. */
static struct virga_str http_trailer(const struct virga_request *pub, const char *name) {
    struct testkit_request *req = request_from((struct virga_request *)(uintptr_t)pub);
    if ((pub->flags & VIRGA_REQUEST_STREAMS) != 0 && !link_alone(&req->pieces)) {
        return (struct virga_str){NULL, 0};
    }
    if (req->trailers == NULL) {
        req->trailers = kit_headers_parse(kit_text_get(&req->trailer_lines), &req->trailers_count);
    }
    return kit_headers_find(req->trailers, req->trailers_count, name);
}

/* --- the head --- */

/* Source: RFC 9110, 5.6.2. */
static bool is_token(struct virga_str text) {
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || strchr(others, c) == NULL)) {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_value(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\0' || text.ptr[i] == '\r' || text.ptr[i] == '\n') {
            return false;
        }
    }
    return true;
}

void kit_request_set_head(struct testkit_request *req, int status,
                          const struct virga_header *headers, size_t count) {
    req->status = status;
    req->answer_headers.len = 0;
    req->answer.len = 0;
    kit_headers_format(&req->answer_headers, headers, count);
    free(req->answer_header_list);
    req->answer_header_list =
        kit_headers_parse(kit_text_get(&req->answer_headers), &req->answer_headers_count);
}

int kit_request_take_head(struct testkit_request *req, const struct virga_response *res) {
    if (res->status < 200 || res->status > 599 ||
        (res->headers_count > 0 && res->headers == NULL)) {
        kit_problem(req->kit, "%s: an answer with status %d%s", req->name, res->status,
                    res->headers_count > 0 && res->headers == NULL ? " and no headers" : "");
        return -EINVAL;
    }
    for (size_t i = 0; i < res->headers_count; i++) {
        const struct virga_header *header = &res->headers[i];
        if (!is_token(header->name) || !is_value(header->value)) {
            kit_problem(req->kit, "%s: an answer with the malformed header \"%.*s\"", req->name,
                        (int)(header->name.len < 100 ? header->name.len : 100),
                        header->name.ptr != NULL ? header->name.ptr : "");
            return -EINVAL;
        }
    }
    if (kit_alloc_fails(req->kit)) {
        return -ENOMEM;
    }
    kit_request_set_head(req, res->status, res->headers, res->headers_count);
    return 0;
}

static bool sends_body(const struct testkit_request *req) {
    return strcmp(req->method, "HEAD") != 0 && req->status != 204 && req->status != 304;
}

/* The fields that the plugin's minor has. */
static struct virga_response known_fields(const struct virga_response *given) {
    struct virga_response res = {0};
    memcpy(&res, given, given->struct_size < sizeof res ? given->struct_size : sizeof res);
    return res;
}

/* --- whole answers --- */

static void release(const struct virga_response *res) {
    if (res->release != NULL) {
        res->release(res->release_arg);
    }
}

/* In the host the client gets 500 and hears nothing of what was meant. */
static void fail(struct testkit_request *req) {
    kit_request_set_error(req, 500, "The service gave no proper answer");
}

static int respond(struct virga_request *pub, const struct virga_response *given) {
    struct testkit_request *req = request_from(pub);
    struct virga_response res = known_fields(given);
    req->answers++;
    if (!kit_request_answerable(req, "respond()")) {
        release(&res);
        return -EINVAL;
    }
    int result = 0;
    if (req->cancelled != 0) {
        result = -ECANCELED;
    } else if (req->state == REQUEST_ANSWERING) {
        kit_problem(req->kit, "%s: respond() after respond_begin()", req->name);
        req->complete = false;
        result = -EINVAL;
    } else {
        result = kit_request_take_head(req, &res);
        if (result != 0) {
            fail(req);
        } else {
            if (sends_body(req)) {
                kit_text_add(&req->answer, res.body.ptr, res.body.len);
            }
            req->complete = true;
        }
    }
    release(&res);
    kit_request_give_back(req);
    return result;
}

/* --- streamed answers --- */

static int respond_begin(struct virga_request *pub, const struct virga_response *given,
                         uint64_t length, virga_on_writable on_writable, void *arg) {
    struct testkit_request *req = request_from(pub);
    struct virga_response res = known_fields(given);
    if (!kit_request_answerable(req, "respond_begin()")) {
        return -EINVAL;
    }
    if (req->cancelled != 0) {
        return -ECANCELED;
    }
    if (req->state != REQUEST_OPEN || res.body.len > 0 || on_writable == NULL) {
        kit_problem(req->kit, "%s: respond_begin() %s", req->name,
                    req->state != REQUEST_OPEN ? "twice"
                    : res.body.len > 0         ? "with a body"
                                               : "without on_writable");
        return -EINVAL;
    }
    int result = kit_request_take_head(req, &res);
    if (result != 0) {
        return result;
    }
    req->state = REQUEST_ANSWERING;
    req->announced = length;
    req->on_writable = on_writable;
    req->on_writable_arg = arg;
    return 0;
}

static void take_bytes(struct testkit_request *req, struct virga_str bytes) {
    req->writes = kit_must_grow(req->writes, req->writes_count, sizeof *req->writes);
    req->writes[req->writes_count++] = bytes.len;
    kit_text_add(&req->answer, bytes.ptr, bytes.len);
}

static void on_taken(struct task *task) {
    struct testkit_request *req = LINK_ENTRY(task, struct testkit_request, writable_task);
    struct kit_call call;
    if (!req->write_waits) {
        return;
    }
    /* Only now: bytes that were freed or changed too early are found. */
    take_bytes(req, req->pending);
    req->write_waits = false;
    kit_enter(&call, req->kit, "on_writable");
    req->on_writable(req->on_writable_arg, &req->pub, 0);
    kit_leave(&call);
}

static int http_write(struct virga_request *pub, struct virga_str bytes) {
    struct testkit_request *req = request_from(pub);
    if (!kit_request_answerable(req, "write()") || req->cancelled != 0) {
        return -ECANCELED;
    }
    if (req->state != REQUEST_ANSWERING) {
        kit_problem(req->kit, "%s: write() without respond_begin()", req->name);
        return -EINVAL;
    }
    if (req->write_waits) {
        return -EBUSY;
    }
    if (req->announced != VIRGA_LENGTH_UNKNOWN && bytes.len > req->announced - req->answer.len) {
        return -EMSGSIZE;
    }
    if (bytes.len == 0 || !sends_body(req)) {
        return 1;
    }
    if (req->slow) {
        req->pending = bytes;
        req->write_waits = true;
        kit_task_arm(req->kit, &req->writable_task, on_taken);
        return 0;
    }
    take_bytes(req, bytes);
    return 1;
}

static void http_end(struct virga_request *pub) {
    struct testkit_request *req = request_from(pub);
    req->answers++;
    if (!kit_request_answerable(req, "end()")) {
        return;
    }
    if (req->cancelled == 0 && req->state != REQUEST_ANSWERING) {
        kit_problem(req->kit, "%s: end() without respond_begin()", req->name);
        fail(req);
    } else if (req->cancelled == 0) {
        req->complete =
            !req->write_waits && (req->announced == VIRGA_LENGTH_UNKNOWN || !sends_body(req) ||
                                  req->answer.len == req->announced);
    }
    kit_request_give_back(req);
}

static void http_abort(struct virga_request *pub) {
    struct testkit_request *req = request_from(pub);
    req->answers++;
    if (!kit_request_answerable(req, "abort()")) {
        return;
    }
    if (req->cancelled == 0 && req->state == REQUEST_OPEN) {
        fail(req);
    }
    req->write_waits = false;
    kit_request_give_back(req);
}

/* --- the body --- */

static void deliver(struct task *task);

static void body_call(struct testkit_request *req, int status, struct virga_str chunk) {
    struct kit_call call;
    virga_on_body on_body = req->on_body;
    if (status != VIRGA_BODY_DATA) {
        req->on_body = NULL;
    }
    req->in_on_body = true;
    req->resumed_early = false;
    kit_enter(&call, req->kit, "on_body");
    int result = on_body(req->on_body_arg, &req->pub, status, chunk);
    kit_leave(&call);
    req->in_on_body = false;
    req->body_paused = result == VIRGA_BODY_PAUSE && !req->resumed_early;
}

static void deliver(struct task *task) {
    struct testkit_request *req = LINK_ENTRY(task, struct testkit_request, body_task);
    if (req->on_body == NULL || req->body_paused || req->cancelled != 0) {
        return;
    }
    free(req->chunk);
    req->chunk = NULL;
    if (link_alone(&req->pieces)) {
        body_call(req, req->break_status != 0 ? req->break_status : VIRGA_BODY_END,
                  virga_str_from(""));
        return;
    }
    struct piece *piece = LINK_ENTRY(req->pieces.next, struct piece, link);
    struct virga_str chunk = {piece->bytes, piece->len};
    link_remove(&piece->link);
    req->chunk = piece->bytes;
    free(piece);
    body_call(req, VIRGA_BODY_DATA, chunk);
    if (req->on_body != NULL && !req->body_paused) {
        kit_task_arm(req->kit, &req->body_task, deliver);
    }
}

static int body_start(struct virga_request *pub, virga_on_body on_body, void *arg) {
    struct testkit_request *req = request_from(pub);
    if (!kit_request_answerable(req, "body_start()") || (pub->flags & VIRGA_REQUEST_STREAMS) == 0 ||
        req->body_begun || on_body == NULL) {
        return -EINVAL;
    }
    req->body_begun = true;
    req->on_body = on_body;
    req->on_body_arg = arg;
    kit_task_arm(req->kit, &req->body_task, deliver);
    return 0;
}

static void body_resume(struct virga_request *pub) {
    struct testkit_request *req = request_from(pub);
    if (!kit_request_answerable(req, "body_resume()")) {
        return;
    }
    req->resumed_early = req->in_on_body;
    if (req->body_paused) {
        req->body_paused = false;
        kit_task_arm(req->kit, &req->body_task, deliver);
    }
}

static void body_stop(struct virga_request *pub) {
    struct testkit_request *req = request_from(pub);
    if (kit_request_answerable(req, "body_stop()")) {
        req->on_body = NULL;
    }
}

/* --- when nobody waits any more --- */

static void tell(struct task *task) {
    struct testkit_request *req = LINK_ENTRY(task, struct testkit_request, cancel_task);
    struct kit_call call;
    if (req->on_body != NULL) {
        body_call(req, req->cancelled, virga_str_from(""));
    }
    if (req->write_waits) {
        req->write_waits = false;
        kit_enter(&call, req->kit, "on_writable");
        req->on_writable(req->on_writable_arg, &req->pub, req->cancelled);
        kit_leave(&call);
    }
    if (req->on_cancel != NULL) {
        void (*on_cancel)(void *arg, struct virga_request *pub, int status) = req->on_cancel;
        req->on_cancel = NULL;
        kit_enter(&call, req->kit, "on_cancel");
        on_cancel(req->on_cancel_arg, &req->pub, req->cancelled);
        kit_leave(&call);
    }
}

void testkit_request_cancel(struct testkit_request *req, int status) {
    if ((req->state != REQUEST_OPEN && req->state != REQUEST_ANSWERING) || req->cancelled != 0) {
        return;
    }
    if (status == -ETIMEDOUT && req->state == REQUEST_OPEN) {
        kit_request_set_error(req, 504, "The service did not answer in time");
    }
    req->cancelled = status;
    kit_task_disarm(&req->writable_task);
    kit_task_arm(req->kit, &req->cancel_task, tell);
}

static void http_on_cancel(struct virga_request *pub,
                           void (*on_cancel)(void *arg, struct virga_request *req, int status),
                           void *arg) {
    struct testkit_request *req = request_from(pub);
    if (!kit_request_answerable(req, "on_cancel()")) {
        return;
    }
    req->on_cancel = on_cancel;
    req->on_cancel_arg = arg;
    if (on_cancel != NULL && req->cancelled != 0) {
        kit_task_arm(req->kit, &req->cancel_task, tell);
    }
}

const struct virga_http kit_http = {
    .struct_size = sizeof kit_http,
    .alloc = http_alloc,
    .header = http_header,
    .respond = respond,
    .respond_begin = respond_begin,
    .write = http_write,
    .end = http_end,
    .abort = http_abort,
    .body_start = body_start,
    .body_resume = body_resume,
    .body_stop = body_stop,
    .on_cancel = http_on_cancel,
    .trailer = http_trailer,
};
