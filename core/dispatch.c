/* SPDX-License-Identifier: MIT */
/* Dispatch of requests to plugins. */
#include "dispatch.h"

#include <errno.h>

#include "fallback.h"
#include "host.h"
#include "identity.h"
#include "pattern.h"
#include "protocol.h"
#include "request.h"
#include "reset.h"
#include "router.h"

#define MESSAGE_MAX (PROTOCOL_QUOTE_MAX + ERROR_TEXT_MAX)

/* ---- what nobody serves ---- */

static void fail_unknown(struct request *req, int status, const char *code, const char *what,
                         struct virga_str name) {
    char quoted[PROTOCOL_QUOTE_MAX];
    char message[MESSAGE_MAX];
    (void)snprintf(message, sizeof message, "%s %s", what,
                   protocol_quote(name, quoted, sizeof quoted));
    (void)protocol_fail(req, status, code, message);
}

static void unknown_action(struct request *req) {
    struct virga_str action = {NULL, 0};
    if (req->pub.body.len > 0) {
        action = pattern_form_value(req->pub.body, "Action");
    }
    if (action.ptr == NULL) {
        action = pattern_form_value(req->pub.query, "Action");
    }
    if (action.ptr == NULL) {
        fail_unknown(req, 400, "MissingAction",
                     "The request names no Action, and no plugin of this host serves",
                     req->pub.path);
        return;
    }
    fail_unknown(req, 400, "InvalidAction", "No plugin of this host serves the action", action);
}

/* Statuses and codes as AWS has them for what it does not know in each protocol. */
static void unknown(struct request *req, int reason) {
    static const char nobody[] = "No plugin of this host serves";
    struct virga_str target = request_http.header(&req->pub, "x-amz-target");
    enum protocol protocol = protocol_of(req);
    bool json = protocol == PROTOCOL_JSON_1_0 || protocol == PROTOCOL_JSON_1_1;
    if (reason == -ENOMEM) {
        request_http.abort(&req->pub);
    } else if (reason == -ENOTSUP) {
        fail_unknown(req, 405, NULL, "This method is not allowed for", req->pub.path);
    } else if (json && target.ptr != NULL) {
        fail_unknown(req, 400, "UnknownOperationException",
                     "No plugin of this host serves the target", target);
    } else if (protocol == PROTOCOL_QUERY || protocol == PROTOCOL_EC2) {
        unknown_action(req);
    } else if (protocol == PROTOCOL_S3) {
        fail_unknown(req, 501, "NotImplemented", nobody, req->pub.path);
    } else {
        fail_unknown(req, json ? 400 : 404, "UnknownOperationException", nobody, req->pub.path);
    }
}

/* What no plugin serves goes to the fallback endpoint, if there is one. Below /_floci everything is
 * the host's. */
static bool goes_on(const struct request *req, int reason) {
    return req->host->fallback != NULL && reason != -ENOMEM && !router_is_admin(&req->pub);
}

/* ---- what somebody serves ---- */

static void take(struct request *req, const struct router_entry *entry) {
    req->pub.route = &entry->route;
    req->plugin = entry->plugin;
}

/* Whether the Action may still be in a body that was not read yet. */
static bool may_be_query(const struct request *req, int reason) {
    return reason == -ENOENT && router_is_form(req) &&
           (!goes_on(req, reason) || router_may_be_query(req->host->router, req->pub.service));
}

void dispatch_head(void *arg, struct request *req) {
    struct host *host = arg;
    const struct router_entry *entry = NULL;
    int result = identity_parse(req);
    if (result == 0) {
        result = router_match(host->router, req, &entry);
    }
    req->body_limit_bytes = host->body_limit_bytes;
    if (result == 0) {
        take(req, entry);
        req->streams = (entry->route.flags & VIRGA_ROUTE_STREAM) != 0;
        if (entry->route.body_limit_bytes != 0) {
            req->body_limit_bytes = entry->route.body_limit_bytes;
        }
    } else if (may_be_query(req, result)) {
        /* Decided in dispatch_request(). */
        req->body_limit_bytes = router_query_limit(host->router, host->body_limit_bytes);
    } else if (goes_on(req, result)) {
        fallback_take(host->fallback, req);
        req->streams = true;
    } else {
        unknown(req, result);
    }
}

/* A plugin that is not at work: the answer says which and why. */
static void refuse(struct request *req) {
    const struct plugin *plugin = req->plugin;
    char message[MESSAGE_MAX];
    if (plugin->state == PLUGIN_FAILED || plugin->state == PLUGIN_QUARANTINED) {
        (void)snprintf(message, sizeof message, "The plugin %s does not run: %s",
                       plugin->desc->name, plugin->failure);
    } else {
        (void)snprintf(message, sizeof message, "The plugin %s is stopping", plugin->desc->name);
    }
    (void)protocol_fail(req, 503, NULL, message);
}

void dispatch_call(struct request *req) {
    if (req->plugin->state != PLUGIN_RUNNING) {
        refuse(req);
        return;
    }
    struct plugin_call call;
    plugin_enter(&call, req->plugin, "handle", req);
    req->plugin->desc->handle(req->plugin->self, &req->pub);
    plugin_leave(&call);
}

void dispatch_request(void *arg, struct request *req) {
    struct host *host = arg;
    if (fallback_has(host->fallback, req)) {
        fallback_forward(host->fallback, req);
        return;
    }
    if (req->pub.route == NULL) {
        const struct router_entry *entry = NULL;
        int result = router_match_query(host->router, req, req->pub.body, &entry);
        if (result != 0 && goes_on(req, result)) {
            fallback_take(host->fallback, req);
            fallback_forward(host->fallback, req);
            return;
        }
        if (result != 0) {
            unknown(req, result);
            return;
        }
        take(req, entry);
    }
    if (req->plugin == NULL) {
        /* A route of the host itself. */
        const struct router_entry *entry =
            (const struct router_entry *)(const void *)req->pub.route;
        entry->handle(req);
    } else if (!reset_holds(req)) {
        dispatch_call(req);
    }
}
