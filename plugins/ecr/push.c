/* SPDX-License-Identifier: MIT */
/* Manifests on their way in: intent, registry, record. */
#include "push.h"
#include "backend_impl.h"
#include "reference.h"
#include "registry_error.h"
#include "storage_class.h"
#include "strict.h"
#include "wildcard.h"

#include <errno.h>
#include <stdlib.h>

#define MESSAGE_MAX 1024
#define MISSING_SHOWN 20 /* digests in a message */
#define PUT_TRIES 4      /* of a manifest at the registry */

struct push {
    struct ecr *ecr;
    struct lane_ticket ticket;
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    char tag[ECR_TAG_MAX + 1];
    struct manifest manifest;
    enum image_origin origin;
    bool strict;
    int tries; /* at the registry */
    struct meta_intent intent;
    char *bytes;
    size_t bytes_len;
    void (*on_done)(void *arg, const struct push_result *result);
    void *arg;
    /* the outcome */
    int status;
    const char *code;
    const char *exception;
    char message[MESSAGE_MAX];
};

static struct virga_str name_of(const struct push *push) {
    return virga_str_from(push->name);
}

static void free_push(struct push *push) {
    manifest_finish(&push->manifest);
    free(push->bytes);
    free(push);
}

static void finish(struct push *push) {
    lane_leave(push->ecr->backend->lanes, &push->ticket);
    const struct push_result result = {
        .status = push->status,
        .code = push->code,
        .exception = push->exception,
        .message = push->message,
        .digest = push->manifest.image.digest,
        .media_type = push->manifest.image.media_type,
        .subject = push->manifest.image.subject,
    };
    push->on_done(push->arg, &result);
    free_push(push);
}

__attribute__((format(printf, 5, 6))) static void set_failure(struct push *push, int status,
                                                              const char *code,
                                                              const char *exception,
                                                              const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(push->message, sizeof push->message, format, args);
    va_end(args);
    push->status = status;
    push->code = code;
    push->exception = exception;
}

static void set_store_failure(struct push *push, int error) {
    set_failure(push, error == -ENOMEM ? -ENOMEM : -EIO, "UNKNOWN", NULL,
                "The image could not be recorded: %s", strerror(-error));
}

static void set_missing_repository(struct push *push) {
    set_failure(push, -ENOENT, "NAME_UNKNOWN", "RepositoryNotFoundException",
                "The repository with name '%s' does not exist in the registry with id '%s'",
                push->name, push->tenant.account);
}

static void set_missing(struct push *push, const char *exception, const char *what,
                        const char *digests) {
    set_failure(push, -ECHILD, "MANIFEST_BLOB_UNKNOWN", exception,
                "%s with digests '[%s]' required for pushing image into repository with name '%s' "
                "in the registry with id '%s' do not exist",
                what, digests, push->name, push->tenant.account);
}

bool push_tag_is_immutable(const struct meta_repository *repository, const char *tag) {
    bool excluded = false;
    for (size_t i = 0; i < repository->exclusions_count; i++) {
        excluded = excluded || wildcard_matches(repository->exclusions[i], tag);
    }
    switch (repository->mutability) {
    case META_IMMUTABLE:
        return true;
    case META_IMMUTABLE_WITH_EXCLUSION:
        return !excluded;
    case META_MUTABLE_WITH_EXCLUSION:
        return excluded;
    case META_MUTABLE:
        break;
    }
    return false;
}

/* Whether the image is in the archive: a push brings it back, so that it is none that exists. */
static bool is_away(const struct push *push, const char *digest) {
    struct meta_image image;
    if (meta_image_find(push->ecr, &push->tenant, name_of(push), virga_str_from(digest), &image) !=
        0) {
        return false;
    }
    bool away = storage_class_is_away(&image);
    meta_image_finish(&image);
    return away;
}

/* Checks where the tag points now. The same manifest under an immutable tag again changes nothing:
 * on the wire it is let through, so that a push that was cut off can be repeated. The API refuses
 * it. */
