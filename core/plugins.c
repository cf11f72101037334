/* SPDX-License-Identifier: MIT */
/* All plugins of a host. */
#include "plugins.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "host.h"
#include "interfaces.h"
#include "log.h"
#include "router.h"
#include "settings.h"
#include "supervision.h"

/* How it is lifted; for the plugin's name, or its file's when it crashes while it is loaded. */
#define QUARANTINED                                                                                \
    "it kept crashing and is quarantined. POST /_floci/plugins/%s/release starts it again, and "   \
    "so do SIGHUP and a restart. The last crash: %s"

static int is_plugin_file(const struct dirent *entry) {
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 3 && strcmp(entry->d_name + len - 3, ".so") == 0;
}

static struct plugin *find_plugin(const struct host *host, const char *name) {
    for (size_t i = 0; i < host->plugins_count; i++) {
        if (strcmp(host->plugins[i]->desc->name, name) == 0) {
            return host->plugins[i];
        }
    }
    return NULL;
}

static int keep(struct host *host, struct plugin *plugin) {
    if (host->plugins_count == HOST_MAX_PLUGINS) {
        return -E2BIG;
    }
    if (host->plugins == NULL) {
        host->plugins = calloc(HOST_MAX_PLUGINS, sizeof *host->plugins);
        if (host->plugins == NULL) {
            return -ENOMEM;
        }
    }
    host->plugins[host->plugins_count++] = plugin;
    return 0;
}

static void leave_out(struct host *host, const char *path, const char *reason) {
    log_error("plugin %s is left out: %s", path, reason);
    void *grown = realloc(host->left_out, (host->left_out_count + 1) * sizeof *host->left_out);
    if (grown == NULL) {
        return;
    }
    host->left_out = grown;
    struct left_out *entry = &host->left_out[host->left_out_count];
    *entry = (struct left_out){strdup(path), strdup(reason)};
    if (entry->path == NULL || entry->reason == NULL) {
        free(entry->path);
        free(entry->reason);
        return;
    }
    host->left_out_count++;
}

/* Constructors of the library run in this call: it has a crumb of its own, by the file's name. */
static int load_with_crumb(struct host *host, const char *path, struct plugin **ret_plugin,
                           struct error *err) {
    struct crumb crumb;
    const char *file = strrchr(path, '/');
    file = file != NULL ? file + 1 : path;
    const struct quarantine_entry *entry = quarantine_find(&supervision()->quarantine, file);
    if (entry != NULL) {
        return error_set(err, -EPERM, QUARANTINED, file, entry->reason);
    }
    crumb_fill(&crumb, file, "its load", NULL);
    crumb_publish(&supervision()->loop, &crumb);
    int result = plugin_load(host, path, ret_plugin, err);
    crumb_publish(&supervision()->loop, NULL);
    return result;
}

static void load_one(struct host *host, const char *path) {
    struct error err = {0};
    struct plugin *plugin = NULL;
    if (load_with_crumb(host, path, &plugin, &err) == 0) {
        const struct plugin *other = find_plugin(host, plugin->desc->name);
        if (other != NULL) {
            (void)error_set(&err, -EEXIST, "%s is called \"%s\" too", other->path,
                            plugin->desc->name);
        } else if (keep(host, plugin) != 0) {
            (void)error_set(&err, -E2BIG, "there are %d plugins already", HOST_MAX_PLUGINS);
        }
    }
    if (err.code != 0) {
        leave_out(host, path, err.text);
        plugin_free(plugin);
    }
}

int plugins_load(struct host *host, const char *directory, struct error *err) {
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_plugin_file, alphasort);
    if (count < 0) {
        return error_set(err, -errno, "the plugin directory %s cannot be read: %s", directory,
                         strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name) <
            sizeof path) {
            load_one(host, path);
        }
        free(entries[i]);
    }
    free(entries);
    return 0;
}

VIRGA_PRINTF(2, 3) static void fail(struct plugin *plugin, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(plugin->failure, sizeof plugin->failure, format, args);
    va_end(args);
    plugin->state = PLUGIN_FAILED;
    log_error("plugin %s is left out: %s", plugin->desc->name, plugin->failure);
}

void plugins_leave_out(struct plugin *plugin, const char *reason) {
    fail(plugin, "%s", reason);
}

static bool lists(const char *const *ids, const char *id) {
    for (; ids != NULL && *ids != NULL; ids++) {
        if (strcmp(*ids, id) == 0) {
            return true;
        }
    }
    return false;
}

