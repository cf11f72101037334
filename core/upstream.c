/* SPDX-License-Identifier: MIT */
/* Upstream servers: options, the pool (last in, first out), connections over TCP and unix sockets.
 */
#include "upstream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "host.h"
#include "resource.h"

#define IDLE_DEFAULT 32u
#define CONNECT_TIMEOUT_DEFAULT_MS 2000u
#define RESPONSE_TIMEOUT_DEFAULT_MS 60000u
#define STALL_TIMEOUT_DEFAULT_MS 120000u
/* The coarse timer ticks at an eighth of the shortest timeout, within these bounds. */
#define TICK_MIN_MS 10u
#define TICK_MAX_MS 250u

struct virga_upstream {
    struct resource resource;
    uv_loop_t *loop;
    struct virga_upstream_options options;
    char unix_path[sizeof((struct sockaddr_un *)NULL)->sun_path];
    struct sockaddr_storage address;
    unsigned refs;       /* the plugin, transfers, connections */
    unsigned generation; /* counts resets */
    bool destroyed;
    struct list idle; /* struct upstream_conn, the latest last */
    size_t idle_count;
    char *spare; /* the shared read buffer; NULL while a connection keeps it */
    uv_timer_t timer;
    uint64_t tick_ms;
    struct list watches; /* struct upstream_watch */
};

struct upstream_conn {
    struct list node; /* of the pool */
    struct virga_upstream *upstream;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    uv_connect_t connecting;
    const struct upstream_events *events; /* NULL: in the pool, or closing */
    void *arg;
    unsigned generation;
    unsigned writes_queued;
    char *kept; /* the buffer whose bytes the user still needs; reading has stopped */
    bool connected;
    bool ended;
    bool broken; /* a write failed */
};

struct conn_write {
    uv_write_t req;
    char bytes[];
};

/* --- the server --- */

static void on_timer_closed(uv_handle_t *handle) {
    struct virga_upstream *upstream = handle->data;
    free(upstream->spare);
    free(upstream);
}

struct virga_upstream *upstream_ref(struct virga_upstream *upstream) {
    upstream->refs++;
    return upstream;
}

void upstream_unref(struct virga_upstream *upstream) {
    if (--upstream->refs == 0) {
        uv_close((uv_handle_t *)&upstream->timer, on_timer_closed);
    }
}

static void on_reclaim(struct resource *resource) {
    upstream_destroy(LIST_ENTRY(resource, struct virga_upstream, resource));
}

static int set_address(struct virga_upstream *upstream,
                       const struct virga_upstream_options *options) {
    if ((options->unix_path == NULL) == (options->address == NULL)) {
        return -EINVAL;
    }
    if (options->unix_path != NULL) {
        size_t len = strlen(options->unix_path);
        if (len == 0 || len >= sizeof upstream->unix_path) {
            return -EINVAL; /* libuv would cut it and connect elsewhere */
        }
        memcpy(upstream->unix_path, options->unix_path, len + 1);
        return 0;
    }
    if (options->port == 0) {
        return -EINVAL;
    }
    if (uv_ip4_addr(options->address, options->port, (struct sockaddr_in *)&upstream->address) ==
            0 ||
        uv_ip6_addr(options->address, options->port, (struct sockaddr_in6 *)&upstream->address) ==
            0) {
        return 0;
    }
    return -EINVAL;
}

static uint32_t or_default(uint32_t value, uint32_t otherwise) {
    return value != 0 ? value : otherwise;
}

static void set_timeouts(struct virga_upstream *upstream) {
    struct virga_upstream_options *options = &upstream->options;
    options->connect_timeout_ms =
        or_default(options->connect_timeout_ms, CONNECT_TIMEOUT_DEFAULT_MS);
    options->response_timeout_ms =
        or_default(options->response_timeout_ms, RESPONSE_TIMEOUT_DEFAULT_MS);
    options->stall_timeout_ms = or_default(options->stall_timeout_ms, STALL_TIMEOUT_DEFAULT_MS);
    uint32_t tick = options->connect_timeout_ms;
    tick = options->response_timeout_ms < tick ? options->response_timeout_ms : tick;
    tick = options->stall_timeout_ms < tick ? options->stall_timeout_ms : tick;
    tick /= 8;
    upstream->tick_ms = tick < TICK_MIN_MS ? TICK_MIN_MS : tick > TICK_MAX_MS ? TICK_MAX_MS : tick;
}

