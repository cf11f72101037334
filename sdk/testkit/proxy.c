/* SPDX-License-Identifier: MIT */
/* virga.proxy/1: the upstream's answers come from the script, decisions are the plugin's. */
#include <stdlib.h>
#include <strings.h>

#include "request.h"

#define BUFFER_LIMIT_BYTES (UINT64_C(4) * 1024 * 1024)

struct virga_upstream {
    struct handle handle;
};

struct virga_proxy_response {
    int status;
    struct text lines; /* "Name: value\n" */
    struct virga_header *headers;
    size_t count;
};

struct transfer {
    struct handle handle;
    struct task task;
    struct testkit_request *req;
    struct virga_proxy_request given;
    char *method;
    char *target;
    struct text headers;
    struct text body;
};

/* --- the server --- */

static void destroy(struct virga_upstream *upstream) {
    if (upstream != NULL) {
        kit_handle_remove(&upstream->handle);
        free(upstream);
    }
}

static void drop_upstream(struct handle *handle) {
    destroy(LINK_ENTRY(handle, struct virga_upstream, handle));
}

static int create(const struct virga_host *host, const struct virga_upstream_options *options,
                  struct virga_upstream **ret_upstream) {
    struct testkit *kit = kit_from(host);
    if ((options->unix_path == NULL) == (options->address == NULL) ||
        (options->address != NULL && options->port == 0)) {
        return -EINVAL;
    }
    if (kit_alloc_fails(kit)) {
        return -ENOMEM;
    }
    struct virga_upstream *upstream = kit_must_alloc(sizeof *upstream);
    kit_handle_add(kit, &upstream->handle, "upstream", drop_upstream);
    *ret_upstream = upstream;
    return 0;
}

static void reset(struct virga_upstream *upstream) {
    (void)upstream; /* no connection is kept */
}

/* --- the answer's head --- */

static int status(const struct virga_proxy_response *res) {
    return res->status;
}

static void set_status(struct virga_proxy_response *res, int new_status) {
    res->status = new_status;
}

static struct virga_str header(const struct virga_proxy_response *res, const char *name) {
    return kit_headers_find(res->headers, res->count, name);
}

static void parse(struct virga_proxy_response *res) {
    free(res->headers);
    res->headers = kit_headers_parse(kit_text_get(&res->lines), &res->count);
}

static int set_header(struct virga_proxy_response *res, const char *name, struct virga_str value) {
    struct text lines = {0};
    size_t len = strlen(name);
    if (strpbrk(name, "\r\n") != NULL ||
        (value.len > 0 && (memchr(value.ptr, '\r', value.len) != NULL ||
                           memchr(value.ptr, '\n', value.len) != NULL ||
                           memchr(value.ptr, '\0', value.len) != NULL))) {
        return -EINVAL;
    }
    for (size_t i = 0; i < res->count; i++) {
        const struct virga_header *old = &res->headers[i];
        if (old->name.len != len || strncasecmp(old->name.ptr, name, len) != 0) {
            kit_headers_format(&lines, old, 1);
        }
    }
    if (value.ptr != NULL) {
        const struct virga_header added = {virga_str_from(name), value};
        kit_headers_format(&lines, &added, 1);
    }
    kit_text_free(&res->lines);
    res->lines = lines;
    parse(res);
    return 0;
}

/* --- one transfer --- */

static void free_transfer(struct transfer *t) {
    kit_handle_remove(&t->handle);
    kit_task_disarm(&t->task);
    kit_text_free(&t->headers);
    kit_text_free(&t->body);
    free(t->method);
    free(t->target);
    free(t);
}

static void drop_transfer(struct handle *handle) {
    free_transfer(LINK_ENTRY(handle, struct transfer, handle));
}

static void done(struct transfer *t, int result) {
    struct kit_call call;
    if (t->given.on_done != NULL) {
        kit_enter(&call, t->handle.kit, "proxy on_done");
        t->given.on_done(t->given.arg, result);
        kit_leave(&call);
    }
    free_transfer(t);
}

static void fail(struct transfer *t, int error) {
    struct kit_call call;
    if (t->given.on_error != NULL) {
        kit_enter(&call, t->handle.kit, "proxy on_error");
        t->given.on_error(t->given.arg, &t->req->pub, error);
        kit_leave(&call);
    } else {
        if (t->req->cancelled == 0) {
            kit_request_set_error(t->req, error == -ETIMEDOUT ? 504 : 502,
                                  "The upstream gave no answer");
        }
        t->req->answers++;
        kit_request_give_back(t->req);
    }
    done(t, error);
}

static void relay(struct transfer *t, const struct virga_proxy_response *res,
                  struct virga_str body) {
    struct testkit_request *req = t->req;
    if (req->cancelled == 0) {
        kit_request_set_head(req, res->status, res->headers, res->count);
        if (strcmp(req->method, "HEAD") != 0 && res->status != 204 && res->status != 304) {
            kit_text_add(&req->answer, body.ptr, body.len);
        }
        req->complete = true;
    }
    req->answers++;
    int result = req->cancelled;
    kit_request_give_back(req);
    done(t, result);
}

