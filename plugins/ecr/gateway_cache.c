/* SPDX-License-Identifier: MIT */
/* Pulls that the pull-through cache has to fetch first. */
#include "cache.h"
#include "gateway_impl.h"
#include "reference.h"

#include <errno.h>
#include <stdlib.h>

/* Whether the registry's policy lets who asks have an image brought in. */
static bool may_import(const struct gateway_exchange *exchange) {
    struct virga_str name = gateway_name(exchange);
    return gateway_may(exchange, "ecr:BatchImportUpstreamImage", name) &&
           (meta_repository_exists(exchange->ecr, &exchange->tenant, name) ||
            gateway_may(exchange, "ecr:CreateRepository", name));
}

static void fail(struct gateway_exchange *exchange, const struct cache_result *result) {
    bool blob = exchange->kind == GATEWAY_BLOB;
    switch (result->outcome) {
    case CACHE_NOT_FOUND:
        if (blob) {
            gateway_fail(exchange, 404, "BLOB_UNKNOWN", "blob unknown to registry");
        } else {
            gateway_fail_manifest(exchange);
        }
        return;
    case CACHE_DENIED:
        gateway_fail(exchange, 403, "DENIED", "%s", result->message);
        return;
    case CACHE_TOO_MANY:
        gateway_fail(exchange, 429, "TOOMANYREQUESTS", "%s", result->message);
        return;
    case CACHE_MALFORMED:
        gateway_fail(exchange, 502, "UNKNOWN", "%s", result->message);
        return;
    case CACHE_UNAVAILABLE:
    case CACHE_CANCELLED:
        gateway_fail(exchange, 503, "UNAVAILABLE", "%s", result->message);
        return;
    case CACHE_FAILED:
    case CACHE_EARLY:
    case CACHE_DONE:
        gateway_fail(exchange, 500, "UNKNOWN", "%s", result->message);
        return;
    }
}

/* The layers are still coming: they are waited for one by one, when the client asks. */
static void answer_early(struct gateway_exchange *exchange, const struct cache_result *result) {
    char etag[ECR_DIGEST_LEN + 3];
    (void)snprintf(etag, sizeof etag, "\"%s\"", result->digest);
    const struct gateway_header headers[] = {{"Docker-Content-Digest", result->digest},
                                             {"ETag", etag}};
    gateway_answer(exchange, 200, headers, 2, result->media_type, result->manifest);
}

/* Whether an older image is served when no newer one can be had. */
static bool is_here(const struct gateway_exchange *exchange) {
    char digest[ECR_DIGEST_LEN + 1];
    return !reference_is_digest(virga_str_from(exchange->reference)) &&
           meta_tag_get(exchange->ecr, &exchange->tenant, gateway_name(exchange),
                        virga_str_from(exchange->reference), digest) == 0;
}

static void on_manifest(void *arg, const struct cache_result *result) {
    struct gateway_exchange *exchange = arg;
    if (result->outcome == CACHE_EARLY) {
        answer_early(exchange, result);
    } else if (result->outcome == CACHE_DONE || is_here(exchange)) {
        gateway_manifest(exchange);
    } else {
        fail(exchange, result);
    }
}

static void fail_start(struct gateway_exchange *exchange, int error) {
    if (error == -EAGAIN) {
        gateway_fail(exchange, 503, "UNAVAILABLE", "Too many images are being fetched already");
    } else {
        gateway_fail(exchange, 500, "UNKNOWN", "%s", strerror(-error));
    }
}

bool gateway_cache_manifest(struct gateway_exchange *exchange) {
    struct ecr *ecr = exchange->ecr;
    struct virga_str reference = virga_str_from(exchange->reference);
    if (exchange->cached ||
        !cache_wants(ecr, &exchange->tenant, gateway_name(exchange), reference) ||
        !may_import(exchange)) {
        return false;
    }
    exchange->cached = true;
    int result = cache_pull(ecr, &exchange->tenant, gateway_name(exchange), reference, false,
                            on_manifest, exchange);
    if (result != 0 && is_here(exchange)) {
        return false;
    }
    if (result != 0) {
        fail_start(exchange, result);
    }
    return true;
}

static void on_referrers(void *arg, const struct cache_result *result) {
    struct gateway_exchange *exchange = arg;
    if (result->outcome == CACHE_DONE || result->outcome == CACHE_NOT_FOUND) {
        gateway_referrers(exchange);
    } else {
        fail(exchange, result);
    }
}

bool gateway_cache_referrers(struct gateway_exchange *exchange) {
    struct ecr *ecr = exchange->ecr;
    struct virga_str subject = virga_str_from(exchange->reference);
    if (exchange->cached ||
        !cache_wants_referrers(ecr, &exchange->tenant, gateway_name(exchange), subject) ||
        !may_import(exchange)) {
        return false;
    }
    exchange->cached = true;
    int result = cache_pull_referrers(ecr, &exchange->tenant, gateway_name(exchange), subject,
                                      on_referrers, exchange);
    if (result != 0) {
        fail_start(exchange, result);
    }
    return true;
}

static void on_blob(void *arg, const struct cache_result *result) {
    struct gateway_exchange *exchange = arg;
    if (result->outcome == CACHE_DONE) {
        gateway_blob(exchange);
    } else {
        fail(exchange, result);
    }
}

static void on_local(void *arg, const struct virga_fetch_response *res) {
    struct gateway_exchange *exchange = arg;
    if (res->status != 404) {
        gateway_blob(exchange); /* it is here; or the registry's trouble shows there */
        return;
    }
    int result = cache_pull_blob(exchange->ecr, &exchange->tenant, gateway_name(exchange),
                                 virga_str_from(exchange->reference), on_blob, exchange);
    if (result == -ENOENT) {
        gateway_blob(exchange); /* the rule was deleted meanwhile */
    } else if (result != 0) {
        fail_start(exchange, result);
    }
}

bool gateway_cache_blob(struct gateway_exchange *exchange) {
    char path[BACKEND_NAME_MAX + GATEWAY_SESSION_MAX + 16];
    /* HEAD is how a push asks what is missing: that fetches nothing. */
    if (exchange->cached || exchange->head ||
        !cache_has_rule(exchange->ecr, &exchange->tenant, gateway_name(exchange)) ||
        !may_import(exchange)) {
        return false;
    }
    exchange->cached = true;
    (void)snprintf(path, sizeof path, "/v2/%s/blobs/%s", exchange->upstream, exchange->reference);
    if (backend_fetch(exchange->ecr->backend, "HEAD", path, NULL, 0, (struct virga_str){"", 0},
                      on_local, exchange) != 0) {
        gateway_fail(exchange, 500, "UNKNOWN", "out of memory");
    }
    return true;
}
