/* SPDX-License-Identifier: MIT */
/* ListParts and ListMultipartUploads. */
#include "list.h"
#include "multipart.h"
#include "walk.h"

#include <errno.h>

#define PAGE_MAX 1000

static void write_quoted(struct virga_xml_writer *writer, const char *etag) {
    char quoted[OBJECT_ETAG_SIZE + 2];
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", etag);
    virga_xml_string(writer, "ETag", quoted);
}

static bool read_most(struct call *call, const char *param, int64_t *ret_most) {
    *ret_most = PAGE_MAX;
    if (call_number(call_param(call, param), 0, INT32_MAX, ret_most) == -EINVAL) {
        call_fail(call, 400, "InvalidArgument",
                  "Argument %s must be an integer between 0 and 2147483647", param);
        return false;
    }
    *ret_most = *ret_most < PAGE_MAX ? *ret_most : PAGE_MAX;
    return true;
}

static void write_storage(struct call *call, const struct object *upload,
                          struct virga_xml_writer *writer) {
    struct virga_str owner = virga_str_from(call->in.owner);
    call_write_owner(writer, "Initiator", owner);
    call_write_owner(writer, "Owner", owner);
    virga_xml_str(writer, "StorageClass", upload->storage_class);
    if (upload->algorithm != CHECKSUM_NONE) {
        virga_xml_string(writer, "ChecksumAlgorithm", checksum_name(upload->algorithm));
        virga_xml_str(writer, "ChecksumType", upload->checksum_type);
    }
}

/* ---- ListParts ---- */

static int write_parts(struct call *call, const struct object *upload, int64_t after, int64_t most,
                       struct virga_xml_writer *writer) {
    struct s3 *s3 = call->s3;
    struct virga_store_cursor *cursor;
    struct virga_str key, record;
    unsigned last = 0;
    int64_t count = 0;
    struct virga_xml_writer parts = {0};
    int result = multipart_scan(s3, call_param(call, "uploadId"), (unsigned)after, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = s3->store->next(cursor, &key, &record)) == 1 && count < most) {
        struct part part;
        multipart_parse_part(key, record, &part);
        virga_xml_begin(&parts, "Part");
        virga_xml_int(&parts, "PartNumber", (int64_t)part.number);
        virga_xml_time(&parts, "LastModified", part.modified_ms);
        write_quoted(&parts, part.etag);
        virga_xml_int(&parts, "Size", (int64_t)part.size);
        if (upload->algorithm != CHECKSUM_NONE && part.checksum.ptr != NULL) {
            virga_xml_str(&parts, checksum_element(upload->algorithm), part.checksum);
        }
        virga_xml_end(&parts, "Part");
        last = part.number;
        count++;
    }
    s3->store->close(cursor);
    if (count > 0) {
        virga_xml_int(writer, "NextPartNumberMarker", (int64_t)last);
    }
    virga_xml_bool(writer, "IsTruncated", result == 1);
    virga_xml_raw(writer, s3_str(parts.ptr, parts.len));
    writer->failed = writer->failed || parts.failed;
    virga_xml_finish(&parts);
    return result < 0 ? result : 0;
}

void multipart_list_parts(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct object upload;
    int64_t most, after = 0;
    if (!multipart_find(call) || !read_most(call, "max-parts", &most)) {
        return;
    }
    if (call_number(call_param(call, "part-number-marker"), 0, INT32_MAX, &after) == -EINVAL) {
        call_fail(call, 400, "InvalidArgument",
                  "Argument part-number-marker must be an integer between 0 and 2147483647");
        return;
    }
    after = after < MULTIPART_PARTS_MAX ? after : MULTIPART_PARTS_MAX;
    object_parse(call->record, &upload);
    virga_xml_begin_in(&writer, "ListPartsResult", S3_XMLNS);
    virga_xml_str(&writer, "Bucket", call->bucket);
    virga_xml_str(&writer, "Key", call->key);
    virga_xml_str(&writer, "UploadId", call_param(call, "uploadId"));
    virga_xml_int(&writer, "PartNumberMarker", after);
    virga_xml_int(&writer, "MaxParts", most);
    write_storage(call, &upload, &writer);
    int result = write_parts(call, &upload, after, most, &writer);
    virga_xml_end(&writer, "ListPartsResult");
    if (result != 0) {
        virga_xml_finish(&writer);
        call_broken(call, "The parts could not be listed", result);
        return;
    }
    call_answer_xml(call, 200, &writer);
}

/* ---- ListMultipartUploads ---- */

struct uploads {
    int64_t most;
    bool encoded;
    bool truncated;
    char key[S3_KEY_MAX + 1]; /* that was written last */
    char id[MULTIPART_ID_MAX + 1];
};

