/* SPDX-License-Identifier: MIT */
/* The host's own settings: their keys, defaults and bounds, and where they end up in struct host.
 */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include "error.h"

struct config_entry;
struct host;
struct plugin;

/* Declares the keys of the host. */
int settings_declare(struct host *host, struct error *err);
/* Declares the keys of a plugin, and the key `enabled` that every plugin has. */
int settings_declare_plugin(struct host *host, const struct plugin *plugin, struct error *err);
/* Whether the plugin's `enabled` is true. */
int settings_plugin_enabled(const struct host *host, const struct plugin *plugin);
/* An entry's value as it may be shown: stars for what its key calls a secret, a password or a
 * token. NULL = unset. */
const char *settings_shown(const struct config_entry *entry);
/* Copies limits and identity into the host and checks what no type can say. */
int settings_apply(struct host *host, struct error *err);

#endif
