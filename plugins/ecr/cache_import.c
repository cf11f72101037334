/* SPDX-License-Identifier: MIT */
/* An image on its way in: its manifest, the images of an index, their layers, and last the manifest
 * itself, so that what is in the store is always whole. An index comes with all of its images, as
 * on AWS; the registry would not take it without. */
#include "cache_impl.h"

#include "image_events.h"
#include "meta.h"
#include "push.h"
#include "reference.h"
#include "registry_change.h"
#include "template_apply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define MANIFEST_TIMEOUT_MS 60000

/* One manifest on its way. */
struct cache_node {
    struct cache_node *parent;
    char digest[ECR_DIGEST_LEN + 1]; /* what it must have; "" = whatever the tag is */
    char *bytes;                     /* NULL until it is there */
    size_t len;
    struct manifest manifest;
    size_t next_child;
    size_t next_blob;
    bool again; /* its blobs were lost once before the manifest came */
};

static void step(struct cache_job *job);

static struct ecr *ecr_of(const struct cache_job *job) {
    return job->cache->ecr;
}

static struct virga_str name_of(const struct cache_job *job) {
    return virga_str_from(job->name);
}

static bool by_tag(const struct cache_job *job) {
    return !reference_is_digest(virga_str_from(job->reference));
}

static void pop(struct cache_job *job) {
    struct cache_node *node = job->top;
    job->top = node->parent;
    if (job->root == node) {
        job->root = NULL;
    }
    manifest_finish(&node->manifest);
    free(node->bytes);
    free(node);
}

void cache_import_finish(struct cache_job *job) {
    while (job->top != NULL) {
        pop(job);
    }
}

struct virga_str cache_import_bytes(const struct cache_job *job, const char **ret_media_type,
                                    const char **ret_digest) {
    *ret_media_type = job->root->manifest.image.media_type;
    *ret_digest = job->root->manifest.image.digest;
    return (struct virga_str){job->root->bytes, job->root->len};
}

static bool push_node(struct cache_job *job, const char *digest) {
    struct cache_node *node = calloc(1, sizeof *node);
    if (node == NULL) {
        cache_failure_set(&job->failure, CACHE_FAILED, "out of memory");
        return false;
    }
    node->parent = job->top;
    (void)snprintf(node->digest, sizeof node->digest, "%s", digest);
    job->top = node;
    return true;
}

/* Notes that the tag was looked after now. */
static void mark(struct cache_job *job, const char *digest) {
    struct ecr *ecr = ecr_of(job);
    char kind[CACHE_MARK_MAX], text[24];
    if (!by_tag(job)) {
        return;
    }
    cache_mark_kind(job->reference, kind);
    (void)snprintf(text, sizeof text, "%" PRId64, ecr->timer->now_ms(ecr->host));
    (void)meta_image_text_put(ecr, &job->tenant, name_of(job), virga_str_from(digest), kind,
                              virga_str_from(text));
}

/* --- the manifest goes to the registry --- */

static void on_pushed(void *arg, const struct push_result *result) {
    struct cache_job *job = arg;
    struct cache_node *node = job->top;
    cache_job_leave_pass(job);
    if (result->status == -ECHILD && !node->again && !job->cancelled) {
        /* The garbage collector was faster with a layer that was there. */
        node->again = true;
        node->next_blob = node->next_child = 0;
        step(job);
        return;
    }
    if (result->status == -EEXIST) {
        /* The tag is immutable, and somebody else has set it meanwhile: that image is served. */
        pop(job);
    } else if (result->status == -EINVAL) {
        cache_failure_set(&job->failure, CACHE_MALFORMED,
                          "The upstream registry '%s' has a manifest that cannot be kept: %s",
                          job->place.host, result->message);
    } else if (result->status != 0) {
        cache_failure_set(&job->failure, job->cancelled ? CACHE_CANCELLED : CACHE_FAILED, "%s",
                          result->message);
    } else {
        if (node == job->root && job->given_early) {
            image_pulled(ecr_of(job), &job->tenant, name_of(job), virga_str_from(result->digest),
                         (struct virga_str){0});
        }
        pop(job);
    }
    step(job);
}

static void push(struct cache_job *job) {
    struct cache_node *node = job->top;
    const struct manifest *manifest = &node->manifest;
    bool tagged = node->parent == NULL && by_tag(job);
    if (tagged) {
        /* Before the tag: a tag without its mark would never be looked after again. */
        mark(job, manifest->image.digest);
    }
    const struct push_request request = {
        .tenant = job->tenant,
        .name = name_of(job),
        .tag = tagged ? virga_str_from(job->reference) : (struct virga_str){"", 0},
        .digest = virga_str_from(manifest->image.digest),
        .media_type = virga_str_from(manifest->image.media_type),
        .bytes = {node->bytes, node->len},
        .origin = IMAGE_CACHED,
    };
    if (push_manifest(ecr_of(job), &request, on_pushed, job) != 0) {
        cache_job_leave_pass(job);
        cache_failure_set(&job->failure, CACHE_FAILED, "out of memory");
        step(job);
    }
}

