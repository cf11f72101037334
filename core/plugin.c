/* SPDX-License-Identifier: MIT */
/* Loading of plugins, their life cycle, and the guard around calls into them. */
#include "plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "config_value.h"
#include "crash.h"
#include "ext_store.h"
#include "host.h"
#include "host_metrics.h"
#include "interfaces.h"
#include "log.h"
#include "metrics.h"
#include "request.h"
#include "reset.h"
#include "resource.h"
#include "supervision.h"

#define NAME_MAX_LEN 40
#define ROUTES_MAX 4096
#define CONFIG_KEYS_MAX 256

/* Copies one element of a plugin's array whose stride is `size` into a zeroed struct of ours. */
static void copy_element(void *to, size_t to_size, const void *array, size_t size, size_t index) {
    memset(to, 0, to_size);
    memcpy(to, (const char *)array + index * size, size < to_size ? size : to_size);
}

struct virga_config_key plugin_config_key(const struct virga_plugin *desc, size_t i) {
    struct virga_config_key key;
    copy_element(&key, sizeof key, desc->config_keys, desc->config_key_size, i);
    return key;
}

struct virga_route plugin_route(const struct virga_plugin *desc, size_t i) {
    struct virga_route route;
    copy_element(&route, sizeof route, desc->routes, desc->route_size, i);
    return route;
}

