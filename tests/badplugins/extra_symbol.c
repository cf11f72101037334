/* SPDX-License-Identifier: MIT */
/* Exports a function beside its descriptor. */
#include "bad.h"

VIRGA_EXPORT void helper_of_mine(void);

void helper_of_mine(void) {
}

static const struct virga_route routes[] = BAD_ROUTES("/extra-symbol");

const struct virga_plugin virga_plugin_v1 = {VIRGA_PLUGIN_HEAD, .name = "extra-symbol",
                                             VIRGA_ROUTES(routes), BAD_PARTS};
