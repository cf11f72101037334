/* SPDX-License-Identifier: MIT */
/* Needs an interface that nobody provides. */
#include "bad.h"

static const char *const needs[] = {"virga.timr/1", NULL};
static const struct virga_route routes[] = BAD_ROUTES("/needs-absent");

const struct virga_plugin virga_plugin_v1 = {VIRGA_PLUGIN_HEAD, .name = "needs-absent",
                                             VIRGA_ROUTES(routes), .needs = needs, BAD_PARTS};
