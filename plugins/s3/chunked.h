/* SPDX-License-Identifier: MIT */
/* Decodes aws-chunked bodies: chunks of "<hex size>[;chunk-signature=..]", a last one of size 0,
 * and trailers behind it. Signatures are not checked. Pure. Source: Amazon S3 API Reference,
 * "Signature calculations for the authorization header: transferring payload in multiple chunks".
 */
#ifndef S3_CHUNKED_H
#define S3_CHUNKED_H

#include "s3.h"

/* The longest line of a chunk's head or of a trailer. */
#define CHUNKED_LINE_MAX 1024
#define CHUNKED_TRAILERS_MAX 2048

enum chunked_state {
    CHUNKED_HEAD,    /* in the line with the size */
    CHUNKED_DATA,    /* in the bytes of a chunk */
    CHUNKED_AFTER,   /* before the CRLF behind them */
    CHUNKED_TRAILER, /* in a trailer, or the empty line at the end */
    CHUNKED_END
};

/* Zero it first. */
struct chunked {
    enum chunked_state state;
    uint64_t left; /* of the chunk */
    char line[CHUNKED_LINE_MAX];
    size_t line_len;
    char trailers[CHUNKED_TRAILERS_MAX]; /* "name:value" and NUL, one after the other */
    size_t trailers_len;
};

/* Takes bytes off the front of `*bytes` until there is data, which is a part of `*bytes`, or
 * nothing is left (data empty). Errors: -EBADMSG. */
int chunked_next(struct chunked *chunked, struct virga_str *bytes, struct virga_str *ret_data);
/* Whether the body is complete: the last chunk was seen. */
bool chunked_is_complete(const struct chunked *chunked);
/* The trailer called `name`, without case; ptr NULL: there is none. */
struct virga_str chunked_trailer(const struct chunked *chunked, const char *name);

#endif
