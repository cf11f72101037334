/* SPDX-License-Identifier: MIT */
/* Blobs and upload sessions: checks, and the target at the registry. */
#include "account_setting.h"
#include "condition.h"
#include "gateway_impl.h"
#include "gateway_rewrite.h"
#include "reference.h"
#include "strict.h"

void gateway_blob(struct gateway_exchange *exchange) {
    if (!reference_is_digest(virga_str_from(exchange->reference))) {
        gateway_fail(exchange, 400, "DIGEST_INVALID", "Invalid digest '%s'", exchange->reference);
        return;
    }
    if (!gateway_check_repository(exchange) || gateway_cache_blob(exchange)) {
        return;
    }
    /* HEAD knows no ranges, and one that is malformed is as none; the registry thinks otherwise. */
    exchange->whole =
        exchange->head || !condition_is_range(exchange->req->http->header(exchange->req, "Range"));
    strbuf_addf(&exchange->target, "/v2/%s/blobs/%s", exchange->upstream, exchange->reference);
    gateway_relay(exchange, NULL, NULL);
}

static bool is_method(const struct gateway_exchange *exchange, const char *method) {
    return virga_str_equal(exchange->req->method, virga_str_from(method));
}

static void on_uploaded(struct gateway_exchange *exchange, struct virga_proxy_response *res) {
    struct ecr *ecr = exchange->ecr;
    if (strict_absolute_locations(ecr)) {
        (void)ecr->proxy->set_header(res, "Docker-Upload-Uuid", (struct virga_str){0});
    }
    if (strict_patch_created(ecr) && is_method(exchange, "PATCH")) {
        ecr->proxy->set_status(res, 201);
    }
    if (ecr->proxy->status(res) == 201 && exchange->digest[0] != '\0') {
        backend_pin(ecr->backend, &exchange->tenant, gateway_name(exchange),
                    virga_str_from(exchange->digest));
    }
}

static void relay_upload(struct gateway_exchange *exchange) {
    gateway_relay(exchange, NULL, on_uploaded);
}

/* Begins a session, or mounts a blob of another repository of the same tenant. A mount that cannot
 * be becomes an ordinary session, as the protocol has it. */
static void begin_upload(struct gateway_exchange *exchange) {
    struct gateway_mount mount;
    strbuf_addf(&exchange->target, "/v2/%s/blobs/uploads/", exchange->upstream);
    gateway_rewrite_query(exchange->req->query, &exchange->target);
    if (gateway_rewrite_read_mount(exchange->req->query, exchange->form, &exchange->tenant,
                                   &mount) != 0 ||
        !account_setting_is(exchange->ecr, &exchange->tenant, ACCOUNT_SETTING_MOUNTING,
                            "ENABLED") ||
        !meta_repository_exists(exchange->ecr, &exchange->tenant, virga_str_from(mount.name)) ||
        !gateway_may(exchange, "ecr:GetDownloadUrlForLayer", virga_str_from(mount.name))) {
        if (!gateway_post(exchange)) {
            relay_upload(exchange);
        }
        return;
    }
    char from[BACKEND_NAME_MAX + 1];
    (void)backend_name(&exchange->tenant, virga_str_from(mount.name), from);
    bool more = memchr(exchange->target.ptr, '?', exchange->target.len) != NULL;
    strbuf_addf(&exchange->target, "%cmount=%s&from=", more ? '&' : '?', mount.digest);
    strbuf_add_encoded(&exchange->target, virga_str_from(from), "");
    memcpy(exchange->digest, mount.digest, sizeof exchange->digest);
    gateway_take_pass(exchange, relay_upload);
}

/* Whether the id is made of what the registry's router takes. */
static bool is_session(const char *text) {
    return text[strspn(
               text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.=")] == '\0';
}

void gateway_upload(struct gateway_exchange *exchange) {
    if (exchange->kind == GATEWAY_UPLOADS) {
        if (gateway_push_repository(exchange, gateway_upload)) {
            begin_upload(exchange);
        }
        return;
    }
    if (!gateway_check_repository(exchange)) {
        return;
    }
    if (!is_session(exchange->reference)) {
        gateway_fail(exchange, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
        return;
    }
    if ((is_method(exchange, "PATCH") || is_method(exchange, "PUT")) && !gateway_chunk(exchange)) {
        return;
    }
    strbuf_addf(&exchange->target, "/v2/%s/blobs/uploads/%s", exchange->upstream,
                exchange->reference);
    gateway_rewrite_query(exchange->req->query, &exchange->target);
    if (!is_method(exchange, "PUT")) {
        /* A session's bytes are no blob yet, and gc does not look at them. */
        relay_upload(exchange);
        return;
    }
    size_t len = 0;
    int result = reference_param(exchange->req->query, "digest", exchange->digest,
                                 sizeof exchange->digest, &len);
    if (result != 0 || !reference_is_digest((struct virga_str){exchange->digest, len})) {
        gateway_fail(exchange, 400, "DIGEST_INVALID",
                     "The upload must be ended with ?digest=sha256:<64 hex digits>");
        return;
    }
    gateway_take_pass(exchange, relay_upload);
}
