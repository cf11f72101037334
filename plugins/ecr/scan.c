/* SPDX-License-Identifier: MIT */
/* StartImageScan and DescribeImageScanFindings. */
#include "actions.h"
#include "image_id.h"
#include "scan_config.h"
#include "scan_push.h"
#include "scan_run.h"
#include "storage_class.h"

#include <errno.h>

/* Writes {"imageDigest", "imageTag"}: the tag where the call named the image by it. */
static void write_image_id(const struct meta_image *image, struct image_id id,
                           struct virga_json_writer *writer) {
    image_id_write(writer, "imageId", virga_str_from(image->digest), id.tag);
}

/* --- StartImageScan --- */

/* Checks what a scan needs besides an image; false: the call has ended. */
static bool check_scannable(struct call *call, const struct meta_image *image) {
    struct scan_effect effect;
    int result = scan_config_effect(call->ecr, &call->tenant, call->name, &effect);
    if (result != 0) {
        call_broken(call, "The scanning configuration could not be read", result, NULL);
    } else if (effect.enhanced) {
        call_fail(call, "ValidationException", "This feature is disabled");
    } else if (storage_class_is_away(image)) {
        call_fail(call, "ImageArchivedException",
                  "The image with digest '%s' in the repository with name '%.*s' in the registry "
                  "with id '%s' is archived and cannot be scanned",
                  image->digest, (int)call->name.len, call->name.ptr, call->tenant.account);
    } else if (!scan_push_can_scan(image)) {
        call_fail(call, "UnsupportedImageTypeException",
                  "The image with digest '%s' in the repository with name '%.*s' in the registry "
                  "with id '%s' is of a type that cannot be scanned",
                  image->digest, (int)call->name.len, call->name.ptr, call->tenant.account);
    } else {
        return true;
    }
    return false;
}

/* Has the image scanned unless it was lately; false: the call has ended. */
static bool begin(struct call *call, struct virga_str digest) {
    struct ecr *ecr = call->ecr;
    struct scan_record record;
    int64_t quota_ms = scans_quota_ms(ecr);
    int result = scan_record_get(ecr, &call->tenant, call->name, digest, &record);
    if (result == 0 && quota_ms > 0 && record.status != SCAN_STATUS_FAILED &&
        ecr->timer->now_ms(ecr->host) - record.started_ms < quota_ms) {
        call_fail(call, "LimitExceededException",
                  "The scan quota per image has been exceeded. Wait and try again.");
        return false;
    }
    if (result == 0 && scan_record_open(&record)) {
        return true;
    }
    if (result == 0 || result == -ENOENT) {
        result = scans_begin(ecr, &call->tenant, call->name, digest, false, false);
    }
    if (result == -EBUSY) {
        call_fail(call, "LimitExceededException",
                  "The scan quota per registry has been exceeded. Wait and try again.");
    } else if (result != 0) {
        call_broken(call, "The scan could not be begun", result, NULL);
    }
    return result == 0;
}

void action_start_image_scan(struct call *call) {
    struct virga_json_writer writer = {0};
    struct meta_image image;
    struct image_id id;
    if (!image_id_take(call, &id, &image)) {
        return;
    }
    if (check_scannable(call, &image) && begin(call, virga_str_from(image.digest))) {
        const struct scan_record record = {.status = SCAN_STATUS_IN_PROGRESS};
        virga_json_begin_object(&writer, NULL);
        call_write_head(call, &writer);
        write_image_id(&image, id, &writer);
        scan_record_write_status(&record, &writer);
        virga_json_end_object(&writer);
        call_answer(call, &writer);
    }
    meta_image_finish(&image);
}

/* --- DescribeImageScanFindings --- */

struct describing {
    struct call *call;
    const struct meta_image *image;
    bool enhanced;
    struct call_page page;
    struct virga_json_writer writer;
};

