/* SPDX-License-Identifier: MIT */
/* A question's way: image_question_begin, the registry's start where the store may change by it,
 * allowed, the pull-through cache, find, the manifest, the config. */
#include "image_resolver_impl.h"

#include "backend.h"
#include "cache.h"
#include "gateway.h"
#include "image_events.h"
#include "manifest.h"
#include "reference.h"
#include "storage_class.h"

#include <errno.h>

#define JSON_DEPTH_MAX MANIFEST_MAX_DEPTH
#define PATH_MAX_BYTES (BACKEND_NAME_MAX + ECR_DIGEST_LEN + sizeof "/v2//manifests/")

VIRGA_PRINTF(3, 4)
static void end(struct virga_image_resolve_handle *question, enum virga_image_outcome outcome,
                const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(question->message, sizeof question->message, format, args);
    va_end(args);
    image_question_end(question, outcome);
}

static void end_by_store(struct virga_image_resolve_handle *question, int error) {
    end(question, VIRGA_IMAGE_UNAVAILABLE, "the store could not be read: %s", strerror(-error));
}

static void end_by_registry(struct virga_image_resolve_handle *question, const char *what,
                            const struct virga_fetch_response *res) {
    if (res->status != 0) {
        end(question, VIRGA_IMAGE_UNAVAILABLE, "the registry answered with status %d for %s",
            res->status, what);
    } else {
        end(question, VIRGA_IMAGE_UNAVAILABLE, "the registry did not answer for %s: %s", what,
            res->error_text);
    }
}

/* Whether the text is one JSON object; Owns: the caller. */
static struct json_object *parse_object(struct virga_str text) {
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
    if (tokener == NULL) {
        return NULL;
    }
    struct json_object *root = json_tokener_parse_ex(tokener, text.ptr, (int)text.len);
    if (!json_object_is_type(root, json_type_object)) {
        json_object_put(root);
        root = NULL;
    }
    json_tokener_free(tokener);
    return root;
}

/* --- the config --- */

static void found(struct virga_image_resolve_handle *question) {
    if ((question->flags & VIRGA_IMAGE_TO_PULL) != 0) {
        image_pulled(question->ecr, &question->image.tenant, question->image.name,
                     virga_str_from(question->record.digest),
                     virga_str_from(question->service.arn));
    }
    image_question_end(question, VIRGA_IMAGE_FOUND);
}

static bool is_digest_of(const char *digest, struct virga_str bytes) {
    char is[ECR_DIGEST_LEN + 1];
    return reference_digest(bytes, is) == 0 && strcmp(is, digest) == 0;
}

static void on_config(void *arg, const struct virga_fetch_response *res) {
    struct virga_image_resolve_handle *question = arg;
    if (!image_question_goes_on(question)) {
        return;
    }
    if (res->status != 200) {
        end_by_registry(question, "the image's config", res);
        return;
    }
    if (!is_digest_of(question->config_digest, res->body)) {
        end(question, VIRGA_IMAGE_UNAVAILABLE,
            "the config that the registry has does not match its digest");
        return;
    }
    struct json_object *object =
        res->body.len <= IMAGE_RESOLVER_CONFIG_MAX ? parse_object(res->body) : NULL;
    if (object != NULL) {
        strbuf_add_str(&question->config, res->body);
        json_object_put(object);
    }
    if (question->config.failed) {
        end(question, VIRGA_IMAGE_UNAVAILABLE, "out of memory");
        return;
    }
    found(question);
}

/* Where the config is; false: the manifest names none, or one that is too large. */
static bool find_config(struct virga_image_resolve_handle *question) {
    struct json_object *config, *size;
    question->document = parse_object(strbuf_str(&question->manifest));
    if (!json_object_object_get_ex(question->document, "config", &config)) {
        return false;
    }
    struct virga_str digest = virga_awsjson_str(config, "digest");
    if (digest.ptr == NULL || !reference_is_digest(digest) ||
        !json_object_object_get_ex(config, "size", &size) ||
        json_object_get_int64(size) > (int64_t)IMAGE_RESOLVER_CONFIG_MAX) {
        return false;
    }
    memcpy(question->config_digest, digest.ptr, digest.len + 1);
    question->config_media_type = virga_awsjson_str(config, "mediaType");
    return true;
}

