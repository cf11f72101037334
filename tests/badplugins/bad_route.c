/* SPDX-License-Identifier: MIT */
/* Has a route whose braces do not close. */
#include "bad.h"

static const struct virga_route routes[] = BAD_ROUTES("/bad/{name/x");

const struct virga_plugin virga_plugin_v1 = {VIRGA_PLUGIN_HEAD, .name = "bad-route",
                                             VIRGA_ROUTES(routes), BAD_PARTS};
