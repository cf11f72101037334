/* SPDX-License-Identifier: MIT */
/* One request on its way to an upstream and its answer on its way back. Owns the order of events
 * between client, upstream and plugin, and every way that it can end; sockets belong to upstream,
 * parsing to http1_client. */
#ifndef CORE_TRANSFER_H
#define CORE_TRANSFER_H

#include <stdbool.h>
#include <virga/ext/proxy.h>

#include "arena.h"
#include "defer.h"
#include "proxy_headers.h"
#include "resource.h"
#include "upstream.h"

struct plugin;
struct transfer;

/* An error answer is held back up to this size before it is relayed: a registry may announce a
 * length (416: the whole blob's) that it does not send, and the client is to get what came, with
 * its right length. */
#define TRANSFER_HELD_MAX (64u * 1024)
/* An unwanted rest of an answer up to this size is read away to keep its connection. */
#define TRANSFER_DRAIN_MAX (256u * 1024)
/* Of VIRGA_PROXY_BUFFER, where the plugin says nothing. */
#define TRANSFER_BUFFER_DEFAULT_BYTES (UINT64_C(4) * 1024 * 1024)

/* Begins it; as virga_proxy.forward. `options` are complete and checked. Errors: -ENOMEM (req is
 * still the caller's). Thread: [loop]. */
int transfer_start(struct plugin *plugin, struct virga_request *req,
                   struct virga_upstream *upstream, const struct virga_proxy_request *options);

/* --- between transfer.c, transfer_request.c and transfer_answer.c --- */

/* How far the exchange with the upstream is. */
enum transfer_stage {
    STAGE_CONNECT, /* no connection yet */
    STAGE_SEND,    /* the request goes up */
    STAGE_WAIT,    /* all of it was sent, no head of an answer has come */
    STAGE_ANSWER   /* the answer comes */
};

/* Where the answer's body goes. */
enum transfer_sink {
    SINK_NONE,    /* no head yet */
    SINK_HOLD,    /* relayed, but the client has not got the head yet */
    SINK_RELAY,   /* the client has got the head */
    SINK_COLLECT, /* into `held`, for on_body */
    SINK_DRAIN    /* nowhere: the request is not ours any more */
};

struct transfer {
    struct resource resource; /* owner: the plugin */
    struct upstream_watch watch;
    struct defer begin;
    struct virga_upstream *upstream;
    struct virga_request *req; /* NULL once it was given back */
    struct virga_proxy_request options;
    struct arena arena;

    struct upstream_conn *conn;
    struct http1_client *answer;
    enum transfer_stage stage;
    uint64_t since_ms;     /* of the stage, or the last byte that moved */
    size_t queued;         /* waiting to be sent, at the last tick */
    bool conn_reused;      /* the connection came from the pool */
    bool answer_began;     /* a byte of the answer has come */
    struct virga_str head; /* the request's, for the upstream */
    struct virga_str body; /* the request's, when it is whole */
    bool is_head;          /* a HEAD request */
    bool idempotent;
    bool early; /* the answer came before the request's end */

    /* The client's body, streamed. */
    bool streams;
    bool chunked;
    uint64_t body_left; /* to be sent of an announced length */
    bool flow_began;
    bool flow_ended;  /* its end was told, or nobody wants it, or there is none */
    bool flow_paused; /* body_resume() is owed */
    bool client_failed;
    bool body_used;         /* a byte of it was sent: no second try */
    struct virga_str chunk; /* paused, and nothing of it was sent */

    /* The answer. */
    struct virga_proxy_response res;
    enum transfer_sink sink;
    const char *bytes; /* read, not yet parsed */
    size_t bytes_len;
    char *held;
    size_t held_len;
    size_t held_size;
    size_t drained;
    bool write_waits; /* for on_writable */
    bool in_client;   /* inside a call on `req`, which may report its end from within */
    int cancelled;    /* reported meanwhile */
    int status;       /* for on_done, when the request was answered before the end */
};

/* A byte has moved: the timeouts begin anew. */
void transfer_touch(struct transfer *t);
/* Gives the upstream's connection up. */
void transfer_release_conn(struct transfer *t, bool reusable);
/* Unhooks from the request before it is answered or handed over, and returns it. */
struct virga_request *transfer_give_up_request(struct transfer *t);
/* Ends it: on_done, and the struct is gone. */
void transfer_finish(struct transfer *t, int status);
/* Ends it with an error, of which the client learns in the way that is still open. The struct is
 * gone. */
void transfer_fail(struct transfer *t, int error);
/* Ends it because the client is gone, or its deadline has passed. The struct is gone. */
void transfer_end_without_client(struct transfer *t, int status);
/* As virga_http.on_cancel wants it. */
void transfer_on_cancel(void *arg, struct virga_request *req, int status);
/* After a call on the request that may have reported the client's end: false = the struct is gone.
 */
bool transfer_client_stays(struct transfer *t);

/* Sends the head and what there is of the body, on a connection that is ready. */
void transfer_request_send(struct transfer *t);
/* What was queued has been sent. */
void transfer_request_on_sent(struct transfer *t);
/* Whether the next byte has to come from the client. */
bool transfer_request_waits(const struct transfer *t);
/* Stops the client's body. */
void transfer_request_stop(struct transfer *t);

/* Parses what was read until it is used up or the client does not take it. The struct may be gone.
 */
void transfer_answer_read(struct transfer *t);
/* The answer is complete, or as complete as it gets. The struct is gone. */
void transfer_answer_end(struct transfer *t, bool reusable);
/* Whether what came so far is taken for the whole when the upstream ends too early: see
 * TRANSFER_HELD_MAX. */
bool transfer_answer_may_be_cut(const struct transfer *t);

#endif
