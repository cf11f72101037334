/* SPDX-License-Identifier: MIT */
/* Whether a pull needs an upstream, and what an upstream's answer means. */
#include "cache_impl.h"

#include "cache_rules.h"
#include "meta.h"
#include "reference.h"

#include <errno.h>
#include <stdlib.h>

/* --- failures --- */

void cache_failure_set(struct cache_failure *failure, enum cache_outcome outcome,
                       const char *format, ...) {
    va_list args;
    va_start(args, format);
    failure->outcome = outcome;
    (void)vsnprintf(failure->message, sizeof failure->message, format, args);
    va_end(args);
}

void cache_failure_from(struct cache_failure *failure, const struct upstream_place *place,
                        const struct virga_fetch_response *res) {
    const char *more = res->error_text[0] != '\0' ? ": " : "";
    switch (res->status) {
    case 0:
        if (res->error == -ECANCELED) {
            cache_failure_set(failure, CACHE_CANCELLED, "The fetch was broken off");
        } else {
            cache_failure_set(failure, CACHE_UNAVAILABLE,
                              "The upstream registry '%s' could not be reached: %s", place->host,
                              res->error_text);
        }
        return;
    case 401:
    case 403:
        cache_failure_set(failure, CACHE_DENIED,
                          "The authentication to the upstream registry failed. Verify that the "
                          "credentials are valid and that the image exists: '%s' answered %d for "
                          "'%s'%s%s",
                          place->host, res->status, place->repository, more, res->error_text);
        return;
    case 404:
        cache_failure_set(failure, CACHE_NOT_FOUND, "Requested image not found");
        return;
    case 429:
        cache_failure_set(failure, CACHE_TOO_MANY,
                          "The upstream registry '%s' answered: too many requests", place->host);
        return;
    default:
        cache_failure_set(failure, CACHE_UNAVAILABLE,
                          "The upstream registry '%s' answered with status %d%s%s", place->host,
                          res->status, more, res->error_text);
        return;
    }
}

/* --- upstreams that are down --- */

void cache_note_down(struct cache *cache, const char *host) {
    struct cache_down *down = &cache->down[0];
    for (size_t i = 0; i < CACHE_DOWN_MAX; i++) {
        if (strcmp(cache->down[i].host, host) == 0) {
            down = &cache->down[i];
            break;
        }
        down = cache->down[i].until_ms < down->until_ms ? &cache->down[i] : down;
    }
    (void)snprintf(down->host, sizeof down->host, "%s", host);
    down->until_ms = cache->ecr->timer->now_ms(cache->ecr->host) + CACHE_DOWN_MS;
}

bool cache_is_down(const struct cache *cache, const char *host, int64_t now_ms) {
    for (size_t i = 0; i < CACHE_DOWN_MAX; i++) {
        if (strcmp(cache->down[i].host, host) == 0 && cache->down[i].until_ms > now_ms) {
            return true;
        }
    }
    return false;
}

/* --- what a pull needs --- */

void cache_mark_kind(const char *tag, char ret_kind[CACHE_MARK_MAX]) {
    (void)snprintf(ret_kind, CACHE_MARK_MAX, "cached/%s", tag);
}

bool cache_has_rule(struct ecr *ecr, const struct tenant *tenant, struct virga_str name) {
    struct json_object *rule = NULL;
    int result = cache_rule_find(ecr, tenant, name, &rule);
    if (result == 0) {
        json_object_put(rule);
    }
    return result == 0;
}

/* Whether a tag that came from an upstream is due to be looked after. One that a client pushed
 * never is. */
static bool is_due(struct cache *cache, const struct tenant *tenant, struct virga_str name,
                   struct virga_str tag, const char *digest, const char *host) {
    struct ecr *ecr = cache->ecr;
    char kind[CACHE_MARK_MAX], text[ECR_TAG_MAX + 1], number[24];
    struct virga_store_value value = {0};
    int64_t now_ms = ecr->timer->now_ms(ecr->host);
    (void)snprintf(text, sizeof text, "%.*s", (int)tag.len, tag.ptr);
    cache_mark_kind(text, kind);
    if (meta_image_text_get(ecr, tenant, name, virga_str_from(digest), kind, &value) != 0) {
        return false;
    }
    (void)snprintf(number, sizeof number, "%.*s", (int)value.len, value.ptr);
    ecr->store->release(ecr->host, &value);
    int64_t age_ms = now_ms - strtoll(number, NULL, 10);
    return (age_ms >= cache->refresh_ms || age_ms < 0) && !cache_is_down(cache, host, now_ms);
}

bool cache_is_here(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                   struct virga_str reference, char ret_digest[ECR_DIGEST_LEN + 1]) {
    struct meta_image image;
    ret_digest[0] = '\0';
    if (!reference_is_digest(reference)) {
        return meta_tag_get(ecr, tenant, name, reference, ret_digest) == 0;
    }
    if (meta_image_get(ecr, tenant, name, reference, &image) != 0) {
        return false;
    }
    meta_image_finish(&image);
    return true;
}

bool cache_wants(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                 struct virga_str reference) {
    struct json_object *rule = NULL;
    struct upstream_place place;
    char digest[ECR_DIGEST_LEN + 1];
    if ((!reference_is_tag(reference) && !reference_is_digest(reference)) ||
        cache_rule_find(ecr, tenant, name, &rule) != 0) {
        return false;
    }
    bool wants = cache_rule_place(ecr, rule, name, &place) == 0 && place.repository[0] != '\0';
    json_object_put(rule);
    if (wants && cache_is_here(ecr, tenant, name, reference, digest)) {
        wants =
            digest[0] != '\0' && is_due(ecr->cache, tenant, name, reference, digest, place.host);
    }
    return wants;
}
