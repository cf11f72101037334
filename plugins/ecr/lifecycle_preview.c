/* SPDX-License-Identifier: MIT */
/* StartLifecyclePolicyPreview and GetLifecyclePolicyPreview. The results are read from the records,
 * so that their pages are stable. */
#include "actions.h"
#include "image_id.h"
#include "lifecycle_check.h"
#include "lifecycle_run.h"
#include "meta_preview.h"

#include <errno.h>

/* How long the results of a preview can be read. */
#define PREVIEW_AGE_MS INT64_C(86400000)

void action_start_lifecycle_policy_preview(struct call *call) {
    struct ecr *ecr = call->ecr;
    struct virga_str text = call_str(call, "lifecyclePolicyText");
    struct virga_store_value stored = {0};
    struct virga_json_writer writer = {0};
    int result = 0;
    if (!call_repository_exists(call)) {
        return;
    }
    if (text.ptr != NULL && !lifecycle_check_call(call, text)) {
        return;
    }
    if (text.ptr == NULL) {
        result = meta_text_get(ecr, &call->tenant, call->name, "lifecycle", &stored);
        text = (struct virga_str){stored.ptr, stored.len};
    }
    if (result == -ENOENT) {
        call_fail(call, "LifecyclePolicyNotFoundException",
                  "Lifecycle policy does not exist for the repository with name '%.*s' in the "
                  "registry with id '%s'",
                  (int)call->name.len, call->name.ptr, call->tenant.account);
        return;
    }
    if (result == 0) {
        result = lifecycle_preview_begin(ecr->lifecycle, &call->tenant, call->name, text);
    }
    if (result == -EALREADY) {
        call_fail(call, "LifecyclePolicyPreviewInProgressException",
                  "Lifecycle policy preview is already in progress for the repository with name "
                  "'%.*s' in the registry with id '%s'",
                  (int)call->name.len, call->name.ptr, call->tenant.account);
    } else if (result == -EBUSY) {
        call_fail(call, "ThrottlingException", "Rate exceeded");
    } else if (result != 0) {
        call_broken(call, "The preview could not be begun", result, NULL);
    } else {
        virga_json_begin_object(&writer, NULL);
        call_write_head(call, &writer);
        virga_json_str(&writer, "lifecyclePolicyText", text);
        virga_json_string(&writer, "status", "IN_PROGRESS");
        virga_json_end_object(&writer);
        call_answer(call, &writer);
    }
    ecr->store->release(ecr->host, &stored);
}

/* --- reading --- */

struct reading {
    struct call *call;
    struct virga_json_writer writer;
    struct call_page page;
};

static void write_row(struct virga_json_writer *writer, const struct meta_preview_row *row) {
    virga_json_begin_object(writer, NULL);
    if (row->tags_count > 0) {
        virga_json_begin_array(writer, "imageTags");
        for (size_t i = 0; i < row->tags_count; i++) {
            virga_json_string(writer, NULL, row->tags[i]);
        }
        virga_json_end_array(writer);
    }
    virga_json_string(writer, "imageDigest", row->digest);
    virga_json_time(writer, "imagePushedAt", row->pushed_ms);
    virga_json_begin_object(writer, "action");
    virga_json_string(writer, "type", row->archives ? "TRANSITION" : "EXPIRE");
    if (row->archives) {
        virga_json_string(writer, "targetStorageClass", "ARCHIVE");
    }
    virga_json_end_object(writer);
    if (row->priority > 0) {
        virga_json_int(writer, "appliedRulePriority", row->priority);
    }
    virga_json_string(writer, "storageClass", row->is_archived ? "ARCHIVE" : "STANDARD");
    virga_json_end_object(writer);
}

/* A page's position: the shelf, then the digest. */
static int on_row(void *arg, bool tagged, struct meta_preview_row *row) {
    struct reading *reading = arg;
    char position[1 + ECR_DIGEST_LEN + 1];
    int len = snprintf(position, sizeof position, "%c%s", tagged ? 't' : 'u', row->digest);
    if (!call_page_take(&reading->page, (struct virga_str){position, (size_t)len})) {
        return 1;
    }
    write_row(&reading->writer, row);
    return 0;
}

static int write_page(struct reading *reading, unsigned which) {
    struct call *call = reading->call;
    const struct call_page *page = &reading->page;
    struct virga_str after = {0};
    bool tagged = false;
    if (page->begun && page->position_len > 0) {
        tagged = page->position[0] == 't';
        after = (struct virga_str){page->position + 1, page->position_len - 1};
    }
    return meta_preview_row_each(call->ecr, &call->tenant, call->name, which, tagged, after, on_row,
                                 reading);
}

