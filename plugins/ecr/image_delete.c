/* SPDX-License-Identifier: MIT */
/* BatchDeleteImage: one id after the other, in the order of the request.
 * By tag the tag goes, and with the last tag the image; by digest the image and all of its tags. */
#include "actions.h"
#include "backend.h"
#include "image_id.h"

#include <errno.h>
#include <stdlib.h>

/* A (digest, tag) that this call has removed; shown in imageIds. */
struct removed {
    char digest[ECR_DIGEST_LEN + 1];
    char tag[ECR_TAG_MAX + 1];
};

struct batch {
    struct call *call;
    size_t next;  /* index of the next id */
    size_t count; /* of the ids */
    struct removed *removed;
    size_t removed_count;
    size_t removed_capacity;
    struct image_failure failures[IMAGE_ID_MAX]; /* code NULL: none */
    /* What is being deleted now. */
    size_t index;
    struct meta_image image;
};

static void go_on(struct batch *batch);

static void finish(struct batch *batch) {
    meta_image_finish(&batch->image);
    free(batch->removed);
}

static void break_off(struct batch *batch, int error, const char *reason) {
    finish(batch);
    call_broken(batch->call, "The image could not be deleted", error, reason);
}

static void answer(struct batch *batch) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "imageIds");
    for (size_t i = 0; i < batch->removed_count; i++) {
        const struct removed *removed = &batch->removed[i];
        image_id_write(&writer, NULL, virga_str_from(removed->digest),
                       removed->tag[0] != '\0' ? virga_str_from(removed->tag)
                                               : (struct virga_str){0});
    }
    virga_json_end_array(&writer);
    virga_json_begin_array(&writer, "failures");
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->failures[i].code != NULL) {
            image_failure_write(&writer, image_id_get(batch->call, i), &batch->failures[i]);
        }
    }
    virga_json_end_array(&writer);
    virga_json_end_object(&writer);
    finish(batch);
    call_answer(batch->call, &writer);
}

/* Whether this call has removed what the id means: a digest given together with one of its tags. */
static bool is_removed(const struct batch *batch, struct image_id id) {
    for (size_t i = 0; i < batch->removed_count; i++) {
        const struct removed *removed = &batch->removed[i];
        if ((id.digest.ptr == NULL ||
             virga_str_equal(id.digest, virga_str_from(removed->digest))) &&
            (id.tag.ptr == NULL || virga_str_equal(id.tag, virga_str_from(removed->tag)))) {
            return true;
        }
    }
    return false;
}

static int note_removed(struct batch *batch, const char *digest, struct virga_str tag) {
    if (batch->removed_count == batch->removed_capacity) {
        size_t capacity = batch->removed_capacity > 0 ? 2 * batch->removed_capacity : 16;
        struct removed *grown = realloc(batch->removed, capacity * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        batch->removed = grown;
        batch->removed_capacity = capacity;
    }
    struct removed *removed = &batch->removed[batch->removed_count++];
    *removed = (struct removed){0};
    memcpy(removed->digest, digest, ECR_DIGEST_LEN);
    if (tag.len > 0) {
        memcpy(removed->tag, tag.ptr, tag.len < ECR_TAG_MAX ? tag.len : ECR_TAG_MAX);
    }
    return 0;
}

static void on_deleted(void *arg, int status, const char *reason) {
    struct batch *batch = arg;
    struct virga_str tag = image_id_get(batch->call, batch->index).tag;
    const struct meta_image *image = &batch->image;
    int result = 0;
    if (status == -ENOENT) {
        image_failure_not_found(&batch->failures[batch->index]);
    } else if (status != 0) {
        break_off(batch, status, reason);
        return;
    } else if (tag.ptr != NULL || image->tags_count == 0) {
        result = note_removed(batch, image->digest, tag);
    } else {
        for (size_t i = 0; i < image->tags_count && result == 0; i++) {
            result = note_removed(batch, image->digest, virga_str_from(image->tags[i]));
        }
    }
    meta_image_finish(&batch->image);
    if (result != 0) {
        break_off(batch, result, NULL);
        return;
    }
    go_on(batch);
}

struct parents {
    char *text;
    size_t size;
    size_t len;
};

static int on_parent(void *arg, struct virga_str parent) {
    struct parents *parents = arg;
    int more = snprintf(parents->text + parents->len, parents->size - parents->len, "%s%.*s",
                        parents->len > 0 ? ", " : "", (int)parent.len, parent.ptr);
    if (more < 0 || (size_t)more >= parents->size - parents->len) {
        /* Enough are named. */
        parents->text[parents->len] = '\0';
        return 1;
    }
    parents->len += (size_t)more;
    return 0;
}

/* Tells that an index still lists the image. 1 it does, 0 it does not, or a negative errno. */
static int check_parents(struct batch *batch, const char *digest, struct image_failure *failure) {
    struct call *call = batch->call;
    char text[sizeof failure->reason - 64] = "";
    struct parents parents = {text, sizeof text, 0};
    int result = meta_parent_each(call->ecr, &call->tenant, call->name, virga_str_from(digest),
                                  on_parent, &parents);
    if (result < 0 || parents.len == 0) {
        return result < 0 ? result : 0;
    }
    failure->code = "ImageReferencedByManifestList";
    (void)snprintf(failure->reason, sizeof failure->reason,
                   "Requested image referenced by manifest list: [%s]", text);
    return 1;
}

/* Begins the deletion of one id. 1: on_deleted() will come, 0: there is nothing to be done. */
static int begin(struct batch *batch, size_t index) {
    struct call *call = batch->call;
    struct image_id id = image_id_get(call, index);
    struct image_failure *failure = &batch->failures[index];
    char digest[ECR_DIGEST_LEN + 1];
    if (image_id_repeats(call, index)) {
        return 0;
    }
    int result = image_id_resolve(call, id, digest, failure);
    if (result != 0) {
        return result;
    }
    if (failure->code != NULL) {
        if (strcmp(failure->code, "ImageNotFound") == 0 && is_removed(batch, id)) {
            failure->code = NULL;
        }
        return 0;
    }
    result =
        meta_image_get(call->ecr, &call->tenant, call->name, virga_str_from(digest), &batch->image);
    if (result != 0) {
        return result;
    }
    batch->index = index;
    if (id.tag.ptr != NULL && batch->image.tags_count > 1) {
        backend_delete_tag(call->ecr, &call->tenant, call->name, id.tag, on_deleted, batch);
        return 1;
    }
    result = check_parents(batch, digest, failure);
    if (result != 0) {
        meta_image_finish(&batch->image);
        return result < 0 ? result : 0;
    }
    backend_delete_image(call->ecr, &call->tenant, call->name, virga_str_from(batch->image.digest),
                         on_deleted, batch);
    return 1;
}

static void go_on(struct batch *batch) {
    while (batch->next < batch->count) {
        int result = begin(batch, batch->next++);
        if (result < 0) {
            break_off(batch, result, NULL);
            return;
        }
        if (result == 1) {
            return;
        }
    }
    answer(batch);
}

void action_batch_delete_image(struct call *call) {
    if (!call_repository_exists(call)) {
        return;
    }
    struct batch *batch = call->req->http->alloc(call->req, sizeof *batch);
    if (batch == NULL) {
        call_broken(call, "The images could not be deleted", -ENOMEM, NULL);
        return;
    }
    memset(batch, 0, sizeof *batch);
    batch->call = call;
    batch->count = virga_awsjson_length(call->input, "imageIds");
    go_on(batch);
}