/* Where the walk goes on: behind one upload, or behind all of a key. */
static struct virga_str start_of(struct call *call,
                                 char buffer[S3_KEY_MAX + MULTIPART_ID_MAX + 4]) {
    struct virga_str key = call_param(call, "key-marker");
    struct virga_str id = call_param(call, "upload-id-marker");
    if (key.len == 0 || key.len > S3_KEY_MAX || id.len > MULTIPART_ID_MAX) {
        return s3_str("", 0);
    }
    memcpy(buffer, key.ptr, key.len);
    buffer[key.len] = '\0';
    if (id.len == 0) {
        buffer[key.len + 1] = '\xff';
        return s3_str(buffer, key.len + 2);
    }
    memcpy(buffer + key.len + 1, id.ptr, id.len);
    return s3_str(buffer, key.len + 1 + id.len);
}

static void write_upload(struct call *call, const struct uploads *uploads, struct virga_str key,
                         struct virga_str id, struct virga_str record,
                         struct virga_xml_writer *writer) {
    struct object upload;
    object_parse(record, &upload);
    virga_xml_begin(writer, "Upload");
    list_write_name(writer, "Key", key, uploads->encoded);
    virga_xml_str(writer, "UploadId", id);
    write_storage(call, &upload, writer);
    virga_xml_time(writer, "Initiated", upload.modified_ms);
    virga_xml_end(writer, "Upload");
}

static int write_uploads(struct call *call, struct uploads *uploads,
                         struct virga_xml_writer *writer) {
    struct walk walk;
    struct virga_xml_writer prefixes = {0};
    struct virga_str key, record, id;
    char buffer[S3_KEY_MAX + MULTIPART_ID_MAX + 4];
    bool common;
    int64_t count = 0;
    int result =
        walk_begin(&walk, call->s3, RECORD_UPLOAD, call->bucket, call_param(call, "prefix"),
                   call_param(call, "delimiter"), start_of(call, buffer));
    if (result != 0) {
        return result == -EINVAL ? 0 : result;
    }
    while (uploads->most > 0 && (result = walk_next(&walk, &key, &record, &id, &common)) == 1) {
        if (count++ == uploads->most) {
            uploads->truncated = true;
            break;
        }
        if (common) {
            virga_xml_begin(&prefixes, "CommonPrefixes");
            list_write_name(&prefixes, "Prefix", key, uploads->encoded);
            virga_xml_end(&prefixes, "CommonPrefixes");
        } else {
            write_upload(call, uploads, key, id, record, writer);
        }
        (void)snprintf(uploads->key, sizeof uploads->key, "%.*s", (int)key.len, key.ptr);
        (void)snprintf(uploads->id, sizeof uploads->id, "%.*s", common ? 0 : (int)id.len, id.ptr);
    }
    walk_end(&walk);
    virga_xml_raw(writer, s3_str(prefixes.ptr, prefixes.len));
    writer->failed = writer->failed || prefixes.failed;
    virga_xml_finish(&prefixes);
    return result < 0 ? result : 0;
}

void multipart_list_uploads(struct call *call) {
    struct virga_xml_writer page = {0}, writer = {0};
    struct uploads uploads = {0};
    struct virga_str delimiter = call_param(call, "delimiter");
    if (!read_most(call, "max-uploads", &uploads.most) ||
        !list_read_encoding(call, &uploads.encoded)) {
        return;
    }
    int result = write_uploads(call, &uploads, &page);
    if (result != 0) {
        virga_xml_finish(&page);
        call_broken(call, "The uploads could not be listed", result);
        return;
    }
    virga_xml_begin_in(&writer, "ListMultipartUploadsResult", S3_XMLNS);
    virga_xml_str(&writer, "Bucket", call->bucket);
    list_write_name(&writer, "KeyMarker", call_param(call, "key-marker"), uploads.encoded);
    virga_xml_str(&writer, "UploadIdMarker", call_param(call, "upload-id-marker"));
    if (uploads.truncated) {
        list_write_name(&writer, "NextKeyMarker", virga_str_from(uploads.key), uploads.encoded);
        virga_xml_string(&writer, "NextUploadIdMarker", uploads.id);
    }
    list_write_name(&writer, "Prefix", call_param(call, "prefix"), uploads.encoded);
    if (delimiter.len > 0) {
        list_write_name(&writer, "Delimiter", delimiter, uploads.encoded);
    }
    if (uploads.encoded) {
        virga_xml_string(&writer, "EncodingType", "url");
    }
    virga_xml_int(&writer, "MaxUploads", uploads.most);
    virga_xml_bool(&writer, "IsTruncated", uploads.truncated);
    virga_xml_raw(&writer, s3_str(page.ptr, page.len));
    virga_xml_end(&writer, "ListMultipartUploadsResult");
    writer.failed = writer.failed || page.failed;
    virga_xml_finish(&page);
    call_answer_xml(call, 200, &writer);
}
