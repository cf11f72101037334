/* SPDX-License-Identifier: MIT */
/* The life of a request: from its head to whoever answers it, and what it is told on the way. */
#include "request.h"

#include <errno.h>
#include <stdlib.h>

#include "body.h"
#include "carrier.h"
#include "host.h"
#include "host_metrics.h"
#include "http_engine.h"
#include "identity.h"
#include "listener.h"
#include "log.h"
#include "response.h"

#define LOG_PATH_MAX 200
#define LOG_TARGET_MAX 100

/* ---- life ---- */

static void on_notify(struct defer *defer);

struct request *request_create(struct http_engine *engine, struct listener *listener,
                               const struct listener_options *options, struct carrier *carrier) {
    struct request *req;
    struct arena arena;
    if (engine->requests_count > 0) {
        req = engine->requests[--engine->requests_count];
        arena = req->arena;
    } else {
        req = malloc(sizeof *req);
        arena_init(&arena);
    }
    if (req == NULL) {
        return NULL;
    }
    memset(req, 0, sizeof *req);
    req->arena = arena;
    req->live = true;
    req->refs = 1;
    req->host = engine->host;
    req->carrier = carrier;
    req->engine = engine;
    req->listener = listener;
    req->options = options;
    if (listener != NULL) {
        listener_ref(listener); /* which holds the engine */
    } else {
        http_engine_hold(engine);
    }
    defer_init(&req->notify, on_notify);
    list_init(&req->handled);
    deadline_init(&req->deadline);
    http1_init(&req->http1, &req->arena, engine->host->header_limit_bytes);
    return req;
}

void request_free(struct request *req) {
    arena_finish(&req->arena);
    free(req);
}

void request_ref(struct request *req) {
    req->refs++;
}

void request_unref(struct request *req) {
    if (--req->refs > 0) {
        return;
    }
    struct listener *listener = req->listener;
    struct http_engine *engine = req->engine;
    deadline_stop(&req->deadline);
    if (req->collected_malloced) {
        free(req->collected);
    }
    if (req->held_shared) {
        http_engine_give(engine, req->held);
    } else {
        free(req->held);
    }
    req->live = false;
    if (engine->requests_count < HTTP_ENGINE_SPARE_REQUESTS) {
        arena_reset(&req->arena);
        engine->requests[engine->requests_count++] = req;
    } else {
        request_free(req);
    }
    if (listener != NULL) {
        listener_unref(listener);
    } else {
        http_engine_unref(engine);
    }
}

void request_blame(const struct request *req, const char *what) {
    log_warn("%s: a mistake in the use of a request: %s",
             req->plugin != NULL && req->plugin->desc != NULL ? req->plugin->desc->name : "core",
             what);
}

/* ---- the access line ---- */

static int clip(size_t len, int max) {
    return len > (size_t)max ? max : (int)len;
}

/* No query and no header but X-Amz-Target: they may hold credentials. */
static void write_access_line(struct request *req, uint64_t took_ns, bool lost) {
    /* The clients of a patient listener are a part of virga, which asks all the time. */
    enum virga_log_level level = req->patient ? VIRGA_LOG_DEBUG : VIRGA_LOG_INFO;
    if (log_level() > level) {
        return;
    }
    const struct virga_request *pub = &req->pub;
    if (pub->method.ptr == NULL) {
        log_write(level, "core", req->id, "refused with %d: %s, from %s", req->answered_status,
                  req->http1.reason != NULL ? req->http1.reason : "too slow",
                  carrier_peer(req->carrier).ptr);
        return;
    }
    struct virga_str target = request_http.header(pub, "x-amz-target");
    if (target.len == 0) {
        target = pub->action; /* of a Query or RPC call */
    }
    uint64_t took_us = took_ns / 1000;
    char status[16] = "-";
    if (req->answered_status != 0) {
        (void)snprintf(status, sizeof status, "%d", req->answered_status);
    }
    size_t peer_len = pub->peer.len;
    for (size_t i = pub->peer.len; i > 0; i--) {
        if (pub->peer.ptr[i - 1] == ':') {
            peer_len = i - 1;
            break;
        }
    }
    log_write(level, "core", req->id, "%s %.*s%s%.*s %s %llu.%03llu ms %llu B %.*s%s",
              pub->method.ptr, clip(pub->path.len, LOG_PATH_MAX), pub->path.ptr,
              target.len > 0 ? " " : "", clip(target.len, LOG_TARGET_MAX),
              target.len > 0 ? target.ptr : "", status, (unsigned long long)(took_us / 1000),
              (unsigned long long)(took_us % 1000), (unsigned long long)req->sent_bytes,
              (int)peer_len, pub->peer.ptr, lost ? " (client gone)" : "");
}