static bool valid_name(const char *name) {
    size_t len = name != NULL ? strlen(name) : 0;
    return len > 0 && len <= NAME_MAX_LEN &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* Whether the declarations and defaults make sense by themselves: what the user sets is judged
 * later, and then is no reason to leave the plugin out. */
static int check_config_keys(const struct virga_plugin *desc, struct error *err) {
    for (size_t i = 0; i < desc->config_keys_count; i++) {
        struct virga_config_key key = plugin_config_key(desc, i);
        const char *text;
        int64_t number;
        int result = config_value_check_decl(&key, err);
        /* "${floci.some.key}..." is known only when all keys are. */
        if (result == 0 && key.default_value != NULL && strncmp(key.default_value, "${", 2) != 0) {
            result = config_value_check(&key, key.default_value, &text, &number, err);
            if (result != 0) {
                return error_wrap(err, "the default of its config key %s", key.key);
            }
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* What a descriptor must have whatever its minor; the size of minor 0 is the least that can be. */
static int check_descriptor(const struct virga_plugin *desc, struct error *err) {
    const size_t least = offsetof(struct virga_plugin, destroy) + sizeof desc->destroy;
    if (desc->abi_major != VIRGA_ABI_MAJOR) {
        return error_set(
            err, -EPROTO,
            "it was built for plugin ABI %u, this host has ABI %u: build it again with "
            "the SDK of this host",
            desc->abi_major, VIRGA_ABI_MAJOR);
    }
    if (desc->struct_size < least) {
        return error_set(err, -EINVAL,
                         "its descriptor says struct_size %u, the least is %zu: is "
                         "VIRGA_PLUGIN_HEAD missing?",
                         desc->struct_size, least);
    }
    if (!valid_name(desc->name)) {
        return error_set(err, -EINVAL, "its name \"%.60s\" is not 1 to %d of [a-z0-9-]",
                         desc->name != NULL ? desc->name : "", NAME_MAX_LEN);
    }
    if (desc->version == NULL || desc->start == NULL) {
        return error_set(err, -EINVAL, "its descriptor has no %s",
                         desc->version == NULL ? "version" : "start function");
    }
    if (desc->routes_count > 0 &&
        (desc->routes == NULL || desc->routes_count > ROUTES_MAX || desc->handle == NULL ||
         desc->route_size < offsetof(struct virga_route, tag))) {
        return error_set(err, -EINVAL,
                         "its routes (%zu of %zu bytes) are malformed or lack handle()",
                         desc->routes_count, desc->route_size);
    }
    if (desc->config_keys_count > 0 &&
        (desc->config_keys == NULL || desc->config_keys_count > CONFIG_KEYS_MAX ||
         desc->config_key_size < sizeof(struct virga_config_key))) {
        return error_set(err, -EINVAL, "its config keys (%zu of %zu bytes) are malformed",
                         desc->config_keys_count, desc->config_key_size);
    }
    return check_config_keys(desc, err);
}

static void set_status(const struct virga_host *api, enum virga_status status, const char *detail) {
    struct plugin *plugin = plugin_from(api);
    plugin->status = status;
    (void)snprintf(plugin->status_detail, sizeof plugin->status_detail, "%s",
                   detail != NULL ? detail : "");
}

static void stopped(const struct virga_host *api) {
    struct plugin *plugin = plugin_from(api);
    if (plugin->state == PLUGIN_STOPPING) {
        plugin->state = PLUGIN_STOPPED;
        host_plugin_stopped(plugin->host);
    }
}

static void reset_done(const struct virga_host *api, int status, const char *reason) {
    reset_plugin_done(plugin_from(api), status, reason);
}

int plugin_adopt(struct host *host, const struct virga_plugin *desc, struct plugin **ret_plugin,
                 struct error *err) {
    int result = check_descriptor(desc, err);
    if (result != 0) {
        return result;
    }
    struct plugin *plugin = calloc(1, sizeof *plugin);
    if (plugin == NULL) {
        return error_set(err, -ENOMEM, "out of memory");
    }
    plugin->api = (struct virga_host){
        .struct_size = sizeof plugin->api,
        .abi_major = VIRGA_ABI_MAJOR,
        .abi_minor = VIRGA_ABI_MINOR,
        .version = HOST_VERSION,
        .get_interface = interfaces_get,
        .provide = interfaces_provide,
        .set_status = set_status,
        .stopped = stopped,
        .reset_done = reset_done,
    };
    plugin->host = host;
    memcpy(&plugin->desc_copy, desc,
           desc->struct_size < sizeof *desc ? desc->struct_size : sizeof *desc);
    plugin->desc = &plugin->desc_copy;
    plugin->state = PLUGIN_LOADED;
    list_init(&plugin->resources);
    *ret_plugin = plugin;
    return 0;
}

int plugin_load(struct host *host, const char *path, struct plugin **ret_plugin,
                struct error *err) {
    /* Why: NOW finds a missing symbol here and not in the middle of a request; LOCAL keeps plugins
     * from binding to each other; nothing is ever closed, as a library's threads and destructors
     * would outlive its code. */
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        return error_set(err, -ENOEXEC, "it cannot be opened: %s", dlerror());
    }
    const struct virga_plugin *desc = dlsym(library, VIRGA_PLUGIN_SYMBOL);
    if (desc == NULL) {
        return error_set(err, -ENOENT,
                         "it does not export " VIRGA_PLUGIN_SYMBOL
                         ": is it a virga plugin, and is the "
                         "descriptor not static?");
    }
    int result = plugin_adopt(host, desc, ret_plugin, err);
    if (result != 0) {
        return result;
    }
    (*ret_plugin)->library = library;
    (*ret_plugin)->path = strdup(path);
    crash_add_library(path, desc->name);
    return 0;
}

void plugin_free(struct plugin *plugin) {
    if (plugin == NULL) {
        return;
    }
    free(plugin->offers);
    free(plugin->path);
    free(plugin);
}

int plugin_start(struct plugin *plugin, struct error *err) {
    struct virga_error text = {.struct_size = sizeof text};
    struct plugin_call call;
    plugin->status = VIRGA_STATUS_RUNNING;
    plugin_enter(&call, plugin, "start", NULL);
    int result = plugin->desc->start(&plugin->api, &plugin->self, &text);
    plugin_leave(&call);
    if (result < 0) {
        error_set(err, result, "%s", text.text[0] != '\0' ? text.text : error_text(result));
        (void)snprintf(plugin->failure, sizeof plugin->failure, "%s", err->text);
        plugin_destroy(plugin);
        plugin->state = PLUGIN_FAILED;
        return result;
    }
    plugin->state = PLUGIN_RUNNING;
    return 0;
}

int plugin_stop(struct plugin *plugin) {
    if (plugin->desc->stop == NULL) {
        plugin->state = PLUGIN_STOPPED;
        return 0;
    }
    struct plugin_call call;
    plugin->state = PLUGIN_STOPPING;
    /* Counted before: it may say stopped() inside of its stop(), and the count is others' too. */
    plugin->host->stops_pending++;
    plugin_enter(&call, plugin, "stop", NULL);
    int result = plugin->desc->stop(plugin->self);
    plugin_leave(&call);
    if (result == -EINPROGRESS && plugin->state == PLUGIN_STOPPING) {
        return -EINPROGRESS;
    }
    if (plugin->state == PLUGIN_STOPPING) {
        plugin->state = PLUGIN_STOPPED;
        host_plugin_stopped(plugin->host);
    }
    return 0;
}

void plugin_destroy(struct plugin *plugin) {
    bool started = plugin->state == PLUGIN_STOPPED || plugin->state == PLUGIN_STOPPING ||
                   plugin->state == PLUGIN_RUNNING;
    if (started && plugin->desc->destroy != NULL) {
        struct plugin_call call;
        plugin_enter(&call, plugin, "destroy", NULL);
        plugin->desc->destroy(plugin->self);
        plugin_leave(&call);
    }
    plugin->self = NULL;
    metrics_forget(host_metrics_registry(plugin->host), plugin);
    while (!list_empty(&plugin->resources)) {
        struct resource *left = LIST_ENTRY(plugin->resources.next, struct resource, node);
        log_warn("plugin %s left a %s behind; the host takes it back", plugin->desc->name,
                 left->kind);
        left->reclaim(left);
    }
    request_forsake_all(plugin);
    free(plugin->offers);
    plugin->offers = NULL;
    plugin->offers_count = 0;
    plugin->state = PLUGIN_STOPPED;
}

void plugin_enter(struct plugin_call *call, struct plugin *plugin, const char *what,
                  struct request *request) {
    call->plugin = plugin;
    if (plugin == NULL) {
        return;
    }
    call->has_request = request != NULL;
    call->depth = request != NULL ? request->depth : 0;
    call->outer = plugin->host->calls;
    crumb_fill(&call->crumb, plugin->desc->name, what, request);
    crumb_publish(&supervision()->loop, &call->crumb);
    plugin->host->calls = call;
}

void plugin_leave(struct plugin_call *call) {
    struct plugin *plugin = call->plugin;
    if (plugin == NULL) {
        return;
    }
    uint64_t took_ns = uv_hrtime() - call->crumb.since_ns;
    plugin->host->calls = call->outer;
    crumb_publish(&supervision()->loop, call->outer != NULL ? &call->outer->crumb : NULL);
    plugin->calls++;
    plugin->busy_ns += took_ns;
    /* An inner call of the same plugin (a callback that came within another) leaves the transaction
     * to the outer. */
    bool outermost = true;
    for (struct plugin_call *outer = call->outer; outer != NULL; outer = outer->outer) {
        outermost = outermost && outer->plugin != plugin;
    }
    if (plugin->store_open && outermost) {
        log_error("plugin %s: %s returned with an open store transaction: rolled back",
                  plugin->desc->name, call->crumb.what);
        ext_store_rollback_left_open(plugin);
    }
    if (took_ns > PLUGIN_SLOW_MS * UINT64_C(1000000)) {
        char text[CRUMB_TEXT_MAX];
        log_write(VIRGA_LOG_WARN, "core", call->crumb.request_id,
                  "%s and held the loop for %llu ms", crumb_describe(&call->crumb, text),
                  (unsigned long long)(took_ns / 1000000));
    }
}
