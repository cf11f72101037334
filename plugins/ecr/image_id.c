/* SPDX-License-Identifier: MIT */
/* imageIds and their failures. */
#include "image_id.h"

#include "model.h"

#include <errno.h>

struct image_id image_id_get(const struct call *call, size_t index) {
    struct json_object *object = virga_awsjson_element(call->input, "imageIds", index);
    return (struct image_id){virga_awsjson_str(object, "imageDigest"),
                             virga_awsjson_str(object, "imageTag")};
}

static bool same(struct virga_str a, struct virga_str b) {
    return (a.ptr == NULL) == (b.ptr == NULL) && virga_str_equal(a, b);
}

bool image_id_repeats(const struct call *call, size_t index) {
    struct image_id id = image_id_get(call, index);
    for (size_t i = 0; i < index; i++) {
        struct image_id earlier = image_id_get(call, i);
        if (same(id.digest, earlier.digest) && same(id.tag, earlier.tag)) {
            return true;
        }
    }
    return false;
}

static void fail(struct image_failure *failure, const char *code, const char *reason) {
    failure->code = code;
    (void)snprintf(failure->reason, sizeof failure->reason, "%s", reason);
}

void image_failure_not_found(struct image_failure *failure) {
    fail(failure, "ImageNotFound", "Requested image not found");
}

int image_id_resolve(const struct call *call, struct image_id id,
                     char ret_digest[ECR_DIGEST_LEN + 1], struct image_failure *ret_failure) {
    ret_failure->code = NULL;
    if (id.digest.ptr == NULL && id.tag.ptr == NULL) {
        fail(ret_failure, "MissingDigestAndTag",
             "Invalid request parameters: both tag and digest cannot be null");
        return 0;
    }
    if (id.digest.ptr != NULL && !model_is_digest(id.digest)) {
        fail(ret_failure, "InvalidImageDigest",
             "Invalid request parameters: image digest should satisfy the regex "
             "'" MODEL_DIGEST_PATTERN "'");
        return 0;
    }
    if (id.tag.ptr != NULL && !model_is_tag(id.tag)) {
        fail(ret_failure, "InvalidImageTag",
             "Invalid request parameters: image tag should satisfy the regex "
             "'" MODEL_TAG_PATTERN "'");
        return 0;
    }
    if (id.tag.ptr == NULL) {
        struct meta_image image;
        int result = meta_image_find(call->ecr, &call->tenant, call->name, id.digest, &image);
        if (result == 0) {
            memcpy(ret_digest, image.digest, sizeof image.digest);
            meta_image_finish(&image);
        } else if (result == -ENOENT) {
            image_failure_not_found(ret_failure);
            result = 0;
        }
        return result;
    }
    int result = meta_tag_get(call->ecr, &call->tenant, call->name, id.tag, ret_digest);
    if (result == -ENOENT) {
        image_failure_not_found(ret_failure);
        result = 0;
    } else if (result == 0 && id.digest.ptr != NULL &&
               !virga_str_equal(id.digest, virga_str_from(ret_digest))) {
        fail(ret_failure, "ImageTagDoesNotMatchDigest",
             "Invalid request parameters: given tag does not map to the given digest");
    }
    return result;
}

void image_id_fail_missing(struct call *call, struct image_id id) {
    char digest[512] = "null", tag[512] = "null";
    if (id.digest.ptr != NULL) {
        (void)snprintf(digest, sizeof digest, "%s", id.digest.ptr);
    }
    if (id.tag.ptr != NULL) {
        (void)snprintf(tag, sizeof tag, "%s", id.tag.ptr);
    }
    call_fail(call, "ImageNotFoundException",
              "The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the "
              "repository with name '%.*s' in the registry with id '%s'",
              digest, tag, (int)call->name.len, call->name.ptr, call->tenant.account);
}

void image_id_write(struct virga_json_writer *writer, const char *key, struct virga_str digest,
                    struct virga_str tag) {
    virga_json_begin_object(writer, key);
    if (digest.ptr != NULL) {
        virga_json_str(writer, "imageDigest", digest);
    }
    if (tag.ptr != NULL) {
        virga_json_str(writer, "imageTag", tag);
    }
    virga_json_end_object(writer);
}

void image_failure_write(struct virga_json_writer *writer, struct image_id id,
                         const struct image_failure *failure) {
    virga_json_begin_object(writer, NULL);
    image_id_write(writer, "imageId", id.digest, id.tag);
    virga_json_string(writer, "failureCode", failure->code);
    virga_json_string(writer, "failureReason", failure->reason);
    virga_json_end_object(writer);
}
