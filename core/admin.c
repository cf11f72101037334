/* SPDX-License-Identifier: MIT */
/* The host's own admin endpoints. */
#include "admin.h"

#include <json-c/json.h>

#include "host.h"
#include "request.h"
#include "router.h"

static const char *status_word(const struct plugin *plugin) {
    if (plugin->state == PLUGIN_DISABLED) {
        return "disabled";
    }
    if (plugin->state != PLUGIN_RUNNING) {
        return plugin->state == PLUGIN_FAILED ? "error" : "stopping";
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

static void answer(struct request *req, struct json_object *root) {
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
    (void)request_respond_text(req, 200, "application/json", copy.ptr, copy.len);
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
        const char *detail =
            plugin->state == PLUGIN_FAILED ? plugin->failure : plugin->status_detail;
        add_text(services, plugin->desc->name, status_word(plugin));
        if (detail[0] != '\0') {
            add_text(details, plugin->desc->name, detail);
        }
    }
    json_object_object_add(root, "services", services);
    json_object_object_add(root, "details", details);
    add_text(root, "edition", "virga");
    add_text(root, "version", HOST_VERSION);
    answer(req, root);
}

static struct json_object *describe_routes(const struct virga_plugin *desc) {
    static const char *const kinds[] = {"", "admin", "target", "rest", "query"};
    struct json_object *routes = json_object_new_array();
    for (size_t i = 0; i < desc->routes_count; i++) {
        struct virga_route route = plugin_route(desc, i);
        struct json_object *object = json_object_new_object();
        add_text(object, "kind", kinds[route.kind <= VIRGA_ROUTE_QUERY ? route.kind : 0]);
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
        if (plugin->state == PLUGIN_FAILED || plugin->status_detail[0] != '\0') {
            add_text(object, "detail",
                     plugin->state == PLUGIN_FAILED ? plugin->failure : plugin->status_detail);
        }
        json_object_object_add(object, "calls", json_object_new_int64((int64_t)plugin->calls));
        json_object_object_add(object, "busyMs",
                               json_object_new_double((double)plugin->busy_ns / 1e6));
        json_object_object_add(object, "routes", describe_routes(desc));
        json_object_array_add(plugins, object);
    }
    json_object_object_add(root, "plugins", plugins);
    answer(req, root);
}

int admin_add_routes(struct router *router, struct error *err) {
    static const struct virga_route health = {
        .kind = VIRGA_ROUTE_ADMIN,
        .flags = VIRGA_ROUTE_LOCALSTACK,
        .method = "GET",
        .pattern = "health",
    };
    static const struct virga_route health_head = {
        .kind = VIRGA_ROUTE_ADMIN,
        .flags = VIRGA_ROUTE_LOCALSTACK,
        .method = "HEAD",
        .pattern = "health",
    };
    static const struct virga_route plugins = {
        .kind = VIRGA_ROUTE_ADMIN,
        .method = "GET",
        .pattern = "plugins",
    };
    int result = router_add_host(router, &health, handle_health, err);
    if (result == 0) {
        result = router_add_host(router, &health_head, handle_health, err);
    }
    return result != 0 ? result : router_add_host(router, &plugins, handle_plugins, err);
}
