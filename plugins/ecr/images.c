/* SPDX-License-Identifier: MIT */
/* ListImages and DescribeImages: both answered from the records alone. */
#include "actions.h"
#include "image_id.h"
#include "storage_class.h"

#include <errno.h>

/* Distinguishes page tokens of different filters. */
#define DETAIL_MAX 32

/* What filter.tagStatus and filter.imageStatus leave over. Without imageStatus it is the active
 * images. */
static unsigned read_filter(const struct call *call, char ret_detail[DETAIL_MAX]) {
    static const struct {
        const char *name;
        unsigned which;
    } statuses[] = {
        {"ACTIVE", META_WITH_ACTIVE},
        {"ARCHIVED", META_WITH_ARCHIVED},
        {"ACTIVATING", META_WITH_ACTIVATING},
        {"ANY", META_WITH_ACTIVE | META_WITH_ARCHIVED | META_WITH_ACTIVATING},
    };
    struct json_object *filter = virga_awsjson_member(call->input, "filter");
    struct virga_str tags = virga_awsjson_str(filter, "tagStatus");
    struct virga_str status = virga_awsjson_str(filter, "imageStatus");
    unsigned which = META_TAGGED | META_UNTAGGED;
    size_t at = 0;
    if (virga_str_equal(tags, virga_str_from("TAGGED"))) {
        which = META_TAGGED;
    } else if (virga_str_equal(tags, virga_str_from("UNTAGGED"))) {
        which = META_UNTAGGED;
    }
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (virga_str_equal(status, virga_str_from(statuses[i].name))) {
            at = i;
        }
    }
    (void)snprintf(ret_detail, DETAIL_MAX, "%s %s",
                   which == META_TAGGED     ? "TAGGED"
                   : which == META_UNTAGGED ? "UNTAGGED"
                                            : "ANY",
                   statuses[at].name);
    return which | statuses[at].which;
}

struct listing {
    struct call *call;
    struct call_page page;
    struct virga_json_writer writer;
    char digest[ECR_DIGEST_LEN + 1]; /* the last one shown by DescribeImages */
};

/* Ends a listing whose walk returned `result`. */
static void end_listing(struct listing *listing, int result) {
    struct call *call = listing->call;
    virga_json_end_array(&listing->writer);
    if (result >= 0) {
        result = call_page_end(call, &listing->page, &listing->writer);
    }
    virga_json_end_object(&listing->writer);
    if (result < 0) {
        virga_json_finish(&listing->writer);
        call_broken(call, "The images could not be listed", result, NULL);
        return;
    }
    call_answer(call, &listing->writer);
}

/* --- ListImages: its page position is "digest NUL tag" --- */

static int on_entry(void *arg, struct virga_str digest, struct virga_str tag) {
    struct listing *listing = arg;
    char position[ECR_DIGEST_LEN + 1 + ECR_TAG_MAX];
    if (digest.len > ECR_DIGEST_LEN || tag.len > ECR_TAG_MAX) {
        return -EIO;
    }
    memcpy(position, digest.ptr, digest.len);
    position[digest.len] = '\0';
    memcpy(position + digest.len + 1, tag.ptr, tag.len);
    if (!call_page_take(&listing->page, (struct virga_str){position, digest.len + 1 + tag.len})) {
        return 1;
    }
    image_id_write(&listing->writer, NULL, digest, tag.len > 0 ? tag : (struct virga_str){0});
    return 0;
}

void action_list_images(struct call *call) {
    struct listing listing = {.call = call};
    struct virga_str after_digest = {0}, after_tag = {0};
    char detail[DETAIL_MAX];
    unsigned which = read_filter(call, detail);
    if (!call_repository_exists(call) || !call_page_start(call, detail, &listing.page)) {
        return;
    }
    if (listing.page.begun) {
        size_t len = strnlen(listing.page.position, listing.page.position_len);
        after_digest = (struct virga_str){listing.page.position, len};
        if (len < listing.page.position_len) {
            after_tag = (struct virga_str){listing.page.position + len + 1,
                                           listing.page.position_len - len - 1};
        }
    }
    virga_json_begin_object(&listing.writer, NULL);
    virga_json_begin_array(&listing.writer, "imageIds");
    int result = meta_entry_each(call->ecr, &call->tenant, call->name, which, after_digest,
                                 after_tag, on_entry, &listing);
    end_listing(&listing, result);
}

/* --- DescribeImages --- */

