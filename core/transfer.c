/* SPDX-License-Identifier: MIT */
/* The life of a transfer: its attempts at the upstream, its timeouts and its endings. */
#include "transfer.h"

#include <errno.h>
#include <stdlib.h>

#include "host.h"
#include "http1_client.h"
#include "log.h"
#include "request.h"

static void begin_attempt(struct transfer *t, bool fresh);

void transfer_touch(struct transfer *t) {
    t->since_ms = uv_now(t->resource.owner->host->loop);
}

/* --- endings --- */

void transfer_release_conn(struct transfer *t, bool reusable) {
    upstream_conn_release(t->conn, reusable);
    t->conn = NULL;
    t->bytes_len = 0;
}

struct virga_request *transfer_give_up_request(struct transfer *t) {
    struct virga_request *req = t->req;
    transfer_request_stop(t);
    req->http->on_cancel(req, NULL, NULL);
    t->req = NULL;
    return req;
}

static void destroy(struct transfer *t) {
    transfer_release_conn(t, false);
    defer_cancel(&t->begin);
    resource_remove(&t->resource);
    upstream_watch_remove(t->upstream, &t->watch);
    upstream_unref(t->upstream);
    http1_client_destroy(t->answer);
    arena_finish(&t->arena);
    free(t->held);
    free(t);
}

void transfer_finish(struct transfer *t, int status) {
    transfer_release_conn(t, false);
    /* From here on the plugin may end anything else, but not this. */
    resource_remove(&t->resource);
    if (t->options.on_done != NULL) {
        struct plugin_call call;
        plugin_enter(&call, t->resource.owner, "proxy on_done", NULL);
        t->options.on_done(t->options.arg, status);
        plugin_leave(&call);
    }
    destroy(t);
}

/* Who or what an error is to be blamed on, for the log and the client. */
static const char *blame(const struct transfer *t, int error) {
    if (t->client_failed) {
        return "the request's body could not be read";
    }
    return error == -ENOMEM || error == -EINVAL ? "the request could not be passed on"
                                                : "no answer from the upstream server";
}

static int error_status(const struct transfer *t, int error) {
    if (t->client_failed) {
        return error == -EMSGSIZE ? 413 : error == -ETIMEDOUT ? 408 : 400;
    }
    return error == -ETIMEDOUT ? 504 : error == -ENOMEM || error == -EINVAL ? 500 : 502;
}

/* The plugin does not want to: answers in its place. */
static void answer_error(const struct transfer *t, struct virga_request *req, int error) {
    static const struct virga_header text_plain = {{"Content-Type", 12},
                                                   {"text/plain; charset=utf-8", 25}};
    char line[160];
    if (error == -ECANCELED) {
        req->http->abort(req); /* nobody is there */
        return;
    }
    log_write(VIRGA_LOG_WARN, t->resource.owner->desc->name, req->id.ptr, "%s: %s", blame(t, error),
              error_text(error));
    int len = snprintf(line, sizeof line, "%s: %s\n", blame(t, error), error_text(error));
    struct virga_response res = {
        .struct_size = sizeof res,
        .status = error_status(t, error),
        .headers = &text_plain,
        .headers_count = 1,
        .body = {line, len > 0 && (size_t)len < sizeof line ? (size_t)len : 0},
    };
    (void)req->http->respond(req, &res);
}

/* The client may still hold bytes of the connection's buffer: it goes first. */
static void abort_client(struct transfer *t) {
    struct virga_request *req = transfer_give_up_request(t);
    req->http->abort(req);
}

void transfer_fail(struct transfer *t, int error) {
    struct plugin *plugin = t->resource.owner;
    if (t->req != NULL && t->sink == SINK_RELAY) {
        log_write(VIRGA_LOG_WARN, plugin->desc->name, t->req->id.ptr,
                  "the answer of the upstream broke off: %s", error_text(error));
        abort_client(t);
    }
    transfer_release_conn(t, false);
    if (t->req == NULL) {
        transfer_finish(t, error);
        return;
    }
    struct virga_request *req = transfer_give_up_request(t);
    if (t->options.on_error != NULL) {
        struct plugin_call call;
        plugin_enter(&call, plugin, "proxy on_error", request_from(req));
        t->options.on_error(t->options.arg, req, error);
        plugin_leave(&call);
    } else {
        answer_error(t, req, error);
    }
    transfer_finish(t, error);
}

