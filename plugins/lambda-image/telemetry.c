/* SPDX-License-Identifier: MIT */
/* Subscriptions of extensions to telemetry and logs: checked and accepted; nothing is delivered.
 * Source: the developer guide, "Lambda Telemetry API reference". */
#include "environment_impl.h"

#include <errno.h>
#include <virga/helpers/awsjson.h>

/* The reason why a subscription is malformed; NULL: it is not. */
static const char *find_fault(struct json_object *input) {
    struct json_object *destination = virga_awsjson_member(input, "destination");
    struct virga_str protocol = virga_awsjson_str(destination, "protocol");
    bool http = virga_str_equal(protocol, virga_str_from("HTTP"));
    bool tcp = virga_str_equal(protocol, virga_str_from("TCP"));
    if (!http && !tcp) {
        return "destination.protocol is neither HTTP nor TCP";
    }
    if (http && virga_awsjson_str(destination, "URI").len == 0) {
        return "destination.URI is missing";
    }
    if (tcp && virga_awsjson_int(destination, "port", 0) <= 0) {
        return "destination.port is missing";
    }
    size_t count = virga_awsjson_length(input, "types");
    for (size_t i = 0; i < count; i++) {
        struct virga_str type = virga_awsjson_text(virga_awsjson_element(input, "types", i));
        if (!virga_str_equal(type, virga_str_from("platform")) &&
            !virga_str_equal(type, virga_str_from("function")) &&
            !virga_str_equal(type, virga_str_from("extension"))) {
            return "types holds something else than platform, function and extension";
        }
    }
    return count > 0 ? NULL : "types is missing";
}

void telemetry_complete(struct body *body) {
    const struct environment *environment = body->environment;
    static const struct virga_header type = {{"Content-Type", 12}, {"text/plain", 10}};
    struct virga_request *req = body->req;
    struct json_object *input = NULL;
    int result = body->too_large
                     ? -EBADMSG
                     : virga_awsjson_parse((struct virga_str){body->bytes, body->len}, &input);
    const char *fault = result != 0 ? "the body is not a JSON object" : find_fault(input);
    json_object_put(input);
    if (fault != NULL) {
        runtime_api_refuse(req, 400, "ValidationError", "%s", fault);
        return;
    }
    LAMBDA_LOG(environment->lambda, VIRGA_LOG_DEBUG, NULL,
               "extension %s subscribes to telemetry: accepted, nothing is delivered",
               environment->extensions[body->extension].name);
    const struct virga_response res = {.struct_size = sizeof res,
                                       .status = 200,
                                       .headers = &type,
                                       .headers_count = 1,
                                       .body = virga_str_from("OK")};
    (void)req->http->respond(req, &res);
}

void telemetry_subscribe(struct environment *environment, struct virga_request *req) {
    struct extension *extension = extensions_identify(environment, req);
    if (extension == NULL) {
        return;
    }
    if (environment->state != ENVIRONMENT_INIT) {
        bool logs = virga_str_equal(req->path, virga_str_from("/2020-08-15/logs"));
        runtime_api_refuse(req, 403,
                           logs ? "Logs.SubscriptionClosed" : "Telemetry.SubscriptionClosed",
                           "%s API subscription is closed already", logs ? "Logs" : "Telemetry");
        return;
    }
    runtime_body_read(environment, req, BODY_TELEMETRY,
                      (size_t)(extension - environment->extensions));
}
