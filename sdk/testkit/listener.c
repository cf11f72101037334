/* SPDX-License-Identifier: MIT */
/* virga.listener/1: ports on paper; the test sends to them. */
#include <stdlib.h>

#include "request.h"

#define EPHEMERAL_FIRST 49152
#define EPHEMERAL_LAST 65535

struct virga_listener_handle {
    struct handle handle;
    struct link link;
    uint16_t port;
    char *path;
    bool streams;
    uint64_t body_limit_bytes;
    void (*on_request)(void *arg, struct virga_request *req);
    void *arg;
};

static void close_listener(struct virga_listener_handle *listener) {
    if (listener != NULL) {
        kit_handle_remove(&listener->handle);
        link_remove(&listener->link);
        free(listener->path);
        free(listener);
    }
}

static void drop(struct handle *handle) {
    close_listener(LINK_ENTRY(handle, struct virga_listener_handle, handle));
}

static bool is_free(const struct testkit *kit, uint32_t port) {
    for (size_t i = 0; i < kit->taken_ports_count; i++) {
        if (kit->taken_ports[i] == port) {
            return false;
        }
    }
    LINK_EACH(at, &kit->listeners) {
        if (LINK_ENTRY(at, struct virga_listener_handle, link)->port == port) {
            return false;
        }
    }
    return true;
}

static uint16_t pick(const struct testkit *kit, const struct virga_listener_options *options) {
    uint32_t first = options->port_first != 0 ? options->port_first : EPHEMERAL_FIRST;
    uint32_t last = options->port_last != 0 ? options->port_last : EPHEMERAL_LAST;
    if (options->port_preferred != 0 && is_free(kit, options->port_preferred)) {
        return options->port_preferred;
    }
    for (uint32_t port = first; port <= last; port++) {
        if (is_free(kit, port)) {
            return (uint16_t)port;
        }
    }
    return 0;
}

static int open_listener(const struct virga_host *host, const struct virga_listener_options *given,
                         struct virga_listener_handle **ret_listener) {
    struct testkit *kit = kit_from(host);
    struct virga_listener_options options = {0};
    memcpy(&options, given,
           given->struct_size < sizeof options ? given->struct_size : sizeof options);
    if (options.on_request == NULL || options.port_first > options.port_last) {
        return -EINVAL;
    }
    uint16_t port = options.unix_path == NULL ? pick(kit, &options) : 0;
    if (options.unix_path == NULL && port == 0) {
        return -EADDRINUSE;
    }
    if (kit_alloc_fails(kit)) {
        return -ENOMEM;
    }
    struct virga_listener_handle *listener = kit_must_alloc(sizeof *listener);
    listener->port = port;
    listener->path = kit_must_strdup(options.unix_path);
    listener->streams = (options.flags & VIRGA_ROUTE_STREAM) != 0;
    listener->body_limit_bytes = options.body_limit_bytes;
    listener->on_request = options.on_request;
    listener->arg = options.arg;
    kit_handle_add(kit, &listener->handle, "listener", drop);
    link_append(&kit->listeners, &listener->link);
    *ret_listener = listener;
    return 0;
}

static uint16_t port_of(const struct virga_listener_handle *listener) {
    return listener->port;
}

/* --- from outside --- */

static const struct virga_listener_handle *nth(const struct testkit *kit, size_t n) {
    LINK_EACH(at, &kit->listeners) {
        if (n-- == 0) {
            return LINK_ENTRY(at, struct virga_listener_handle, link);
        }
    }
    return NULL;
}

size_t testkit_listeners_count(const struct testkit *kit) {
    size_t count = 0;
    LINK_EACH(at, &kit->listeners) {
        count++;
    }
    return count;
}

uint16_t testkit_listener_port(const struct testkit *kit, size_t n) {
    const struct virga_listener_handle *listener = nth(kit, n);
    return listener != NULL ? listener->port : 0;
}

const char *testkit_listener_path(const struct testkit *kit, size_t n) {
    const struct virga_listener_handle *listener = nth(kit, n);
    return listener != NULL ? listener->path : NULL;
}

void testkit_take_port(struct testkit *kit, uint16_t port) {
    kit->taken_ports = kit_must_grow(kit->taken_ports, kit->taken_ports_count, sizeof port);
    kit->taken_ports[kit->taken_ports_count++] = port;
}

int testkit_send_listener(struct testkit_request *req, size_t n) {
    const struct virga_listener_handle *listener = nth(req->kit, n);
    struct kit_call call;
    if (listener == NULL) {
        return -ENOENT;
    }
    int result = kit_request_prepare(req, listener->streams, listener->body_limit_bytes);
    if (result != 0) {
        return result;
    }
    req->state = REQUEST_OPEN;
    kit_enter(&call, req->kit, "on_request");
    listener->on_request(listener->arg, &req->pub);
    kit_leave(&call);
    return 0;
}

const struct virga_listener kit_listener = {
    .struct_size = sizeof kit_listener,
    .open = open_listener,
    .port = port_of,
    .close = close_listener,
};
