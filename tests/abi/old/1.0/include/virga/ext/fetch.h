/* SPDX-License-Identifier: MIT */
/* virga.fetch/1: outgoing HTTP requests. */
#ifndef VIRGA_EXT_FETCH_H
#define VIRGA_EXT_FETCH_H

#include "../host.h"
#include "../http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_FETCH_ID "virga.fetch/1"

struct virga_fetch_handle;

struct virga_fetch_response {
    uint32_t struct_size;
    int status;             /* HTTP status; 0 when there is none */
    int error;              /* 0, or -ECONNREFUSED -ENOENT -ETIMEDOUT -ECONNRESET -EMSGSIZE -ECANCELED
                               -EHOSTUNREACH (no such host) -EPROTO (TLS, or not HTTP) -EIO */
    uint32_t reserved;
    const char *error_text; /* in words, "" when error is 0 */
    const struct virga_header *headers;
    size_t headers_count;
    struct virga_str body;
};

struct virga_fetch_request {
    uint32_t struct_size;
    uint32_t reserved;
    const char *method;    /* NULL = GET */
    const char *url;       /* http:// or https:// */
    const char *unix_path; /* connect to this socket instead of the URL's host */
    const struct virga_header *headers;
    size_t headers_count;
    struct virga_str body;
    uint32_t connect_timeout_ms;  /* 0 = 2,000 */
    uint32_t timeout_ms;          /* of the whole; 0 = 30,000 */
    uint64_t body_limit_bytes;    /* of the answer; 0 = 4 MiB */
    /* Calls back: exactly once, never inside start(). Valid: `res` for the call. */
    void (*on_done)(void *arg, const struct virga_fetch_response *res);
    void *arg;
};

struct virga_fetch {
    uint32_t struct_size;
    uint32_t reserved;

    /* Sends a request; everything in `request` is copied. Redirects are not followed. The handle is
     * valid until on_done; ret_fetch may be NULL. Errors: -EINVAL, -ENOMEM. Thread: [loop]. */
    int (*start)(const struct virga_host *host, const struct virga_fetch_request *request,
                 struct virga_fetch_handle **ret_fetch);

    /* Breaks it off: on_done comes soon, with -ECANCELED. */
    void (*cancel)(struct virga_fetch_handle *fetch);
};

#ifdef __cplusplus
}
#endif
#endif
