/* SPDX-License-Identifier: MIT */
/* Does not start, and says why. */
#include "bad.h"

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    (void)host;
    (void)ret_self;
    virga_error_set(err, "the flux capacitor is empty");
    return -EIO;
}

static const struct virga_route routes[] = BAD_ROUTES("/start-fails");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,         .name = "start-fails", .version = "1",      VIRGA_ROUTES(routes),
    .summary = "Cannot start", .start = start,        .handle = bad_handle};
