/* SPDX-License-Identifier: MIT */
/* Has a setting whose own default is out of its bounds. */
#include "bad.h"

static const struct virga_config_key keys[] = {{.key = "workers",
                                                .type = VIRGA_CONFIG_INT,
                                                .default_value = "many",
                                                .min = 1,
                                                .max = 64,
                                                .help = "How many."}};
static const struct virga_route routes[] = BAD_ROUTES("/bad-key");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD, .name = "bad-key", VIRGA_CONFIG_KEYS(keys), VIRGA_ROUTES(routes), BAD_PARTS};
