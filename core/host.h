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

#define HOST_VERSION "0.1.0"
#define HOST_MAX_PLUGINS 256

struct host {
    uv_loop_t *loop;
    struct config *config;
    struct router *router;
    struct plugin **plugins;
    size_t plugins_count;
    struct listener *listener; /* floci.port */
    struct list connections;   /* struct conn, of every listener */
    size_t connections_count;
    struct store_db *store;     /* opened before the first plugin starts */
    struct fetch_engine *fetch; /* made at the first fetch */
    struct http_engine *http;   /* made by the first listener */
    struct plugin_call *calls;  /* innermost call into plugin code */
    char default_account[13];
    char default_region[33];
    bool stopping;
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
    struct signal_watch *signals;
    uv_timer_t stop_timer;
    size_t stops_pending; /* plugins whose stop() is under way */
};

/* What the command line says. */
struct host_options {
    const char *config_path; /* NULL: ./application.yml if there is one */
    const char *const *sets; /* "key=value" */
    size_t sets_count;
    const char *program_path; /* of the virga binary, to find its plugins beside it */
};

/* Runs the host until it is told to stop. Returns the process's exit status; what went wrong is in
 * the log or on stderr. Thread: the one that becomes [loop]. */
int host_run(const struct host_options *options);

/* A plugin's asynchronous stop() has ended. */
void host_plugin_stopped(struct host *host);

#endif
