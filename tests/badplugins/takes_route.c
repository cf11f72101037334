/* SPDX-License-Identifier: MIT */
/* Claims the route of good. */
#include "bad.h"

static const struct virga_route routes[] = BAD_ROUTES("/good");

const struct virga_plugin virga_plugin_v1 = {VIRGA_PLUGIN_HEAD, .name = "takes-route",
                                             VIRGA_ROUTES(routes), BAD_PARTS};
