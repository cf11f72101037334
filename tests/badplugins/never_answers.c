/* SPDX-License-Identifier: MIT */
/* Keeps every request for ever. */
#include "bad.h"

static void handle(void *self, struct virga_request *req) {
    (void)self;
    (void)req;
}

static const struct virga_route routes[] = BAD_ROUTES("/never-answers");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "never-answers",
    .version = "1",       .summary = "Gets one thing wrong",
    VIRGA_ROUTES(routes), .start = bad_start,
    .handle = handle};
