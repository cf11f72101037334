/* SPDX-License-Identifier: MIT */
/* Manifests on their way in from the wire. */
#include "gateway_impl.h"
#include "push.h"
#include "reference.h"
#include "strict.h"

#include <errno.h>

static void on_pushed(void *arg, const struct push_result *result) {
    struct gateway_exchange *exchange = arg;
    switch (result->status) {
    case 0: {
        char client[GATEWAY_CLIENT_NAME_MAX + 1];
        char origin[GATEWAY_ORIGIN_MAX], location[sizeof origin + sizeof client + 96];
        gateway_location_origin(exchange, origin);
        (void)snprintf(location, sizeof location, "%s/v2/%s/manifests/%s", origin,
                       gateway_client_name(exchange, client).ptr, result->digest);
        const struct gateway_header headers[] = {{"Location", location},
                                                 {"Docker-Content-Digest", result->digest},
                                                 /* Says that the referrers API knows it. */
                                                 {"OCI-Subject", result->subject}};
        gateway_answer(exchange, 201, headers, 3, NULL, (struct virga_str){"", 0});
        return;
    }
    case -ENOENT:
    case -ECHILD:
        gateway_fail(exchange, 404, result->code, "%s", result->message);
        return;
    case -EINVAL:
        if (strict_parameter_status(exchange->ecr) &&
            strcmp(result->code, "MANIFEST_INVALID") == 0) {
            gateway_fail(exchange, 405, "UNSUPPORTED", "%s", result->message);
            return;
        }
        gateway_fail(exchange, 400, result->code, "%s", result->message);
        return;
    case -EEXIST:
        gateway_fail(exchange, 400, result->code, "%s", result->message);
        return;
    case -EAGAIN:
        gateway_fail_backend(exchange, result->message);
        return;
    default:
        gateway_fail(exchange, 500, result->code, "%s", result->message);
        return;
    }
}

static void push(struct gateway_exchange *exchange) {
    struct virga_request *req = exchange->req;
    struct virga_str reference = virga_str_from(exchange->reference);
    bool by_digest = reference_is_digest(reference);
    struct push_request request = {
        .tenant = exchange->tenant,
        .name = gateway_name(exchange),
        .tag = by_digest ? (struct virga_str){"", 0} : reference,
        .digest = by_digest ? reference : (struct virga_str){"", 0},
        .media_type = req->http->header(req, "Content-Type"),
        .bytes = strbuf_str(&exchange->body),
    };
    if (request.media_type.ptr == NULL) {
        request.media_type = (struct virga_str){"", 0};
    }
    if (push_manifest(exchange->ecr, &request, on_pushed, exchange) != 0) {
        gateway_fail(exchange, 500, "UNKNOWN", "out of memory");
    }
}

static int on_body(void *arg, struct virga_request *req, int status, struct virga_str chunk) {
    struct gateway_exchange *exchange = arg;
    if (status == VIRGA_BODY_DATA) {
        if (exchange->body.len + chunk.len <= MANIFEST_MAX_BYTES) {
            strbuf_add_str(&exchange->body, chunk);
            return VIRGA_BODY_GO_ON;
        }
        req->http->body_stop(req);
        gateway_fail(exchange, 413, "MANIFEST_INVALID", "The manifest is larger than %u bytes",
                     MANIFEST_MAX_BYTES);
        return VIRGA_BODY_GO_ON;
    }
    if (status < 0) {
        gateway_fail(exchange, 400, "MANIFEST_INVALID", "The manifest did not arrive whole");
    } else if (exchange->body.failed) {
        gateway_fail(exchange, 500, "UNKNOWN", "out of memory");
    } else {
        /* Only now: a client that sends slowly must not hold gc up. */
        gateway_take_pass(exchange, push);
    }
    return VIRGA_BODY_GO_ON;
}

void gateway_push(struct gateway_exchange *exchange) {
    struct virga_request *req = exchange->req;
    struct virga_str reference = virga_str_from(exchange->reference);
    if (!gateway_push_repository(exchange, gateway_push)) {
        return;
    }
    if (memchr(reference.ptr, ':', reference.len) != NULL) {
        if (!reference_is_digest(reference)) {
            gateway_fail(exchange, 400, "DIGEST_INVALID", "Invalid digest '%s'",
                         exchange->reference);
            return;
        }
    } else if (!reference_is_tag(reference)) {
        gateway_fail_tag_form(exchange);
        return;
    }
    if (req->content_length != VIRGA_LENGTH_UNKNOWN && req->content_length > MANIFEST_MAX_BYTES) {
        gateway_fail(exchange, 413, "MANIFEST_INVALID", "The manifest is larger than %u bytes",
                     MANIFEST_MAX_BYTES);
        return;
    }
    int result = req->http->body_start(req, on_body, exchange);
    if (result != 0) {
        gateway_fail(exchange, 500, "UNKNOWN", "%s", strerror(-result));
    }
}