static void fetch(struct virga_image_resolve_handle *question, const char *kind, const char *digest,
                  const struct virga_header *headers, size_t count,
                  void (*on_fetched)(void *arg, const struct virga_fetch_response *res)) {
    char name[BACKEND_NAME_MAX + 1], path[PATH_MAX_BYTES];
    (void)backend_name(&question->image.tenant, question->image.name, name);
    (void)snprintf(path, sizeof path, "/v2/%s/%s/%s", name, kind, digest);
    question->asking = true;
    int result = backend_fetch(question->ecr->backend, "GET", path, headers, count,
                               virga_str_from(""), on_fetched, question);
    if (result != 0) {
        question->asking = false;
        end(question, VIRGA_IMAGE_UNAVAILABLE, "the registry could not be asked: %s",
            strerror(-result));
    }
}

/* --- the manifest --- */

static void end_not_found(struct virga_image_resolve_handle *question) {
    end(question, VIRGA_IMAGE_NOT_FOUND, "there is no such image, or no such repository");
}

static void on_manifest(void *arg, const struct virga_fetch_response *res) {
    struct virga_image_resolve_handle *question = arg;
    struct meta_image still = {0};
    if (!image_question_goes_on(question)) {
        return;
    }
    if (res->status == 404 &&
        meta_image_find(question->ecr, &question->image.tenant, question->image.name,
                        virga_str_from(question->record.digest), &still) == -ENOENT) {
        end_not_found(question); /* deleted meanwhile */
        return;
    }
    meta_image_finish(&still);
    if (res->status != 200) {
        end_by_registry(question, "the image's manifest", res);
        return;
    }
    if (!is_digest_of(question->record.digest, res->body)) {
        end(question, VIRGA_IMAGE_UNAVAILABLE,
            "the manifest that the registry has does not match its digest");
        return;
    }
    strbuf_add_str(&question->manifest, res->body);
    if (question->manifest.failed) {
        end(question, VIRGA_IMAGE_UNAVAILABLE, "out of memory");
    } else if (find_config(question)) {
        fetch(question, "blobs", question->config_digest, NULL, 0, on_config);
    } else {
        found(question);
    }
}

static void find(struct virga_image_resolve_handle *question) {
    struct ecr *ecr = question->ecr;
    const struct image_uri *image = &question->image;
    char digest[ECR_DIGEST_LEN + 1] = "";
    int result = 0;
    if (image->by_digest) {
        memcpy(digest, image->reference.ptr, image->reference.len);
    } else {
        result = meta_tag_get(ecr, &image->tenant, image->name, image->reference, digest);
    }
    if (result == 0) {
        result = meta_image_find(ecr, &image->tenant, image->name, virga_str_from(digest),
                                 &question->record);
    }
    if (result == -ENOENT) {
        end_not_found(question);
    } else if (result != 0) {
        end_by_store(question, result);
    } else if (storage_class_is_away(&question->record)) {
        end(question, VIRGA_IMAGE_NOT_FOUND, STORAGE_CLASS_NO_PULL,
            storage_class_word(&question->record));
    } else {
        const struct virga_header accept = {virga_str_from("Accept"),
                                            virga_str_from(question->record.media_type)};
        fetch(question, "manifests", digest, &accept, 1, on_manifest);
    }
}

/* --- policies, and images of an upstream --- */

static int ask_policies(const struct virga_image_resolve_handle *question,
                        const struct principal *principal, const char *action, char *ret_message) {
    const struct authorize_question asked = {.principal = principal,
                                             .owner = &question->image.tenant,
                                             .action = action,
                                             .name = question->image.name};
    return authorize_ask(question->ecr, &asked, ret_message);
}

