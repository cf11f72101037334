/* SPDX-License-Identifier: MIT */
/* Sleeps for a second where it must not block. */
#include "bad.h"

#include <time.h>

static void handle(void *self, struct virga_request *req) {
    const struct timespec second = {.tv_sec = 1};
    (void)self;
    (void)nanosleep(&second, NULL);
    bad_answer(req, "at last");
}

static const struct virga_route routes[] = BAD_ROUTES("/blocks-loop");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "blocks-loop", .version = "1",  .summary = "Gets one thing wrong",
    VIRGA_ROUTES(routes), .start = bad_start,    .handle = handle};
