/* SPDX-License-Identifier: MIT */
/* The client's side of HTTP/1.1: reads one answer from bytes as they come. Owns parsing and its
 * limits; does no I/O and calls nobody back. */
#ifndef CORE_HTTP1_CLIENT_H
#define CORE_HTTP1_CLIENT_H

#include <stdbool.h>
#include <virga/http.h>

/* Status line, headers and trailers of an answer together, with those of 1xx answers before it. */
#define HTTP1_CLIENT_HEAD_MAX (64u * 1024)

struct http1_client;

/* What was read; also the results of http1_client_next(), besides negative errnos. */
enum http1_client_event {
    HTTP1_CLIENT_MORE = 0, /* all bytes are used up */
    HTTP1_CLIENT_HEAD =
        1, /* http1_client_head() has it; never of a 1xx answer, those are skipped */
    HTTP1_CLIENT_BODY = 2, /* the next part of the body, without its coding */
    HTTP1_CLIENT_END =
        3 /* the answer is complete; what is left of the bytes does not belong to it */
};

/* The head of an answer. Valid: until http1_client_destroy(). */
struct http1_client_head {
    int status;
    const struct virga_header *headers;
    size_t headers_count;
    uint64_t content_length; /* as announced, or VIRGA_LENGTH_UNKNOWN */
    bool has_body;           /* not of an answer to HEAD, nor with 204 or 304 */
};

/* Prepares to read one answer. `to_head`: it answers a HEAD request. Errors: -ENOMEM. */
int http1_client_create(bool to_head, struct http1_client **ret_client);
/* NULL is fine. */
void http1_client_destroy(struct http1_client *client);

/* Reads up to the next event, and moves *bytes and *len behind what it took. After HEAD and BODY it
 * is to be called again, even with nothing left: the end may follow without a further byte. Valid:
 * *ret_part (set for BODY) points into the bytes given. Errors: -EBADMSG not an HTTP/1 answer,
 * -EMSGSIZE HTTP1_CLIENT_HEAD_MAX is passed, -ENOMEM. */
int http1_client_next(struct http1_client *client, const char **bytes, size_t *len,
                      struct virga_str *ret_part);

/* The connection has ended behind the bytes: HTTP1_CLIENT_END when that is how this answer ends.
 * Errors: -ECONNRESET something is missing. */
int http1_client_eof(struct http1_client *client);

/* The head, after the event HEAD. */
const struct http1_client_head *http1_client_head(const struct http1_client *client);

/* After END: whether the connection may be used for a further request. */
bool http1_client_keeps_alive(const struct http1_client *client);

#endif
