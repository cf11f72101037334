/* SPDX-License-Identifier: MIT */
/* CopyObject. Source: S3 API Reference, CopyObject. */
#include "copy.h"
#include "address.h"
#include "copier.h"
#include "range.h"

#include <errno.h>

static bool fail_source(struct call *call) {
    call_fail(call, 400, "InvalidArgument",
              "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
    return false;
}

static bool may_read(struct call *call, struct virga_str bucket) {
    struct bucket source;
    int result = bucket_load(call->s3, bucket, &source);
    struct virga_str expected = call_header(call, "x-amz-source-expected-bucket-owner");
    if (result == -ENOENT) {
        call_fail(call, 404, "NoSuchBucket", "The specified bucket does not exist");
        return false;
    }
    if (result != 0) {
        call_broken(call, "The source could not be read", result);
        return false;
    }
    if ((call->s3->enforce && !s3_is(call->req->account, source.owner)) ||
        (expected.ptr != NULL && !s3_is(expected, source.owner))) {
        call_fail(call, 403, "AccessDenied", "Access Denied");
        return false;
    }
    return true;
}

bool copy_find_source(struct call *call, struct object *ret_source, bool *ret_itself) {
    struct virga_str header = call_header(call, "x-amz-copy-source");
    struct virga_str bucket, key, version;
    char *buffer = call_alloc(call, header.len + 1);
    if (buffer == NULL) {
        call_broken(call, "The source could not be read", -ENOMEM);
        return false;
    }
    if (address_copy_source(header, buffer, &bucket, &key, &version) != 0) {
        return fail_source(call);
    }
    if (!may_read(call, bucket)) {
        return false;
    }
    int result = object_load(call, bucket, key, ret_source);
    if (result == -ENOENT || (result == 0 && version.ptr != NULL && !s3_is(version, "null"))) {
        call->bucket = bucket;
        call->key = key;
        if (result == 0) {
            call_fail(call, 404, "NoSuchVersion", "The specified version does not exist.");
        } else {
            call_no_such_key(call);
        }
        return false;
    }
    if (result != 0) {
        call_broken(call, "The source could not be read", result);
        return false;
    }
    const struct conditions conditions = {
        .if_match = call_header(call, "x-amz-copy-source-if-match"),
        .if_none_match = call_header(call, "x-amz-copy-source-if-none-match"),
        .if_modified_since = call_header(call, "x-amz-copy-source-if-modified-since"),
        .if_unmodified_since = call_header(call, "x-amz-copy-source-if-unmodified-since"),
    };
    if (conditions_check(&conditions, ret_source->etag, ret_source->modified_ms) != 0) {
        call_precondition_failed(call, "x-amz-copy-source-If-");
        return false;
    }
    *ret_itself = virga_str_equal(bucket, call->bucket) && virga_str_equal(key, call->key);
    return true;
}

/* ---- CopyObject ---- */

/* In call->own while the bytes are copied. */
struct copy {
    struct object source;
    bool digests;
};

static bool is_directive(struct virga_str text) {
    return text.ptr == NULL || s3_is(text, "COPY") || s3_is(text, "REPLACE");
}

/* What the new object is said to be: of the source, or of the headers. */
static bool write_said(struct call *call, const struct object *source,
                       struct record_writer *writer) {
    struct virga_str metadata = call_header(call, "x-amz-metadata-directive");
    struct virga_str tagging = call_header(call, "x-amz-tagging-directive");
    if (!is_directive(metadata) || !is_directive(tagging)) {
        call_fail(call, 400, "InvalidArgument", "Unknown metadata or tagging directive.");
        return false;
    }
    if (s3_is(metadata, "REPLACE")) {
        if (!object_write_given(call, writer)) {
            return false;
        }
    } else {
        object_copy_fields(source->record, OBJECT_GIVEN, writer);
    }
    if (s3_is(tagging, "REPLACE")) {
        if (!object_write_tags(call, writer)) {
            return false;
        }
    } else {
        object_copy_fields(source->record, OBJECT_TAGS, writer);
    }
    return object_write_keeping(call, writer);
}

static void answer(struct call *call, const char *etag, int64_t modified_ms,
                   enum checksum_algorithm algorithm, struct virga_str checksum) {
    struct virga_xml_writer writer = {0};
    char quoted[OBJECT_ETAG_SIZE + 2];
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", etag);
    virga_xml_begin_in(&writer, "CopyObjectResult", S3_XMLNS);
    virga_xml_time(&writer, "LastModified", modified_ms);
    virga_xml_string(&writer, "ETag", quoted);
    if (algorithm != CHECKSUM_NONE) {
        virga_xml_str(&writer, checksum_element(algorithm), checksum);
        virga_xml_string(&writer, "ChecksumType", "FULL_OBJECT");
    }
    virga_xml_end(&writer, "CopyObjectResult");
    object_add_encryption(call, call->record);
    call_answer_xml(call, 200, &writer);
}

static void on_copied(struct call *call, const struct copied *copied) {
    struct s3 *s3 = call->s3;
    const struct copy *copy = call->own;
    const struct object *source = &copy->source;
    struct record_writer writer = {0};
    const char *etag = copy->digests ? copied->digests.etag : source->etag;
    enum checksum_algorithm algorithm =
        copy->digests ? copied->digests.algorithm : source->algorithm;
    struct virga_str checksum =
        copy->digests ? virga_str_from(copied->digests.checksum) : source->checksum;
    int64_t now_ms = s3->timer->now_ms(s3->host);
    object_write_bytes(&writer, &copied->id, copied->size, etag, now_ms);
    if (algorithm != CHECKSUM_NONE) {
        record_put_string(&writer, OBJECT_ALGORITHM, checksum_name(algorithm));
        record_put(&writer, OBJECT_CHECKSUM, checksum);
        record_put_string(&writer, OBJECT_CHECKSUM_TYPE, "FULL_OBJECT");
    }
    object_copy_fields(call->record, OBJECT_GIVEN OBJECT_TAGS OBJECT_KEEPING, &writer);
    int result = object_save(call, &writer, &copied->id, s3_str(NULL, 0));
    record_finish(&writer);
    if (result != 0) {
        if (copied->id.text[0] != '\0') {
            files_abandon(s3, &copied->id);
        }
        object_save_failed(call, result);
        return;
    }
    answer(call, etag, now_ms, algorithm, checksum);
}

/* A copy onto itself must change something. */
static bool changes(const struct call *call) {
    static const char *const headers[] = {"x-amz-storage-class", "x-amz-server-side-encryption",
                                          "x-amz-website-redirect-location",
                                          "x-amz-checksum-algorithm"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (call_header(call, headers[i]).ptr != NULL) {
            return true;
        }
    }
    return s3_is(call_header(call, "x-amz-metadata-directive"), "REPLACE");
}

void copy_object(struct call *call) {
    struct copy *copy = call_alloc(call, sizeof *copy);
    struct copier_source *source = call_alloc(call, sizeof *source);
    struct record_writer writer = {0};
    struct virga_str wanted = call_header(call, "x-amz-checksum-algorithm");
    bool itself;
    if (copy == NULL || source == NULL) {
        call_broken(call, "A copy was not made", -ENOMEM);
        return;
    }
    if (!copy_find_source(call, &copy->source, &itself) || !object_check_write(call)) {
        return;
    }
    if (itself && !changes(call)) {
        call_fail(
            call, 400, "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself "
            "without changing the object's metadata, storage class, website redirect location "
            "or encryption attributes.");
        return;
    }
    if (copy->source.size > S3_PUT_MAX) {
        call_fail(call, 400, "InvalidRequest",
                  "The specified copy source is larger than the maximum allowable size for a copy "
                  "source: 5368709120");
        return;
    }
    if (!write_said(call, &copy->source, &writer)) {
        record_finish(&writer);
        return;
    }
    if (!object_own_record(call, &writer)) {
        return;
    }
    enum checksum_algorithm algorithm =
        wanted.ptr != NULL ? checksum_by_name(wanted) : copy->source.algorithm;
    /* The tag of an object of parts is not that of its bytes. */
    copy->digests = copy->source.parts > 0 || algorithm != copy->source.algorithm;
    *source = (struct copier_source){copy->source.file, 0, copy->source.size};
    const struct copier_options options = {.sources = source,
                                           .count = 1,
                                           .whole = true,
                                           .digests = copy->digests,
                                           .algorithm = algorithm};
    call->own = copy;
    copier_start(call, &options, on_copied);
}