static struct plugin *provider(const struct host *host, const char *id) {
    for (size_t i = 0; i < host->plugins_count; i++) {
        struct plugin *plugin = host->plugins[i];
        if (lists(plugin->desc->provides, id) && plugin->state == PLUGIN_LOADED) {
            return plugin;
        }
    }
    return NULL;
}

static bool placed(struct plugin *const *order, size_t count, const struct plugin *plugin) {
    for (size_t i = 0; i < count; i++) {
        if (order[i] == plugin) {
            return true;
        }
    }
    return false;
}

/* Whether every provider of the ids that would come before it is placed; *ret_missing is an id that
 * waits. */
static bool ready(const struct host *host, const struct plugin *plugin, const char *const *ids,
                  struct plugin *const *order, size_t count, const char **ret_missing) {
    for (; ids != NULL && *ids != NULL; ids++) {
        const struct plugin *from = provider(host, *ids);
        if (from != NULL && from != plugin && !placed(order, count, from)) {
            *ret_missing = *ids;
            return false;
        }
    }
    return true;
}

void plugins_order(struct host *host) {
    struct plugin *order[HOST_MAX_PLUGINS];
    size_t count = 0;
    bool moved = true;
    bool use_wants = true;
    while (count < host->plugins_count) {
        moved = false;
        for (size_t i = 0; i < host->plugins_count; i++) {
            struct plugin *plugin = host->plugins[i];
            const char *missing;
            if (!placed(order, count, plugin) &&
                (plugin->state != PLUGIN_LOADED ||
                 (ready(host, plugin, plugin->desc->needs, order, count, &missing) &&
                  (!use_wants ||
                   ready(host, plugin, plugin->desc->wants, order, count, &missing))))) {
                order[count++] = plugin;
                moved = true;
            }
        }
        if (moved) {
            continue;
        }
        if (use_wants) {
            /* A wish is no reason to fail: a circle that it closes is cut there. */
            use_wants = false;
            continue;
        }
        for (size_t i = 0; i < host->plugins_count; i++) {
            struct plugin *plugin = host->plugins[i];
            const char *missing = "";
            if (!placed(order, count, plugin)) {
                (void)ready(host, plugin, plugin->desc->needs, order, count, &missing);
                const struct plugin *from = provider(host, missing);
                fail(plugin, "it needs %s of plugin %s, which in turn waits for it: a circle",
                     missing, from != NULL ? from->desc->name : "?");
                order[count++] = plugin;
            }
        }
    }
    if (count > 0) {
        memcpy(host->plugins, order, count * sizeof order[0]);
    }
}

static const char *unmet_need(const struct plugin *plugin) {
    const char *const *ids = plugin->desc->needs;
    for (; ids != NULL && *ids != NULL; ids++) {
        if (interfaces_get(&plugin->api, *ids) == NULL) {
            return *ids;
        }
    }
    return NULL;
}

/* Whoever provides it may be there and not running. */
static void fail_need(const struct host *host, struct plugin *plugin, const char *id) {
    for (size_t i = 0; i < host->plugins_count; i++) {
        const struct plugin *other = host->plugins[i];
        if (other != plugin && lists(other->desc->provides, id)) {
            fail(plugin, "it needs %s of plugin %s, which is %s", id, other->desc->name,
                 other->state == PLUGIN_DISABLED ? "disabled by the configuration" : "not running");
            return;
        }
    }
    fail(plugin, "it needs %s, which neither this host nor a plugin provides", id);
}

/* Whether an interface would be there when the plugin at `index` starts. */
static bool promised(const struct host *host, size_t index, const char *id) {
    bool found = interfaces_is_host(id);
    for (size_t i = 0; i < index && !found; i++) {
        found =
            host->plugins[i]->state == PLUGIN_LOADED && lists(host->plugins[i]->desc->provides, id);
    }
    return found;
}

static void plan_one(struct host *host, size_t index) {
    struct error err = {0};
    struct plugin *plugin = host->plugins[index];
    if (!settings_plugin_enabled(host, plugin)) {
        plugin->state = PLUGIN_DISABLED;
        return;
    }
    const char *const *ids = plugin->desc->needs;
    for (; ids != NULL && *ids != NULL; ids++) {
        if (!promised(host, index, *ids)) {
            fail_need(host, plugin, *ids);
            return;
        }
    }
    if (router_add_plugin(host->router, plugin, &err) != 0) {
        fail(plugin, "%s", err.text);
    }
}