/* Writes what an enhanced finding says of its image, as it is now. */
static void write_resource(const struct describing *describing, struct virga_json_writer *writer) {
    const struct call *call = describing->call;
    const struct meta_image *image = describing->image;
    char arn[CALL_ARN_MAX], id[CALL_ARN_MAX + ECR_DIGEST_LEN + 2];
    call_repository_arn(&call->tenant, call->name, arn);
    (void)snprintf(id, sizeof id, "%s/%s", arn, image->digest);
    virga_json_begin_array(writer, "resources");
    virga_json_begin_object(writer, NULL);
    virga_json_begin_object(writer, "details");
    virga_json_begin_object(writer, "awsEcrContainerImage");
    virga_json_string(writer, "imageHash", image->digest);
    virga_json_begin_array(writer, "imageTags");
    for (size_t i = 0; i < image->tags_count; i++) {
        virga_json_string(writer, NULL, image->tags[i]);
    }
    virga_json_end_array(writer);
    virga_json_time(writer, "pushedAt", image->pushed_ms);
    virga_json_string(writer, "registry", call->tenant.account);
    virga_json_str(writer, "repositoryName", call->name);
    virga_json_end_object(writer);
    virga_json_end_object(writer);
    virga_json_string(writer, "id", id);
    virga_json_begin_object(writer, "tags");
    virga_json_end_object(writer);
    virga_json_string(writer, "type", "AWS_ECR_CONTAINER_IMAGE");
    virga_json_end_object(writer);
    virga_json_end_array(writer);
}

static int on_finding(void *arg, const struct scan_shown *shown) {
    struct describing *describing = arg;
    struct virga_json_writer *writer = &describing->writer;
    if (!call_page_take(&describing->page, shown->position)) {
        return 1;
    }
    virga_json_begin_object(writer, NULL);
    virga_json_raw(writer, NULL, shown->members);
    if (describing->enhanced) {
        virga_json_time(writer, "firstObservedAt", shown->first_ms);
        write_resource(describing, writer);
    }
    virga_json_end_object(writer);
    return 0;
}

static int write_findings(struct describing *describing, const struct scan_record *record) {
    struct call *call = describing->call;
    struct virga_json_writer *writer = &describing->writer;
    struct virga_str after = {describing->page.begun ? describing->page.position : NULL,
                              describing->page.position_len};
    virga_json_begin_object(writer, "imageScanFindings");
    scan_record_write_summary(record, writer);
    virga_json_begin_array(writer, record->enhanced ? "enhancedFindings" : "findings");
    int result = scan_findings_each(call->ecr, &call->tenant, call->name,
                                    virga_str_from(describing->image->digest), after, on_finding,
                                    describing);
    virga_json_end_array(writer);
    virga_json_end_object(writer);
    return result < 0 ? result : 0;
}

static void describe(struct call *call, const struct meta_image *image, struct image_id id,
                     const struct scan_record *record) {
    struct describing describing = {.call = call, .image = image, .enhanced = record->enhanced};
    struct virga_json_writer *writer = &describing.writer;
    char detail[128];
    /* A token is good for the scan whose findings it pages through. */
    (void)snprintf(detail, sizeof detail, "%s %llu", image->digest, (unsigned long long)record->id);
    if (!call_page_start(call, detail, &describing.page)) {
        return;
    }
    virga_json_begin_object(writer, NULL);
    call_write_head(call, writer);
    write_image_id(image, id, writer);
    scan_record_write_status(record, writer);
    int result = scan_record_has_findings(record) ? write_findings(&describing, record) : 0;
    if (result == 0) {
        result = call_page_end(call, &describing.page, writer);
    }
    virga_json_end_object(writer);
    if (result != 0) {
        virga_json_finish(writer);
        call_broken(call, "The findings could not be read", result, NULL);
        return;
    }
    call_answer(call, writer);
}

void action_describe_image_scan_findings(struct call *call) {
    struct meta_image image;
    struct scan_record record;
    struct image_id id;
    if (!image_id_take(call, &id, &image)) {
        return;
    }
    int result = scan_record_get(call->ecr, &call->tenant, call->name, virga_str_from(image.digest),
                                 &record);
    if (result == -ENOENT) {
        call_fail(call, "ScanNotFoundException",
                  "Image scan does not exist for the image with '{imageDigest:'%s', "
                  "imageTag:'%s'}' in the repository with name '%.*s' in the registry with id '%s'",
                  image.digest, id.tag.ptr != NULL ? id.tag.ptr : "null", (int)call->name.len,
                  call->name.ptr, call->tenant.account);
    } else if (result != 0) {
        call_broken(call, "The scan could not be read", result, NULL);
    } else {
        describe(call, &image, id, &record);
    }
    meta_image_finish(&image);
}
