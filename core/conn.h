/* SPDX-License-Identifier: MIT */
/* A client's connection: reads, feeds the parser, sends, and decides when to go on, to wait and to
 * close. Owns the socket and the bytes read ahead; leaves syntax to http1 and answers to response.
 */
#ifndef CORE_CONN_H
#define CORE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "carrier.h"
#include "deadline.h"
#include "defer.h"
#include "list.h"

struct host;
struct http_engine;
struct listener;
struct request;

/* Bytes of following requests that are read while one is being answered; then reading stops. */
#define CONN_AHEAD_BYTES 65536
/* What is read and thrown away after an answer that came before the end of its request. */
#define CONN_LINGER_BYTES ((uint64_t)64 * 1024 * 1024)
/* Connections above the limit that are told so at one time; further ones are closed at once. */
#define CONN_REFUSED_MAX 64

/* A client that is about to send its next request gets the time to do so when the host stops, and
 * an answer with "Connection: close". */
#define CONN_DRAIN_IDLE_MS 200

#define CONN_PEER_SIZE 56

struct conn {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct carrier carrier;
    struct list node; /* host->connections */
    struct deadline timeout;
    struct defer defer;
    struct http_engine *engine;
    struct listener *listener;
    struct request *req; /* the one that is read, handled or answered */
    char *input;         /* read but not used up: from input_at to input_len */
    uint32_t input_at;
    uint32_t input_len;
    uint32_t input_size;
    uint32_t in_hand;  /* bytes of the engine's read buffer that work() has not used up yet */
    bool input_shared; /* input is a buffer of the engine */
    bool reading;
    bool working; /* inside work() */
    bool eof;     /* the client has sent all that it will */
    bool lingering;
    bool over_limit;
    bool closing;
    uint8_t peer_len;
    char peer[CONN_PEER_SIZE]; /* text, made for the first request */
    uint64_t progress; /* bytes to write at the last look; bytes thrown away when lingering */
};

/* Takes a waiting connection of a listening socket. */
void conn_accept(struct listener *listener, uv_stream_t *server);

/* Closes those of a listener that wait for a request. */
void conn_close_idle_of(struct host *host, const struct listener *listener);
/* One step of ending them all gently: closes those that have been idle for a moment; with `late`
 * also those that have sent a part of a request's head. Returns how many are left. Those of patient
 * listeners are left alone and not counted: they are part of what a plugin runs and go with it. */
size_t conn_drain(struct host *host, bool late);
/* Closes those whose answer is under way: it may lend bytes of a plugin to the kernel. */
void conn_abort_answers(struct host *host);
/* Closes all, whatever they do. */
void conn_abort_all(struct host *host);

/* --- between conn.c and conn_output.c --- */

static inline struct conn *conn_of(const struct carrier *carrier) {
    return LIST_ENTRY((uintptr_t)carrier, struct conn, carrier);
}

/* What carrier_ops asks of a connection: send, send_file, send_interim. */
int conn_send(struct request *req, uv_buf_t *bufs, unsigned count, bool copy);
ssize_t conn_send_file(struct request *req, int fd, uint64_t offset, size_t size);
void conn_send_interim(struct carrier *carrier, const char *text, size_t len);
/* Closes it; its request is cancelled with `status`. `reset`: the client sees an error, not an end.
 */
void conn_break(struct conn *conn, int status, bool reset);
/* Sets reading and timeout to what the state asks for. */
void conn_tune(struct conn *conn);

/* Makes the engine's timeout queues. */
void conn_setup_timeouts(struct http_engine *engine);

#endif