static void answer(struct transfer *t, struct virga_proxy_response *res, struct virga_str body) {
    struct kit_call call;
    enum virga_proxy_decision decision = VIRGA_PROXY_PASS;
    if (t->given.on_response != NULL) {
        kit_enter(&call, t->handle.kit, "proxy on_response");
        decision = t->given.on_response(t->given.arg, &t->req->pub, res);
        kit_leave(&call);
    }
    if (decision == VIRGA_PROXY_PASS) {
        relay(t, res, body);
    } else if (decision == VIRGA_PROXY_DROP) {
        done(t, 0);
    } else if (decision != VIRGA_PROXY_BUFFER || t->given.on_body == NULL) {
        kit_problem(t->handle.kit, "proxy on_response returned %d%s", (int)decision,
                    decision == VIRGA_PROXY_BUFFER ? " without an on_body" : "");
        fail(t, -EINVAL);
    } else if (body.len > (t->given.buffer_limit_bytes != 0 ? t->given.buffer_limit_bytes
                                                            : BUFFER_LIMIT_BYTES)) {
        fail(t, -EMSGSIZE);
    } else {
        kit_enter(&call, t->handle.kit, "proxy on_body");
        t->given.on_body(t->given.arg, &t->req->pub, res, body);
        kit_leave(&call);
        done(t, 0);
    }
}

static void step(struct task *task) {
    struct transfer *t = LINK_ENTRY(task, struct transfer, task);
    if (t->req->cancelled != 0) {
        fail(t, -ECANCELED);
        return;
    }
    if (t->given.body.ptr == NULL && t->req->break_status != 0) {
        fail(t, t->req->break_status);
        return;
    }
    const struct testkit_answer *script =
        kit_script_take(t->handle.kit, TESTKIT_PROXY, t->method, t->target, &t->headers,
                        (struct virga_str){kit_text_get(&t->body), t->body.len});
    if (script == NULL || script->error != 0) {
        fail(t, script == NULL ? -ECONNREFUSED : script->error);
        return;
    }
    struct virga_proxy_response res = {.status = script->status};
    if (script->headers != NULL) {
        kit_text_add(&res.lines, script->headers, strlen(script->headers));
    }
    parse(&res);
    answer(t, &res, (struct virga_str){script->body, script->body_length});
    kit_text_free(&res.lines);
    free(res.headers);
}

static bool is_removed(const struct virga_proxy_request *given, struct virga_str name) {
    for (size_t i = 0; i < given->remove_headers_count; i++) {
        const struct virga_str other = given->remove_headers[i];
        if (other.len == name.len && strncasecmp(other.ptr, name.ptr, name.len) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < given->set_headers_count; i++) {
        const struct virga_str other = given->set_headers[i].name;
        if (other.len == name.len && strncasecmp(other.ptr, name.ptr, name.len) == 0) {
            return true;
        }
    }
    return name.len == 4 && strncasecmp(name.ptr, "host", 4) == 0;
}

static void copy_out(struct transfer *t, const struct virga_request *pub) {
    const struct virga_proxy_request *given = &t->given;
    const struct testkit_request *req = t->req;
    struct virga_str method = given->method.ptr != NULL ? given->method : pub->method;
    struct virga_str target = given->target.ptr != NULL ? given->target : pub->target;
    t->method = kit_must_copy(method.ptr, method.len);
    t->target = kit_must_copy(target.ptr, target.len);
    for (size_t i = 0; i < pub->headers_count; i++) {
        if (!is_removed(given, pub->headers[i].name)) {
            kit_headers_format(&t->headers, &pub->headers[i], 1);
        }
    }
    kit_headers_format(&t->headers, given->set_headers, given->set_headers_count);
    if (given->body.ptr != NULL) {
        kit_text_add(&t->body, given->body.ptr, given->body.len);
    } else if ((pub->flags & VIRGA_REQUEST_STREAMS) == 0) {
        kit_text_add(&t->body, pub->body.ptr, pub->body.len);
    } else {
        LINK_EACH(at, &req->pieces) {
            const struct piece *piece = LINK_ENTRY(at, struct piece, link);
            kit_text_add(&t->body, piece->bytes, piece->len);
        }
    }
}

static int forward(const struct virga_host *host, struct virga_request *pub,
                   struct virga_upstream *upstream, const struct virga_proxy_request *given) {
    struct testkit *kit = kit_from(host);
    struct testkit_request *req = request_from(pub);
    if (upstream == NULL || given->struct_size < sizeof *given || req->body_begun ||
        !kit_request_answerable(req, "forward()")) {
        return -EINVAL;
    }
    if (kit_alloc_fails(kit)) {
        return -ENOMEM;
    }
    struct transfer *t = kit_must_alloc(sizeof *t);
    t->given = *given;
    t->req = req;
    copy_out(t, pub);
    task_init(&t->task);
    kit_handle_add(kit, &t->handle, "proxied request that is under way", drop_transfer);
    kit_task_arm(kit, &t->task, step);
    return 0;
}

const struct virga_proxy kit_proxy = {
    .struct_size = sizeof kit_proxy,
    .upstream_create = create,
    .upstream_destroy = destroy,
    .upstream_reset = reset,
    .forward = forward,
    .status = status,
    .header = header,
    .set_header = set_header,
    .set_status = set_status,
};
