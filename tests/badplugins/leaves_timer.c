/* SPDX-License-Identifier: MIT */
/* Never stops its timer. */
#include "bad.h"

static void on_timer(void *arg) {
    (void)arg;
}

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    const struct virga_timer *timer = host->get_interface(host, VIRGA_TIMER_ID);
    static struct virga_timer_handle *handle;
    (void)ret_self;
    (void)err;
    return timer->start(host, 60000, 60000, on_timer, NULL, &handle);
}

static const struct virga_route routes[] = BAD_ROUTES("/leaves-timer");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "leaves-timer",
    .version = "1",       .summary = "Gets one thing wrong",
    VIRGA_ROUTES(routes), .start = start,
    .handle = bad_handle};
