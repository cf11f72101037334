/* SPDX-License-Identifier: MIT */
/* virga.listener/1: further ports whose requests come to the plugin. */
#ifndef VIRGA_EXT_LISTENER_H
#define VIRGA_EXT_LISTENER_H

#include "../host.h"
#include "../http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_LISTENER_ID "virga.listener/1"

/* flags, besides VIRGA_ROUTE_STREAM. Since ABI 1.3. The clients may be silent for as long as they
 * like, between requests and within a body: floci.limits.idle-timeout-ms and stall-timeout-ms are
 * not theirs. A host that stops does not wait for them, nor closes their connections before the
 * plugin is stopped. */
#define VIRGA_LISTENER_PATIENT 0x100u

struct virga_listener_handle;

struct virga_listener_options {
    uint32_t struct_size;
    uint32_t flags; /* VIRGA_ROUTE_STREAM: bodies are not buffered; VIRGA_LISTENER_PATIENT */
    /* Addresses to listen on, separated by commas: "127.0.0.1,::1"; NULL = floci.bind-address. One
     * that this machine does not have at all (no IPv6) is left out as long as one remains. */
    const char *addresses;
    /* The first port of the range that is free on all of them is taken; both 0 = ephemeral. */
    uint16_t port_first;
    uint16_t port_last;
    uint32_t reserved;
    /* Tried before the range, to stay where an earlier run was; 0 = none. */
    uint16_t port_preferred;
    uint16_t reserved2;
    uint32_t reserved3;
    const char *unix_path;     /* a unix socket instead of a port; a stale file is replaced */
    uint64_t body_limit_bytes; /* of buffered bodies; 0 = the host's default */
    /* How long the handler may take to begin its answer, milliseconds; 0 = as long as it likes. */
    uint64_t deadline_ms;
    /* Handles a request. Owns: `req` until it is answered. */
    void (*on_request)(void *arg, struct virga_request *req);
    void *arg;
};

struct virga_listener {
    uint32_t struct_size;
    uint32_t reserved;

    /* Opens it. Errors: -EADDRINUSE every port of the range is taken, -EADDRNOTAVAIL, -EACCES,
     * -EINVAL, -ENOMEM. Thread: [loop]. */
    int (*open)(const struct virga_host *host, const struct virga_listener_options *options,
                struct virga_listener_handle **ret_listener);

    /* The port in host byte order; 0 for a unix socket. */
    uint16_t (*port)(const struct virga_listener_handle *listener);

    /* Stops accepting and closes idle connections; requests under way are still to be answered.
     * NULL is fine. */
    void (*close)(struct virga_listener_handle *listener);
};

#ifdef __cplusplus
}
#endif
#endif
