/* SPDX-License-Identifier: MIT */
/* The AWS protocols as far as the host itself speaks them: which one a request is in, and its
 * errors in that protocol's own shape. Errors of a service are its plugin's. */
#ifndef CORE_PROTOCOL_H
#define CORE_PROTOCOL_H

#include <virga/http.h>

struct request;

enum protocol {
    PROTOCOL_JSON_1_0,
    PROTOCOL_JSON_1_1,
    PROTOCOL_REST_JSON,
    PROTOCOL_REST_XML,
    PROTOCOL_S3, /* REST XML with an error document of its own */
    PROTOCOL_QUERY,
    PROTOCOL_EC2, /* Query with another error document */
    PROTOCOL_RPC_CBOR,
    PROTOCOL_RPC_JSON
};

/* Which protocol a request is in, by its route, its headers and its credential scope; REST JSON
 * when nothing tells. Thread: [loop]. */
enum protocol protocol_of(const struct request *req);

/* An error of the host. */
struct protocol_error {
    int status;
    const char *code;    /* the error's name; NULL: the one that AWS uses for the status */
    const char *message; /* any text: it is escaped as the protocol wants it */
};

/* A formatted error. */
#define PROTOCOL_HEADERS_MAX 2
struct protocol_answer {
    int status;
    struct virga_header headers[PROTOCOL_HEADERS_MAX];
    size_t headers_count;
    struct virga_str body;
};

/* Writes the error of a request as `protocol` has it. Valid: as long as the request's arena.
 * Errors: -ENOMEM. */
int protocol_format(struct request *req, enum protocol protocol, const struct protocol_error *error,
                    struct protocol_answer *ret_answer);

/* Answers with an error in the request's own protocol; as respond() does. */
int protocol_fail(struct request *req, int status, const char *code, const char *message);

/* Text of the client for a message, in a buffer: cut at its size, what is not printable ASCII is
 * left out. Returns the buffer. */
const char *protocol_quote(struct virga_str text, char *buffer, size_t size);
#define PROTOCOL_QUOTE_MAX 200

#endif
