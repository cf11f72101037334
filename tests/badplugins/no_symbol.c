/* SPDX-License-Identifier: MIT */
/* Has a descriptor, but under another name. */
#include "bad.h"

extern VIRGA_EXPORT const struct virga_plugin my_plugin;

const struct virga_plugin my_plugin = {VIRGA_PLUGIN_HEAD, .name = "no-symbol", BAD_PARTS};