int upstream_create(struct plugin *plugin, const struct virga_upstream_options *options,
                    struct virga_upstream **ret_upstream) {
    if (options->struct_size < sizeof *options) {
        return -EINVAL;
    }
    struct virga_upstream *upstream = calloc(1, sizeof *upstream);
    if (upstream == NULL) {
        return -ENOMEM;
    }
    int result = set_address(upstream, options);
    if (result != 0) {
        free(upstream);
        return result;
    }
    upstream->options = *options;
    upstream->options.unix_path = options->unix_path != NULL ? upstream->unix_path : NULL;
    upstream->options.address = NULL; /* the caller's; kept in binary */
    if (upstream->options.max_idle == 0) {
        upstream->options.max_idle = IDLE_DEFAULT;
    }
    set_timeouts(upstream);
    upstream->loop = plugin->host->loop;
    upstream->refs = 1;
    list_init(&upstream->idle);
    list_init(&upstream->watches);
    (void)uv_timer_init(upstream->loop, &upstream->timer);
    upstream->timer.data = upstream;
    resource_add(&upstream->resource, plugin, "upstream", on_reclaim);
    *ret_upstream = upstream;
    return 0;
}

void upstream_reset(struct virga_upstream *upstream) {
    upstream->generation++;
    while (!list_empty(&upstream->idle)) {
        struct upstream_conn *conn = LIST_ENTRY(upstream->idle.next, struct upstream_conn, node);
        list_remove(&conn->node);
        upstream->idle_count--;
        upstream_conn_release(conn, false);
    }
}

void upstream_destroy(struct virga_upstream *upstream) {
    if (upstream == NULL || upstream->destroyed) {
        return;
    }
    upstream->destroyed = true;
    resource_remove(&upstream->resource);
    upstream_reset(upstream);
    upstream_unref(upstream);
}

const struct virga_upstream_options *upstream_options(const struct virga_upstream *upstream) {
    return &upstream->options;
}

size_t upstream_idle_count(const struct virga_upstream *upstream) {
    return upstream->idle_count;
}

/* --- the coarse timer --- */

static void on_tick(uv_timer_t *timer) {
    struct virga_upstream *upstream = upstream_ref(timer->data);
    struct list due;
    /* A tick may end its watch and others: each is taken off before it is called. */
    list_init(&due);
    while (!list_empty(&upstream->watches)) {
        struct list *node = upstream->watches.next;
        list_remove(node);
        list_append(&due, node);
    }
    while (!list_empty(&due)) {
        struct upstream_watch *watch = LIST_ENTRY(due.next, struct upstream_watch, node);
        list_remove(&watch->node);
        list_append(&upstream->watches, &watch->node);
        watch->on_tick(watch, uv_now(upstream->loop));
    }
    if (list_empty(&upstream->watches)) {
        (void)uv_timer_stop(&upstream->timer);
    }
    upstream_unref(upstream);
}

void upstream_watch_add(struct virga_upstream *upstream, struct upstream_watch *watch) {
    list_append(&upstream->watches, &watch->node);
    if (!uv_is_active((uv_handle_t *)&upstream->timer)) {
        (void)uv_timer_start(&upstream->timer, on_tick, upstream->tick_ms, upstream->tick_ms);
    }
}

void upstream_watch_remove(struct virga_upstream *upstream, struct upstream_watch *watch) {
    list_remove(&watch->node);
    if (list_empty(&upstream->watches)) {
        (void)uv_timer_stop(&upstream->timer);
    }
}

/* --- connections --- */

static void give_buffer_back(struct upstream_conn *conn) {
    struct virga_upstream *upstream = conn->upstream;
    if (upstream->spare == NULL) {
        upstream->spare = conn->kept;
    } else {
        free(conn->kept);
    }
    conn->kept = NULL;
}

