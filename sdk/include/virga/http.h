/* SPDX-License-Identifier: MIT */
/* A request as a plugin sees it, and the ways to answer it.
 * Everything here is [loop]. A handler owns its request until it has answered exactly once, inside
 * the handler or any time later; a client that went away or a deadline that passed does not free
 * it. */
#ifndef VIRGA_HTTP_H
#define VIRGA_HTTP_H

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

struct virga_request;
struct virga_route;

/* content_length of a body whose size is not known beforehand (chunked). */
#define VIRGA_LENGTH_UNKNOWN UINT64_MAX

/* One header field. Names arrive as the client wrote them; compare without case. */
struct virga_header {
    struct virga_str name;
    struct virga_str value;
};

/* What a handler answers. The host adds Date, Content-Length or Transfer-Encoding, Connection and
 * x-amzn-RequestId itself, and refuses names and values with CR, LF or NUL. */
struct virga_response {
    uint32_t struct_size;
    int status; /* 200 to 599 */
    const struct virga_header *headers;
    size_t headers_count;
    struct virga_str body;
    /* How the body's bytes are given back: NULL = the host copies them before the call returns;
     * else it borrows them and calls release(release_arg) once, maybe before the call returns. */
    void (*release)(void *release_arg);
    void *release_arg;
    /* Content-Length to announce for HEAD and 304, whose body is not sent; else 0. */
    uint64_t head_length;
};

/* on_body return values. */
#define VIRGA_BODY_GO_ON 0 /* the chunk is used up */
#define VIRGA_BODY_PAUSE 1 /* the chunk stays valid and nothing more is read until body_resume()   \
                            */

/* on_body status values; negative is an errno: -ECONNRESET the client went away, -EMSGSIZE the
 * route's limit was passed, -ETIMEDOUT the client stalled, -EBADMSG malformed chunking, -ECANCELED
 * the host stops. */
#define VIRGA_BODY_DATA 0
#define VIRGA_BODY_END 1

/* Receives a streamed body. After VIRGA_BODY_END or a negative status it is not called again; a
 * negative status may also come between VIRGA_BODY_PAUSE and body_resume().
 * Valid: `chunk` until the return, or until body_resume() when VIRGA_BODY_PAUSE was returned. */
typedef int (*virga_on_body)(void *arg, struct virga_request *req, int status,
                             struct virga_str chunk);

/* Says that a write which returned 0 has been sent (status 0), or never will be (-ECANCELED,
 * -ECONNRESET, -ETIMEDOUT). Calls back: once for each such write. */
typedef void (*virga_on_writable)(void *arg, struct virga_request *req, int status);

/* The operations on a request ("virga.http/1"); also reached as req->http. Thread: [loop]. */
struct virga_http {
    uint32_t struct_size;
    uint32_t reserved;

    /* Memory that lives as long as the request, aligned for any type. NULL when out of memory. */
    void *(*alloc)(struct virga_request *req, size_t size);

    /* The first value of the header called `name`, without case; ptr NULL when there is none. */
    struct virga_str (*header)(const struct virga_request *req, const char *name);

    /* Answers with a whole body and gives the request back to the host: `req` is gone afterwards,
     * whatever is returned. Errors: -ECANCELED the client or the deadline was faster, -EINVAL the
     * response is malformed (the client gets 500), -ENOMEM. */
    int (*respond)(struct virga_request *req, const struct virga_response *res);

    /* Sends status and headers; the body (res->body must be empty) follows by write() and end().
     * `length` bytes are announced, or chunked coding is used for VIRGA_LENGTH_UNKNOWN.
     * Errors: as respond(); the request stays the handler's until end() or abort() all the same. */
    int (*respond_begin)(struct virga_request *req, const struct virga_response *res,
                         uint64_t length, virga_on_writable on_writable, void *arg);

