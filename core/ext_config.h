/* SPDX-License-Identifier: MIT */
/* virga.config/1 as the host keeps it: keys below the plugin's root, over config.h. */
#ifndef CORE_EXT_CONFIG_H
#define CORE_EXT_CONFIG_H

#include <virga/ext/config.h>

extern const struct virga_config ext_config;

#endif
