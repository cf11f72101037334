/* SPDX-License-Identifier: MIT */
/* Was built for another major version of the ABI. */
#include "bad.h"

const struct virga_plugin virga_plugin_v1 = {.struct_size = sizeof(struct virga_plugin),
                                             .abi_major = VIRGA_ABI_MAJOR + 1,
                                             .name = "wrong-major",
                                             BAD_PARTS};
