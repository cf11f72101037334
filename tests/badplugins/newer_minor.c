/* SPDX-License-Identifier: MIT */
/* Was built with a later minor, whose descriptor is longer: must load and serve. */
#include "bad.h"

static const struct virga_route routes[] = BAD_ROUTES("/newer-minor");

/* The longer descriptor, in the place where the host looks for one. */
struct longer {
    struct virga_plugin today;
    void (*of_tomorrow)(void);
};

static void of_tomorrow(void) {
}

extern VIRGA_EXPORT const struct longer longer_v1 __asm__(VIRGA_PLUGIN_SYMBOL);

const struct longer longer_v1 = {
    .today = {.struct_size = sizeof(struct longer),
              .abi_major = VIRGA_ABI_MAJOR,
              .abi_minor = VIRGA_ABI_MINOR + 1,
              .name = "newer-minor",
              VIRGA_ROUTES(routes),
              BAD_PARTS},
    .of_tomorrow = of_tomorrow,
};
