/* SPDX-License-Identifier: MIT */
/* Has a setting whose default rests on one that there is not. */
#include "bad.h"

static const struct virga_config_key keys[] = {{.key = "path",
                                                .type = VIRGA_CONFIG_STRING,
                                                .default_value = "${floci.nothing}/here",
                                                .help = "Where."}};
static const struct virga_route routes[] = BAD_ROUTES("/bad-reference");

const struct virga_plugin virga_plugin_v1 = {VIRGA_PLUGIN_HEAD, .name = "bad-reference",
                                             VIRGA_CONFIG_KEYS(keys), VIRGA_ROUTES(routes),
                                             BAD_PARTS};
