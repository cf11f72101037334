/* SPDX-License-Identifier: MIT */
/* A blob in one POST: the registry only knows sessions, so one is begun, filled with the client's
 * body as it comes, and ended. Source: OCI distribution spec, "Single POST". */
#include "gateway_impl.h"
#include "reference.h"
#include "registry_error.h"

#include <errno.h>
#include <strings.h>

#define EMPTY_DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const char *const missing = "The registry gave a malformed answer";

static struct virga_str find_header(const struct virga_fetch_response *res, const char *name) {
    size_t len = strlen(name);
    for (size_t i = 0; i < res->headers_count; i++) {
        if (res->headers[i].name.len == len &&
            strncasecmp(res->headers[i].name.ptr, name, len) == 0) {
            return res->headers[i].value;
        }
    }
    return (struct virga_str){NULL, 0};
}

/* Makes the registry's own address of the session the target; it is relative: see
 * registry_files.c. */
static bool take_target(struct gateway_exchange *exchange, struct virga_str location) {
    strbuf_finish(&exchange->target);
    if (location.len < 4 || memcmp(location.ptr, "/v2/", 4) != 0) {
        return false;
    }
    strbuf_add_str(&exchange->target, location);
    return !exchange->target.failed;
}

/* --- the end of the session --- */

static void on_dropped(void *arg, const struct virga_fetch_response *res) {
    (void)arg;
    (void)res; /* what is left is purged by the registry in its own time */
}

/* Takes a session away that cannot become a blob. */
static void drop_session(struct gateway_exchange *exchange) {
    if (exchange->target.len > 0) {
        (void)backend_fetch(exchange->ecr->backend, "DELETE", exchange->target.ptr, NULL, 0,
                            (struct virga_str){NULL, 0}, on_dropped, NULL);
    }
}

static void on_ended(void *arg, const struct virga_fetch_response *res) {
    struct gateway_exchange *exchange = arg;
    char client[GATEWAY_CLIENT_NAME_MAX + 1];
    struct virga_str name = gateway_client_name(exchange, client);
    if (res->status == 201) {
        char origin[GATEWAY_ORIGIN_MAX], location[sizeof origin + sizeof client + 128];
        gateway_location_origin(exchange, origin);
        (void)snprintf(location, sizeof location, "%s/v2/%s/blobs/%s", origin, client,
                       exchange->digest);
        backend_pin(exchange->ecr->backend, &exchange->tenant, gateway_name(exchange),
                    virga_str_from(exchange->digest));
        const struct gateway_header headers[] = {{"Location", location},
                                                 {"Docker-Content-Digest", exchange->digest}};
        gateway_answer(exchange, 201, headers, 2, NULL, (struct virga_str){"", 0});
        return;
    }
    if (res->status == 0) {
        gateway_fail_backend(exchange, res->error_text);
        return;
    }
    struct registry_error error;
    registry_error_read(res->body, exchange->upstream, name, &error, NULL);
    drop_session(exchange);
    if (res->status < 500) {
        gateway_fail(exchange, res->status, error.code, "%s", error.message);
        return;
    }
    ECR_LOG(exchange->ecr, VIRGA_LOG_ERROR, exchange->req, "the registry answered %d: %.*s",
            res->status, (int)(res->body.len < 500 ? res->body.len : 500), res->body.ptr);
    gateway_fail(exchange, res->status, "UNKNOWN", "The registry failed");
}

/* The session has every byte: it becomes the blob, or not. */
static void end_session(struct gateway_exchange *exchange) {
    struct strbuf path = {0};
    strbuf_add_str(&path, strbuf_str(&exchange->target));
    strbuf_addf(&path, "&digest=%s", exchange->digest);
    int result = path.failed ? -ENOMEM
                             : backend_fetch(exchange->ecr->backend, "PUT", path.ptr, NULL, 0,
                                             (struct virga_str){"", 0}, on_ended, exchange);
    strbuf_finish(&path);
    if (result != 0) {
        gateway_fail(exchange, 500, "UNKNOWN", "out of memory");
    }
}

/* --- its beginning --- */

static enum virga_proxy_decision on_filled(struct gateway_exchange *exchange,
                                           struct virga_proxy_response *res) {
    if (!take_target(exchange, exchange->ecr->proxy->header(res, "Location"))) {
        gateway_fail(exchange, 502, "UNKNOWN", "%s", missing);
    } else {
        exchange->then = end_session;
    }
    return VIRGA_PROXY_DROP;
}

static void on_begun(void *arg, const struct virga_fetch_response *res) {
    struct gateway_exchange *exchange = arg;
    if (res->status == 0) {
        gateway_fail_backend(exchange, res->error_text);
    } else if (res->status != 202 || !take_target(exchange, find_header(res, "Location"))) {
        ECR_LOG(exchange->ecr, VIRGA_LOG_ERROR, exchange->req,
                "the registry answered %d to a new upload", res->status);
        gateway_fail(exchange, 502, "UNKNOWN", "%s", missing);
    } else if ((exchange->req->flags & VIRGA_REQUEST_HAS_BODY) == 0) {
        end_session(exchange);
    } else {
        exchange->method = "PATCH";
        exchange->on_answer = on_filled;
        gateway_relay(exchange, NULL, NULL);
    }
}

static void begin(struct gateway_exchange *exchange) {
    struct strbuf path = {0};
    strbuf_addf(&path, "/v2/%s/blobs/uploads/", exchange->upstream);
    int result = path.failed ? -ENOMEM
                             : backend_fetch(exchange->ecr->backend, "POST", path.ptr, NULL, 0,
                                             (struct virga_str){"", 0}, on_begun, exchange);
    strbuf_finish(&path);
    if (result != 0) {
        gateway_fail(exchange, 500, "UNKNOWN", "out of memory");
    }
}

bool gateway_post(struct gateway_exchange *exchange) {
    char digest[ECR_DIGEST_LEN + 1];
    size_t len = 0;
    int result = reference_param(exchange->req->query, "digest", digest, sizeof digest, &len);
    if (result == -ENOENT) {
        return false;
    }
    if (result != 0 || !reference_is_digest((struct virga_str){digest, len})) {
        gateway_fail(exchange, 400, "DIGEST_INVALID", "The digest must be sha256:<64 hex digits>");
        return true;
    }
    bool has_body = (exchange->req->flags & VIRGA_REQUEST_HAS_BODY) != 0;
    if ((!has_body && strcmp(digest, EMPTY_DIGEST) != 0) ||
        !gateway_may(exchange, "ecr:UploadLayerPart", gateway_name(exchange)) ||
        !gateway_may(exchange, "ecr:CompleteLayerUpload", gateway_name(exchange))) {
        return false; /* a session, whose end tells what is wrong */
    }
    memcpy(exchange->digest, digest, sizeof digest);
    gateway_take_pass(exchange, begin);
    return true;
}