static void write_detail(const struct call *call, const struct meta_image *image,
                         struct virga_json_writer *writer) {
    virga_json_begin_object(writer, NULL);
    call_write_head(call, writer);
    virga_json_string(writer, "imageDigest", image->digest);
    if (image->tags_count > 0) {
        virga_json_begin_array(writer, "imageTags");
        for (size_t i = 0; i < image->tags_count; i++) {
            virga_json_string(writer, NULL, image->tags[i]);
        }
        virga_json_end_array(writer);
    }
    virga_json_int(writer, "imageSizeInBytes", (int64_t)image->size_bytes);
    virga_json_time(writer, "imagePushedAt", image->pushed_ms);
    virga_json_string(writer, "imageManifestMediaType", image->media_type);
    virga_json_string(writer, "artifactMediaType", image->artifact_media_type);
    if (image->pulled_ms != 0) {
        virga_json_time(writer, "lastRecordedPullTime", image->pulled_ms);
    }
    virga_json_string(writer, "subjectManifestDigest", image->subject);
    virga_json_string(writer, "imageStatus", storage_class_status(image));
    if (image->archived_ms != 0) {
        virga_json_time(writer, "lastArchivedAt", image->archived_ms);
    }
    if (image->activated_ms != 0 && image->status != META_ACTIVATING) {
        virga_json_time(writer, "lastActivatedAt", image->activated_ms);
    }
    virga_json_end_object(writer);
}

/* Takes each digest once: an image's entries follow one another. */
static int on_described(void *arg, struct virga_str digest, struct virga_str tag) {
    struct listing *listing = arg;
    struct call *call = listing->call;
    struct meta_image image;
    (void)tag;
    if (virga_str_equal(digest, virga_str_from(listing->digest))) {
        return 0;
    }
    if (!call_page_take(&listing->page, digest)) {
        return 1;
    }
    int result = meta_image_get(call->ecr, &call->tenant, call->name, digest, &image);
    if (result != 0) {
        return result == -ENOENT ? -EIO : result;
    }
    memcpy(listing->digest, image.digest, sizeof image.digest);
    write_detail(call, &image, &listing->writer);
    meta_image_finish(&image);
    return 0;
}

static void describe_all(struct call *call) {
    struct listing listing = {.call = call};
    char detail[DETAIL_MAX];
    unsigned which = read_filter(call, detail);
    if (!call_page_start(call, detail, &listing.page)) {
        return;
    }
    struct virga_str after = {listing.page.begun ? listing.page.position : NULL,
                              listing.page.position_len};
    virga_json_begin_object(&listing.writer, NULL);
    virga_json_begin_array(&listing.writer, "imageDetails");
    int result = meta_entry_each(call->ecr, &call->tenant, call->name, which, after,
                                 virga_str_from(META_AFTER_TAGS), on_described, &listing);
    end_listing(&listing, result);
}

static void describe_ids(struct call *call, size_t count) {
    char digests[IMAGE_ID_MAX][ECR_DIGEST_LEN + 1];
    size_t shown = 0;
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "imageDetails");
    for (size_t i = 0; i < count; i++) {
        struct image_id id = image_id_get(call, i);
        struct image_failure failure;
        struct meta_image image;
        bool again = false;
        int result = image_id_resolve(call, id, digests[shown], &failure);
        if (result == 0 && failure.code != NULL) {
            virga_json_finish(&writer);
            if (id.digest.ptr == NULL && id.tag.ptr == NULL) {
                call_fail(call, "InvalidParameterException", "%s", failure.reason);
            } else {
                image_id_fail_missing(call, id);
            }
            return;
        }
        for (size_t j = 0; j < shown && result == 0; j++) {
            again = again || strcmp(digests[j], digests[shown]) == 0;
        }
        if (again) {
            continue;
        }
        if (result == 0) {
            result = meta_image_get(call->ecr, &call->tenant, call->name,
                                    virga_str_from(digests[shown]), &image);
        }
        if (result != 0) {
            virga_json_finish(&writer);
            call_broken(call, "The image could not be read", result, NULL);
            return;
        }
        shown++;
        write_detail(call, &image, &writer);
        meta_image_finish(&image);
    }
    virga_json_end_array(&writer);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

void action_describe_images(struct call *call) {
    size_t count = virga_awsjson_length(call->input, "imageIds");
    if (!call_repository_exists(call)) {
        return;
    }
    if (count == 0) {
        describe_all(call);
    } else if (call_str(call, "nextToken").ptr != NULL) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'nextToken' failed to satisfy constraint: 'must be null "
                  "when imageIds is specified'");
    } else {
        describe_ids(call, count);
    }
}
