/* SPDX-License-Identifier: MIT */
/* UploadPart and UploadPartCopy. */
#include "copier.h"
#include "copy.h"
#include "multipart.h"
#include "receiver.h"

#include <errno.h>

/* The number of the call's part. False: the call has ended. */
static bool read_number(struct call *call, unsigned *ret_number) {
    int64_t number;
    if (call_number(call_param(call, "partNumber"), 1, MULTIPART_PARTS_MAX, &number) != 0) {
        call_fail(call, 400, "InvalidArgument",
                  "Part number must be an integer between 1 and 10000, inclusive");
        return false;
    }
    *ret_number = (unsigned)number;
    return true;
}

static void make_key(const struct call *call, struct record_key *key) {
    int64_t number = 0;
    char text[16];
    (void)call_number(call_param(call, "partNumber"), 1, MULTIPART_PARTS_MAX, &number);
    (void)snprintf(text, sizeof text, "%05u", (unsigned)number);
    record_key_in(key, RECORD_PART, call_param(call, "uploadId"));
    record_key_add(key, virga_str_from(text));
}

/* Within a transaction: the upload may have ended while the bytes came. */
static int replace(struct call *call, const struct record_writer *writer,
                   const struct file_id *id) {
    struct s3 *s3 = call->s3;
    struct record_key key, upload;
    struct virga_store_value value = {NULL, 0};
    record_key_in(&upload, RECORD_UPLOAD, call->bucket);
    record_key_add(&upload, call->key);
    record_key_add(&upload, call_param(call, "uploadId"));
    int result = s3->store->get(s3->host, record_key_str(&upload), &value);
    if (result != 0) {
        return result;
    }
    s3->store->release(s3->host, &value);
    make_key(call, &key);
    result = s3->store->get(s3->host, record_key_str(&key), &value);
    if (result == 0) {
        struct object old;
        object_parse(s3_str(value.ptr, value.len), &old);
        result = files_drop(s3, old.file);
        s3->store->release(s3->host, &value);
    }
    if (result != 0 && result != -ENOENT) {
        return result;
    }
    result = files_keep(s3, id);
    return result == 0
               ? s3->store->put(s3->host, record_key_str(&key), s3_str(writer->ptr, writer->len))
               : result;
}

/* Keeps a part. False: it was given up, and the call has ended. */
static bool save(struct call *call, const struct file_id *id, uint64_t size,
                 const struct digests *digests, int64_t now_ms) {
    struct s3 *s3 = call->s3;
    struct record_writer writer = {0};
    object_write_bytes(&writer, id, size, digests->etag, now_ms);
    if (digests->algorithm != CHECKSUM_NONE) {
        record_put_string(&writer, OBJECT_CHECKSUM, digests->checksum);
    }
    int result = writer.failed ? -ENOMEM : s3->store->begin(s3->host);
    if (result == 0) {
        result = replace(call, &writer, id);
        if (result == 0) {
            result = s3->store->commit(s3->host);
            files_sweep(s3);
        } else {
            s3->store->rollback(s3->host);
        }
    }
    record_finish(&writer);
    if (result != 0) {
        if (id->text[0] != '\0') {
            files_abandon(s3, id);
        }
        object_save_failed(call, result);
    }
    return result == 0;
}

/* ---- UploadPart ---- */

static void on_received(struct call *call, const struct received *received) {
    const struct digests *digests = &received->digests;
    if (!save(call, &received->id, received->size, digests,
              call->s3->timer->now_ms(call->s3->host))) {
        return;
    }
    call_add_quoted(call, "ETag", digests->etag);
    if (digests->algorithm != CHECKSUM_NONE) {
        call_addf(call, checksum_header(digests->algorithm), "%s", digests->checksum);
    }
    object_add_encryption(call, call->record);
    call_answer(call, 200);
}