static void check_tag(struct push *push, const struct meta_repository *repository) {
    char digest[ECR_DIGEST_LEN + 1];
    int result =
        meta_tag_get(push->ecr, &push->tenant, name_of(push), virga_str_from(push->tag), digest);
    if (result != 0) {
        if (result != -ENOENT) {
            set_store_failure(push, result);
        }
        return;
    }
    bool same = strcmp(digest, push->manifest.image.digest) == 0;
    bool there = same && !is_away(push, digest);
    if (push_tag_is_immutable(repository, push->tag) &&
        (push->strict || strict_same_digest_refused(push->ecr) || !same)) {
        set_failure(push, -EEXIST, "TAG_INVALID", "ImageTagAlreadyExistsException",
                    "The image tag '%s' already exists in the '%s' repository and cannot be "
                    "overwritten because the tag is immutable.",
                    push->tag, push->name);
    } else if (push->strict && there) {
        set_failure(
            push, -EEXIST, "TAG_INVALID", "ImageAlreadyExistsException",
            "Image with digest '%s' and tag '%s' already exists in the repository with name "
            "'%s' in registry with id '%s'",
            digest, push->tag, push->name, push->tenant.account);
    }
}

/* Checks that an image that is put without a tag is new. */
static void check_untagged(struct push *push) {
    struct meta_image image;
    int result = meta_image_get(push->ecr, &push->tenant, name_of(push),
                                virga_str_from(push->manifest.image.digest), &image);
    bool away = result == 0 && storage_class_is_away(&image);
    if (result == 0) {
        meta_image_finish(&image);
    }
    if (result == 0 && !away) {
        set_failure(push, -EEXIST, "MANIFEST_INVALID", "ImageAlreadyExistsException",
                    "Image with digest '%s' already exists in the repository with name '%s' in "
                    "registry with id '%s'",
                    push->manifest.image.digest, push->name, push->tenant.account);
    } else if (result != 0 && result != -ENOENT) {
        set_store_failure(push, result);
    }
}

/* Checks the repository, and what it has under the manifest's name already. */
static bool check_repository(struct push *push) {
    struct meta_repository repository;
    int result = meta_repository_get(push->ecr, &push->tenant, name_of(push), &repository);
    if (result == -ENOENT) {
        set_missing_repository(push);
        return false;
    }
    if (result != 0) {
        set_store_failure(push, result);
        return false;
    }
    memcpy(push->intent.uid, repository.uid, sizeof push->intent.uid);
    if (push->tag[0] != '\0') {
        check_tag(push, &repository);
    } else if (push->strict) {
        check_untagged(push);
    }
    meta_repository_finish(&repository);
    return push->status == 0;
}

/* Checks that the images that an index lists are there. */
static bool check_children(struct push *push) {
    const struct meta_image *image = &push->manifest.image;
    struct strbuf missing = {0};
    size_t count = 0;
    for (size_t i = 0; i < image->children_count; i++) {
        struct meta_image child;
        int result = meta_image_find(push->ecr, &push->tenant, name_of(push),
                                     virga_str_from(image->children[i]), &child);
        if (result == 0) {
            meta_image_finish(&child);
        } else if (result != -ENOENT) {
            set_store_failure(push, result);
            break;
        } else if (count++ < MISSING_SHOWN) {
            strbuf_addf(&missing, "%s%s", count > 1 ? ", " : "", image->children[i]);
        }
    }
    if (count > 0 && push->status == 0) {
        set_missing(push, "ReferencedImagesNotFoundException", "Images", strbuf_str(&missing).ptr);
    }
    strbuf_finish(&missing);
    return push->status == 0;
}

/* Forgets the intent: the registry has not taken the manifest. */
static void drop_intent(struct push *push) {
    (void)meta_intent_delete(push->ecr, push->intent.id);
}

