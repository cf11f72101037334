/* SPDX-License-Identifier: MIT */
/* Ends the process that is not its own. */
#include "bad.h"

static void handle(void *self, struct virga_request *req) {
    (void)self;
    (void)req;
    exit(3);
}

static const struct virga_route routes[] = BAD_ROUTES("/exits");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "exits",    .version = "1",  .summary = "Gets one thing wrong",
    VIRGA_ROUTES(routes), .start = bad_start, .handle = handle};