/* --- the manifest comes from the upstream --- */

/* Whether the repository's rules let the tag move to this image; what is there is served else. */
static bool may_move(struct cache_job *job, const char *digest) {
    struct meta_repository repository;
    if (job->known[0] == '\0' || strcmp(job->known, digest) == 0 ||
        meta_repository_get(ecr_of(job), &job->tenant, name_of(job), &repository) != 0) {
        return true;
    }
    bool immutable = push_tag_is_immutable(&repository, job->reference);
    meta_repository_finish(&repository);
    return !immutable;
}

static void create_repository(struct cache_job *job) {
    int result = template_create_repository(ecr_of(job), &job->tenant, name_of(job),
                                            TEMPLATE_PULL_THROUGH_CACHE);
    cache_job_leave_pass(job);
    if (result != 0) {
        cache_failure_set(&job->failure, CACHE_FAILED, "The repository could not be created: %s",
                          strerror(-result));
    }
    job->root = job->top;
    cache_job_tell_early(job);
    step(job);
}

/* The manifest that was asked for is there. */
static void take_root(struct cache_job *job) {
    const char *digest = job->top->manifest.image.digest;
    if (by_tag(job) && !may_move(job, digest)) {
        mark(job, job->known);
        pop(job);
        step(job);
        return;
    }
    if (!meta_repository_exists(ecr_of(job), &job->tenant, name_of(job))) {
        cache_job_take_pass(job, create_repository);
        return;
    }
    job->root = job->top;
    cache_job_tell_early(job);
    step(job);
}

/* Takes the bytes over and checks them; false: job->failure says why not. */
static bool take_bytes(struct cache_job *job, const struct virga_fetch_response *res) {
    struct cache_node *node = job->top;
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    struct virga_str type = upstream_header(res, "Content-Type");
    struct virga_str said = upstream_header(res, "Docker-Content-Digest");
    if (type.ptr == NULL || memmem(type.ptr, type.len, "manifest", 8) == NULL) {
        if (type.ptr == NULL || memmem(type.ptr, type.len, "index", 5) == NULL) {
            type = (struct virga_str){"", 0}; /* the document says it itself */
        }
    }
    int result = manifest_parse(res->body, type, &node->manifest, &err);
    if (result == -EINVAL) {
        cache_failure_set(&job->failure, CACHE_MALFORMED,
                          "The upstream registry '%s' has a manifest that cannot be kept: %s",
                          job->place.host, err.text);
        return false;
    }
    if (result == 0) {
        node->bytes = malloc(res->body.len + 1);
        result = node->bytes == NULL ? -ENOMEM : 0;
    }
    if (result != 0) {
        cache_failure_set(&job->failure, CACHE_FAILED, "%s", strerror(-result));
        return false;
    }
    memcpy(node->bytes, res->body.ptr, res->body.len);
    node->len = res->body.len;
    struct virga_str digest = virga_str_from(node->manifest.image.digest);
    bool wrong = node->digest[0] != '\0' && !virga_str_equal(digest, virga_str_from(node->digest));
    if (wrong || (reference_is_digest(said) && !virga_str_equal(digest, said))) {
        cache_failure_set(&job->failure, CACHE_MALFORMED,
                          "The upstream registry '%s' gave another manifest than %s",
                          job->place.host, wrong ? node->digest : "its digest says");
        return false;
    }
    return true;
}

static void on_manifest(void *arg, const struct virga_fetch_response *res) {
    struct cache_job *job = arg;
    job->call = NULL;
    if (job->cancelled) {
        step(job);
        return;
    }
    if (res->status != 200) {
        cache_failure_from(&job->failure, &job->place, res);
        if (res->status == 404 && job->top->parent != NULL) {
            cache_failure_set(&job->failure, CACHE_MALFORMED,
                              "The upstream registry '%s' has an index whose image %s is not there",
                              job->place.host, job->top->digest);
        }
    } else if (take_bytes(job, res) && job->top->parent == NULL) {
        take_root(job);
        return;
    }
    step(job);
}

