/* SPDX-License-Identifier: MIT */
/* The pull-through cache: images that are fetched from upstream registries when somebody asks for
 * them. Knows no wire; the gateway and the API ask it. Everything is [loop].
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html */
#ifndef ECR_CACHE_H
#define ECR_CACHE_H

#include "ecr.h"

/* Reads the settings. err says what is wrong with them. */
int cache_create(struct ecr *ecr, struct cache **ret_cache, struct virga_error *err);
/* Ends what is under way, soon; then on_stopped. NULL is answered at once. */
void cache_stop(struct cache *cache, void (*on_stopped)(void *arg), void *arg);
/* Gives up what is under way, soon: what it was for is gone. */
void cache_reset(struct cache *cache);
/* After cache_stop() has answered. NULL is fine. */
void cache_destroy(struct cache *cache);

enum cache_outcome {
    CACHE_DONE,        /* it is in the store and the registry */
    CACHE_EARLY,       /* the manifest is known, its blobs are still coming */
    CACHE_NOT_FOUND,   /* the upstream has no such image or blob */
    CACHE_DENIED,      /* it denies access, or the rule's secret cannot be had */
    CACHE_TOO_MANY,    /* it answers 429 */
    CACHE_UNAVAILABLE, /* it does not answer, or with an error of its own */
    CACHE_MALFORMED,   /* what it answers is not what it should be */
    CACHE_FAILED,      /* on this side */
    CACHE_CANCELLED,   /* the host stops */
};

/* How it went. Valid: for the call. */
struct cache_result {
    enum cache_outcome outcome;
    const char *message; /* for the client; "" when it went well */
    /* CACHE_EARLY only */
    struct virga_str manifest;
    const char *media_type;
    const char *digest;
};

typedef void (*cache_on_done)(void *arg, const struct cache_result *result);

/* Whether a pull of this tag or digest has to ask an upstream first: there is a rule for the name,
 * and the image is not there, or its tag was not looked after for cache-refresh-seconds. */
bool cache_wants(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                 struct virga_str reference);
/* Whether there is a rule for the name. */
bool cache_has_rule(struct ecr *ecr, const struct tenant *tenant, struct virga_str name);

/* Fetches an image, or looks whether its tag has moved; all who ask for one image wait for the same
 * fetch, which goes on without them. The repository is created when the upstream has the image.
 * `whole`: never CACHE_EARLY. The caller holds no pass of the gate. Calls back: once, never inside
 * this call. Errors: -ENOENT there is no rule, -EAGAIN too many wait already, -ENOMEM. */
int cache_pull(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
               struct virga_str reference, bool whole, cache_on_done on_done, void *arg);
/* The same for a single blob of a repository that is there. */
int cache_pull_blob(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    struct virga_str digest, cache_on_done on_done, void *arg);

/* Whether a list of an image's referrers has to ask an upstream first. */
bool cache_wants_referrers(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                           struct virga_str subject);
/* Fetches the referrers that the upstream has of an image, at most CACHE_REFERRERS_MAX, where it
 * lists them or keeps them under the tag of the fallback scheme; CACHE_DONE, too, when there are
 * none. Calls back and Errors: as cache_pull(). */
#define CACHE_REFERRERS_MAX 100
int cache_pull_referrers(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         struct virga_str subject, cache_on_done on_done, void *arg);

#endif
