/* SPDX-License-Identifier: MIT */
/* POST /_floci/state/reset: all plugins as on their first start. Requests under way are waited for,
 * new ones wait; then each plugin empties what it keeps by itself, all stop, their stores are
 * emptied, and they start again. */
#ifndef CORE_RESET_H
#define CORE_RESET_H

#include <stdbool.h>

struct host;
struct plugin;
struct request;
struct reset;

/* How long plugins have for their reset(), together. */
#define RESET_PLUGINS_MS 60000
/* How long they have to stop. */
#define RESET_STOP_MS 60000
/* How often is looked whether a step is complete. */
#define RESET_POLL_MS 5

/* Handles the request that asks for it. Thread: [loop]. */
void reset_handle(struct request *req);
/* Whether a request for a plugin has to wait for a reset that is under way; it is then kept, and
 * dispatch_call() (or its listener's on_request) comes later. */
bool reset_holds(struct request *req);
/* A plugin's asynchronous reset() has ended. `reason` may be NULL. */
void reset_plugin_done(struct plugin *plugin, int status, const char *reason);

#endif