/* ---- from head to handler ---- */

static int fill(struct request *req) {
    struct virga_request *pub = &req->pub;
    const struct http1_head *head = &req->http1.head;
    uuid_v4(req->id);
    pub->struct_size = sizeof *pub;
    pub->http = &request_http;
    pub->id = (struct virga_str){req->id, UUID_TEXT_SIZE - 1};
    pub->method = head->method;
    pub->target = head->target;
    pub->path = head->path;
    pub->query = head->query;
    pub->host = head->host;
    pub->headers = head->headers;
    pub->headers_count = head->headers_count;
    pub->content_length = head->content_length;
    pub->flags = head->content_length > 0 ? VIRGA_REQUEST_HAS_BODY : 0;
    pub->peer = arena_copy(&req->arena, carrier_peer(req->carrier));
    pub->action = virga_str_from("");
    if (!req->identified) {
        pub->account = pub->region = pub->service = pub->access_key = virga_str_from("");
    }
    req->received_ns = uv_hrtime();
    req->keep_alive = head->keep_alive;
    req->continue_due = head->expects_continue && head->content_length > 0;
    req->body = head->content_length == 0 ? BODY_DONE : BODY_UNREAD;
    return pub->peer.ptr != NULL ? 0 : -ENOMEM;
}

void request_on_head(struct request *req) {
    const struct listener_options *options = req->options;
    int result = fill(req);
    req->phase = REQUEST_HANDLED;
    req->streams = options->streams;
    req->patient = options->patient;
    req->body_limit_bytes = options->body_limit_bytes;
    req->plugin = options->plugin;
    req->speaks_aws = options->on_head != NULL;
    if (result == 0 && options->on_head == NULL) {
        result = identity_parse(req);
    }
    if (result != 0) {
        response_fail(req, 500, "Out of memory");
        return;
    }
    if (options->on_head != NULL) {
        req->owned = true;
        request_ref(req);
        options->on_head(options->arg, req);
        if (!req->owned || req->phase != REQUEST_HANDLED) {
            return;
        }
        req->owned = false;
        request_unref(req);
    }
    if (req->streams) {
        req->pub.flags |= VIRGA_REQUEST_STREAMS;
        request_hand_over(req);
    } else if (req->body == BODY_DONE) {
        req->pub.body = virga_str_from("");
        request_hand_over(req);
    } else {
        body_collect(req);
    }
}

void request_hand_over(struct request *req) {
    const struct listener_options *options = req->options;
    if (req->listener != NULL && listener_is_closed(req->listener)) {
        carrier_break_off(req->carrier, -ECANCELED, false);
        return;
    }
    req->phase = REQUEST_HANDLED;
    req->owned = true;
    list_append(&req->engine->handled, &req->handled);
    request_ref(req);
    if (req->listener != NULL) {
        deadline_start(&req->deadline, listener_deadlines(req->listener));
    }
    options->on_request(options->arg, req);
}

void request_give_back(struct request *req) {
    if (!req->owned) {
        return;
    }
    req->owned = false;
    if (req->handled.next != NULL) {
        list_remove(&req->handled);
    }
    deadline_stop(&req->deadline);
    request_unref(req);
}

static struct request *unanswered_of(const struct plugin *plugin) {
    const struct http_engine *engine = plugin->host->http;
    if (engine != NULL) {
        LIST_EACH (node, &engine->handled) {
            struct request *req = LIST_ENTRY(node, struct request, handled);
            if (req->plugin == plugin) {
                return req;
            }
        }
    }
    return NULL;
}

void request_forsake_all(struct plugin *plugin) {
    struct request *req;
    while ((req = unanswered_of(plugin)) != NULL) {
        const struct virga_request *pub = &req->pub;
        log_write(VIRGA_LOG_WARN, "core", req->id, "plugin %s never answered %s %.*s%s%.*s%s",
                  plugin->desc->name, pub->method.ptr, clip(pub->path.len, LOG_PATH_MAX),
                  pub->path.ptr, pub->action.len > 0 ? " " : "",
                  clip(pub->action.len, LOG_TARGET_MAX), pub->action.len > 0 ? pub->action.ptr : "",
                  req->carrier == NULL ? " (client gone)" : "");
        request_ref(req);
        if (req->carrier != NULL && req->phase == REQUEST_HANDLED) {
            response_fail(req, 503, "The service has stopped without an answer");
        } else if (req->carrier != NULL) {
            carrier_break_off(req->carrier, -ECANCELED, true);
        }
        request_give_back(req);
        request_unref(req);
    }
}

/* ---- when nobody waits any more ---- */