/* Asks for a manifest by tag or digest. */
static void ask(struct cache_job *job, const char *method, const char *reference,
                void (*on_done)(void *arg, const struct virga_fetch_response *res)) {
    char path[ECR_TAG_MAX + 16];
    (void)snprintf(path, sizeof path, "manifests/%s", reference);
    const struct upstream_request request = {
        .place = &job->place,
        .method = method,
        .path = path,
        .accept = REGISTRY_ACCEPT_ALL,
        .body_limit = MANIFEST_MAX_BYTES,
        .timeout_ms = MANIFEST_TIMEOUT_MS,
        .on_done = on_done,
        .arg = job,
    };
    int result = upstream_start(ecr_of(job)->upstreams, &request, &job->call);
    if (result != 0) {
        job->call = NULL;
        cache_failure_set(&job->failure, result == -ECANCELED ? CACHE_CANCELLED : CACHE_FAILED,
                          "The upstream registry '%s' could not be asked: %s", job->place.host,
                          strerror(-result));
        cache_job_end(job);
    }
}

/* --- the next step --- */

static void on_blob(void *arg, const struct cache_failure *failure) {
    struct cache_job *job = arg;
    job->flying--;
    if (job->failure.outcome == CACHE_DONE) {
        job->failure = *failure;
        if (failure->outcome == CACHE_NOT_FOUND) {
            cache_failure_set(
                &job->failure, CACHE_MALFORMED,
                "The upstream registry '%s' has a manifest whose layers are not there",
                job->place.host);
        }
    }
    step(job);
}

static void begin_blobs(struct cache_job *job) {
    struct cache_node *node = job->top;
    while (job->flying < CACHE_BLOBS_MAX && node->next_blob < node->manifest.blobs_count) {
        if (cache_blob_get(job->cache, &job->tenant, name_of(job),
                           node->manifest.blobs[node->next_blob], &job->place, on_blob, job) != 0) {
            cache_failure_set(&job->failure, CACHE_FAILED, "out of memory");
            return;
        }
        node->next_blob++;
        job->flying++;
    }
}

/* Puts the next image of an index that is not here on top; false: there is none, or a failure. */
static bool descend(struct cache_job *job) {
    struct cache_node *node = job->top;
    size_t depth = 0;
    while (node->next_child < node->manifest.image.children_count) {
        const char *child = node->manifest.image.children[node->next_child++];
        struct meta_image image;
        if (meta_image_get(ecr_of(job), &job->tenant, name_of(job), virga_str_from(child),
                           &image) == 0) {
            meta_image_finish(&image);
            continue;
        }
        for (const struct cache_node *at = node; at != NULL; at = at->parent) {
            depth++;
        }
        if (depth >= CACHE_DEPTH_MAX) {
            cache_failure_set(&job->failure, CACHE_MALFORMED,
                              "The upstream registry '%s' has indexes within indexes",
                              job->place.host);
            return false;
        }
        return push_node(job, child);
    }
    return false;
}

/* Does what comes next; the job ends here. */
static void step(struct cache_job *job) {
    if (job->cancelled && job->failure.outcome == CACHE_DONE) {
        cache_failure_set(&job->failure, CACHE_CANCELLED, "The fetch was broken off");
    }
    if (job->failure.outcome == CACHE_DONE && job->top != NULL && job->top->bytes != NULL) {
        if (!descend(job) && job->failure.outcome == CACHE_DONE) {
            begin_blobs(job);
        }
    }
    if (job->flying > 0) {
        return;
    }
    if (job->failure.outcome != CACHE_DONE || job->top == NULL) {
        cache_job_end(job);
    } else if (job->top->bytes == NULL) {
        ask(job, "GET", job->top->digest[0] != '\0' ? job->top->digest : job->reference,
            on_manifest);
    } else {
        cache_job_take_pass(job, push);
    }
}

static void import(struct cache_job *job) {
    if (!push_node(job, by_tag(job) ? "" : job->reference)) {
        cache_job_end(job);
        return;
    }
    step(job);
}

/* The upstream has said what the tag is now. */
static void on_looked(void *arg, const struct virga_fetch_response *res) {
    struct cache_job *job = arg;
    struct virga_str digest = upstream_header(res, "Docker-Content-Digest");
    job->call = NULL;
    if (job->cancelled) {
        step(job);
    } else if (res->status == 404 ||
               (res->status == 200 && virga_str_equal(digest, virga_str_from(job->known)))) {
        /* Also when it is gone upstream: what was cached stays. */
        mark(job, job->known);
        cache_job_end(job);
    } else if (res->status == 200) {
        import(job);
    } else {
        cache_failure_from(&job->failure, &job->place, res);
        cache_job_end(job);
    }
}

void cache_import(struct cache_job *job) {
    if (job->known[0] != '\0') {
        ask(job, "HEAD", job->reference, on_looked);
    } else {
        import(job);
    }
}