static void record(struct push *push) {
    struct ecr *ecr = push->ecr;
    bool own;
    struct virga_str tag = {push->tag[0] != '\0' ? push->tag : NULL, strlen(push->tag)};
    int result = meta_begin(ecr, &own);
    if (result == 0) {
        result = meta_image_put(ecr, &push->tenant, name_of(push), push->intent.uid,
                                &push->manifest.image, tag);
        if (result == 0) {
            result = meta_intent_delete(ecr, push->intent.id);
        }
        result = meta_end(ecr, own, result);
    }
    if (result == -ENOENT) {
        drop_intent(push);
        set_missing_repository(push);
    } else if (result != 0) {
        (void)recover_add(ecr->backend->recover, &push->intent);
        set_store_failure(push, result);
    }
    for (size_t i = 0; result == 0 && i < push->manifest.blobs_count; i++) {
        pins_drop(ecr->backend->pins, &push->tenant, name_of(push),
                  virga_str_from(push->manifest.blobs[i]));
    }
    if (result == 0) {
        image_came(ecr, &push->tenant, name_of(push), &push->manifest.image, tag, push->origin);
    }
}

static void on_put(void *arg, const struct virga_fetch_response *res);

static int send(struct push *push) {
    char path[BACKEND_PATH_MAX];
    backend_path(&push->tenant, name_of(push), "manifests",
                 push->tag[0] != '\0' ? push->tag : push->manifest.image.digest, path);
    const struct virga_header header = {virga_str_from("Content-Type"),
                                        virga_str_from(push->manifest.image.media_type)};
    push->tries++;
    return backend_fetch(push->ecr->backend, "PUT", path, &header, 1,
                         (struct virga_str){push->bytes, push->bytes_len}, on_put, push);
}

/* Whether the registry may take it when asked once more. Why: it writes the files that say which
 * blobs a repository has in place, so that a manifest whose layer another client pushes at this
 * moment is met by an empty one, and is refused for a digest that is none. The digests of this
 * manifest were checked before. */
static bool try_again(struct push *push, const struct virga_fetch_response *res) {
    char upstream[BACKEND_NAME_MAX + 1];
    struct registry_error error;
    if (push->tries >= PUT_TRIES || res->status != 400) {
        return false;
    }
    (void)backend_name(&push->tenant, name_of(push), upstream);
    registry_error_read(res->body, upstream, name_of(push), &error, NULL);
    return strcmp(error.code, "DIGEST_INVALID") == 0 && send(push) == 0;
}

static void on_put(void *arg, const struct virga_fetch_response *res) {
    struct push *push = arg;
    struct backend *backend = push->ecr->backend;
    if (try_again(push, res)) {
        return;
    }
    if (res->status == 201) {
        record(push);
    } else if (res->status == 0) {
        /* Whether it arrived is unknown: looked up when the registry is back. */
        (void)recover_add(backend->recover, &push->intent);
        set_failure(push, -EAGAIN, "UNAVAILABLE", NULL, "%s", res->error_text);
    } else if (res->status >= 500) {
        drop_intent(push);
        ECR_LOG(push->ecr, VIRGA_LOG_ERROR, NULL, "manifest PUT: the registry answered %d: %.*s",
                res->status, (int)(res->body.len < 500 ? res->body.len : 500), res->body.ptr);
        set_failure(push, -EIO, "UNKNOWN", NULL, "The registry could not store the manifest");
    } else {
        drop_intent(push);
        char upstream[BACKEND_NAME_MAX + 1];
        struct registry_error error;
        struct strbuf digests = {0};
        (void)backend_name(&push->tenant, name_of(push), upstream);
        registry_error_read(res->body, upstream, name_of(push), &error, &digests);
        if (strcmp(error.code, "MANIFEST_BLOB_UNKNOWN") == 0 && digests.len > 0) {
            set_missing(push, "LayersNotFoundException", "Layers", strbuf_str(&digests).ptr);
        } else {
            set_failure(push, -EINVAL, "MANIFEST_INVALID", "InvalidParameterException", "%s",
                        error.message);
        }
        strbuf_finish(&digests);
    }
    finish(push);
}

static void on_ready(void *arg, int status, const char *reason) {
    struct push *push = arg;
    if (status != 0) {
        set_failure(push, -EAGAIN, "UNAVAILABLE", NULL, "%s", reason);
        finish(push);
        return;
    }
    /* Only now: recovery has ended, and must not take this push for one that a crash left. */
    if (!check_repository(push) || !check_children(push)) {
        finish(push);
        return;
    }
    push->intent.kind = META_INTENT_PUSH;
    push->intent.tenant = push->tenant;
    memcpy(push->intent.name, push->name, sizeof push->name);
    memcpy(push->intent.tag, push->tag, sizeof push->tag);
    memcpy(push->intent.digest, push->manifest.image.digest, sizeof push->intent.digest);
    push->intent.origin = (int)push->origin;
    int result = meta_intent_put(push->ecr, &push->intent);
    if (result != 0) {
        set_store_failure(push, result);
        finish(push);
        return;
    }
    result = send(push);
    if (result != 0) {
        drop_intent(push);
        set_store_failure(push, result);
        finish(push);
    }
}

