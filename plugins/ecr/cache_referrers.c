/* SPDX-License-Identifier: MIT */
/* Referrers of cached images: the upstream is asked for its list, and each image on it is brought
 * by a job of its own. Source: OCI distribution spec 1.1, "Listing Referrers" and "Referrers Tag
 * Schema". */
#include "cache_impl.h"

#include "cache_rules.h"
#include "meta.h"
#include "reference.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <virga/helpers/awsjson.h>

#define MARK "referrers-asked" /* kind of the subject's text: when, in milliseconds */
#define FLYING_MAX 8
#define LIST_TIMEOUT_MS 30000

struct cache_referrers {
    bool by_tag; /* the fallback is being asked */
    size_t count;
    size_t next;
    char digests[CACHE_REFERRERS_MAX][ECR_DIGEST_LEN + 1];
};

static struct ecr *ecr_of(const struct cache_job *job) {
    return job->cache->ecr;
}

/* --- whether --- */

static bool was_asked(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                      struct virga_str subject, int64_t *ret_ms) {
    struct virga_store_value value = {0};
    if (meta_image_text_get(ecr, tenant, name, subject, MARK, &value) != 0) {
        return false;
    }
    *ret_ms = strtoll(value.ptr, NULL, 10);
    ecr->store->release(ecr->host, &value);
    return true;
}

bool cache_wants_referrers(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                           struct virga_str subject) {
    struct json_object *rule = NULL;
    struct upstream_place place;
    int64_t asked_ms = 0, now_ms = ecr->timer->now_ms(ecr->host);
    if (!reference_is_digest(subject) || cache_rule_find(ecr, tenant, name, &rule) != 0) {
        return false;
    }
    bool wants = cache_rule_place(ecr, rule, name, &place) == 0 && place.repository[0] != '\0';
    json_object_put(rule);
    if (wants && was_asked(ecr, tenant, name, subject, &asked_ms)) {
        int64_t age_ms = now_ms - asked_ms;
        wants = (age_ms >= ecr->cache->refresh_ms || age_ms < 0) &&
                !cache_is_down(ecr->cache, place.host, now_ms);
    }
    return wants;
}

/* Notes that the list is known, where its subject is here to keep the note. */
static void note_asked(struct cache_job *job) {
    struct ecr *ecr = ecr_of(job);
    struct virga_str name = virga_str_from(job->name), subject = virga_str_from(job->reference);
    char digest[ECR_DIGEST_LEN + 1], text[24];
    if (cache_is_here(ecr, &job->tenant, name, subject, digest)) {
        (void)snprintf(text, sizeof text, "%lld", (long long)ecr->timer->now_ms(ecr->host));
        (void)meta_image_text_put(ecr, &job->tenant, name, subject, MARK, virga_str_from(text));
    }
}

/* --- a job's end --- */

static void end(struct cache_job *job) {
    if (job->failure.outcome == CACHE_DONE) {
        note_asked(job);
    }
    free(job->referrers);
    job->referrers = NULL;
    cache_job_end(job);
}

static void on_end(void *arg) {
    end(arg);
}

/* Ends it in a later turn: who walks the jobs must not lose the next one. */
static void end_later(struct cache_job *job) {
    struct ecr *ecr = ecr_of(job);
    if (ecr->timer->start(ecr->host, 0, 0, on_end, job, &job->turn) != 0) {
        end(job);
    }
}

/* --- the images on the list --- */

static void bring(struct cache_job *job);

static void on_image(void *arg, const struct cache_result *result) {
    struct cache_job *job = arg;
    job->flying--;
    /* One that the list names and that is gone is no failure of the others. */
    if (result->outcome != CACHE_DONE && result->outcome != CACHE_NOT_FOUND &&
        job->failure.outcome == CACHE_DONE) {
        cache_failure_set(&job->failure, result->outcome, "%s", result->message);
    }
    bring(job);
}

