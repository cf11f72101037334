/* SPDX-License-Identifier: MIT */
/* Follows a wild pointer. */
#include "bad.h"

static void handle(void *self, struct virga_request *req) {
    *(volatile int *)self = 1; /* start() left it NULL */
    bad_answer(req, "not reached");
}

static const struct virga_route routes[] = BAD_ROUTES("/crashes");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "crashes",  .version = "1",  .summary = "Gets one thing wrong",
    VIRGA_ROUTES(routes), .start = bad_start, .handle = handle};
