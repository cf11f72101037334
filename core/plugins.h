/* SPDX-License-Identifier: MIT */
/* All plugins of a host: found, loaded, ordered by what they need of each other, started and
 * stopped. Owns the list; leaves one plugin's life to plugin.c. */
#ifndef CORE_PLUGINS_H
#define CORE_PLUGINS_H

#include "error.h"

struct host;

/* Loads every .so of a directory in name order. A plugin that cannot be loaded is named in the log
 * and left out. A directory that is not there is -ENOENT. */
int plugins_load(struct host *host, const char *directory, struct error *err);

/* Puts host->plugins into the order of start: whoever provides an interface before whoever needs or
 * wants it. A plugin whose need nobody provides, or that is part of a circle of needs, becomes
 * PLUGIN_FAILED with the reason. */
void plugins_order(struct host *host);

/* Adds the routes of, and starts, every plugin that is enabled. One that fails is named in the log
 * and left out, and so is whoever needs it. */
void plugins_start(struct host *host);

/* Stops the running plugins in reverse order; host->stops_pending says how many go on stopping. */
void plugins_stop(struct host *host);
/* Destroys and frees all of them. */
void plugins_destroy(struct host *host);

#endif
