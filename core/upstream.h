/* SPDX-License-Identifier: MIT */
/* A server that requests are handed to, and its pooled keep-alive connections. Owns sockets, the
 * pool and the read buffer; knows bytes only, no HTTP. Everything is [loop]. */
#ifndef CORE_UPSTREAM_H
#define CORE_UPSTREAM_H

#include <stdbool.h>
#include <uv.h>
#include <virga/ext/proxy.h>

#include "list.h"

struct plugin;
struct upstream_conn;

/* One read from an upstream. The buffer is shared by all connections of the upstream and becomes a
 * connection's own only while its bytes wait for a slow receiver. */
#define UPSTREAM_BUFFER_BYTES (256u * 1024)

/* What the user of a connection wants to hear. None comes inside a call on the connection. */
struct upstream_events {
    /* A new connection is there, or could not be made (status < 0: the connection is gone). */
    void (*on_connect)(void *arg, int status);
    /* Bytes came. Valid: for the call, or until upstream_conn_resume() after upstream_conn_pause().
     */
    void (*on_bytes)(void *arg, const char *bytes, size_t len);
    /* No more bytes will come: 0 at the end of the stream, else the errno. Release the connection.
     */
    void (*on_end)(void *arg, int error);
    /* Everything that a write left over has been sent. Not called when it never will be: reading
     * tells. */
    void (*on_sent)(void *arg);
};

/* Asks for a call at every tick of the upstream's one coarse timer. Embedded by who waits. */
struct upstream_watch {
    struct list node;
    void (*on_tick)(struct upstream_watch *watch, uint64_t now_ms);
};

/* As virga/ext/proxy.h says; `options` are checked and copied. Errors: -EINVAL, -ENOMEM. */
int upstream_create(struct plugin *plugin, const struct virga_upstream_options *options,
                    struct virga_upstream **ret_upstream);
/* Closes idle connections; the struct lives on until the last reference and connection are gone. */
void upstream_destroy(struct virga_upstream *upstream);
/* Closes idle connections, and keeps those in use from being pooled. */
void upstream_reset(struct virga_upstream *upstream);

/* Keeps the struct, for who may still open connections after upstream_destroy(). */
struct virga_upstream *upstream_ref(struct virga_upstream *upstream);
void upstream_unref(struct virga_upstream *upstream);

/* The options with defaults filled in. Valid: as long as the struct. */
const struct virga_upstream_options *upstream_options(const struct virga_upstream *upstream);
/* How many connections wait in the pool. */
size_t upstream_idle_count(const struct virga_upstream *upstream);

void upstream_watch_add(struct virga_upstream *upstream, struct upstream_watch *watch);
void upstream_watch_remove(struct virga_upstream *upstream, struct upstream_watch *watch);

/* Takes the connection that was pooled last and is still alive (unless `fresh`), or makes a new
 * one. Returns 1: it is ready. Returns 0: on_connect follows. Errors: the socket could not be had.
 */
int upstream_connect(struct virga_upstream *upstream, bool fresh,
                     const struct upstream_events *events, void *arg,
                     struct upstream_conn **ret_conn);

/* Sends bytes. Returns 1: all were sent. Returns 0: the rest was copied and queued, on_sent
 * follows. Errors: -ENOMEM; any other: the other side took none and takes no more, an answer may
 * come. */
int upstream_conn_write(struct upstream_conn *conn, const uv_buf_t *bufs, unsigned count);
/* Bytes that wait to be sent. */
size_t upstream_conn_queued(const struct upstream_conn *conn);

/* Inside on_bytes: keeps these bytes and reads no more. A second time nothing changes. */
void upstream_conn_pause(struct upstream_conn *conn);
/* Gives the bytes back and reads on. Not paused: nothing happens. */
void upstream_conn_resume(struct upstream_conn *conn);

/* Gives the connection up: back to the pool, or closed when it is not `reusable`. NULL is fine. */
void upstream_conn_release(struct upstream_conn *conn, bool reusable);

#endif
