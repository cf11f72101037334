/* SPDX-License-Identifier: MIT */
/* The HTTP/1.1 request parser: bytes in, events out. Owns syntax, framing and their limits,
 * stricter than llhttp where proxies disagree; knows no socket. */
#ifndef CORE_HTTP1_H
#define CORE_HTTP1_H

#include <llhttp.h>
#include <stdbool.h>
#include <stdint.h>
#include <virga/http.h>

#include "arena.h"

#define HTTP1_HEADERS_MAX 200
/* Fields behind a chunked body that are kept, and their bytes. */
#define HTTP1_TRAILERS_MAX 16
#define HTTP1_TRAILER_BYTES_MAX 65536
/* Bytes of a chunked body that are not payload: this many, and so many more for each chunk. */
#define HTTP1_CHUNK_OVERHEAD_BYTES 16384
#define HTTP1_CHUNK_OVERHEAD_EACH 64

enum http1_event {
    HTTP1_MORE, /* all bytes are used up */
    HTTP1_HEAD, /* the head is complete */
    HTTP1_BODY, /* a piece of the body */
    HTTP1_END,  /* the message is complete; the next byte is another's */
    HTTP1_BAD   /* not a request that can be served: `status` and `reason` */
};

/* What the head says; every string has a NUL behind it. Valid: as long as the arena. */
struct http1_head {
    struct virga_str method;
    struct virga_str target;
    struct virga_str path;
    struct virga_str query;
    struct virga_str host;
    struct virga_header *headers;
    size_t headers_count;
    struct virga_header *trailers; /* complete at HTTP1_END */
    size_t trailers_count;
    uint64_t content_length; /* VIRGA_LENGTH_UNKNOWN: chunked */
    bool http_1_0;
    bool keep_alive;
    bool expects_continue;
};

struct http1 {
    llhttp_t parser;
    struct http1_head head;
    int status;         /* of HTTP1_BAD: what to answer */
    const char *reason; /* of HTTP1_BAD: static text */
    /* private */
    struct arena *arena;
    char *text; /* target, names and values, each with its NUL */
    uint32_t text_len;
    uint32_t text_size;
    uint32_t headers_size;
    uint32_t head_bytes;
    uint32_t head_limit;
    uint32_t trailer_bytes;
    const char *framing; /* bytes from here on were not looked at by check_framing() */
    struct virga_str piece;
    uint64_t overhead_bytes;
    uint64_t chunks;
    uint64_t chunk_left;
    enum http1_event event;
    char last; /* the byte before `framing` */
    bool in_body;
    bool chunk_ended; /* the next byte is the CR behind a chunk's payload */
    bool forgets;     /* the trailer field that is read is one too many */
    bool open;        /* the string at the end of text goes on */
};

/* Prepares for one message. Strings go to `arena`. */
void http1_init(struct http1 *http, struct arena *arena, uint32_t head_limit_bytes);

/* Takes bytes until something is to be told; call it again with what is left (maybe nothing) after
 * HEAD and BODY. *ret_used is how many were taken; *ret_piece, for BODY, points into `data`. After
 * END and BAD it is not called again. */
enum http1_event http1_next(struct http1 *http, const char *data, size_t len, size_t *ret_used,
                            struct virga_str *ret_piece);

/* Whether `text` is a token, as names of headers are. Source: RFC 9110, 5.6.2. */
bool http1_is_token(struct virga_str text);
/* Whether `text` can be a header's value: no CR, LF or NUL. */
bool http1_is_value(struct virga_str text);
/* Whether the two are equal without regard to case. */
bool http1_same(struct virga_str a, const char *b);

#endif
