/* SPDX-License-Identifier: MIT */
/* Lifting a quarantine. */
#include "admin_release.h"

#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <unistd.h>

#include "admin.h"
#include "host.h"
#include "plugins.h"
#include "request.h"
#include "router.h"
#include "supervision.h"

static const char *state_of(const struct host *host, const char *name) {
    for (size_t i = 0; i < host->plugins_count; i++) {
        const struct plugin *plugin = host->plugins[i];
        if (strcmp(plugin->desc->name, name) == 0) {
            return plugin->state == PLUGIN_RUNNING ? "running" : plugin->failure;
        }
    }
    return "not loaded";
}

static void handle_release(struct request *req) {
    const char *name = req->pub.params[0].ptr;
    struct json_object *root = json_object_new_object();
    int result = plugins_release(req->host, name);
    json_object_object_add(root, "plugin", json_object_new_string(name));
    if (result == -ENOENT) {
        json_object_object_add(root, "message", json_object_new_string("It is not quarantined."));
        admin_answer(req, 404, root);
        return;
    }
    if (result == -EAGAIN && supervision_has_supervisor()) {
        json_object_object_add(root, "message",
                               json_object_new_string("It is loaded by a new worker."));
        (void)kill(getppid(), SIGHUP);
        admin_answer(req, 202, root);
        return;
    }
    json_object_object_add(root, "state", json_object_new_string(state_of(req->host, name)));
    admin_answer(req, 200, root);
}

int admin_release_add_route(struct router *router, struct error *err) {
    static const struct virga_route release = {
        .kind = VIRGA_ROUTE_ADMIN,
        .method = "POST",
        .pattern = "plugins/{name}/release",
    };
    return router_add_host(router, &release, handle_release, err);
}
