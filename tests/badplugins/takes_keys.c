/* SPDX-License-Identifier: MIT */
/* Puts its settings where those of good are. */
#include "bad.h"

static const struct virga_route routes[] = BAD_ROUTES("/takes-keys");

const struct virga_plugin virga_plugin_v1 = {VIRGA_PLUGIN_HEAD, .name = "takes-keys",
                                             .config_root = "services.good", VIRGA_ROUTES(routes),
                                             BAD_PARTS};
