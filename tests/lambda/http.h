/* SPDX-License-Identifier: MIT */
/* HTTP/1.1 over a plain socket: one connection that is kept and opened again when it has gone. */
#ifndef TEST_LAMBDA_HTTP_H
#define TEST_LAMBDA_HTTP_H

#include "text.h"

struct http {
    const char *address; /* "127.0.0.1:9001", "host.docker.internal:9001" */
    int fd;              /* -1: not connected */
};

struct answer {
    int status;
    struct text head, body;
};

/* Sends a request and reads its answer. `headers`: lines ended by "\r\n", or "". Returns 0, or -1:
 * the other side cannot be reached or broke off. */
int http_call(struct http *http, const char *method, const char *path, const char *headers,
              const char *body, size_t len, struct answer *answer);

/* The parts of it, for a request whose body is streamed: connects, */
int http_connect(struct http *http);
/* sends all of the bytes, */
int http_send(struct http *http, const char *bytes, size_t len);
/* and reads an answer. */
int http_read(struct http *http, struct answer *answer);
void http_close(struct http *http);

/* The value of a header; 0: it is not there, or it is longer than `size`. */
int http_header(const struct answer *answer, const char *name, char *value, size_t size);

#endif
