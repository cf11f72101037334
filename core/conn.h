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

#define CONN_PEER_SIZE 56

struct conn {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
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

/* Sends bytes of the answer: at once what the socket takes, the rest later. With `copy` the rest is
 * copied, else it must stay until response_on_sent(). Returns 1 all sent, 0 the rest is queued.
 * Errors: -ECANCELED the connection broke. */
int conn_send(struct request *req, uv_buf_t *bufs, unsigned count, bool copy);
/* Sends static text between answers ("100 Continue"). */
void conn_send_interim(struct conn *conn, const char *text, size_t len);

/* The state of the exchange has changed: goes on with what has become possible, in the loop's next
 * turn. */
void conn_wake(struct conn *conn);
/* Sets reading and timeout to what the state asks for. */
void conn_tune(struct conn *conn);
/* Ends the exchange if the answer is sent and the body read, and turns to the next. */
void conn_settle(struct conn *conn);
/* Closes it; its request is cancelled with `status`. `reset`: the client sees an error, not an end.
 */
void conn_break(struct conn *conn, int status, bool reset);
/* Whether it goes on after this answer, as far as the connection knows. */
bool conn_can_persist(const struct conn *conn);
/* The client's address as text. Valid: as long as the connection. */
struct virga_str conn_peer(struct conn *conn);

/* Closes those that wait for a request. With listener NULL: of all listeners. */
void conn_close_idle_of(struct host *host, const struct listener *listener);
void conn_close_idle(struct host *host);
/* Closes all, whatever they do, and takes back the requests that destroyed plugins have left. */
void conn_abort_all(struct host *host);

/* Makes the engine's timeout queues. */
void conn_setup_timeouts(struct http_engine *engine);

#endif
