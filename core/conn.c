/* SPDX-License-Identifier: MIT */
/* Connections. */
#include "conn.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "body.h"
#include "host.h"
#include "http_engine.h"
#include "listener.h"
#include "log.h"
#include "request.h"
#include "response.h"

static void work(struct conn *conn, const char *data, size_t len);
static void conn_settle(struct conn *conn);
static const struct carrier_ops carrier_ops;

/* ---- bytes that were read and not used up ---- */

static size_t pending(const struct conn *conn) {
    return conn->input_len - conn->input_at;
}

/* Whether more was read than belongs to the present request. */
static bool has_more(const struct conn *conn) {
    return pending(conn) > 0 || conn->in_hand > 0;
}

static void free_input(struct conn *conn) {
    if (conn->input_shared) {
        http_engine_give(conn->engine, conn->input);
    } else {
        free(conn->input);
    }
    conn->input = NULL;
    conn->input_at = conn->input_len = conn->input_size = 0;
    conn->input_shared = false;
}

static int append_input(struct conn *conn, const char *data, size_t len) {
    size_t have = pending(conn);
    if (conn->input_shared || conn->input_size - conn->input_len < len) {
        size_t size = conn->input_size > 0 && !conn->input_shared ? 2 * (have + len) : have + len;
        char *memory = malloc(size);
        if (memory == NULL) {
            return -ENOMEM;
        }
        if (have > 0) {
            memcpy(memory, conn->input + conn->input_at, have);
        }
        free_input(conn);
        conn->input = memory;
        conn->input_len = (uint32_t)have;
        conn->input_size = (uint32_t)size;
    }
    memcpy(conn->input + conn->input_len, data, len);
    conn->input_len += (uint32_t)len;
    return 0;
}

static bool is_paused(const struct conn *conn) {
    return conn->req != NULL && conn->req->body == BODY_PAUSED;
}

/* Keeps what work() has left over of the engine's read buffer. */
static void keep_rest(struct conn *conn, const char *data, size_t at, size_t len) {
    if (is_paused(conn)) {
        /* on_body holds a chunk in it: the buffer itself must stay. */
        conn->input = http_engine_take(conn->engine);
        conn->input_shared = true;
        conn->input_at = (uint32_t)at;
        conn->input_len = conn->input_size = (uint32_t)len;
    } else if (at < len && append_input(conn, data + at, len - at) != 0) {
        conn_break(conn, -ENOMEM, true);
    }
}

/* ---- the end of a connection ---- */

static void on_closed(uv_handle_t *handle) {
    struct conn *conn = handle->data;
    struct listener *listener = conn->listener;
    if (conn->over_limit) {
        conn->engine->refused--;
    }
    free_input(conn);
    free(conn);
    listener_unref(listener);
}

/* The request leaves the connection; a buffer in which on_body has kept a chunk goes with it. */
static void let_go(struct conn *conn, int status) {
    struct request *req = conn->req;
    conn->req = NULL;
    if (req->body == BODY_PAUSED && req->owned) {
        req->held = conn->input;
        req->held_shared = conn->input_shared;
        conn->input = NULL;
        conn->input_shared = false;
        conn->input_at = conn->input_len = conn->input_size = 0;
    }
    request_detach(req, status);
}

void conn_break(struct conn *conn, int status, bool reset) {
    if (conn->closing) {
        return;
    }
    conn->closing = true;
    defer_cancel(&conn->defer);
    deadline_stop(&conn->timeout);
    list_remove(&conn->node);
    conn->engine->host->connections_count--;
    if (conn->req != NULL) {
        let_go(conn, status);
    }
    bool tcp = !listener_is_unix(conn->listener);
    if (!reset || !tcp || uv_tcp_close_reset(&conn->uv.tcp, on_closed) != 0) {
        uv_close(&conn->uv.handle, on_closed);
    }
}

static void end(struct conn *conn) {
    conn_break(conn, 0, false);
}

/* The client is still sending, or sent what nobody reads: closing at once would reset the
 * connection and could destroy the answer on its way. So only the writing side ends, and what comes
 * is thrown away for a while. Source: RFC 9112, 9.6. */
