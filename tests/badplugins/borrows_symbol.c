/* SPDX-License-Identifier: MIT */
/* Uses a library that only the host is linked to. */
#include "bad.h"

extern const char *uv_version_string(void);

static void handle(void *self, struct virga_request *req) {
    (void)self;
    bad_answer(req, uv_version_string());
}

static const struct virga_route routes[] = BAD_ROUTES("/borrows-symbol");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "borrows-symbol",
    .version = "1",       .summary = "Gets one thing wrong",
    VIRGA_ROUTES(routes), .start = bad_start,
    .handle = handle};
