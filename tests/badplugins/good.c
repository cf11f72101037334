/* SPDX-License-Identifier: MIT */
/* Gets nothing wrong: what must go on working beside the others. */
#include "bad.h"

static const struct virga_route routes[] = BAD_ROUTES("/good");

const struct virga_plugin virga_plugin_v1 = {VIRGA_PLUGIN_HEAD, .name = "good",
                                             VIRGA_ROUTES(routes), BAD_PARTS};