static void linger(struct conn *conn) {
    uv_os_fd_t fd;
    if (conn->eof || uv_fileno(&conn->uv.handle, &fd) != 0 || shutdown(fd, SHUT_WR) != 0) {
        end(conn);
        return;
    }
    conn->lingering = true;
    conn->progress = 0;
    if (!conn->working) {
        free_input(conn);
        conn_tune(conn);
    }
}

/* ---- what it waits for ---- */

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf);

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    struct conn *conn = handle->data;
    bool bulk = conn->lingering || (conn->req != NULL && conn->req->phase != REQUEST_HEAD &&
                                    pending(conn) == 0 && body_wants_input(conn->req));
    (void)suggested;
    buf->base = http_engine_buffer(conn->engine);
    buf->len = bulk ? HTTP_ENGINE_BUFFER_BYTES : CONN_AHEAD_BYTES - pending(conn);
    if (buf->base == NULL) {
        buf->len = 0;
    }
}

static void tune_reading(struct conn *conn) {
    bool wanted =
        !conn->eof && (conn->lingering || (!is_paused(conn) && pending(conn) < CONN_AHEAD_BYTES));
    if (wanted && !conn->reading) {
        wanted = uv_read_start(&conn->uv.stream, on_alloc, on_read) == 0;
    } else if (!wanted && conn->reading) {
        (void)uv_read_stop(&conn->uv.stream);
    }
    conn->reading = wanted;
}

static void tune_timeout(struct conn *conn) {
    struct http_engine *engine = conn->engine;
    const struct request *req = conn->req;
    struct deadline_queue *queue = NULL;
    bool patient = listener_options(conn->listener)->patient;
    bool afresh = true;
    if (conn->lingering) {
        queue = &engine->linger;
        afresh = false;
    } else if (req == NULL) {
        queue = patient ? NULL : &engine->idle;
    } else if (req->phase == REQUEST_HEAD) {
        queue = &engine->head;
        afresh = false;
    } else if (req->sending || (!patient && body_wants_input(req))) {
        queue = &engine->stall;
    }
    if (queue == NULL) {
        deadline_stop(&conn->timeout);
    } else if (afresh || conn->timeout.queue != queue) {
        deadline_start(&conn->timeout, queue);
    }
}

/* Sets reading and timeout to what the state asks for. */
void conn_tune(struct conn *conn) {
    if (!conn->closing && !conn->working) {
        tune_reading(conn);
        tune_timeout(conn);
    }
}

/* ---- going on ---- */

/* The client has sent all, and all of it is used up. */
static void on_end_of_input(struct conn *conn) {
    struct request *req = conn->req;
    if (conn->lingering || req == NULL || req->phase == REQUEST_HEAD) {
        end(conn);
    } else if (body_wants_input(req)) {
        request_ref(req);
        body_on_failure(req, -ECONNRESET);
        request_unref(req);
    }
}

static void on_event(struct request *req, enum http1_event event, struct virga_str piece) {
    switch (event) {
    case HTTP1_HEAD:
        request_on_head(req);
        break;
    case HTTP1_BODY:
        body_on_data(req, piece);
        break;
    case HTTP1_END:
        body_on_end(req);
        if (req->carrier != NULL) {
            conn_settle(conn_of(req->carrier));
        }
        break;
    case HTTP1_BAD:
        req->refused = true;
        req->keep_alive = false;
        if (req->phase == REQUEST_HEAD) {
            response_fail(req, req->http1.status, req->http1.reason);
        } else {
            body_on_failure(req, -EBADMSG);
        }
        break;
    case HTTP1_MORE:
        break;
    }
}

/* Feeds the parser until the bytes are used up or somebody must be waited for. Returns how many
 * were used. */