/* The plugin is gone: nobody is called but the client's side. */
static void on_reclaim(struct resource *resource) {
    struct transfer *t = LIST_ENTRY(resource, struct transfer, resource);
    if (t->req != NULL) {
        abort_client(t);
    }
    destroy(t);
}

void transfer_end_without_client(struct transfer *t, int status) {
    if (t->sink != SINK_RELAY) {
        transfer_fail(t, -ECANCELED);
        return;
    }
    abort_client(t);
    transfer_finish(t, status);
}

void transfer_on_cancel(void *arg, struct virga_request *req, int status) {
    struct transfer *t = arg;
    (void)req;
    if (t->in_client) {
        t->cancelled = status;
        return;
    }
    transfer_end_without_client(t, status);
}

bool transfer_client_stays(struct transfer *t) {
    if (t->cancelled != 0) {
        transfer_end_without_client(t, t->cancelled);
        return false;
    }
    return true;
}

/* --- the upstream's side --- */

/* Sending again does no harm when the request could not have been acted on (its body was not
 * complete) or may be done twice. Source: RFC 9110, 9.2.2 */
static bool may_retry(const struct transfer *t) {
    return t->conn_reused && !t->answer_began && !t->body_used &&
           (t->idempotent || (t->streams && !t->flow_ended));
}

static void upstream_lost(struct transfer *t, int error) {
    if (error != -ETIMEDOUT && t->stage != STAGE_ANSWER && may_retry(t)) {
        transfer_release_conn(t, false);
        begin_attempt(t, true);
        return;
    }
    if (t->stage == STAGE_ANSWER && transfer_answer_may_be_cut(t)) {
        transfer_answer_end(t, false);
        return;
    }
    if (t->sink == SINK_COLLECT && http1_client_head(t->answer)->status >= 400) {
        transfer_answer_end(t, false);
        return;
    }
    transfer_fail(t, error);
}

static void on_bytes(void *arg, const char *bytes, size_t len) {
    struct transfer *t = arg;
    t->answer_began = true;
    t->bytes = bytes;
    t->bytes_len = len;
    transfer_touch(t);
    transfer_answer_read(t);
}

static void on_end(void *arg, int error) {
    struct transfer *t = arg;
    if (error == 0 && t->answer_began && http1_client_eof(t->answer) == HTTP1_CLIENT_END) {
        transfer_answer_end(t, false);
        return;
    }
    upstream_lost(t, error == 0 || error == -EPIPE ? -ECONNRESET : error);
}

static void on_sent(void *arg) {
    transfer_request_on_sent(arg);
}

static void on_connect(void *arg, int status) {
    struct transfer *t = arg;
    if (status == 0) {
        transfer_request_send(t);
        return;
    }
    t->conn = NULL;
    if (status != -EAGAIN) { /* a full backlog of a unix socket: the next tick tries again */
        transfer_fail(t, status);
    }
}

static const struct upstream_events conn_events = {
    .on_connect = on_connect,
    .on_bytes = on_bytes,
    .on_end = on_end,
    .on_sent = on_sent,
};

static void connect_upstream(struct transfer *t, bool fresh) {
    int result = upstream_connect(t->upstream, fresh, &conn_events, t, &t->conn);
    if (result < 0) {
        transfer_fail(t, result);
        return;
    }
    t->conn_reused = result == 1;
    if (result == 1) {
        transfer_request_send(t);
    }
}

static void begin_attempt(struct transfer *t, bool fresh) {
    t->stage = STAGE_CONNECT;
    transfer_touch(t);
    http1_client_destroy(t->answer);
    t->answer = NULL;
    int result = http1_client_create(t->is_head, &t->answer);
    if (result != 0) {
        transfer_fail(t, result);
        return;
    }
    connect_upstream(t, fresh);
}

