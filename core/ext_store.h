/* SPDX-License-Identifier: MIT */
/* virga.store/1 as the host keeps it: each plugin's own namespace in the host's one store. */
#ifndef CORE_EXT_STORE_H
#define CORE_EXT_STORE_H

#include <virga/ext/store.h>

struct plugin;

extern const struct virga_store ext_store;

/* Ends the transaction that a plugin's callback left open (plugin->store_open); none: nothing
 * happens. */
void ext_store_rollback_left_open(struct plugin *plugin);

#endif
