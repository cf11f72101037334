/* SPDX-License-Identifier: MIT */
/* What a plugin needs to be loaded at all; each source beside it gets one thing wrong. */
#ifndef TESTS_BADPLUGINS_BAD_H
#define TESTS_BADPLUGINS_BAD_H

#include <errno.h>
#include <stdlib.h>

#include <virga/virga.h>

static inline void bad_answer(struct virga_request *req, const char *text) {
    const struct virga_response res = {
        .struct_size = sizeof res, .status = 200, .body = virga_str_from(text)};
    (void)req->http->respond(req, &res);
}

/* The host of the plugin, for sources that use an interface. */
static const struct virga_host *bad_host __attribute__((unused));

static inline int bad_start(const struct virga_host *host, void **ret_self,
                            struct virga_error *err) {
    (void)ret_self;
    (void)err;
    bad_host = host;
    return 0;
}

static inline void bad_handle(void *self, struct virga_request *req) {
    (void)self;
    bad_answer(req, "fine");
}

#define BAD_ROUTES(path)                                                                           \
    {                                                                                              \
        { .kind = VIRGA_ROUTE_REST, .method = "GET", .pattern = path }                             \
    }
#define BAD_PARTS                                                                                  \
    .version = "1", .summary = "Gets one thing wrong", .start = bad_start, .handle = bad_handle

#endif