void plugins_plan(struct host *host) {
    for (size_t i = 0; i < host->plugins_count; i++) {
        if (host->plugins[i]->state == PLUGIN_LOADED) {
            plan_one(host, i);
        }
    }
}

/* Its routes stay, so that who calls it is told. */
static void hold(struct host *host, struct plugin *plugin, const char *reason) {
    struct error err = {0};
    if (router_add_plugin(host->router, plugin, &err) != 0) {
        fail(plugin, "%s", err.text);
        return;
    }
    (void)snprintf(plugin->failure, sizeof plugin->failure, QUARANTINED, plugin->desc->name,
                   reason);
    plugin->state = PLUGIN_QUARANTINED;
    log_error("plugin %s is not started: %s", plugin->desc->name, plugin->failure);
}

static void start_one(struct host *host, struct plugin *plugin) {
    struct error err = {0};
    if (!settings_plugin_enabled(host, plugin)) {
        plugin->state = PLUGIN_DISABLED;
        log_info("plugin %s is disabled by the configuration", plugin->desc->name);
        return;
    }
    const struct quarantine_entry *held =
        quarantine_find(&supervision()->quarantine, plugin->desc->name);
    if (held != NULL) {
        hold(host, plugin, held->reason);
        return;
    }
    if (router_add_plugin(host->router, plugin, &err) != 0) {
        fail(plugin, "%s", err.text);
        return;
    }
    /* From here on its routes stay: who calls it is told what keeps it from running. */
    const char *need = unmet_need(plugin);
    plugin->lacks_need = need != NULL;
    if (need != NULL) {
        fail_need(host, plugin, need);
        return;
    }
    if (plugin_start(plugin, &err) != 0) {
        log_error("plugin %s could not be started and is left out: %s", plugin->desc->name,
                  err.text);
        return;
    }
    log_debug("plugin %s %s started", plugin->desc->name, plugin->desc->version);
}

void plugins_start(struct host *host) {
    for (size_t i = 0; i < host->plugins_count; i++) {
        if (host->plugins[i]->state == PLUGIN_LOADED) {
            start_one(host, host->plugins[i]);
        }
    }
}

/* The plugins stand in the order of start: whoever needs this one comes after it. */
static void start_those_who_lacked_a_need(struct host *host) {
    for (size_t i = 0; i < host->plugins_count; i++) {
        struct plugin *plugin = host->plugins[i];
        if (plugin->state == PLUGIN_FAILED && plugin->lacks_need && unmet_need(plugin) == NULL) {
            router_remove_plugin(host->router, plugin);
            plugin->state = PLUGIN_LOADED;
            plugin->failure[0] = '\0';
            start_one(host, plugin);
        }
    }
}

int plugins_release(struct host *host, const char *name) {
    if (!quarantine_release(&supervision()->quarantine, name)) {
        return -ENOENT;
    }
    struct plugin *plugin = find_plugin(host, name);
    log_info("plugin %s is released from quarantine", name);
    if (plugin == NULL || plugin->state != PLUGIN_QUARANTINED) {
        return -EAGAIN;
    }
    router_remove_plugin(host->router, plugin);
    plugin->state = PLUGIN_LOADED;
    plugin->failure[0] = '\0';
    start_one(host, plugin);
    start_those_who_lacked_a_need(host);
    return 0;
}

void plugins_stop(struct host *host) {
    for (size_t i = host->plugins_count; i-- > 0;) {
        struct plugin *plugin = host->plugins[i];
        if (plugin->state == PLUGIN_RUNNING) {
            (void)plugin_stop(plugin);
        }
    }
}

void plugins_destroy(struct host *host) {
    for (size_t i = host->plugins_count; i-- > 0;) {
        struct plugin *plugin = host->plugins[i];
        if (plugin->state == PLUGIN_STOPPING) {
            log_warn("plugin %s did not stop in time", plugin->desc->name);
        }
        if (plugin->state == PLUGIN_RUNNING || plugin->state == PLUGIN_STOPPING ||
            plugin->state == PLUGIN_STOPPED) {
            router_remove_plugin(host->router, plugin);
            plugin_destroy(plugin);
        }
    }
}

void plugins_free(struct host *host) {
    for (size_t i = 0; i < host->plugins_count; i++) {
        plugin_free(host->plugins[i]);
    }
    for (size_t i = 0; i < host->left_out_count; i++) {
        free(host->left_out[i].path);
        free(host->left_out[i].reason);
    }
    free(host->plugins);
    free(host->left_out);
    host->plugins = NULL;
    host->left_out = NULL;
    host->plugins_count = 0;
    host->left_out_count = 0;
}