    /* Sends the next part of the body, of any size, without copying it. At most one write may be
     * waiting. Returns 1: sent, the bytes are free again and more may be written now. Returns 0:
     * the bytes must stay as they are until on_writable. Errors: -ECANCELED the client is gone,
     * -EBUSY a write waits, -EMSGSIZE more than was announced (nothing was taken). */
    int (*write)(struct virga_request *req, struct virga_str bytes);

    /* Ends a body begun with respond_begin() and gives the request back. No write may be waiting.
     * Fewer bytes than announced: the connection is closed so that the client notices. */
    void (*end)(struct virga_request *req);

    /* Breaks off: nothing sent yet = 500, else the connection is reset. Gives the request back. */
    void (*abort)(struct virga_request *req);

    /* Begins the flow of a streamed body (a route or listener with VIRGA_ROUTE_STREAM); sends
     * "100 Continue" first when the client waits for it. At most once per request. A body that is
     * never begun is drained or the connection closed by the host. Calls back: never inside this
     * call. Errors: -EINVAL the body is buffered or was begun already. */
    int (*body_start)(struct virga_request *req, virga_on_body on_body, void *arg);

    /* Goes on after VIRGA_BODY_PAUSE. Calls back: never inside this call. */
    void (*body_resume)(struct virga_request *req);

    /* Stops the flow: on_body is not called again. For an answer before the end of the body. */
    void (*body_stop)(struct virga_request *req);

    /* Asks to be told once when nobody waits for the answer any more (status -ECONNRESET or
     * -ETIMEDOUT); the request must still be answered, which then returns -ECANCELED.
     * on_cancel NULL takes the wish back. */
    void (*on_cancel)(struct virga_request *req,
                      void (*on_cancel)(void *arg, struct virga_request *req, int status),
                      void *arg);

    /* Since ABI 1.3. The first trailer field called `name`, without case, behind a chunked body:
     * there from VIRGA_BODY_END on, or from the start where the body is buffered. ptr NULL when
     * there is none. Of more fields than 16 the last ones are forgotten. */
    struct virga_str (*trailer)(const struct virga_request *req, const char *name);
};

/* req->flags */
#define VIRGA_REQUEST_STREAMS 0x1u  /* the body comes through body_start(), req->body is absent */
#define VIRGA_REQUEST_HAS_BODY 0x2u /* Content-Length above 0, or chunked */

/* A request. Everything is read-only but `user`. Valid: until it is answered. The strings are the
 * client's bytes and may hold anything but NUL, CR and LF (body: anything). */
struct virga_request {
    uint32_t struct_size;
    uint32_t flags;                  /* VIRGA_REQUEST_* */
    const struct virga_http *http;   /* the operations */
    void *user;                      /* the handler's own; NULL at first */
    const struct virga_route *route; /* what matched; NULL on a plugin's own listener */
    struct virga_str id;             /* the request id (a UUID), as in the answer's header */
    struct virga_str method;         /* "GET" */
    struct virga_str target;         /* the request target as sent */
    struct virga_str path;           /* its path, not decoded */
    struct virga_str query;          /* what follows '?', not decoded; empty when absent */
    struct virga_str host;           /* the Host header (or the target's authority); may be empty */
    const struct virga_header *headers;
    size_t headers_count;
    struct virga_str body;    /* the whole body when it is buffered */
    uint64_t content_length;  /* as announced, or VIRGA_LENGTH_UNKNOWN */
    struct virga_str peer;    /* "127.0.0.1:53122", "[::1]:53122", "unix", "dispatch/<plugin>" */
    struct virga_str account; /* 12 digits: those of the access key id, or in a key that an STS of
                                this host issued, else the default */
    struct virga_str region;  /* of the credential scope, else the default */
    struct virga_str service; /* of the credential scope; empty when unsigned */
    struct virga_str access_key; /* empty when unsigned */
    struct virga_str action; /* X-Amz-Target's part after the route's prefix, or Query's Action */
    const struct virga_str
        *params; /* what the {names} of a path pattern matched, decoded, in order */
    size_t params_count;
};

#ifdef __cplusplus
}
#endif
#endif
