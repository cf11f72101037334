/* SPDX-License-Identifier: MIT */
/* A request inside the host: what a plugin sees (struct virga_request) and what the host keeps
 * beside it. Owns the arena and the state of the exchange; bytes on the wire belong to conn and
 * http1. */
#ifndef CORE_REQUEST_H
#define CORE_REQUEST_H

#include <stdbool.h>
#include <uv.h>
#include <virga/plugin.h>

#include "arena.h"
#include "carrier.h"
#include "deadline.h"
#include "defer.h"
#include "http1.h"
#include "list.h"
#include "uuid.h"

struct host;
struct http_engine;
struct listener;
struct listener_options;
struct plugin;

/* How far the exchange is. */
enum request_phase {
    REQUEST_HEAD,      /* its head is being read */
    REQUEST_BODY,      /* its body is being collected */
    REQUEST_HANDLED,   /* somebody is to answer it and has not begun */
    REQUEST_ANSWERING, /* between respond_begin() and end() */
    REQUEST_ANSWERED   /* nothing is added to the answer any more */
};

/* What becomes of the body's bytes. */
enum request_body {
    BODY_UNREAD,  /* nobody wants them yet, or any more */
    BODY_FLOWING, /* they are collected, or go to on_body */
    BODY_PAUSED,  /* on_body holds one */
    BODY_DROPPED, /* they are read away */
    BODY_DONE     /* there are none left */
};

struct request {
    struct virga_request pub; /* first: a plugin's `req` is this struct */
    struct host *host;
    struct carrier *carrier; /* NULL once the client is gone */
    struct http_engine *engine;
    struct listener *listener;              /* NULL: a call from within the host */
    const struct listener_options *options; /* who is asked about it; until it is handed over */
    struct plugin *plugin;                  /* who answers; NULL = the host itself */
    struct arena arena;
    struct virga_route route; /* what pub.route points to when a route matched */
    bool streams;
    bool speaks_aws;           /* came where plugins' routes are: errors in the caller's protocol */
    bool patient;              /* nobody waits for it to end, at a stop or a reset */
    bool identified;           /* who calls was given, and is not to be read from the headers */
    unsigned depth;            /* of calls within the host: how many stand behind this one */
    uint64_t body_limit_bytes; /* of a buffered body; 0 = the host's */
    uint64_t received_ns;      /* when its head was complete */
    int answered_status;       /* for the access line; 0 = none yet */

    /* The rest is private to request.c, body.c, response.c and conn.c. */
    unsigned refs; /* one each: the carrier, the handler, a write under way, a call under way */
    enum request_phase phase;
    bool live;  /* not in the freelist */
    bool owned; /* a handler has it */
    bool keep_alive;
    bool refused;  /* its bytes were no request: nothing after it can be trusted */
    int cancelled; /* negative errno: nobody waits for the handler's answer any more */
    struct http1 http1;
    struct list handled;      /* engine->handled, while a handler has it */
    struct deadline deadline; /* until the answer begins */
    struct defer notify;      /* tells the handler what it must not be told inside its own call */
    void (*on_cancel)(void *arg, struct virga_request *req, int status);
    void *on_cancel_arg;

    enum request_body body;
    bool continue_due; /* the client waits for "100 Continue" */
    bool body_begun;   /* body_start() was called */
    bool in_on_body;
    bool resumed_early; /* body_resume() inside on_body */
    char *collected;    /* a buffered body, in the arena or of its own */
    bool collected_malloced;
    size_t collected_size;
    uint64_t body_received;
    virga_on_body on_body;
    void *on_body_arg;
    char *held; /* a buffer of the lost connection: on_body has kept a chunk in it */
    bool held_shared;

    bool sends_body; /* not for HEAD, 204 and 304 */
    bool chunked;
    bool length_known;
    bool cut;           /* the answer ended before its announced length */
    bool sending;       /* `write` is under way */
    bool write_waiting; /* a write() returned 0 */
    bool end_waiting;   /* end() came while the head was under way */
    uint64_t announced;
    uint64_t sent_bytes;            /* of the answer's body */
    struct virga_str head_pending;  /* formatted, goes out with the first write */
    struct virga_str write_pending; /* came while the head was under way */
    virga_on_writable on_writable;
    void *on_writable_arg;
    uv_write_t write;
    char *copied;
    void (*release)(void *arg);
    void *release_arg;
    char chunk_line[20];
    char id[UUID_TEXT_SIZE];
};

static inline struct request *request_from(const struct virga_request *req) {
    return (struct request *)(void *)(uintptr_t)req;
}

/* The operations that plugins get as req->http; the host's own code uses them too. */
extern const struct virga_http request_http;

/* Answers with a text that lives in static memory or in the request's arena. */
int request_respond_text(struct request *req, int status, const char *content_type,
                         const char *text, size_t len);

/* --- between the files of the server --- */

static inline int carrier_send(struct request *req, uv_buf_t *bufs, unsigned count, bool copy) {
    return req->carrier->ops->send(req, bufs, count, copy);
}

/* A request whose head is to be read; `carrier` holds it. `listener` NULL: it came in on none, and
 * `options` say who is asked. NULL when out of memory. */
struct request *request_create(struct http_engine *engine, struct listener *listener,
                               const struct listener_options *options, struct carrier *carrier);
void request_ref(struct request *req);
void request_unref(struct request *req);
/* Frees a request of the freelist. */
void request_free(struct request *req);

/* Its head is complete: asks whose it is, and hands it over or begins to collect its body. */
void request_on_head(struct request *req);
/* Its body is collected: hands it over. */
void request_hand_over(struct request *req);
/* The handler has answered: the request is the host's again. */
void request_give_back(struct request *req);
/* Nobody waits for the handler's answer any more: it will be told. */
void request_cancel(struct request *req, int status);
/* The same once more: it asks only now to be told. */
void request_renotify(struct request *req);
/* Its carrier lets go of it: answered, or (status negative) the client is gone. */
void request_detach(struct request *req, int status);
/* The listener's deadline_ms has passed. */
void request_on_deadline(struct deadline *deadline);

/* A plugin has ended: names the requests that it never answered, and ends them. */
void request_forsake_all(struct plugin *plugin);

/* Logs a mistake in the use of the request, with the name of who made it. */
void request_blame(const struct request *req, const char *what);

#endif