static void on_conn_closed(uv_handle_t *handle) {
    struct upstream_conn *conn = handle->data;
    struct virga_upstream *upstream = conn->upstream;
    free(conn);
    upstream_unref(upstream);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf) {
    struct upstream_conn *conn = handle->data;
    struct virga_upstream *upstream = conn->upstream;
    (void)suggested;
    if (upstream->spare == NULL) {
        upstream->spare = malloc(UPSTREAM_BUFFER_BYTES);
    }
    *ret_buf = uv_buf_init(upstream->spare, upstream->spare != NULL ? UPSTREAM_BUFFER_BYTES : 0);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf) {
    struct upstream_conn *conn = stream->data;
    if (len == 0) {
        return;
    }
    if (conn->events == NULL) { /* in the pool: whatever comes, it is of no use any more */
        list_remove(&conn->node);
        conn->upstream->idle_count--;
        upstream_conn_release(conn, false);
        return;
    }
    if (len > 0) {
        conn->events->on_bytes(conn->arg, buf->base, (size_t)len);
        return;
    }
    conn->ended = true;
    (void)uv_read_stop(stream);
    conn->events->on_end(conn->arg, len == UV_EOF ? 0 : len == UV_ENOBUFS ? -ENOMEM : (int)len);
}

static void on_connected(uv_connect_t *connecting, int status) {
    struct upstream_conn *conn = connecting->data;
    if (conn->events == NULL) {
        return; /* given up meanwhile */
    }
    const struct upstream_events *events = conn->events;
    void *arg = conn->arg;
    if (status == 0) {
        conn->connected = true;
        status = uv_read_start(&conn->uv.stream, on_alloc, on_read);
    }
    if (status != 0) {
        upstream_conn_release(conn, false);
    }
    events->on_connect(arg, status);
}

static int begin_connect(struct upstream_conn *conn) {
    struct virga_upstream *upstream = conn->upstream;
    conn->connecting.data = conn;
    if (upstream->options.unix_path != NULL) {
        uv_pipe_connect(&conn->connecting, &conn->uv.pipe, upstream->unix_path, on_connected);
        return 0;
    }
    int result = uv_tcp_connect(&conn->connecting, &conn->uv.tcp,
                                (const struct sockaddr *)&upstream->address, on_connected);
    if (result == 0) {
        (void)uv_tcp_nodelay(&conn->uv.tcp, 1);
    }
    return result;
}

static int open_conn(struct virga_upstream *upstream, const struct upstream_events *events,
                     void *arg, struct upstream_conn **ret_conn) {
    struct upstream_conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL) {
        return -ENOMEM;
    }
    int result = upstream->options.unix_path != NULL
                     ? uv_pipe_init(upstream->loop, &conn->uv.pipe, 0)
                     : uv_tcp_init(upstream->loop, &conn->uv.tcp);
    if (result != 0) {
        free(conn);
        return result;
    }
    conn->uv.handle.data = conn;
    conn->upstream = upstream_ref(upstream);
    conn->generation = upstream->generation;
    list_init(&conn->node);
    result = begin_connect(conn);
    if (result != 0) {
        upstream_conn_release(conn, false);
        return result;
    }
    conn->events = events;
    conn->arg = arg;
    *ret_conn = conn;
    return 0;
}

/* Whether the other side has neither closed nor said anything: the loop may not have seen it yet.
 */
