/* SPDX-License-Identifier: MIT */
/* The host process: loop, configuration, plugins, listeners, and their order of start and stop. */
#ifndef CORE_HOST_H
#define CORE_HOST_H

#include <stdbool.h>
#include <uv.h>

#include "config.h"
#include "error.h"
#include "list.h"
#include "plugin.h"

struct listener;
struct router;
struct store_db;
struct fetch_engine;
struct http_engine;
struct config_copy;
struct host_metrics;
struct fallback;
struct hooks;
struct reset;

#define HOST_VERSION "0.1.0"
#define HOST_MAX_PLUGINS 256
#define HOST_CONFIG_FILE "application.yml"

struct host {
    uv_loop_t *loop;
    struct config *config;
    struct router *router;
    struct plugin **plugins;
    size_t plugins_count;
    struct left_out *left_out; /* plugin files that could not be loaded */
    size_t left_out_count;
    struct listener *listener; /* floci.port */
    struct list connections;   /* struct conn, of every listener */
    size_t connections_count;
    struct store_db *store;       /* opened before the first plugin starts */
    struct fetch_engine *fetch;   /* made at the first fetch */
    struct http_engine *http;     /* made by the first listener */
    struct plugin_call *calls;    /* innermost call into plugin code */
    struct host_metrics *metrics; /* NULL: nothing is counted */
    struct fallback *fallback;    /* NULL: what no plugin serves is an error */
    struct hooks *hooks;          /* init scripts */
    struct reset *reset;          /* the one that is under way */
    unsigned dispatch_calls;      /* under way from plugin to plugin */
    unsigned dispatch_depth;      /* of them, how many stand behind the code that runs now */
    char default_account[13];
    char default_region[33];
    bool stopping;
    bool ended;      /* the stop is through */
    bool restarting; /* and a new worker goes on with the sockets */
    /* The limits, from the configuration (see core/settings.c). */
    uint64_t body_limit_bytes;   /* buffered bodies */
    uint32_t header_limit_bytes; /* request line and headers together */
    uint32_t header_timeout_ms;  /* first byte of a request to the end of its headers */
    uint32_t idle_timeout_ms;    /* keep-alive */
    uint32_t stall_timeout_ms;   /* a body or an answer without progress */
    uint32_t max_connections;
    uint64_t started_ns;
    /* Deferred calls, see defer.h */
    struct list deferred;
    uv_idle_t deferred_idle;
    /* The stop */
    struct watchdog *watchdog;
    size_t stops_pending; /* plugins whose stop() is under way */
};

/* What the command line says. */
struct host_options {
    const char *config_path;               /* NULL: HOST_CONFIG_FILE if there is one */
    const struct config_copy *config_copy; /* what to read instead of the file; may be NULL */
    const char *const *sets;               /* "key=value" */
    size_t sets_count;
    const char *program_path; /* of the virga binary, to find its plugins beside it */
};

/* Runs the host until it is told to stop, under a supervisor (see supervisor.h) or without. Returns
 * the process's exit status: 0, or SUPERVISION_EXIT_REFUSED with a line on stderr when it could not
 * start. Thread: the one that becomes [loop]. */
int host_run(const struct host_options *options);

/* Whether a host would start with these options, as far as can be said without starting anything:
 * configuration, plugins and their settings, the port. Logs what is wrong. Returns the exit status
 * that host_run() would. Thread: the only one of a process that ends afterwards. */
int host_check(const struct host_options *options);

/* The first two steps of a start, also for commands that only look: the configuration's values and
 * the host's own keys; then the plugins, loaded and their keys declared and checked. What they made
 * is freed with plugins_free() and config_destroy(), also after a failure. */
int host_read_config(struct host *host, const struct host_options *options, struct error *err);
int host_load_plugins(struct host *host, const struct host_options *options, struct error *err);

/* The directory that plugins are loaded from. The configuration must have been read. */
void host_plugin_dir(const struct host *host, const struct host_options *options, char *dir,
                     size_t size);

/* A plugin's asynchronous stop() has ended. */
void host_plugin_stopped(struct host *host);

#endif
