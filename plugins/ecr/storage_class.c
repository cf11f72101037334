/* SPDX-License-Identifier: MIT */
/* UpdateImageStorageClass, and the clock of what is being restored. */
#include "storage_class.h"

#include "actions.h"
#include "image_id.h"

#include <errno.h>
#include <stdlib.h>

#define ACTIVATE_SLICE 100    /* images made active at one time */
#define RETRY_MS 10000        /* after a failure of the store */
#define PARENTS_SHOWN_MAX 320 /* bytes of digests in a message */

struct storage_class {
    struct ecr *ecr;
    struct virga_timer_handle *timer;
};

static const char *const statuses[] = {"ACTIVE", "ARCHIVED", "ACTIVATING"};

const char *storage_class_status(const struct meta_image *image) {
    return statuses[image->status];
}

const char *storage_class_word(const struct meta_image *image) {
    return image->status == META_ACTIVATING ? "being restored" : "archived";
}

/* --- the clock --- */

static void on_timer(void *arg);

/* Makes active what is due and waits for the next. Errors: -ENOMEM, -EIO: tried again later. */
static int go_on(struct storage_class *storage) {
    struct ecr *ecr = storage->ecr;
    int64_t now_ms = ecr->timer->now_ms(ecr->host), next_ms = 0;
    ecr->timer->stop(storage->timer);
    storage->timer = NULL;
    int result = meta_activate_due(ecr, now_ms, ACTIVATE_SLICE, &next_ms);
    if (result != 0) {
        next_ms = now_ms + RETRY_MS;
    }
    if (next_ms != 0) {
        uint64_t delay_ms = next_ms > now_ms ? (uint64_t)(next_ms - now_ms) : 0;
        int started = ecr->timer->start(ecr->host, delay_ms, 0, on_timer, storage, &storage->timer);
        result = result == 0 ? started : result;
    }
    return result;
}

static void on_timer(void *arg) {
    struct storage_class *storage = arg;
    int result = go_on(storage);
    if (result != 0) {
        ECR_LOG(storage->ecr, VIRGA_LOG_ERROR, NULL, "images cannot be restored: %s",
                strerror(-result));
    }
}

int storage_class_create(struct ecr *ecr, struct storage_class **ret_storage) {
    struct storage_class *storage = calloc(1, sizeof *storage);
    if (storage == NULL) {
        return -ENOMEM;
    }
    storage->ecr = ecr;
    int result = go_on(storage);
    if (result != 0) {
        storage_class_destroy(storage);
        return result;
    }
    *ret_storage = storage;
    return 0;
}

void storage_class_destroy(struct storage_class *storage) {
    if (storage == NULL) {
        return;
    }
    storage->ecr->timer->stop(storage->timer);
    free(storage);
}

int storage_class_restore(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                          struct virga_str digest) {
    int64_t now_ms = ecr->timer->now_ms(ecr->host);
    int result =
        meta_image_restore(ecr, tenant, name, digest, now_ms, now_ms + ecr->restore_seconds * 1000);
    return result == 0 && ecr->restore_seconds > 0 && ecr->storage_class != NULL
               ? go_on(ecr->storage_class)
               : result;
}

/* --- the action --- */

static void answer(struct call *call, const char *digest, struct virga_str tag) {
    struct meta_image image;
    struct virga_json_writer writer = {0};
    int result =
        meta_image_get(call->ecr, &call->tenant, call->name, virga_str_from(digest), &image);
    if (result != 0) {
        call_broken(call, "The image could not be read", result, NULL);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    call_write_head(call, &writer);
    image_id_write(&writer, "imageId", virga_str_from(digest), tag);
    virga_json_string(&writer, "imageStatus", storage_class_status(&image));
    virga_json_end_object(&writer);
    meta_image_finish(&image);
    call_answer(call, &writer);
}

struct parents {
    struct call *call;
    char text[PARENTS_SHOWN_MAX];
    size_t len;
};

/* Notes an index that is not archived itself: it could no longer be pulled as a whole. */
static int on_parent(void *arg, struct virga_str parent) {
    struct parents *parents = arg;
    struct call *call = parents->call;
    struct meta_image image;
    int result = meta_image_get(call->ecr, &call->tenant, call->name, parent, &image);
    if (result != 0) {
        return result == -ENOENT ? 0 : result;
    }
    bool active = image.status != META_ARCHIVED;
    meta_image_finish(&image);
    if (active && sizeof parents->text - parents->len > parent.len + 2) {
        parents->len +=
            (size_t)snprintf(parents->text + parents->len, sizeof parents->text - parents->len,
                             "%s%.*s", parents->len > 0 ? ", " : "", (int)parent.len, parent.ptr);
    }
    return 0;
}

/* Archives the image. 0 done, 1 the call has ended, or a negative errno. */
static int archive(struct call *call, const char *digest) {
    struct ecr *ecr = call->ecr;
    struct parents parents = {.call = call};
    int result = meta_parent_each(ecr, &call->tenant, call->name, virga_str_from(digest), on_parent,
                                  &parents);
    if (result == 0 && parents.len > 0) {
        call_fail(call, "ImageStorageClassUpdateNotSupportedException",
                  "Requested image referenced by manifest list: [%s]", parents.text);
        return 1;
    }
    return result != 0 ? result
                       : meta_image_archive(ecr, &call->tenant, call->name, virga_str_from(digest),
                                            ecr->timer->now_ms(ecr->host));
}

void action_update_image_storage_class(struct call *call) {
    struct json_object *member = virga_awsjson_member(call->input, "imageId");
    struct image_id id = {virga_awsjson_str(member, "imageDigest"),
                          virga_awsjson_str(member, "imageTag")};
    struct image_failure failure;
    char digest[ECR_DIGEST_LEN + 1];
    if (!call_repository_exists(call)) {
        return;
    }
    int result = image_id_resolve(call, id, digest, &failure);
    if (result == 0 && failure.code != NULL) {
        if (strcmp(failure.code, "ImageNotFound") == 0 ||
            strcmp(failure.code, "ImageTagDoesNotMatchDigest") == 0) {
            image_id_fail_missing(call, id);
        } else {
            call_fail(call, "InvalidParameterException", "%s", failure.reason);
        }
        return;
    }
    bool to_archive =
        virga_str_equal(call_str(call, "targetStorageClass"), virga_str_from("ARCHIVE"));
    if (result == 0) {
        result = to_archive ? archive(call, digest)
                            : storage_class_restore(call->ecr, &call->tenant, call->name,
                                                    virga_str_from(digest));
    }
    if (result == -EALREADY) {
        call_fail(call, "ImageStorageClassUpdateNotSupportedException",
                  to_archive ? "The image with digest '%s' is not active: only active images can "
                               "be archived"
                             : "The image with digest '%s' is not archived: only archived images "
                               "can be restored",
                  digest);
    } else if (result < 0) {
        call_broken(call, "The storage class could not be changed", result, NULL);
    } else if (result == 0) {
        answer(call, digest, id.tag);
    }
}
