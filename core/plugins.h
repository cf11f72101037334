/* SPDX-License-Identifier: MIT */
/* All plugins of a host: found, loaded, ordered by what they need of each other, started and
 * stopped. Owns the list; leaves one plugin's life to plugin.c. */
#ifndef CORE_PLUGINS_H
#define CORE_PLUGINS_H

#include "error.h"

struct host;
struct plugin;

/* A file of the plugin directory that is not used. */
struct left_out {
    char *path;
    char *reason;
};

/* Loads every .so of a directory in name order. A plugin that cannot be loaded is named in the log
 * and in host->left_out, and left out. A directory that is not there is -ENOENT. */
int plugins_load(struct host *host, const char *directory, struct error *err);

/* Leaves a loaded plugin out before its start, with a line in the log. */
void plugins_leave_out(struct plugin *plugin, const char *reason);

/* Puts host->plugins into the order of start: whoever provides an interface before whoever needs or
 * wants it. A plugin whose need nobody provides, or that is part of a circle of needs, becomes
 * PLUGIN_FAILED with the reason. */
void plugins_order(struct host *host);

/* What plugins_start() would do, without running any of their code: after plugins_order(), a plugin
 * that would not be started becomes PLUGIN_DISABLED or PLUGIN_FAILED with the reason. */
void plugins_plan(struct host *host);

/* Adds the routes of, and starts, every plugin that is enabled. One that fails is named in the log
 * and left out, and so is whoever needs it. */
void plugins_start(struct host *host);

/* Lifts a plugin's quarantine and starts it, and whoever waited for it; whether that went well is
 * in its state. Errors: -ENOENT it is not quarantined; -EAGAIN it must be loaded first, by a new
 * worker. Thread: [loop]. */
int plugins_release(struct host *host, const char *name);

/* Stops the running plugins in reverse order; host->stops_pending says how many go on stopping. */
void plugins_stop(struct host *host);
/* Destroys all of them. */
void plugins_destroy(struct host *host);
/* Frees the structs of plugins that were destroyed or never started, and host->left_out. */
void plugins_free(struct host *host);

#endif
