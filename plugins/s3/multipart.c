/* SPDX-License-Identifier: MIT */
/* Records of uploads and parts; beginning and ending an upload. */
#include "multipart.h"

#include <errno.h>

static void make_key(struct record_key *key, struct virga_str bucket, struct virga_str name,
                     struct virga_str upload) {
    record_key_in(key, RECORD_UPLOAD, bucket);
    record_key_add(key, name);
    record_key_add(key, upload);
}

void multipart_no_such_upload(struct call *call) {
    call_fail(
        call, 404, "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may "
        "have been aborted or completed.");
}

bool multipart_find(struct call *call) {
    struct s3 *s3 = call->s3;
    struct virga_str upload = call_param(call, "uploadId");
    struct virga_store_value value;
    struct record_key key;
    make_key(&key, call->bucket, call->key, upload);
    int result = key.bad || upload.len == 0 || upload.len > MULTIPART_ID_MAX
                     ? -ENOENT
                     : s3->store->get(s3->host, record_key_str(&key), &value);
    if (result == 0) {
        call->record = call_copy(call, s3_str(value.ptr, value.len));
        s3->store->release(s3->host, &value);
        result = call->record.ptr != NULL ? 0 : -ENOMEM;
    }
    if (result == -ENOENT) {
        multipart_no_such_upload(call);
    } else if (result != 0) {
        call_broken(call, "The upload could not be read", result);
    }
    return result == 0;
}

enum checksum_algorithm multipart_algorithm(struct virga_str record, bool *ret_full_object) {
    struct object object;
    object_parse(record, &object);
    *ret_full_object = s3_is(object.checksum_type, "FULL_OBJECT");
    return object.algorithm;
}

/* ---- parts ---- */

void multipart_parse_part(struct virga_str key, struct virga_str record, struct part *ret_part) {
    struct object object;
    object_parse(record, &object);
    *ret_part = (struct part){.size = object.size,
                              .modified_ms = object.modified_ms,
                              .file = object.file,
                              .checksum = object.checksum};
    memcpy(ret_part->etag, object.etag, sizeof ret_part->etag);
    for (size_t i = key.len >= 5 ? key.len - 5 : 0; i < key.len; i++) {
        ret_part->number = ret_part->number * 10 + (unsigned)(key.ptr[i] - '0');
    }
}

int multipart_scan(struct s3 *s3, struct virga_str upload, unsigned after,
                   struct virga_store_cursor **ret_cursor) {
    struct record_key prefix, start;
    char number[16];
    record_key_in(&prefix, RECORD_PART, upload);
    record_key_add(&prefix, s3_str("", 0));
    (void)snprintf(number, sizeof number, "%05u", after);
    record_key_in(&start, RECORD_PART, upload);
    record_key_add(&start, virga_str_from(number));
    return s3->store->scan(s3->host, record_key_str(&prefix), record_key_str(&start), 0,
                           ret_cursor);
}

static int drop_parts(struct s3 *s3, struct virga_str upload) {
    struct virga_store_cursor *cursor;
    struct virga_str key, record;
    struct record_key prefix;
    int result = multipart_scan(s3, upload, 0, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = s3->store->next(cursor, &key, &record)) == 1) {
        struct part part;
        multipart_parse_part(key, record, &part);
        result = files_drop(s3, part.file);
        if (result != 0) {
            break;
        }
    }
    s3->store->close(cursor);
    if (result == 0) {
        record_key_in(&prefix, RECORD_PART, upload);
        record_key_add(&prefix, s3_str("", 0));
        result = s3->store->del_prefix(s3->host, record_key_str(&prefix), NULL);
    }
    return result;
}

int multipart_drop(struct s3 *s3, struct virga_str bucket, struct virga_str key,
                   struct virga_str upload) {
    struct record_key record_key;
    make_key(&record_key, bucket, key, upload);
    int result = s3->store->del(s3->host, record_key_str(&record_key));
    return result == 0 ? drop_parts(s3, upload) : result;
}