static void on_begin(struct defer *defer) {
    struct transfer *t = LIST_ENTRY(defer, struct transfer, begin);
    if (transfer_client_stays(t)) {
        begin_attempt(t, false);
    }
}

static void on_tick(struct upstream_watch *watch, uint64_t now_ms) {
    struct transfer *t = LIST_ENTRY(watch, struct transfer, watch);
    const struct virga_upstream_options *limits = upstream_options(t->upstream);
    size_t queued = t->conn != NULL ? upstream_conn_queued(t->conn) : 0;
    if (queued != t->queued) {
        t->queued = queued;
        transfer_touch(t);
    }
    uint64_t limit_ms = t->stage == STAGE_CONNECT ? limits->connect_timeout_ms
                        : t->stage == STAGE_WAIT  ? limits->response_timeout_ms
                                                  : limits->stall_timeout_ms;
    /* A slow client is the business of its own connection. */
    bool client_owes = t->write_waits || (t->stage == STAGE_SEND && transfer_request_waits(t));
    if (client_owes) {
        transfer_touch(t);
    } else if (now_ms - t->since_ms >= limit_ms) {
        upstream_lost(t, -ETIMEDOUT);
    } else if (t->stage == STAGE_CONNECT && t->conn == NULL && t->answer != NULL) {
        connect_upstream(t, true);
    }
}

/* --- the start --- */

static bool method_is(const struct virga_str method, const char *name) {
    return virga_str_equal(method, virga_str_from(name));
}

static void set_method(struct transfer *t) {
    struct virga_str method = t->options.method.ptr != NULL ? t->options.method : t->req->method;
    t->is_head = method_is(method, "HEAD");
    t->idempotent = t->is_head || method_is(method, "GET") || method_is(method, "PUT") ||
                    method_is(method, "DELETE") || method_is(method, "OPTIONS");
}

static struct proxy_framing set_body(struct transfer *t) {
    struct proxy_framing framing = {0};
    if (t->options.body.ptr != NULL) {
        t->body = t->options.body;
    } else if ((t->req->flags & VIRGA_REQUEST_STREAMS) == 0) {
        t->body = t->req->body;
    } else if ((t->req->flags & VIRGA_REQUEST_HAS_BODY) != 0) {
        t->streams = true;
        t->chunked = t->req->content_length == VIRGA_LENGTH_UNKNOWN;
        t->body_left = t->req->content_length;
        framing.chunked = t->chunked;
        framing.length = t->chunked ? 0 : t->req->content_length;
        return framing;
    }
    t->flow_ended = true;
    framing.length = t->body.len;
    return framing;
}

int transfer_start(struct plugin *plugin, struct virga_request *req,
                   struct virga_upstream *upstream, const struct virga_proxy_request *options) {
    struct transfer *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return -ENOMEM;
    }
    arena_init(&t->arena);
    t->options = *options;
    t->req = req;
    set_method(t);
    struct proxy_framing framing = set_body(t);
    t->head = proxy_headers_request(&t->arena, req, options, framing);
    if (t->head.ptr == NULL) {
        arena_finish(&t->arena);
        free(t);
        return -ENOMEM;
    }
    if (t->options.buffer_limit_bytes == 0) {
        t->options.buffer_limit_bytes = TRANSFER_BUFFER_DEFAULT_BYTES;
    }
    t->upstream = upstream_ref(upstream);
    resource_add(&t->resource, plugin, "proxied request", on_reclaim);
    transfer_touch(t);
    t->watch.on_tick = on_tick;
    upstream_watch_add(upstream, &t->watch);
    t->in_client = true; /* whatever it says waits for on_begin() */
    req->http->on_cancel(req, transfer_on_cancel, t);
    t->in_client = false;
    defer_init(&t->begin, on_begin);
    defer_arm(plugin->host, &t->begin);
    return 0;
}
