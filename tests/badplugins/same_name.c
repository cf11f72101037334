/* SPDX-License-Identifier: MIT */
/* Has the name of good. */
#include "bad.h"

static const struct virga_route routes[] = BAD_ROUTES("/same-name");

const struct virga_plugin virga_plugin_v1 = {VIRGA_PLUGIN_HEAD, .name = "good",
                                             VIRGA_ROUTES(routes), BAD_PARTS};
