/* SPDX-License-Identifier: MIT */
/* virga.dispatch/1: call the API of another service in this host, as an AWS client would. Since
 * ABI 1.1. */
#ifndef VIRGA_EXT_DISPATCH_H
#define VIRGA_EXT_DISPATCH_H

#include "../host.h"
#include "../http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_DISPATCH_ID "virga.dispatch/1"

struct virga_dispatch_handle;

struct virga_dispatch_response {
    uint32_t struct_size;
    int status; /* HTTP status; 0 when there is none */
    int error;  /* 0, -ECANCELED cancel(), -ETIMEDOUT, -EMSGSIZE the answer's body is too large,
                   -ECONNRESET its handler broke off in the middle, -ENOMEM */
    uint32_t reserved;
    const struct virga_header *headers;
    size_t headers_count;
    struct virga_str body;
};

struct virga_dispatch_request {
    uint32_t struct_size;
    uint32_t reserved;
    const char *method;      /* NULL = POST */
    struct virga_str target; /* path and query; ptr NULL = "/" */
    /* X-Amz-Target, Content-Type ...; not Content-Length, Transfer-Encoding or Expect. "Host:
     * localhost" is added when there is none. */
    const struct virga_header *headers;
    size_t headers_count;
    struct virga_str body;
    /* Who calls and where, as if it were signed; an Authorization header is not looked at. ptr
     * NULL: the host's defaults, and no service. `service` is the SigV4 service name ("s3"). The
     * handler sees the account as the access key, unless there is an access_key. */
    struct virga_str account;
    struct virga_str region;
    struct virga_str service;
    uint64_t body_limit_bytes; /* of the answer; 0 = 4 MiB */
    uint64_t timeout_ms;       /* 0 = 30,000 */
    /* Calls back: exactly once, never inside call() or cancel(). Valid: `res` for the call. Errors
     * of the service, and a service that nobody provides, are answers as over the wire: error 0 and
     * a status. */
    void (*on_done)(void *arg, const struct virga_dispatch_response *res);
    void *arg;
    /* Since ABI 1.2. The access key that the handler sees, for a call on behalf of who signed with
     * it; ptr NULL: the account. Letters, digits and '_', at most 128. */
    struct virga_str access_key;
};

struct virga_dispatch {
    uint32_t struct_size;
    uint32_t reserved;

    /* Sends a request through the router, without a socket; the handler runs in a later turn of the
     * loop, whichever plugin's it is, the caller's own included. Everything is copied. The handle
     * is valid until on_done; ret_call may be NULL. Errors: -EINVAL malformed, -ELOOP more than 16
     * requests stand behind each other (a call made inside a request's handler or callbacks stands
     * behind that request), -EAGAIN 10,000 calls are under way, -ENOMEM. Thread: [loop]. */
    int (*call)(const struct virga_host *host, const struct virga_dispatch_request *request,
                struct virga_dispatch_handle **ret_call);

    /* Stops waiting: on_done comes soon, with -ECANCELED; the handler is told as when a client goes
     * away, and its answer is thrown away. NULL is fine. Thread: [loop]. */
    void (*cancel)(struct virga_dispatch_handle *call);
};

#ifdef __cplusplus
}
#endif
#endif