static void bring(struct cache_job *job) {
    struct cache_referrers *list = job->referrers;
    char known[ECR_DIGEST_LEN + 1];
    while (job->failure.outcome == CACHE_DONE && list->next < list->count &&
           job->flying < FLYING_MAX) {
        struct virga_str name = virga_str_from(job->name);
        struct virga_str digest = virga_str_from(list->digests[list->next++]);
        if (cache_is_here(ecr_of(job), &job->tenant, name, digest, known)) {
            continue;
        }
        int result = cache_pull(ecr_of(job), &job->tenant, name, digest, true, on_image, job);
        if (result == 0) {
            job->flying++;
        } else {
            cache_failure_set(&job->failure, CACHE_FAILED, "%s",
                              result == -EAGAIN ? "Too many images are being fetched already"
                                                : strerror(-result));
        }
    }
    if (job->flying == 0) {
        end_later(job);
    }
}

/* --- the list --- */

static void read_list(struct cache_job *job, struct virga_str body) {
    struct json_object *root = NULL;
    if (virga_awsjson_parse(body, &root) != 0 ||
        !json_object_is_type(virga_awsjson_member(root, "manifests"), json_type_array)) {
        json_object_put(root);
        cache_failure_set(&job->failure, CACHE_MALFORMED,
                          "The upstream registry '%s' answered with a list of referrers that is "
                          "none",
                          job->place.host);
        return;
    }
    size_t count = virga_awsjson_length(root, "manifests");
    for (size_t i = 0; i < count && job->referrers->count < CACHE_REFERRERS_MAX; i++) {
        struct virga_str digest =
            virga_awsjson_str(virga_awsjson_element(root, "manifests", i), "digest");
        if (digest.ptr != NULL && reference_is_digest(digest)) {
            memcpy(job->referrers->digests[job->referrers->count++], digest.ptr, digest.len + 1);
        }
    }
    json_object_put(root);
}

static void ask(struct cache_job *job);

static void on_list(void *arg, const struct virga_fetch_response *res) {
    struct cache_job *job = arg;
    job->call = NULL;
    if (job->failure.outcome != CACHE_DONE) {
        end(job); /* broken off */
    } else if (res->status == 200) {
        read_list(job, res->body);
        bring(job);
    } else if ((res->status == 404 || res->status == 405) && !job->referrers->by_tag) {
        job->referrers->by_tag = true;
        ask(job);
    } else if (res->status == 404) {
        end(job); /* there are none */
    } else {
        cache_failure_from(&job->failure, &job->place, res);
        end(job);
    }
}

static void ask(struct cache_job *job) {
    char path[ECR_TAG_MAX + 32];
    if (job->referrers->by_tag) {
        (void)snprintf(path, sizeof path, "manifests/sha256-%s",
                       job->reference + strlen("sha256:"));
    } else {
        (void)snprintf(path, sizeof path, "referrers/%s", job->reference);
    }
    const struct upstream_request request = {
        .place = &job->place,
        .method = "GET",
        .path = path,
        .accept = MANIFEST_OCI_INDEX,
        .body_limit = MANIFEST_MAX_BYTES,
        .timeout_ms = LIST_TIMEOUT_MS,
        .on_done = on_list,
        .arg = job,
    };
    int result = upstream_start(ecr_of(job)->upstreams, &request, &job->call);
    if (result != 0) {
        job->call = NULL;
        cache_failure_set(&job->failure, result == -ECANCELED ? CACHE_CANCELLED : CACHE_FAILED,
                          "The upstream registry '%s' could not be asked: %s", job->place.host,
                          strerror(-result));
        end(job);
    }
}

void cache_referrers(struct cache_job *job) {
    job->referrers = calloc(1, sizeof *job->referrers);
    if (job->referrers == NULL) {
        cache_failure_set(&job->failure, CACHE_FAILED, "out of memory");
        end(job);
        return;
    }
    ask(job);
}