void multipart_put_part(struct call *call) {
    struct digests_wanted wanted;
    unsigned number;
    bool full_object;
    if (!read_number(call, &number) || !multipart_find(call) || !digests_read(call, &wanted)) {
        return;
    }
    enum checksum_algorithm algorithm = multipart_algorithm(call->record, &full_object);
    if (algorithm != CHECKSUM_NONE && wanted.algorithm != CHECKSUM_NONE &&
        algorithm != wanted.algorithm) {
        call_fail(call, 400, "InvalidRequest",
                  "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum "
                  "Type: %s",
                  checksum_name(algorithm), checksum_name(wanted.algorithm));
        return;
    }
    if (algorithm != CHECKSUM_NONE) {
        wanted.algorithm = algorithm;
    }
    receiver_start(call, &wanted, on_received);
}

/* ---- UploadPartCopy ---- */

static void on_copied(struct call *call, const struct copied *copied) {
    const struct digests *digests = &copied->digests;
    struct virga_xml_writer writer = {0};
    char quoted[OBJECT_ETAG_SIZE + 2];
    int64_t now_ms = call->s3->timer->now_ms(call->s3->host);
    if (!save(call, &copied->id, copied->size, digests, now_ms)) {
        return;
    }
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", digests->etag);
    virga_xml_begin_in(&writer, "CopyPartResult", S3_XMLNS);
    virga_xml_time(&writer, "LastModified", now_ms);
    virga_xml_string(&writer, "ETag", quoted);
    if (digests->algorithm != CHECKSUM_NONE) {
        virga_xml_string(&writer, checksum_element(digests->algorithm), digests->checksum);
    }
    virga_xml_end(&writer, "CopyPartResult");
    object_add_encryption(call, call->record);
    call_answer_xml(call, 200, &writer);
}

/* Source: UploadPartCopy: "bytes=first-last", both within the source. */
static bool read_range(struct call *call, const struct object *source, uint64_t *ret_offset,
                       uint64_t *ret_length) {
    struct virga_str header = call_header(call, "x-amz-copy-source-range");
    char text[64];
    unsigned long long first, last;
    int end = 0;
    *ret_offset = 0;
    *ret_length = source->size;
    if (header.ptr == NULL) {
        return true;
    }
    (void)snprintf(text, sizeof text, "%.*s", header.len < sizeof text ? (int)header.len : 0,
                   header.ptr);
    if (sscanf(text, "bytes=%19llu-%19llu%n", &first, &last, &end) != 2 || text[end] != '\0' ||
        last < first) {
        call_fail(call, 400, "InvalidArgument",
                  "The x-amz-copy-source-range value must be of the form bytes=first-last where "
                  "first and last are the zero-based offsets of the first and last bytes to copy");
        return false;
    }
    if (last >= source->size) {
        call_fail(call, 400, "InvalidArgument",
                  "Range specified is not valid for source object of size: %llu",
                  (unsigned long long)source->size);
        return false;
    }
    *ret_offset = first;
    *ret_length = last - first + 1;
    return true;
}

void multipart_copy_part(struct call *call) {
    struct object source;
    struct copier_source *from = call_alloc(call, sizeof *from);
    unsigned number;
    bool itself, full_object;
    if (from == NULL) {
        call_broken(call, "A copy was not made", -ENOMEM);
        return;
    }
    if (!read_number(call, &number) || !multipart_find(call) ||
        !copy_find_source(call, &source, &itself) ||
        !read_range(call, &source, &from->offset, &from->length)) {
        return;
    }
    if (from->length > S3_PUT_MAX) {
        call_fail(call, 400, "InvalidRequest",
                  "The specified copy source is larger than the maximum allowable size for a copy "
                  "source: 5368709120");
        return;
    }
    from->file = source.file;
    const struct copier_options options = {
        .sources = from,
        .count = 1,
        .whole = from->length == source.size,
        .digests = true,
        .algorithm = multipart_algorithm(call->record, &full_object),
    };
    copier_start(call, &options, on_copied);
}
