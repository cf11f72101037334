/* SPDX-License-Identifier: MIT */
/* Never closes its listener. */
#include "bad.h"

static void on_request(void *arg, struct virga_request *req) {
    (void)arg;
    bad_answer(req, "fine");
}

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    const struct virga_listener *listener = host->get_interface(host, VIRGA_LISTENER_ID);
    static struct virga_listener_handle *handle;
    const struct virga_listener_options options = {
        .struct_size = sizeof options, .addresses = "127.0.0.1", .on_request = on_request};
    (void)ret_self;
    (void)err;
    return listener->open(host, &options, &handle);
}

static const struct virga_route routes[] = BAD_ROUTES("/leaves-listener");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "leaves-listener",
    .version = "1",       .summary = "Gets one thing wrong",
    VIRGA_ROUTES(routes), .start = start,
    .handle = bad_handle};