static bool is_quiet(const struct upstream_conn *conn) {
    uv_os_fd_t fd;
    char byte;
    if (uv_fileno(&conn->uv.handle, &fd) != 0) {
        return false;
    }
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

int upstream_connect(struct virga_upstream *upstream, bool fresh,
                     const struct upstream_events *events, void *arg,
                     struct upstream_conn **ret_conn) {
    while (!fresh && !list_empty(&upstream->idle)) {
        struct upstream_conn *conn = LIST_ENTRY(upstream->idle.prev, struct upstream_conn, node);
        list_remove(&conn->node);
        upstream->idle_count--;
        if (!is_quiet(conn)) {
            upstream_conn_release(conn, false);
            continue;
        }
        conn->events = events;
        conn->arg = arg;
        *ret_conn = conn;
        return 1;
    }
    return open_conn(upstream, events, arg, ret_conn);
}

static void on_written(uv_write_t *req, int status) {
    struct upstream_conn *conn = req->handle->data;
    free(LIST_ENTRY(req, struct conn_write, req));
    conn->writes_queued--;
    if (status != 0) {
        conn->broken = true;
    } else if (conn->writes_queued == 0 && conn->events != NULL) {
        conn->events->on_sent(conn->arg);
    }
}

/* Copies what is behind the first `sent` bytes and queues it. The copy is what lets an early answer
 * end a request whose body still waits here, without the sender's bytes. */
static int queue_rest(struct upstream_conn *conn, const uv_buf_t *bufs, unsigned count, size_t sent,
                      size_t total) {
    struct conn_write *write = malloc(sizeof *write + (total - sent));
    if (write == NULL) {
        return -ENOMEM;
    }
    char *to = write->bytes;
    size_t skip = sent;
    for (unsigned i = 0; i < count; i++) {
        size_t from = skip < bufs[i].len ? skip : bufs[i].len;
        memcpy(to, bufs[i].base + from, bufs[i].len - from);
        to += bufs[i].len - from;
        skip -= from;
    }
    uv_buf_t rest = uv_buf_init(write->bytes, (unsigned)(total - sent));
    int result = uv_write(&write->req, &conn->uv.stream, &rest, 1, on_written);
    if (result != 0) {
        free(write);
        return result;
    }
    conn->writes_queued++;
    return 0;
}

int upstream_conn_write(struct upstream_conn *conn, const uv_buf_t *bufs, unsigned count) {
    size_t total = 0;
    for (unsigned i = 0; i < count; i++) {
        total += bufs[i].len;
    }
    if (total == 0) {
        return conn->writes_queued == 0;
    }
    int sent = conn->broken ? UV_EPIPE : uv_try_write(&conn->uv.stream, bufs, count);
    if (sent == UV_EAGAIN) {
        sent = 0;
    }
    if (sent >= 0 && (size_t)sent == total) {
        return 1;
    }
    if (sent >= 0 && queue_rest(conn, bufs, count, (size_t)sent, total) == 0) {
        return 0;
    }
    conn->broken = true;
    return sent < 0 ? sent : -ENOMEM;
}

size_t upstream_conn_queued(const struct upstream_conn *conn) {
    return conn->writes_queued > 0 ? uv_stream_get_write_queue_size(&conn->uv.stream) : 0;
}

void upstream_conn_pause(struct upstream_conn *conn) {
    if (conn->kept == NULL) {
        (void)uv_read_stop(&conn->uv.stream);
        conn->kept = conn->upstream->spare;
        conn->upstream->spare = NULL;
    }
}

void upstream_conn_resume(struct upstream_conn *conn) {
    if (conn->kept != NULL) {
        give_buffer_back(conn);
        (void)uv_read_start(&conn->uv.stream, on_alloc, on_read);
    }
}

void upstream_conn_release(struct upstream_conn *conn, bool reusable) {
    if (conn == NULL) {
        return;
    }
    struct virga_upstream *upstream = conn->upstream;
    conn->events = NULL;
    if (reusable && conn->connected && !conn->ended && !conn->broken && conn->writes_queued == 0 &&
        !upstream->destroyed && conn->generation == upstream->generation &&
        upstream->idle_count < upstream->options.max_idle) {
        /* Reading goes on: it is how the end of a pooled connection is noticed. */
        upstream_conn_resume(conn);
        list_append(&upstream->idle, &conn->node);
        upstream->idle_count++;
        return;
    }
    if (conn->kept != NULL) {
        give_buffer_back(conn);
    }
    if (!uv_is_closing(&conn->uv.handle)) {
        uv_close(&conn->uv.handle, on_conn_closed);
    }
}