static size_t feed(struct conn *conn, const char *data, size_t len, bool own) {
    size_t at = 0;
    while (!conn->closing && !conn->lingering) {
        if (conn->req == NULL) {
            if (at == len) {
                break;
            }
            if (listener_is_closed(conn->listener)) {
                end(conn);
                break;
            }
            conn->req = request_create(conn->engine, conn->listener,
                                       listener_options(conn->listener), &conn->carrier);
            if (conn->req == NULL) {
                conn_break(conn, -ENOMEM, true);
                break;
            }
        }
        struct request *req = conn->req;
        struct virga_str piece;
        size_t used;
        if (!body_wants_input(req)) {
            break;
        }
        enum http1_event event = http1_next(&req->http1, data + at, len - at, &used, &piece);
        at += used;
        if (own) {
            conn->input_at += (uint32_t)used;
        } else {
            conn->in_hand = (uint32_t)(len - at);
        }
        if (event == HTTP1_MORE) {
            break;
        }
        request_ref(req);
        on_event(req, event, piece);
        request_unref(req);
    }
    return at;
}

static void work(struct conn *conn, const char *data, size_t len) {
    conn->working = true;
    bool own = data == NULL;
    if (own && conn->input == NULL) {
        /* Not NULL: the parser takes its address for the place where a piece begins. */
        (void)feed(conn, "", 0, true);
    } else if (own) {
        (void)feed(conn, conn->input + conn->input_at, pending(conn), true);
    } else {
        free_input(conn); /* used up, kept for on_body only */
        size_t at = feed(conn, data, len, false);
        conn->in_hand = 0;
        if (!conn->closing && !conn->lingering) {
            keep_rest(conn, data, at, len);
        }
    }
    conn->working = false;
    if (conn->closing) {
        return;
    }
    if (conn->lingering || (pending(conn) == 0 && !is_paused(conn))) {
        free_input(conn);
    }
    if (conn->req != NULL) {
        response_flush(conn->req);
    }
    if (!conn->closing && conn->eof && pending(conn) == 0) {
        on_end_of_input(conn);
    }
    conn_tune(conn);
}

static void on_wake(struct defer *defer) {
    work(LIST_ENTRY(defer, struct conn, defer), NULL, 0);
}

