/* SPDX-License-Identifier: MIT */
/* virga.proxy/1: hand a request to an upstream server and its answer back, streamed. */
#ifndef VIRGA_EXT_PROXY_H
#define VIRGA_EXT_PROXY_H

#include "../host.h"
#include "../http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_PROXY_ID "virga.proxy/1"

struct virga_upstream;       /* a server and its pooled keep-alive connections */
struct virga_proxy_response; /* an upstream's answer on its way to the client */

struct virga_upstream_options {
    uint32_t struct_size;
    uint32_t reserved;
    const char *unix_path; /* either this */
    const char *address;   /* or this, "127.0.0.1" or "::1" (no name look-up) ... */
    uint16_t port;         /* ... with this */
    uint16_t max_idle;     /* idle connections kept; 0 = 32 */
    uint32_t connect_timeout_ms;  /* 0 = 2,000 */
    uint32_t response_timeout_ms; /* from the request's last byte to the answer's first; 0 = 60,000 */
    uint32_t stall_timeout_ms;    /* without a byte moving in either direction; 0 = 120,000 */
};

/* What on_response decides. */
enum virga_proxy_decision {
    VIRGA_PROXY_PASS = 0,   /* relay it, with the headers as changed */
    VIRGA_PROXY_BUFFER = 1, /* collect its body, then on_body, which answers */
    VIRGA_PROXY_DROP = 2    /* read its body away; on_response has answered or will answer itself */
};

/* What is sent upstream. Everything is copied or used before forward() returns, but `body`. */
struct virga_proxy_request {
    uint32_t struct_size;
    uint32_t reserved;
    struct virga_str method; /* ptr NULL: the client's */
    struct virga_str target; /* path and query; ptr NULL: the client's */
    const struct virga_header *set_headers; /* replace or add */
    size_t set_headers_count;
    const struct virga_str *remove_headers;
    size_t remove_headers_count;
    /* Sent instead of the client's body; ptr NULL: stream the client's. Valid: until on_done. */
    struct virga_str body;
    uint64_t buffer_limit_bytes; /* of VIRGA_PROXY_BUFFER; 0 = 4 MiB; beyond it: on_error(-EMSGSIZE) */

    /* The answer's head has come. NULL: relay as it is. For DROP the callee answers `req` itself. */
    enum virga_proxy_decision (*on_response)(void *arg, struct virga_request *req,
                                             struct virga_proxy_response *res);
    /* After BUFFER: the whole body. The callee answers `req`, now or later. Valid: body and res for
     * the call. */
    void (*on_body)(void *arg, struct virga_request *req, struct virga_proxy_response *res,
                    struct virga_str body);
    /* No answer could be had and nothing was sent to the client: the callee answers `req`.
     * NULL: the host answers 502 or 504. error: -ECONNREFUSED, -ENOENT (no socket), -ETIMEDOUT,
     * -ECONNRESET, -EBADMSG (not HTTP), -EMSGSIZE, -ECANCELED (the client is gone; answering it returns
     * the same), or the error of the client's body as in virga_on_body. */
    void (*on_error)(void *arg, struct virga_request *req, int error);
    /* All is over and the request given back (or answered by the callee): for accounting only.
     * status 0 or the error. Calls back: exactly once for every forward() that returned 0, last. */
    void (*on_done)(void *arg, int status);
    void *arg;
};

/* Hop-by-hop headers (RFC 9110, 7.6.1) are dropped both ways and Host is set to "localhost" unless
 * set_headers has one. A request is sent again on a new connection only if a pooled one turned out to be
 * dead before a byte of the answer came and no byte of the client's body was used up. */
struct virga_proxy {
    uint32_t struct_size;
    uint32_t reserved;

    /* Names a server; connects only when needed. Errors: -EINVAL, -ENOMEM. Thread: [loop]. */
    int (*upstream_create)(const struct virga_host *host,
                           const struct virga_upstream_options *options,
                           struct virga_upstream **ret_upstream);

    /* Closes idle connections and forgets the server; transfers under way end normally. */
    void (*upstream_destroy)(struct virga_upstream *upstream);

    /* Closes the idle connections only: after the server was restarted. */
    void (*upstream_reset)(struct virga_upstream *upstream);

    /* Forwards `req`, whose body must not have been begun. On success the request belongs to the
     * proxy until on_response says DROP, or on_body or on_error is called. Calls back: never inside
     * this call. Errors (req still the caller's): -EINVAL, -ENOMEM. Thread: [loop]. */
    int (*forward)(const struct virga_host *host, struct virga_request *req,
                   struct virga_upstream *upstream, const struct virga_proxy_request *options);

    /* The following are for use inside on_response and on_body only. */
    int (*status)(const struct virga_proxy_response *res);
    struct virga_str (*header)(const struct virga_proxy_response *res, const char *name);
    /* Replaces every header of that name, or adds it; value.ptr NULL removes it. Copies.
     * Errors: -ENOMEM, -EINVAL CR, LF or NUL in it. */
    int (*set_header)(struct virga_proxy_response *res, const char *name, struct virga_str value);
    void (*set_status)(struct virga_proxy_response *res, int status);
};

#ifdef __cplusplus
}
#endif
#endif
