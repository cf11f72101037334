/* SPDX-License-Identifier: MIT */
/* The table of virga.proxy/1: checks what plugins hand over; the work is done by upstream and
 * transfer. */
#include "ext_proxy.h"

#include <errno.h>

#include "log.h"
#include "plugin.h"
#include "proxy_headers.h"
#include "transfer.h"
#include "upstream.h"

static int create(const struct virga_host *host, const struct virga_upstream_options *options,
                  struct virga_upstream **ret_upstream) {
    if (host == NULL || options == NULL || ret_upstream == NULL) {
        return -EINVAL;
    }
    return upstream_create(plugin_from(host), options, ret_upstream);
}

static int forward(const struct virga_host *host, struct virga_request *req,
                   struct virga_upstream *upstream, const struct virga_proxy_request *options) {
    if (host == NULL || req == NULL || upstream == NULL || options == NULL ||
        options->struct_size < sizeof *options) {
        return -EINVAL;
    }
    struct plugin *plugin = plugin_from(host);
    if (!proxy_headers_valid(options)) {
        log_write(VIRGA_LOG_ERROR, plugin->desc->name, req->id.ptr,
                  "forward: a method, target or header that cannot be sent");
        return -EINVAL;
    }
    return transfer_start(plugin, req, upstream, options);
}

static int status(const struct virga_proxy_response *res) {
    return res->status;
}

static int set_header(struct virga_proxy_response *res, const char *name, struct virga_str value) {
    return name == NULL ? -EINVAL : proxy_headers_set(res, name, value);
}

static void set_status(struct virga_proxy_response *res, int new_status) {
    res->status = new_status;
}

const struct virga_proxy ext_proxy = {
    .struct_size = sizeof ext_proxy,
    .upstream_create = create,
    .upstream_destroy = upstream_destroy,
    .upstream_reset = upstream_reset,
    .forward = forward,
    .status = status,
    .header = proxy_headers_get,
    .set_header = set_header,
    .set_status = set_status,
};