static void conn_wake(struct conn *conn) {
    if (!conn->working && !conn->closing) {
        defer_arm(conn->engine->host, &conn->defer);
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
    struct conn *conn = stream->data;
    if (count == 0 || conn->closing) {
        return;
    }
    if (count < 0) {
        conn->reading = false;
        if (count != UV_EOF) {
            conn_break(conn, count == UV_ENOBUFS ? -ENOMEM : -ECONNRESET, false);
            return;
        }
        conn->eof = true;
        if (pending(conn) == 0) {
            on_end_of_input(conn);
        }
        conn_tune(conn);
        return;
    }
    if (conn->lingering) {
        conn->progress += (uint64_t)count;
        if (conn->progress > CONN_LINGER_BYTES) {
            end(conn);
        }
        return;
    }
    if (pending(conn) > 0) {
        if (append_input(conn, buf->base, (size_t)count) != 0) {
            conn_break(conn, -ENOMEM, true);
        }
        conn_tune(conn);
        return;
    }
    work(conn, buf->base, (size_t)count);
}

static bool conn_can_persist(const struct carrier *carrier) {
    const struct conn *conn = conn_of(carrier);
    return !conn->engine->host->stopping && !listener_is_closed(conn->listener) &&
           !(conn->eof && !has_more(conn));
}

static void conn_settle(struct conn *conn) {
    struct request *req = conn->req;
    if (conn->closing || req == NULL || req->phase != REQUEST_ANSWERED || req->sending ||
        req->end_waiting) {
        return;
    }
    if (req->cut) {
        end(conn);
        return;
    }
    if (req->pub.content_length == 0) {
        req->body = BODY_DONE;
    }
    if (req->body != BODY_DONE && req->keep_alive && body_is_drainable(req)) {
        req->body = BODY_DROPPED;
        conn_wake(conn);
        return;
    }
    bool clean = req->body == BODY_DONE && !req->refused;
    bool keep_alive = req->keep_alive;
    let_go(conn, 0);
    if (!clean) {
        linger(conn);
    } else if (!keep_alive) {
        /* More input may be a request that was sent before our "close" was seen. */
        if (has_more(conn)) {
            linger(conn);
        } else {
            end(conn);
        }
    } else if (pending(conn) > 0 || conn->eof) {
        conn_wake(conn);
    } else {
        conn_tune(conn);
    }
}

/* ---- timeouts ---- */

static struct conn *expired(struct deadline *deadline) {
    return LIST_ENTRY(deadline, struct conn, timeout);
}

static void on_idle_expired(struct deadline *deadline) {
    end(expired(deadline));
}

static void on_head_expired(struct deadline *deadline) {
    struct conn *conn = expired(deadline);
    struct request *req = conn->req;
    req->refused = true;
    response_fail(req, 408, "The request did not come in time");
}

static void on_stall_expired(struct deadline *deadline) {
    struct conn *conn = expired(deadline);
    struct request *req = conn->req;
    if (req->sending) {
        size_t left = uv_stream_get_write_queue_size(&conn->uv.stream);
        if (left == conn->progress) {
            conn_break(conn, -ETIMEDOUT, true);
            return;
        }
        conn->progress = left;
    } else {
        request_ref(req);
        body_on_failure(req, -ETIMEDOUT);
        request_unref(req);
    }
    conn_tune(conn);
}

void conn_setup_timeouts(struct http_engine *engine) {
    const struct host *host = engine->host;
    struct deadline_clock *clock = &engine->clock;
    deadline_queue_init(&engine->idle, clock, host->idle_timeout_ms, on_idle_expired);
    deadline_queue_init(&engine->head, clock, host->header_timeout_ms, on_head_expired);
    deadline_queue_init(&engine->stall, clock, host->stall_timeout_ms, on_stall_expired);
    deadline_queue_init(&engine->linger, clock, HTTP_ENGINE_LINGER_MS, on_idle_expired);
}

/* ---- the beginning of a connection ---- */

/* Too many: says so, in the little time that the rest of the host can spare. */
static void refuse(struct conn *conn) {
    char id[UUID_TEXT_SIZE];
    char text[256];
    conn->over_limit = true;
    if (++conn->engine->refused > CONN_REFUSED_MAX) {
        conn_break(conn, 0, true);
        return;
    }
    uuid_v4(id);
    int len =
        snprintf(text, sizeof text,
                 "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n"
                 "Retry-After: 1\r\nx-amzn-RequestId: %s\r\n\r\n",
                 id);
    uv_buf_t buf = {.base = text, .len = (size_t)len};
    if (uv_try_write(&conn->uv.stream, &buf, 1) < 0) {
        conn_break(conn, 0, true);
        return;
    }
    linger(conn);
}

void conn_accept(struct listener *listener, uv_stream_t *server) {
    struct http_engine *engine = listener_engine(listener);
    struct host *host = engine->host;
    bool unix_socket = listener_is_unix(listener);
    struct conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL) {
        log_error("out of memory: a connection is left waiting");
        return;
    }
    int result = unix_socket ? uv_pipe_init(host->loop, &conn->uv.pipe, 0)
                             : uv_tcp_init(host->loop, &conn->uv.tcp);
    if (result != 0) {
        free(conn);
        return;
    }
    conn->uv.handle.data = conn;
    conn->carrier.ops = &carrier_ops;
    conn->engine = engine;
    conn->listener = listener;
    listener_ref(listener);
    defer_init(&conn->defer, on_wake);
    deadline_init(&conn->timeout);
    list_append(&host->connections, &conn->node);
    host->connections_count++;
    if (uv_accept(server, &conn->uv.stream) != 0) {
        end(conn);
        return;
    }
    if (!unix_socket) {
        (void)uv_tcp_nodelay(&conn->uv.tcp, 1);
    }
    if (host->max_connections != 0 && host->connections_count > host->max_connections) {
        refuse(conn);
    } else {
        conn_tune(conn);
    }
}