static void on_turn(struct lane_ticket *ticket) {
    struct push *push = (struct push *)(void *)((char *)ticket - offsetof(struct push, ticket));
    if (push->status != 0) {
        finish(push);
        return;
    }
    backend_ready(push->ecr->backend, on_ready, push);
}

static void check_manifest(struct push *push, const struct push_request *request) {
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    int result = manifest_parse(request->bytes, request->media_type, &push->manifest, &err);
    if (result == -EINVAL && strcmp(err.text, MANIFEST_NO_TYPE) == 0) {
        set_failure(push, -EINVAL, "MANIFEST_INVALID", "InvalidParameterException", "%s", err.text);
    } else if (result == -EINVAL) {
        set_failure(push, -EINVAL, "MANIFEST_INVALID", "InvalidParameterException",
                    "Invalid parameter at 'ImageManifest' failed to satisfy constraint: '%s'",
                    err.text);
    } else if (result != 0) {
        set_store_failure(push, result);
    } else if (push->manifest.own) {
        set_failure(push, -EINVAL, "MANIFEST_INVALID", "InvalidParameterException",
                    "annotations that begin with 'io.virga.' are reserved");
    } else if (request->digest.len > 0 &&
               !virga_str_equal(request->digest, virga_str_from(push->manifest.image.digest))) {
        set_failure(push, -EINVAL, "DIGEST_INVALID", "ImageDigestDoesNotMatchException",
                    "The manifest's digest is %s, not the given one", push->manifest.image.digest);
    }
}

int push_manifest(struct ecr *ecr, const struct push_request *request,
                  void (*on_done)(void *arg, const struct push_result *result), void *arg) {
    struct push *push = calloc(1, sizeof *push);
    char *bytes = malloc(request->bytes.len + 1);
    if (push == NULL || bytes == NULL) {
        free(push);
        free(bytes);
        return -ENOMEM;
    }
    push->ecr = ecr;
    push->tenant = request->tenant;
    push->origin = request->origin;
    push->strict = request->strict;
    push->bytes = bytes;
    push->bytes_len = request->bytes.len;
    push->on_done = on_done;
    push->arg = arg;
    memcpy(bytes, request->bytes.ptr, request->bytes.len);
    (void)snprintf(push->name, sizeof push->name, "%.*s", (int)request->name.len,
                   request->name.ptr);
    (void)snprintf(push->tag, sizeof push->tag, "%.*s", (int)request->tag.len,
                   request->tag.len > 0 ? request->tag.ptr : "");
    check_manifest(push, request);
    int result =
        lane_enter(ecr->backend->lanes, &push->tenant, request->name, &push->ticket, on_turn);
    if (result != 0) {
        free_push(push);
    }
    return result;
}

/* --- the shape that callers without a wire of their own use --- */

struct plain {
    backend_on_done on_done;
    void *arg;
};

static void on_plain_done(void *arg, const struct push_result *result) {
    struct plain *plain = arg;
    plain->on_done(plain->arg, result->status, result->status == 0 ? "" : result->message);
    free(plain);
}

void backend_put_manifest(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                          struct virga_str tag, struct virga_str media_type,
                          struct virga_str manifest, backend_on_done on_done, void *arg) {
    const struct push_request request = {
        .tenant = *tenant, .name = name, .tag = tag, .media_type = media_type, .bytes = manifest};
    struct plain *plain = malloc(sizeof *plain);
    if (plain == NULL) {
        on_done(arg, -ENOMEM, "out of memory");
        return;
    }
    *plain = (struct plain){on_done, arg};
    if (push_manifest(ecr, &request, on_plain_done, plain) != 0) {
        free(plain);
        on_done(arg, -ENOMEM, "out of memory");
    }
}
