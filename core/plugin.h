/* SPDX-License-Identifier: MIT */
/* A loaded plugin: its descriptor, its state, its handle on the host, and the guard around every
 * call into its code. Owns loading and the life cycle; leaves routes to the router. */
#ifndef CORE_PLUGIN_H
#define CORE_PLUGIN_H

#include <stdbool.h>
#include <virga/virga.h>

#include "crumb.h"
#include "error.h"
#include "list.h"

struct host;
struct request;

enum plugin_state {
    PLUGIN_LOADED,   /* descriptor checked */
    PLUGIN_DISABLED, /* enabled: false */
    PLUGIN_FAILED,   /* could not be loaded or started; `failure` says why */
    PLUGIN_QUARANTINED, /* it kept crashing and is not started; `failure` says so */
    PLUGIN_RUNNING,
    PLUGIN_STOPPING,
    PLUGIN_STOPPED
};

struct plugin {
    struct virga_host api; /* first: a plugin's `host` argument is this struct */
    struct host *host;
    const struct virga_plugin *desc;
    struct virga_plugin desc_copy; /* the fields that the plugin's minor has, the rest zero */
    char *path;
    void *library; /* dlopen handle; never closed */
    void *self;
    enum plugin_state state;
    enum virga_status status;
    char status_detail[256];
    char failure[ERROR_TEXT_MAX];
    struct list resources; /* struct resource */
    bool lacks_need;       /* it failed because an interface that it needs was not there */
    bool store_open;       /* a store transaction is open */
    uint64_t calls;
    uint64_t busy_ns;
    struct { /* interfaces that it provides */
        const char *id;
        const void *table;
    } * offers;
    size_t offers_count;
};

/* The plugin behind a host argument. */
static inline struct plugin *plugin_from(const struct virga_host *host) {
    return (struct plugin *)(void *)(uintptr_t)host;
}

/* The i-th config key or route of a descriptor whose elements may be shorter or longer than ours;
 * fields that its minor lacks are zero. */
struct virga_config_key plugin_config_key(const struct virga_plugin *desc, size_t i);
struct virga_route plugin_route(const struct virga_plugin *desc, size_t i);

/* Opens a .so and checks its descriptor. Never fails silently: err says what is wrong in words for
 * the plugin's author. Errors: -ENOEXEC cannot be opened, -ENOENT no symbol, -EPROTO ABI major,
 * -EINVAL descriptor. */
int plugin_load(struct host *host, const char *path, struct plugin **ret_plugin, struct error *err);
/* The same for a descriptor that is linked in, for tests. */
int plugin_adopt(struct host *host, const struct virga_plugin *desc, struct plugin **ret_plugin,
                 struct error *err);
/* Frees the struct; the plugin must have been destroyed or never started. */
void plugin_free(struct plugin *plugin);

int plugin_start(struct plugin *plugin, struct error *err);
/* 0 = stopped, -EINPROGRESS = host->stopped() follows. */
int plugin_stop(struct plugin *plugin);
/* Destroys it, then names and reclaims what it left behind. */
void plugin_destroy(struct plugin *plugin);

/* --- the guard: every call into plugin code stands between these two --- */

struct plugin_call {
    struct plugin *plugin;
    struct plugin_call *outer;
    bool has_request;
    unsigned depth;     /* of the request, for virga.dispatch/1 */
    struct crumb crumb; /* what runs; like the above also for after the request is gone */
};

/* Marks that plugin code runs: breadcrumb and time account. `what` is static text: "handle",
 * "on_timer". Thread: [loop]. `plugin` may be NULL
 * (core's own use of an interface): then nothing happens. */
void plugin_enter(struct plugin_call *call, struct plugin *plugin, const char *what,
                  struct request *request);
/* Ends the call: rolls back a transaction left open (with a line in the log), warns when the call
 * took more than PLUGIN_SLOW_MS. */
void plugin_leave(struct plugin_call *call);

#define PLUGIN_SLOW_MS 100

#endif
