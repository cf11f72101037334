/* SPDX-License-Identifier: MIT */
/* Dispatch of requests to plugins. */
#include "dispatch.h"

#include <errno.h>

#include "host.h"
#include "identity.h"
#include "pattern.h"
#include "request.h"
#include "router.h"

static void respond(struct request *req, int status, const char *content_type,
                    const char *error_type, struct virga_str body) {
    struct virga_header headers[3];
    size_t count = 0;
    headers[count++] =
        (struct virga_header){virga_str_from("Content-Type"), virga_str_from(content_type)};
    if (error_type != NULL) {
        headers[count++] =
            (struct virga_header){virga_str_from("x-amzn-ErrorType"), virga_str_from(error_type)};
    }
    struct virga_response res = {
        .struct_size = sizeof res,
        .status = status,
        .headers = headers,
        .headers_count = count,
        .body = body.ptr != NULL ? body : virga_str_from(""),
    };
    (void)request_http.respond(&req->pub, &res);
}

/* Text of the client for a message: cut, and with everything that JSON or XML would have to escape
 * left out. */
static const char *quotable(struct virga_str text, char *buffer, size_t size) {
    size_t len = 0;
    for (size_t i = 0; i < text.len && len + 1 < size; i++) {
        char c = text.ptr[i];
        if (c >= 0x20 && c < 0x7f && strchr("\"\\<>&", c) == NULL) {
            buffer[len++] = c;
        }
    }
    buffer[len] = '\0';
    return buffer;
}

#define QUOTE_MAX 200

/* Source: AWS JSON 1.0 and 1.1 protocols, error responses. */
static void unknown_target(struct request *req, struct virga_str target) {
    char quoted[QUOTE_MAX];
    struct virga_str type = request_http.header(&req->pub, "content-type");
    bool json_1_0 = type.ptr != NULL && strstr(type.ptr, "json-1.0") != NULL;
    respond(req, 400, json_1_0 ? "application/x-amz-json-1.0" : "application/x-amz-json-1.1", NULL,
            arena_printf(
                &req->arena,
                "{\"__type\":\"UnknownOperationException\",\"message\":\"No plugin of this host "
                "serves the target %s\"}",
                quotable(target, quoted, sizeof quoted)));
}

/* Source: AWS Query protocol, error responses. */
static void unknown_query(struct request *req, struct virga_str action) {
    char quoted[QUOTE_MAX];
    respond(req, 400, "text/xml", NULL,
            arena_printf(
                &req->arena,
                "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>No "
                "plugin of this host serves the action %s</Message></Error><RequestId>%s"
                "</RequestId></ErrorResponse>",
                quotable(action, quoted, sizeof quoted), req->pub.id.ptr));
}

static void unknown_path(struct request *req, bool wrong_method) {
    char quoted[QUOTE_MAX];
    struct virga_str path = req->pub.path;
    int status = wrong_method ? 405 : 404;
    const char *type = wrong_method ? "MethodNotAllowedException" : "UnknownOperationException";
    if (virga_str_equal(req->pub.service, virga_str_from("s3"))) {
        /* Source: Amazon S3 REST error responses. */
        respond(req, status, "application/xml", NULL,
                arena_printf(
                    &req->arena,
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>No "
                    "plugin of this host serves %s</Message><RequestId>%s</RequestId></Error>",
                    wrong_method ? "MethodNotAllowed" : "NotImplemented",
                    quotable(path, quoted, sizeof quoted), req->pub.id.ptr));
        return;
    }
    respond(req, status, "application/json", type,
            arena_printf(&req->arena, "{\"message\":\"%s %s\"}",
                         wrong_method ? "This method is not allowed for"
                                      : "No plugin of this host serves",
                         quotable(path, quoted, sizeof quoted)));
}

static void unknown(struct request *req, int reason) {
    struct virga_str target = request_http.header(&req->pub, "x-amz-target");
    struct virga_str action = pattern_form_value(req->pub.query, "Action");
    if (reason == -ENOMEM) {
        request_http.abort(&req->pub);
    } else if (target.ptr != NULL) {
        unknown_target(req, target);
    } else if (action.ptr != NULL) {
        unknown_query(req, action);
    } else {
        unknown_path(req, reason == -ENOTSUP);
    }
}

static void take(struct request *req, const struct router_entry *entry) {
    req->pub.route = &entry->route;
    req->plugin = entry->plugin;
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
        return;
    }
    if (result == -ENOENT && router_is_form(req)) {
        /* The Action is in the body: decided in dispatch_request(). */
        req->body_limit_bytes = router_query_limit(host->router, host->body_limit_bytes);
        return;
    }
    unknown(req, result);
}

void dispatch_request(void *arg, struct request *req) {
    struct host *host = arg;
    if (req->pub.route == NULL) {
        const struct router_entry *entry = NULL;
        int result = router_match_query(host->router, req, req->pub.body, &entry);
        if (result != 0) {
            struct virga_str action = pattern_form_value(req->pub.body, "Action");
            if (result == -ENOENT && action.ptr != NULL) {
                unknown_query(req, action);
            } else {
                unknown(req, result);
            }
            return;
        }
        take(req, entry);
    }
    if (req->plugin == NULL) {
        /* A route of the host itself. */
        const struct router_entry *entry =
            (const struct router_entry *)(const void *)req->pub.route;
        entry->handle(req);
        return;
    }
    if (req->plugin->state != PLUGIN_RUNNING) {
        respond(req, 503, "application/json", "ServiceUnavailableException",
                arena_printf(&req->arena, "{\"message\":\"The plugin %s is stopping\"}",
                             req->plugin->desc->name));
        return;
    }
    struct plugin_call call;
    plugin_enter(&call, req->plugin, "handle", req);
    req->plugin->desc->handle(req->plugin->self, &req->pub);
    plugin_leave(&call);
}