/* Whether both the account and the service may pull. Source: Lambda developer guide, "Amazon ECR
 * cross-account permissions": the repository's policy has a statement for each. */
static bool allowed(struct virga_image_resolve_handle *question) {
    static const char *const actions[] = {"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"};
    const struct principal *const principals[] = {&question->owner, &question->service};
    for (size_t i = 0; i < 4; i++) {
        int result = ask_policies(question, principals[i / 2], actions[i % 2], question->message);
        if (result == -EACCES) {
            image_question_end(question, VIRGA_IMAGE_DENIED);
            return false;
        }
        if (result != 0) {
            end_by_store(question, result);
            return false;
        }
    }
    return true;
}

/* Whether the registry's policy lets the caller's account have an image brought in. */
static bool may_import(const struct virga_image_resolve_handle *question) {
    struct ecr *ecr = question->ecr;
    const struct image_uri *image = &question->image;
    return authorize_registry(ecr, &image->tenant, &question->owner, "ecr:BatchImportUpstreamImage",
                              image->name) == 0 &&
           (meta_repository_exists(ecr, &image->tenant, image->name) ||
            authorize_registry(ecr, &image->tenant, &question->owner, "ecr:CreateRepository",
                               image->name) == 0);
}

static void on_cached(void *arg, const struct cache_result *result) {
    struct virga_image_resolve_handle *question = arg;
    char digest[ECR_DIGEST_LEN + 1];
    if (!image_question_goes_on(question)) {
        return;
    }
    /* An older image serves where no newer one can be had. */
    if (result->outcome == CACHE_DONE ||
        (!question->image.by_digest &&
         meta_tag_get(question->ecr, &question->image.tenant, question->image.name,
                      question->image.reference, digest) == 0)) {
        find(question);
        return;
    }
    switch (result->outcome) {
    case CACHE_NOT_FOUND:
        end(question, VIRGA_IMAGE_NOT_FOUND, "%s", result->message);
        return;
    case CACHE_DENIED:
        end(question, VIRGA_IMAGE_DENIED, "%s", result->message);
        return;
    case CACHE_CANCELLED:
        end(question, VIRGA_IMAGE_CANCELLED, "%s", result->message);
        return;
    default:
        end(question, VIRGA_IMAGE_UNAVAILABLE, "%s", result->message);
        return;
    }
}

static void look_for(struct virga_image_resolve_handle *question) {
    struct ecr *ecr = question->ecr;
    const struct image_uri *image = &question->image;
    if (!allowed(question)) {
        return;
    }
    if (cache_wants(ecr, &image->tenant, image->name, image->reference) && may_import(question)) {
        question->asking = true;
        if (cache_pull(ecr, &image->tenant, image->name, image->reference, true, on_cached,
                       question) == 0) {
            return;
        }
        question->asking = false;
    }
    find(question);
}

/* --- the beginning --- */

static void on_settled(void *arg, int status, const char *reason) {
    struct virga_image_resolve_handle *question = arg;
    if (!image_question_goes_on(question)) {
        return;
    }
    if (status != 0) {
        end(question, VIRGA_IMAGE_UNAVAILABLE, "the registry could not be started: %s", reason);
    } else {
        look_for(question);
    }
}

void image_question_begin(struct virga_image_resolve_handle *question) {
    struct ecr *ecr = question->ecr;
    const struct tenant *tenant = &question->image.tenant;
    if (image_uri_parse(virga_str_from(question->uri), gateway_defaults(ecr->gateway),
                        &question->image) != 0) {
        end(question, VIRGA_IMAGE_INVALID, "it is no URI of an image with its tag or digest");
        return;
    }
    question->parsed = true;
    if (strcmp(tenant->region, question->caller.region) != 0) {
        end(question, VIRGA_IMAGE_ELSEWHERE, "it is in %s and not in %s", tenant->region,
            question->caller.region);
    } else if (backend_is_settled(ecr->backend)) {
        look_for(question);
    } else {
        question->asking = true;
        backend_ready(ecr->backend, on_settled, question);
    }
}
