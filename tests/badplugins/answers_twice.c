/* SPDX-License-Identifier: MIT */
/* Answers every request a second time. */
#include "bad.h"

static void handle(void *self, struct virga_request *req) {
    (void)self;
    bad_answer(req, "once");
    bad_answer(req, "twice");
}

static const struct virga_route routes[] = BAD_ROUTES("/answers-twice");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "answers-twice",
    .version = "1",       .summary = "Gets one thing wrong",
    VIRGA_ROUTES(routes), .start = bad_start,
    .handle = handle};