/* Writes the results of the images asked for. */
static int write_ids(struct reading *reading, unsigned which) {
    struct call *call = reading->call;
    size_t count = virga_awsjson_length(call->input, "imageIds");
    for (size_t i = 0; i < count; i++) {
        struct image_failure failure;
        struct meta_preview_row row;
        char digest[ECR_DIGEST_LEN + 1] = "";
        struct image_id id = image_id_get(call, i);
        if (image_id_repeats(call, i)) {
            continue;
        }
        int result = image_id_resolve(call, id, digest, &failure);
        if (result == 0 && failure.code == NULL) {
            result = meta_preview_row_get(call->ecr, &call->tenant, call->name,
                                          virga_str_from(digest), &row);
        } else if (result == 0) {
            result = -ENOENT;
        }
        if (result == 0) {
            if ((which & (row.tags_count > 0 ? META_TAGGED : META_UNTAGGED)) != 0) {
                write_row(&reading->writer, &row);
            }
            meta_preview_row_finish(&row);
        } else if (result != -ENOENT) {
            return result;
        }
    }
    return 0;
}

static void write_summary(struct virga_json_writer *writer, const struct meta_preview *preview) {
    virga_json_begin_object(writer, "summary");
    virga_json_int(writer, "expiringImageTotalCount", (int64_t)preview->expiring);
    if (preview->archiving > 0) {
        virga_json_begin_array(writer, "transitioningImageTotalCounts");
        virga_json_begin_object(writer, NULL);
        virga_json_string(writer, "targetStorageClass", "ARCHIVE");
        virga_json_int(writer, "imageTotalCount", (int64_t)preview->archiving);
        virga_json_end_object(writer);
        virga_json_end_array(writer);
    }
    virga_json_end_object(writer);
}

static const char *status_of(const struct call *call, const struct meta_preview *preview) {
    struct ecr *ecr = call->ecr;
    if (preview->state == META_PREVIEW_RUNNING) {
        /* One that an earlier run of the host had begun will not end. */
        return lifecycle_preview_runs(ecr->lifecycle, &call->tenant, call->name) ? "IN_PROGRESS"
                                                                                 : "FAILED";
    }
    if (preview->state != META_PREVIEW_COMPLETE) {
        return "FAILED";
    }
    return ecr->timer->now_ms(ecr->host) - preview->ended_ms > PREVIEW_AGE_MS ? "EXPIRED"
                                                                              : "COMPLETE";
}

/* What filter.tagStatus leaves over. */
static unsigned read_filter(const struct call *call, const char **ret_detail) {
    struct virga_str status =
        virga_awsjson_str(virga_awsjson_member(call->input, "filter"), "tagStatus");
    if (virga_str_equal(status, virga_str_from("TAGGED"))) {
        *ret_detail = "TAGGED";
        return META_TAGGED;
    }
    if (virga_str_equal(status, virga_str_from("UNTAGGED"))) {
        *ret_detail = "UNTAGGED";
        return META_UNTAGGED;
    }
    *ret_detail = "ANY";
    return META_TAGGED | META_UNTAGGED;
}

static void answer(struct call *call, const struct meta_preview *preview) {
    struct reading reading = {.call = call};
    char detail[64];
    const char *filter = NULL;
    unsigned which = read_filter(call, &filter);
    bool by_ids = virga_awsjson_length(call->input, "imageIds") > 0;
    if (by_ids && (call_str(call, "nextToken").ptr != NULL ||
                   virga_awsjson_member(call->input, "maxResults") != NULL)) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at '%s' failed to satisfy constraint: 'must be null when "
                  "imageIds is specified'",
                  call_str(call, "nextToken").ptr != NULL ? "nextToken" : "maxResults");
        return;
    }
    /* A page of one preview is none of the next. */
    (void)snprintf(detail, sizeof detail, "%s %s", filter, preview->id);
    if (!call_page_start(call, detail, &reading.page)) {
        return;
    }
    const char *status = status_of(call, preview);
    bool complete = strcmp(status, "COMPLETE") == 0;
    struct virga_json_writer *writer = &reading.writer;
    int result = 0;
    virga_json_begin_object(writer, NULL);
    call_write_head(call, writer);
    virga_json_string(writer, "lifecyclePolicyText", preview->text);
    virga_json_string(writer, "status", status);
    virga_json_begin_array(writer, "previewResults");
    if (complete) {
        result = by_ids ? write_ids(&reading, which) : write_page(&reading, which);
    }
    virga_json_end_array(writer);
    if (result >= 0) {
        result = call_page_end(call, &reading.page, writer);
    }
    if (complete) {
        write_summary(writer, preview);
    }
    virga_json_end_object(writer);
    if (result < 0) {
        virga_json_finish(writer);
        call_broken(call, "The preview could not be read", result, NULL);
        return;
    }
    call_answer(call, writer);
}

void action_get_lifecycle_policy_preview(struct call *call) {
    struct meta_preview preview = {0};
    if (!call_repository_exists(call)) {
        return;
    }
    int result = meta_preview_get(call->ecr, &call->tenant, call->name, &preview);
    if (result == -ENOENT) {
        call_fail(call, "LifecyclePolicyPreviewNotFoundException",
                  "Lifecycle policy preview does not exist for the repository with name '%.*s' in "
                  "the registry with id '%s'",
                  (int)call->name.len, call->name.ptr, call->tenant.account);
    } else if (result != 0) {
        call_broken(call, "The preview could not be read", result, NULL);
    } else {
        answer(call, &preview);
    }
    meta_preview_finish(&preview);
}
