/* SPDX-License-Identifier: MIT */
/* Forgets a kilobyte with each request. */
#include "bad.h"

static void handle(void *self, struct virga_request *req) {
    (void)self;
    char *forgotten = malloc(1024);
    if (forgotten != NULL) {
        /* Through a volatile pointer, lest the compiler sees that nobody needs it. */
        *(char *volatile *)&forgotten = forgotten;
        forgotten[0] = 'x';
    }
    bad_answer(req, "fine");
}

static const struct virga_route routes[] = BAD_ROUTES("/leaks-memory");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "leaks-memory",
    .version = "1",       .summary = "Gets one thing wrong",
    VIRGA_ROUTES(routes), .start = bad_start,
    .handle = handle};
