/* SPDX-License-Identifier: MIT */
/* Says that its descriptor is shorter than that of ABI 1.0 was. */
#include "bad.h"

const struct virga_plugin virga_plugin_v1 = {.struct_size = offsetof(struct virga_plugin, handle),
                                             .abi_major = VIRGA_ABI_MAJOR,
                                             .name = "short-struct",
                                             BAD_PARTS};
