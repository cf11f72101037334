/* SPDX-License-Identifier: MIT */
/* Writes into memory that it did not get. */
#include "bad.h"

static void handle(void *self, struct virga_request *req) {
    char *text = req->http->alloc(req, 16);
    (void)self;
    *(volatile char *)text = '\0';
    bad_answer(req, "fine");
}

static const struct virga_route routes[] = BAD_ROUTES("/ignores-alloc");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "ignores-alloc",
    .version = "1",       .summary = "Gets one thing wrong",
    VIRGA_ROUTES(routes), .start = bad_start,
    .handle = handle};
