/* SPDX-License-Identifier: MIT */
/* Listening ports of plugins. */
#include "ext_listener.h"

#include <errno.h>
#include <stdlib.h>

#include "config.h"
#include "host.h"
#include "listener.h"
#include "log.h"
#include "plugin.h"
#include "request.h"
#include "reset.h"
#include "resource.h"

struct virga_listener_handle {
    struct resource resource;
    struct listener *listener;
    void (*on_request)(void *arg, struct virga_request *req);
    void *arg;
};

static void on_request(void *arg, struct request *req) {
    const struct virga_listener_handle *handle = arg;
    struct plugin_call call;
    if (reset_holds(req)) {
        return;
    }
    plugin_enter(&call, handle->resource.owner, "on_request", req);
    handle->on_request(handle->arg, &req->pub);
    plugin_leave(&call);
}

static void close_listener(struct virga_listener_handle *handle) {
    if (handle == NULL) {
        return;
    }
    resource_remove(&handle->resource);
    /* Nothing of `handle` is used afterwards: listener_close() ends on_request. */
    listener_close(handle->listener);
    free(handle);
}

static void reclaim(struct resource *resource) {
    close_listener(LIST_ENTRY(resource, struct virga_listener_handle, resource));
}

/* The caller's options, those that its ABI minor lacks being zero. */
static struct virga_listener_options options_copy(const struct virga_listener_options *given) {
    struct virga_listener_options copy = {0};
    memcpy(&copy, given, given->struct_size < sizeof copy ? given->struct_size : sizeof copy);
    return copy;
}

static int open_listener(const struct virga_host *host, const struct virga_listener_options *given,
                         struct virga_listener_handle **ret_listener) {
    struct plugin *plugin = plugin_from(host);
    struct virga_listener_options options = options_copy(given);
    struct error err = {0};
    int rc;
    if (options.on_request == NULL || options.port_first > options.port_last) {
        return -EINVAL;
    }
    struct virga_listener_handle *handle = calloc(1, sizeof *handle);
    if (handle == NULL) {
        return -ENOMEM;
    }
    handle->on_request = options.on_request;
    handle->arg = options.arg;
    const struct listener_options inner = {
        .addresses = options.addresses != NULL
                         ? options.addresses
                         : config_string(plugin->host->config, "floci.bind-address"),
        .port_preferred = options.port_preferred,
        .port_first = options.port_first,
        .port_last = options.port_last,
        .unix_path = options.unix_path,
        .plugin = plugin,
        .streams = (options.flags & VIRGA_ROUTE_STREAM) != 0,
        .patient = (options.flags & VIRGA_LISTENER_PATIENT) != 0,
        .body_limit_bytes = options.body_limit_bytes,
        .deadline_ms = options.deadline_ms,
        .on_request = on_request,
        .arg = handle,
    };
    rc = listener_open(plugin->host, &inner, &handle->listener, &err);
    if (rc < 0) {
        /* The plugin gets the code alone; which address and port it was is known only here. */
        log_write(VIRGA_LOG_WARN, plugin->desc->name, NULL, "%s", err.text);
        free(handle);
        return rc;
    }
    resource_add(&handle->resource, plugin, "listener", reclaim);
    *ret_listener = handle;
    return 0;
}

static uint16_t port(const struct virga_listener_handle *handle) {
    return listener_port(handle->listener);
}

const struct virga_listener ext_listener = {
    .struct_size = sizeof ext_listener,
    .open = open_listener,
    .port = port,
    .close = close_listener,
};
