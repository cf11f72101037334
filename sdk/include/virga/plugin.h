/* SPDX-License-Identifier: MIT */
/* What a plugin exports: one constant descriptor, virga_plugin_v1. */
#ifndef VIRGA_PLUGIN_H
#define VIRGA_PLUGIN_H

#include "abi.h"
#include "host.h"
#include "http.h"

#ifdef __cplusplus
extern "C" {
#endif

struct virga_doctor;

/* How a route is recognised; the router asks in this order. */
enum virga_route_kind {
    /* pattern "ecr/gc": the path /_floci/ecr/gc (and /_localstack/ecr/gc with
     * VIRGA_ROUTE_LOCALSTACK). {name} stands for one path segment. */
    VIRGA_ROUTE_ADMIN = 1,
    /* pattern "DynamoDB_20120810": X-Amz-Target "DynamoDB_20120810.<action>" (JSON 1.0 and 1.1). */
    VIRGA_ROUTE_TARGET = 2,
    /* method and pattern "/2015-03-31/functions/{FunctionName}/code"; {name} is one segment,
     * {name+} the rest of the path. Two plugins may share a pattern when their `service` differs.
     */
    VIRGA_ROUTE_REST = 3,
    /* pattern "2011-06-15": the Query protocol's Version; "" takes every Version. Form body or
     * query string with Action. `service` must be set and settles which plugin gets the request. */
    VIRGA_ROUTE_QUERY = 4,
    /* Since ABI 1.1. pattern "*.lambda-url.*": the Host without its port, without case, as labels;
     * "*" is one label at the left or in the middle and one or more at the end; req->params has
     * what the stars stand for. Asked before ADMIN, so that every path of such a host is the
     * plugin's. With a `service`: but for what is signed for another one, or unsigned and in a
     * protocol that names its operations (X-Amz-Target, smithy-protocol, a Query form to "/") or
     * below /_floci. */
    VIRGA_ROUTE_HOST = 5,
    /* Since ABI 1.1. pattern "GraniteServiceVersion20100801": POST
     * /service/<pattern>/operation/<action> of Smithy's RPC v2 protocols. */
    VIRGA_ROUTE_RPC = 6
};

/* route.flags */
#define VIRGA_ROUTE_STREAM 0x1u     /* the body is not buffered: body_start() */
#define VIRGA_ROUTE_LOCALSTACK 0x2u /* an admin route also under /_localstack/ */

/* A claim on requests. A constant of the plugin. */
struct virga_route {
    uint32_t kind;             /* enum virga_route_kind */
    uint32_t flags;            /* VIRGA_ROUTE_* */
    const char *method;        /* "GET"; NULL = any (always for TARGET and QUERY) */
    const char *pattern;       /* as the kind says */
    const char *service;       /* the SigV4 service name, "ecr"; NULL where it does not matter */
    uint64_t body_limit_bytes; /* of a buffered body; 0 = the host's default (1 MiB) */
    uintptr_t tag;             /* the plugin's own */
};

enum virga_config_type {
    VIRGA_CONFIG_STRING = 1,
    VIRGA_CONFIG_INT = 2,  /* decimal, may be negative */
    VIRGA_CONFIG_BOOL = 3, /* true false yes no on off 1 0 */
    VIRGA_CONFIG_ENUM = 4  /* one of `choices` */
};

/* One setting that the plugin understands. A constant of the plugin. */
struct virga_config_key {
    const char *key; /* below config_root: "registry-base-port" */
    uint32_t type;   /* enum virga_config_type */
    uint32_t reserved;
    const char *default_value; /* as text; NULL = unset */
    const char *choices;       /* of an enum: "hostname|path" */
    int64_t min;               /* of an int; min == max == 0: no bounds */
    int64_t max;
    const char *help; /* one sentence */
};

/* The descriptor. Arrays carry the size of their element, so that a later minor can let it grow. */
struct virga_plugin {
    uint32_t struct_size;
    uint16_t abi_major; /* VIRGA_ABI_MAJOR the plugin was built with */
    uint16_t abi_minor;
    const char *name;    /* "ecr": [a-z0-9-], unique in a host */
    const char *version; /* of the plugin */
    const char *summary; /* one line */
    /* Where its settings live below `floci.`: "services.ecr"; NULL = "services.<name>". The host
     * adds the key `enabled` (default true) to every plugin: a disabled plugin is loaded but not
     * started. */
    const char *config_root;
    const struct virga_config_key *config_keys;
    size_t config_keys_count;
    size_t config_key_size;
    const struct virga_route *routes;
    size_t routes_count;
    size_t route_size;
    /* Interface ids, each list ended by NULL; NULL = none. A plugin whose `needs` are not met is
     * not started; `wants` only orders the start. Host interfaces may be listed too. */
    const char *const *needs;
    const char *const *wants;
    const char *const *provides;

    /* Makes the plugin ready to handle requests. Must not block.
     * Errors: a negative errno with the reason in err; the plugin is then left out, destroy() is
     * not called and the host goes on. Thread: [loop]. */
    int (*start)(const struct virga_host *host, void **ret_self, struct virga_error *err);

    /* Handles one request that a route of the plugin matched. Thread: [loop]. Owns: `req` until it
     * is answered. */
    void (*handle)(void *self, struct virga_request *req);

    /* Ends what runs (children, uploads). Returns 0, or -EINPROGRESS and calls host->stopped()
     * later; the host waits a bounded time. No request comes any more. May be NULL. Thread: [loop].
     */
    int (*stop)(void *self);

    /* Frees everything. May be NULL. Thread: [loop]. */
    void (*destroy)(void *self);

    /* Since ABI 1.1. Checks what the plugin needs of this machine, for `virga doctor`: called
     * instead of start(), in a process of its own in which nothing else runs, so it may block for a
     * few seconds. `host` has virga.config/1 and no other interface. May be NULL. See ext/doctor.h.
     */
    void (*doctor)(const struct virga_host *host, const struct virga_doctor *doctor);

    /* Since ABI 1.1. Empties what the plugin keeps outside of virga.store/1 (files, a registry's
     * images, containers) for POST /_floci/state/reset. Its requests are answered; stop() and
     * destroy() follow, then the host empties the plugin's store and calls start() again.
     * Returns 0, or -EINPROGRESS and calls host->reset_done() later (the host waits a bounded
     * time), or a negative errno: the store is then left as it is, as it may lead to what could not
     * be removed. NULL: there is nothing. Thread: [loop]. */
    int (*reset)(void *self);
};

/* The name of the one exported symbol, for dlsym(). */
#define VIRGA_PLUGIN_SYMBOL "virga_plugin_v1"

/* Defined by the plugin, and the only symbol that it exports:
 *   const struct virga_plugin virga_plugin_v1 = { VIRGA_PLUGIN_HEAD, .name = "hello", ... }; */
extern VIRGA_EXPORT const struct virga_plugin virga_plugin_v1;

#define VIRGA_PLUGIN_HEAD                                                                          \
    .struct_size = sizeof(struct virga_plugin), .abi_major = VIRGA_ABI_MAJOR,                      \
    .abi_minor = VIRGA_ABI_MINOR
#define VIRGA_ROUTES(array)                                                                        \
    .routes = (array), .routes_count = sizeof(array) / sizeof((array)[0]),                         \
    .route_size = sizeof((array)[0])
#define VIRGA_CONFIG_KEYS(array)                                                                   \
    .config_keys = (array), .config_keys_count = sizeof(array) / sizeof((array)[0]),               \
    .config_key_size = sizeof((array)[0])

#ifdef __cplusplus
}
#endif
#endif