static void on_notify(struct defer *defer) {
    struct request *req = LIST_ENTRY(defer, struct request, notify);
    /* A destroyed plugin has nothing left to be told; its code is there, its data is not. */
    bool silent = req->plugin != NULL && req->plugin->state == PLUGIN_STOPPED;
    struct plugin_call call;
    if (!silent && req->owned && req->body_begun) {
        body_break(req, req->cancelled);
    }
    if (!silent && req->owned && req->write_waiting) {
        req->write_waiting = false;
        plugin_enter(&call, req->plugin, "on_writable", req);
        req->on_writable(req->on_writable_arg, &req->pub, req->cancelled);
        plugin_leave(&call);
    }
    if (!silent && req->owned && req->on_cancel != NULL) {
        void (*on_cancel)(void *arg, struct virga_request *pub, int status) = req->on_cancel;
        req->on_cancel = NULL;
        plugin_enter(&call, req->plugin, "on_cancel", req);
        on_cancel(req->on_cancel_arg, &req->pub, req->cancelled);
        plugin_leave(&call);
    }
    request_unref(req);
}

/* The deferred call holds the request. */
void request_renotify(struct request *req) {
    if (list_empty(&req->notify.node)) {
        request_ref(req);
        defer_arm(req->host, &req->notify);
    }
}

void request_cancel(struct request *req, int status) {
    deadline_stop(&req->deadline);
    if (req->owned && req->cancelled == 0) {
        req->cancelled = status;
        request_renotify(req);
    }
}

void request_detach(struct request *req, int status) {
    if (req->phase != REQUEST_HEAD) {
        uint64_t took_ns = req->received_ns != 0 ? uv_hrtime() - req->received_ns : 0;
        write_access_line(req, took_ns, status != 0);
        if (req->host->metrics != NULL) {
            host_metrics_count(req->host->metrics, req, took_ns);
        }
    }
    if (status != 0) {
        request_cancel(req, status);
    }
    req->carrier = NULL;
    request_unref(req);
}

void request_on_deadline(struct deadline *deadline) {
    struct request *req = LIST_ENTRY(deadline, struct request, deadline);
    if (req->phase != REQUEST_HANDLED || req->carrier == NULL) {
        return;
    }
    request_ref(req);
    request_cancel(req, -ETIMEDOUT);
    response_fail(req, 504, "The service did not answer in time");
    request_unref(req);
}

/* ---- the operations ---- */

static void *http_alloc(struct virga_request *pub, size_t size) {
    return arena_alloc(&request_from(pub)->arena, size);
}

static struct virga_str http_header(const struct virga_request *pub, const char *name) {
    size_t len = strlen(name);
    for (size_t i = 0; i < pub->headers_count; i++) {
        const struct virga_header *header = &pub->headers[i];
        if (header->name.len == len && http1_same(header->name, name)) {
            return header->value;
        }
    }
    return (struct virga_str){NULL, 0};
}

static struct virga_str http_trailer(const struct virga_request *pub, const char *name) {
    const struct request *req =
        (const struct request *)((const char *)pub - offsetof(struct request, pub));
    const struct http1_head *head = &req->http1.head;
    size_t len = strlen(name);
    for (size_t i = 0; req->body == BODY_DONE && i < head->trailers_count; i++) {
        const struct virga_header *trailer = &head->trailers[i];
        if (trailer->name.len == len && http1_same(trailer->name, name)) {
            return trailer->value;
        }
    }
    return (struct virga_str){NULL, 0};
}

static void http_on_cancel(struct virga_request *pub,
                           void (*on_cancel)(void *arg, struct virga_request *req, int status),
                           void *arg) {
    struct request *req = request_from(pub);
    req->on_cancel = on_cancel;
    req->on_cancel_arg = arg;
    if (on_cancel != NULL && req->cancelled != 0) {
        request_renotify(req);
    }
}

const struct virga_http request_http = {
    .struct_size = sizeof(struct virga_http),
    .alloc = http_alloc,
    .header = http_header,
    .respond = response_respond,
    .respond_begin = response_begin,
    .write = response_write,
    .end = response_end,
    .abort = response_abort,
    .body_start = body_start,
    .body_resume = body_resume,
    .body_stop = body_stop,
    .on_cancel = http_on_cancel,
    .trailer = http_trailer,
};

int request_respond_text(struct request *req, int status, const char *content_type,
                         const char *text, size_t len) {
    const struct virga_header type = {virga_str_from("Content-Type"), virga_str_from(content_type)};
    const struct virga_response res = {
        .struct_size = sizeof res,
        .status = status,
        .headers = &type,
        .headers_count = 1,
        .body = {text, len},
    };
    return response_respond(&req->pub, &res);
}
