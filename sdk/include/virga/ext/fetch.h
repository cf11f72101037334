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
    int status; /* HTTP status; 0 when there is none */
    int error;  /* 0, or -ECONNREFUSED -ENOENT -ETIMEDOUT -ECONNRESET -EMSGSIZE -ECANCELED
                   -EHOSTUNREACH (no such host) -EPROTO (TLS, or not HTTP) -EIO
                   -EINVAL (on_send gave more or fewer bytes than send_length) */
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
    uint32_t connect_timeout_ms; /* 0 = 2,000 */
    uint32_t timeout_ms;         /* of the whole; 0 = 30,000 */
    uint64_t body_limit_bytes;   /* of the answer; 0 = 4 MiB */
    /* Calls back: exactly once, never inside start(). Valid: `res` for the call. */
    void (*on_done)(void *arg, const struct virga_fetch_response *res);
    void *arg;
    /* Since ABI 1.1, each may be NULL: the answer, and the request's body, as they come. None is
     * called inside start(), cancel() or resume(), nor after cancel() or on_done; each may call all
     * three. timeout_ms goes on while they wait. */
    /* The answer's head is there: status and headers, no body. Calls back: once, before any
     * on_chunk; not when the fetch fails before. Valid: `res` for the call. */
    void (*on_head)(void *arg, const struct virga_fetch_response *res);
    /* A part of the answer's body: body_limit_bytes does not count and on_done has no body. Returns
     * VIRGA_BODY_GO_ON, or VIRGA_BODY_PAUSE: nothing of it was used, and the same bytes, maybe
     * parted otherwise, come after resume(). Valid: `chunk` for the call. */
    int (*on_chunk)(void *arg, struct virga_str chunk);
    /* Gives the next part of the request's body, up to `size` bytes into `to`. Returns how many, 0
     * at the end, or VIRGA_FETCH_WAIT: nothing now, ask again after resume(). `body` must be empty,
     * the method not HEAD. An answer may come before the end; on_done then does too. */
    size_t (*on_send)(void *arg, char *to, size_t size);
    uint64_t send_length; /* of on_send's body; VIRGA_LENGTH_UNKNOWN = chunked */
};

#define VIRGA_FETCH_WAIT SIZE_MAX

struct virga_fetch {
    uint32_t struct_size;
    uint32_t reserved;

    /* Sends a request; everything in `request` is copied. Redirects are not followed. The handle is
     * valid until on_done; ret_fetch may be NULL. Errors: -EINVAL, -ENOMEM. Thread: [loop]. */
    int (*start)(const struct virga_host *host, const struct virga_fetch_request *request,
                 struct virga_fetch_handle **ret_fetch);

    /* Breaks it off: on_done comes soon, with -ECANCELED. */
    void (*cancel)(struct virga_fetch_handle *fetch);

    /* Since ABI 1.1. Goes on after VIRGA_BODY_PAUSE or VIRGA_FETCH_WAIT, both if both wait; else
     * nothing happens. Calls back: never inside this call. Thread: [loop]. */
    void (*resume)(struct virga_fetch_handle *fetch);
};

#ifdef __cplusplus
}
#endif
#endif
