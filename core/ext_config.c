/* SPDX-License-Identifier: MIT */
/* Settings for plugins. */
#include "ext_config.h"

#include "config.h"
#include "host.h"
#include "plugin.h"

#define KEY_MAX 320 /* longer than any declared key */

/* The declared key that `key` means to this plugin; NULL when there is none. */
static const struct config_entry *find(const struct virga_host *host, const char *key) {
    const struct plugin *plugin = plugin_from(host);
    const char *root = plugin->desc_copy.config_root;
    char full[KEY_MAX];
    int len;
    if (strncmp(key, "floci.", 6) == 0) {
        return config_find(plugin->host->config, key);
    }
    if (root != NULL) {
        len = snprintf(full, sizeof full, "floci.%s.%s", root, key);
    } else {
        len = snprintf(full, sizeof full, "floci.services.%s.%s", plugin->desc->name, key);
    }
    return len > 0 && (size_t)len < sizeof full ? config_find(plugin->host->config, full) : NULL;
}

static struct virga_str get_string(const struct virga_host *host, const char *key) {
    const struct config_entry *entry = find(host, key);
    return virga_str_from(entry != NULL ? entry->value : NULL);
}

static int64_t get_int(const struct virga_host *host, const char *key) {
    const struct config_entry *entry = find(host, key);
    return entry != NULL ? config_int(plugin_from(host)->host->config, entry->key) : 0;
}

static int get_bool(const struct virga_host *host, const char *key) {
    return get_int(host, key) != 0;
}

static int is_set(const struct virga_host *host, const char *key) {
    const struct config_entry *entry = find(host, key);
    return entry != NULL && entry->source != CONFIG_DEFAULT;
}

const struct virga_config ext_config = {
    .struct_size = sizeof ext_config,
    .get_string = get_string,
    .get_int = get_int,
    .get_bool = get_bool,
    .is_set = is_set,
};
