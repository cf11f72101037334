/* SPDX-License-Identifier: MIT */
/* The host's own admin endpoints. */
#include "admin.h"

#include <json-c/json.h>
#include <strings.h>

#include "config.h"
#include "hooks.h"
#include "host.h"
#include "plugins.h"
#include "protocol.h"
#include "request.h"
#include "reset.h"
#include "router.h"
#include "settings.h"

/* Whether it is not there and `failure` says why. */
static bool is_broken(const struct plugin *plugin) {
    return plugin->state == PLUGIN_FAILED || plugin->state == PLUGIN_QUARANTINED;
}

static const char *status_word(const struct plugin *plugin) {
    if (plugin->state == PLUGIN_DISABLED) {
        return "disabled";
    }
    if (plugin->state == PLUGIN_QUARANTINED) {
        return "quarantined";
    }
    if (plugin->state != PLUGIN_RUNNING) {
        return is_broken(plugin) ? "error" : "stopping";
    }
    switch (plugin->status) {
    case VIRGA_STATUS_STARTING:
        return "starting";
    case VIRGA_STATUS_DEGRADED:
        return "degraded";
    case VIRGA_STATUS_DISABLED:
        return "disabled";
    default:
        return "running";
    }
}

void admin_answer(struct request *req, int status, struct json_object *root) {
    const char *text = root != NULL
                           ? json_object_to_json_string_ext(
                                 root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
                           : NULL;
    struct virga_str copy = {NULL, 0};
    if (text != NULL) {
        copy = arena_copy(&req->arena, virga_str_from(text));
    }
    json_object_put(root);
    if (copy.ptr == NULL) {
        request_http.abort(&req->pub);
        return;
    }
    (void)request_respond_text(req, status, "application/json", copy.ptr, copy.len);
}

static void add_text(struct json_object *object, const char *key, const char *text) {
    json_object_object_add(object, key, json_object_new_string(text != NULL ? text : ""));
}

/* The shape is that of the emulators whose health page scripts poll: services by name, edition,
 * version. A part that is not well adds its reason under "details". */
static void handle_health(struct request *req) {
    const struct host *host = req->host;
    struct json_object *root = json_object_new_object();
    struct json_object *services = json_object_new_object();
    struct json_object *details = json_object_new_object();
    for (size_t i = 0; i < host->plugins_count; i++) {
        const struct plugin *plugin = host->plugins[i];
        const char *detail = is_broken(plugin) ? plugin->failure : plugin->status_detail;
        add_text(services, plugin->desc->name, status_word(plugin));
        if (detail[0] != '\0') {
            add_text(details, plugin->desc->name, detail);
        }
    }
    json_object_object_add(root, "services", services);
    json_object_object_add(root, "details", details);
    add_text(root, "edition", "virga");
    add_text(root, "version", HOST_VERSION);
    admin_answer(req, 200, root);
}

static struct json_object *describe_routes(const struct virga_plugin *desc) {
    static const char *const kinds[] = {"", "admin", "target", "rest", "query", "host", "rpc"};
    struct json_object *routes = json_object_new_array();
    for (size_t i = 0; i < desc->routes_count; i++) {
        struct virga_route route = plugin_route(desc, i);
        struct json_object *object = json_object_new_object();
        add_text(object, "kind", kinds[route.kind <= VIRGA_ROUTE_RPC ? route.kind : 0]);
        if (route.method != NULL) {
            add_text(object, "method", route.method);
        }
        add_text(object, "pattern", route.pattern);
        if (route.service != NULL) {
            add_text(object, "service", route.service);
        }
        json_object_array_add(routes, object);
    }
    return routes;
}

static void handle_plugins(struct request *req) {
    const struct host *host = req->host;
    struct json_object *root = json_object_new_object();
    struct json_object *plugins = json_object_new_array();
    for (size_t i = 0; i < host->plugins_count; i++) {
        const struct plugin *plugin = host->plugins[i];
        const struct virga_plugin *desc = plugin->desc;
        struct json_object *object = json_object_new_object();
        char abi[32];
        (void)snprintf(abi, sizeof abi, "%u.%u", desc->abi_major, desc->abi_minor);
        add_text(object, "name", desc->name);
        add_text(object, "version", desc->version);
        add_text(object, "summary", desc->summary);
        add_text(object, "abi", abi);
        add_text(object, "file", plugin->path);
        add_text(object, "status", status_word(plugin));
        if (is_broken(plugin) || plugin->status_detail[0] != '\0') {
            add_text(object, "detail", is_broken(plugin) ? plugin->failure : plugin->status_detail);
        }
        json_object_object_add(object, "calls", json_object_new_int64((int64_t)plugin->calls));
        json_object_object_add(object, "busyMs",
                               json_object_new_double((double)plugin->busy_ns / 1e6));
        json_object_object_add(object, "routes", describe_routes(desc));
        json_object_array_add(plugins, object);
    }
    struct json_object *left_out = json_object_new_array();
    for (size_t i = 0; i < host->left_out_count; i++) {
        struct json_object *object = json_object_new_object();
        add_text(object, "file", host->left_out[i].path);
        add_text(object, "reason", host->left_out[i].reason);
        json_object_array_add(left_out, object);
    }
    json_object_object_add(root, "plugins", plugins);
    json_object_object_add(root, "leftOut", left_out);
    admin_answer(req, 200, root);
}

/* ---- configuration ---- */

static void handle_config(struct request *req) {
    static const char *const sources[] = {"default", "file", "environment", "command line"};
    const struct config *config = req->host->config;
    struct json_object *root = json_object_new_object();
    struct json_object *settings = json_object_new_array();
    for (size_t i = 0; i < config_count(config); i++) {
        const struct config_entry *entry = config_at(config, i);
        struct json_object *object = json_object_new_object();
        const char *value = settings_shown(entry);
        add_text(object, "key", entry->key);
        json_object_object_add(object, "value",
                               value != NULL ? json_object_new_string(value) : NULL);
        add_text(object, "source", sources[entry->source]);
        add_text(object, "origin", entry->origin);
        add_text(object, "owner", entry->owner);
        add_text(object, "help", entry->decl->help);
        json_object_array_add(settings, object);
    }
    json_object_object_add(root, "settings", settings);
    admin_answer(req, 200, root);
}

/* ---- init hooks ---- */

static const char *const stage_names[HOOKS_STAGES] = {"boot", "start", "ready", "shutdown"};
static const char *const localstack_names[HOOKS_STAGES] = {"BOOT", "START", "READY", "SHUTDOWN"};

static struct json_object *describe_script(const struct hooks_script *script, bool with_stage) {
    static const char *const states[] = {"UNKNOWN", "RUNNING", "SUCCESSFUL", "ERROR"};
    struct json_object *object = json_object_new_object();
    if (with_stage) {
        add_text(object, "stage", localstack_names[script->stage]);
    }
    add_text(object, "name", script->name);
    add_text(object, "state", states[script->state]);
    return object;
}

static void add_scripts(struct json_object *array, const struct hooks *hooks,
                        enum hooks_stage stage, bool with_stage) {
    for (size_t i = 0; i < hooks_count(hooks); i++) {
        const struct hooks_script *script = hooks_at(hooks, i);
        if (script->stage == stage) {
            json_object_array_add(array, describe_script(script, with_stage));
        }
    }
}

/* Whether the stage is over; without scripts it is so when its moment has come. */
static struct json_object *completed(const struct host *host, enum hooks_stage stage) {
    bool done = hooks_is_done(host->hooks, stage) && (stage != HOOKS_STOP || host->stopping);
    return json_object_new_boolean(done);
}

static bool is_localstack(const struct request *req) {
    static const char prefix[] = "/_localstack/";
    return strncmp(req->pub.path.ptr, prefix, sizeof prefix - 1) == 0;
}

/* Source: the pages of the same name of Floci (an object by stage) and LocalStack (one list, and
 * stages in capitals): who polls one of them finds its own. */
static void handle_init(struct request *req) {
    const struct host *host = req->host;
    bool localstack = is_localstack(req);
    const char *const *names = localstack ? localstack_names : stage_names;
    struct json_object *root = json_object_new_object();
    struct json_object *stages = json_object_new_object();
    struct json_object *scripts = localstack ? json_object_new_array() : json_object_new_object();
    for (int i = 0; i < HOOKS_STAGES; i++) {
        enum hooks_stage stage = (enum hooks_stage)i;
        json_object_object_add(stages, names[i], completed(host, stage));
        if (localstack) {
            add_scripts(scripts, host->hooks, stage, true);
        } else {
            struct json_object *array = json_object_new_array();
            add_scripts(array, host->hooks, stage, false);
            json_object_object_add(scripts, names[i], array);
        }
    }
    json_object_object_add(root, "completed", stages);
    json_object_object_add(root, "scripts", scripts);
    admin_answer(req, 200, root);
}

static void handle_init_stage(struct request *req) {
    const struct host *host = req->host;
    for (int i = 0; i < HOOKS_STAGES; i++) {
        if (strcasecmp(req->pub.params[0].ptr, stage_names[i]) == 0 ||
            (i == HOOKS_STOP && strcasecmp(req->pub.params[0].ptr, "stop") == 0)) {
            enum hooks_stage stage = (enum hooks_stage)i;
            struct json_object *root = json_object_new_object();
            struct json_object *scripts = json_object_new_array();
            add_scripts(scripts, host->hooks, stage, is_localstack(req));
            json_object_object_add(root, "completed", completed(host, stage));
            json_object_object_add(root, "scripts", scripts);
            admin_answer(req, 200, root);
            return;
        }
    }
    (void)protocol_fail(req, 404, "NotFound", "The stages are boot, start, ready and shutdown");
}

int admin_add_routes(struct router *router, struct error *err) {
    static const struct {
        const char *method;
        const char *pattern;
        uint32_t flags;
        void (*handle)(struct request *req);
    } pages[] = {
        {"GET", "health", VIRGA_ROUTE_LOCALSTACK, handle_health},
        {"HEAD", "health", VIRGA_ROUTE_LOCALSTACK, handle_health},
        {"GET", "plugins", 0, handle_plugins},
        {"GET", "config", 0, handle_config},
        {"GET", "init", VIRGA_ROUTE_LOCALSTACK, handle_init},
        {"GET", "init/{Stage}", VIRGA_ROUTE_LOCALSTACK, handle_init_stage},
        {"POST", "state/reset", VIRGA_ROUTE_LOCALSTACK, reset_handle},
    };
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof pages / sizeof pages[0]; i++) {
        const struct virga_route route = {
            .kind = VIRGA_ROUTE_ADMIN,
            .flags = pages[i].flags,
            .method = pages[i].method,
            .pattern = pages[i].pattern,
        };
        result = router_add_host(router, &route, pages[i].handle, err);
    }
    return result;
}
