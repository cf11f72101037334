/* SPDX-License-Identifier: MIT */
/* What all connections of a host share: read buffers, recycled requests, timeouts, the date. */
#ifndef CORE_HTTP_ENGINE_H
#define CORE_HTTP_ENGINE_H

#include <stdint.h>
#include <time.h>

#include "deadline.h"
#include "list.h"

struct host;
struct request;

#define HTTP_ENGINE_BUFFER_BYTES ((size_t)256 * 1024)
#define HTTP_ENGINE_SPARE_BUFFERS 8
#define HTTP_ENGINE_SPARE_REQUESTS 128
#define HTTP_ENGINE_LINGER_MS 2000

struct http_engine {
    struct host *host;
    struct list listeners; /* struct listener */
    struct list handled;   /* struct request: a handler is to answer it */
    struct deadline_clock clock;
    struct deadline_queue idle;   /* between requests */
    struct deadline_queue head;   /* from a request's first byte to the end of its head */
    struct deadline_queue stall;  /* no byte moves */
    struct deadline_queue linger; /* after the last answer, so that the client gets to read it */
    char *buffer; /* every socket is read into it; NULL: taken away by a connection */
    char *spares[HTTP_ENGINE_SPARE_BUFFERS];
    unsigned spares_count;
    struct request *requests[HTTP_ENGINE_SPARE_REQUESTS]; /* with their first arena block */
    unsigned requests_count;
    unsigned refused; /* connections above the limit that are being told so */
    unsigned refs;
    time_t date_at;
    char date[40];
};

/* The host's engine, made when there is none; each listener holds it. Errors: -ENOMEM. Thread:
 * [loop]. */
int http_engine_ref(struct host *host, struct http_engine **ret_engine);
/* One more holder of an engine that somebody holds already. */
void http_engine_hold(struct http_engine *engine);
void http_engine_unref(struct http_engine *engine);

/* The common read buffer; NULL when out of memory. */
char *http_engine_buffer(struct http_engine *engine);
/* Takes the common read buffer away to keep what is in it. Owns: the caller, until
 * http_engine_give(). */
char *http_engine_take(struct http_engine *engine);
void http_engine_give(struct http_engine *engine, char *buffer);

/* The Date header's value. Source: RFC 9110, 5.6.7. */
struct virga_str http_engine_date(struct http_engine *engine);

#endif
