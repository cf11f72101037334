/* SPDX-License-Identifier: MIT */
/* A request without a connection, for tests of what reads requests only. */
#ifndef TESTS_FAKE_REQUEST_H
#define TESTS_FAKE_REQUEST_H

#include "host.h"
#include "request.h"

#define FAKE_HEADERS_MAX 8

struct fake_request {
    struct request req;
    struct virga_header headers[FAKE_HEADERS_MAX];
};

/* Owns: the strings stay the caller's. */
static inline void fake_request_init(struct fake_request *fake, struct host *host,
                                     const char *method, const char *path, const char *query) {
    memset(fake, 0, sizeof *fake);
    arena_init(&fake->req.arena);
    fake->req.host = host;
    fake->req.pub.http = &request_http;
    fake->req.pub.struct_size = sizeof fake->req.pub;
    fake->req.pub.method = virga_str_from(method);
    fake->req.pub.path = virga_str_from(path);
    fake->req.pub.query = virga_str_from(query);
    fake->req.pub.service = virga_str_from("");
    fake->req.pub.headers = fake->headers;
}

static inline void fake_request_header(struct fake_request *fake, const char *name,
                                       const char *value) {
    fake->headers[fake->req.pub.headers_count++] =
        (struct virga_header){virga_str_from(name), virga_str_from(value)};
}

static inline void fake_request_finish(struct fake_request *fake) {
    arena_finish(&fake->req.arena);
}

#endif