static struct virga_str conn_peer(struct carrier *carrier) {
    struct conn *conn = conn_of(carrier);
    if (conn->peer_len == 0) {
        struct sockaddr_storage address;
        int size = sizeof address;
        char name[INET6_ADDRSTRLEN];
        char port[8];
        int len;
        if (listener_is_unix(conn->listener)) {
            len = snprintf(conn->peer, sizeof conn->peer, "unix");
        } else if (uv_tcp_getpeername(&conn->uv.tcp, (struct sockaddr *)&address, &size) != 0 ||
                   getnameinfo((struct sockaddr *)&address, (socklen_t)size, name, sizeof name,
                               port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
            len = snprintf(conn->peer, sizeof conn->peer, "unknown");
        } else {
            bool v6 = address.ss_family == AF_INET6;
            len = snprintf(conn->peer, sizeof conn->peer, v6 ? "[%s]:%s" : "%s:%s", name, port);
        }
        conn->peer_len = (uint8_t)(len < CONN_PEER_SIZE ? len : CONN_PEER_SIZE - 1);
    }
    return (struct virga_str){conn->peer, conn->peer_len};
}

/* ---- as a carrier ---- */

static void on_carrier_wake(struct carrier *carrier) {
    conn_wake(conn_of(carrier));
}

static void on_carrier_settle(struct carrier *carrier) {
    conn_settle(conn_of(carrier));
}

static void on_carrier_break(struct carrier *carrier, int status, bool reset) {
    conn_break(conn_of(carrier), status, reset);
}

static const struct carrier_ops carrier_ops = {
    .send = conn_send,
    .send_file = conn_send_file,
    .send_interim = conn_send_interim,
    .wake = on_carrier_wake,
    .settle = on_carrier_settle,
    .break_off = on_carrier_break,
    .can_persist = conn_can_persist,
    .peer = conn_peer,
};

/* ---- all of them ---- */

/* Waiting for a request, or for the rest of one that nobody has seen yet. */
static bool is_idle(const struct conn *conn) {
    return (conn->req == NULL && pending(conn) == 0) ||
           (conn->req != NULL && conn->req->phase == REQUEST_HEAD);
}

void conn_close_idle_of(struct host *host, const struct listener *listener) {
    LIST_EACH_SAFE (node, &host->connections) {
        struct conn *conn = LIST_ENTRY(node, struct conn, node);
        bool unseen = is_idle(conn) || (conn->req != NULL && conn->req->phase == REQUEST_BODY);
        if (conn->listener == listener && unseen && !conn->lingering) {
            end(conn);
        }
    }
}

/* Between two requests for a moment, and no byte of the next has come. */
static bool is_at_rest(const struct conn *conn) {
    const struct deadline *timeout = &conn->timeout;
    uint64_t now_ms = uv_now(conn->engine->host->loop);
    uv_os_fd_t fd;
    int unread = 0;
    return conn->req == NULL && pending(conn) == 0 && !conn->lingering &&
           (timeout->queue == NULL ||
            timeout->at_ms - timeout->queue->duration_ms + CONN_DRAIN_IDLE_MS <= now_ms) &&
           uv_fileno(&conn->uv.handle, &fd) == 0 && ioctl(fd, FIONREAD, &unread) == 0 &&
           unread == 0;
}

size_t conn_drain(struct host *host, bool late) {
    size_t left = 0;
    LIST_EACH_SAFE (node, &host->connections) {
        struct conn *conn = LIST_ENTRY(node, struct conn, node);
        if (listener_options(conn->listener)->patient) {
            continue;
        }
        left++;
        if (is_at_rest(conn) || (late && is_idle(conn) && !conn->lingering)) {
            end(conn);
            left--;
        }
    }
    return left;
}

void conn_abort_answers(struct host *host) {
    LIST_EACH_SAFE (node, &host->connections) {
        struct conn *conn = LIST_ENTRY(node, struct conn, node);
        if (conn->req != NULL && conn->req->phase >= REQUEST_ANSWERING) {
            conn_break(conn, -ECANCELED, true);
        }
    }
}

void conn_abort_all(struct host *host) {
    while (!list_empty(&host->connections)) {
        conn_break(LIST_ENTRY(host->connections.next, struct conn, node), -ECANCELED, true);
    }
}