int multipart_drop_all(struct s3 *s3, struct virga_str bucket) {
    struct virga_store_cursor *cursor;
    struct virga_str key, record;
    struct record_key prefix;
    record_key_in(&prefix, RECORD_UPLOAD, bucket);
    record_key_add(&prefix, s3_str("", 0));
    int result = s3->store->scan(s3->host, record_key_str(&prefix), s3_str(NULL, 0),
                                 VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = s3->store->next(cursor, &key, &record)) == 1) {
        const char *nul = memrchr(key.ptr, '\0', key.len);
        result = drop_parts(s3, s3_str(nul + 1, (size_t)(key.ptr + key.len - nul - 1)));
        if (result != 0) {
            break;
        }
    }
    s3->store->close(cursor);
    return result == 0 ? s3->store->del_prefix(s3->host, record_key_str(&prefix), NULL) : result;
}

/* ---- CreateMultipartUpload ---- */

/* Source: S3 User Guide, "Checking object integrity": SHA-1 and SHA-256 are composite only,
 * CRC-64/NVME is of the full object only, the others are composite unless asked otherwise. */
static bool write_algorithm(struct call *call, struct record_writer *writer) {
    struct virga_str name = call_header(call, "x-amz-checksum-algorithm");
    struct virga_str type = call_header(call, "x-amz-checksum-type");
    enum checksum_algorithm algorithm = checksum_by_name(name);
    if (name.ptr == NULL && type.ptr == NULL) {
        return true;
    }
    bool full = type.ptr != NULL ? s3_is(type, "FULL_OBJECT") : algorithm == CHECKSUM_CRC64NVME;
    if (algorithm == CHECKSUM_NONE || (type.ptr != NULL && !full && !s3_is(type, "COMPOSITE"))) {
        call_fail(call, 400, "InvalidRequest",
                  "Checksum algorithm or type provided is unsupported.");
        return false;
    }
    if ((full && !checksum_combines(algorithm)) || (!full && algorithm == CHECKSUM_CRC64NVME)) {
        call_fail(call, 400, "InvalidRequest",
                  "The %s checksum type cannot be used with the %s checksum algorithm.",
                  full ? "FULL_OBJECT" : "COMPOSITE", checksum_name(algorithm));
        return false;
    }
    record_put_string(writer, OBJECT_ALGORITHM, checksum_name(algorithm));
    record_put_string(writer, OBJECT_CHECKSUM_TYPE, full ? "FULL_OBJECT" : "COMPOSITE");
    call_add(call, "x-amz-checksum-algorithm", virga_str_from(checksum_name(algorithm)));
    call_add(call, "x-amz-checksum-type", virga_str_from(full ? "FULL_OBJECT" : "COMPOSITE"));
    return true;
}

static void answer_created(struct call *call, const char *id) {
    struct virga_xml_writer writer = {0};
    virga_xml_begin_in(&writer, "InitiateMultipartUploadResult", S3_XMLNS);
    virga_xml_str(&writer, "Bucket", call->bucket);
    virga_xml_str(&writer, "Key", call->key);
    virga_xml_string(&writer, "UploadId", id);
    virga_xml_end(&writer, "InitiateMultipartUploadResult");
    object_add_encryption(call, call->record);
    call_answer_xml(call, 200, &writer);
}

void multipart_create(struct call *call) {
    struct s3 *s3 = call->s3;
    struct record_writer writer = {0};
    struct record_key key;
    char id[FILE_ID_LEN + 1];
    record_put_int(&writer, OBJECT_MODIFIED, s3->timer->now_ms(s3->host));
    if (!object_write_given(call, &writer) || !object_write_tags(call, &writer) ||
        !object_write_keeping(call, &writer) || !write_algorithm(call, &writer)) {
        record_finish(&writer);
        return;
    }
    if (!object_own_record(call, &writer)) {
        return;
    }
    int result = files_random_name(id);
    if (result == 0) {
        make_key(&key, call->bucket, call->key, virga_str_from(id));
        result = s3->store->put(s3->host, record_key_str(&key), call->record);
    }
    if (result != 0) {
        call_broken(call, "The upload could not be made", result);
    } else {
        answer_created(call, id);
    }
}

/* ---- AbortMultipartUpload ---- */

void multipart_abort(struct call *call) {
    struct s3 *s3 = call->s3;
    if (!multipart_find(call)) {
        return;
    }
    int result = s3->store->begin(s3->host);
    if (result == 0) {
        result = multipart_drop(s3, call->bucket, call->key, call_param(call, "uploadId"));
        if (result == 0) {
            result = s3->store->commit(s3->host);
            files_sweep(s3);
        } else {
            s3->store->rollback(s3->host);
        }
    }
    if (result != 0) {
        call_broken(call, "The upload could not be ended", result);
    } else {
        call_answer(call, 204);
    }
}
