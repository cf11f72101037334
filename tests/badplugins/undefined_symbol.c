/* SPDX-License-Identifier: MIT */
/* Uses a function that is nowhere. */
#include "bad.h"

extern const char *function_that_is_nowhere(void);

static void handle(void *self, struct virga_request *req) {
    (void)self;
    bad_answer(req, function_that_is_nowhere());
}

static const struct virga_route routes[] = BAD_ROUTES("/undefined-symbol");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "undefined-symbol",
    .version = "1",       .summary = "Gets one thing wrong",
    VIRGA_ROUTES(routes), .start = bad_start,
    .handle = handle};
