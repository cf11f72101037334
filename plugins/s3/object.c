/* SPDX-License-Identifier: MIT */
/* Records of objects: reading them and putting them in place. */
#include "object.h"
#include "multipart.h"
#include "range.h"

#include <errno.h>
#include <stdlib.h>

void object_parse(struct virga_str record, struct object *ret_object) {
    struct object object = {.record = record, .file = {"", 0}, .storage_class = {"STANDARD", 8}};
    char letter;
    struct virga_str value;
    while (record_next(&record, &letter, &value)) {
        switch (letter) {
        case OBJECT_FILE:
            object.file = value;
            break;
        case OBJECT_SIZE:
            object.size = (uint64_t)record_int(value);
            break;
        case OBJECT_ETAG:
            (void)snprintf(object.etag, sizeof object.etag, "%s", value.ptr);
            break;
        case OBJECT_MODIFIED:
            object.modified_ms = record_int(value);
            break;
        case OBJECT_STORAGE_CLASS:
            object.storage_class = value;
            break;
        case OBJECT_ALGORITHM:
            object.algorithm = checksum_by_name(value);
            break;
        case OBJECT_CHECKSUM:
            object.checksum = value;
            break;
        case OBJECT_CHECKSUM_TYPE:
            object.checksum_type = value;
            break;
        case OBJECT_PART:
            object.parts++;
            break;
        case OBJECT_TAG_KEY:
            object.tags++;
            break;
        default:
            break;
        }
    }
    *ret_object = object;
}

static void make_key(struct record_key *key, struct virga_str bucket, struct virga_str name) {
    record_key_in(key, RECORD_OBJECT, bucket);
    record_key_add(key, name);
}

int object_load(struct call *call, struct virga_str bucket, struct virga_str key,
                struct object *ret_object) {
    struct s3 *s3 = call->s3;
    struct record_key record_key;
    struct virga_store_value value;
    make_key(&record_key, bucket, key);
    if (record_key.bad) {
        return -ENOENT;
    }
    int result = s3->store->get(s3->host, record_key_str(&record_key), &value);
    if (result != 0) {
        return result;
    }
    struct virga_str record = call_copy(call, s3_str(value.ptr, value.len));
    s3->store->release(s3->host, &value);
    if (record.ptr == NULL) {
        return -ENOMEM;
    }
    object_parse(record, ret_object);
    return 0;
}

bool object_find(struct call *call, struct object *ret_object) {
    struct virga_str version = call_param(call, "versionId");
    int result = object_load(call, call->bucket, call->key, ret_object);
    if (result == -ENOENT) {
        call_no_such_key(call);
    } else if (result != 0) {
        call_broken(call, "The object could not be read", result);
    } else if (version.ptr != NULL && !s3_is(version, "null")) {
        call_fail(call, 404, "NoSuchVersion", "The specified version does not exist.");
        return false;
    }
    return result == 0;
}

bool object_part(const struct object *object, size_t number, uint64_t *ret_offset,
                 uint64_t *ret_size, struct virga_str *ret_checksum) {
    struct virga_str record = object->record, value;
    uint64_t offset = 0;
    size_t at = 0;
    char letter;
    while (record_next(&record, &letter, &value)) {
        if (letter != OBJECT_PART) {
            continue;
        }
        uint64_t size = (uint64_t)record_int(value);
        if (++at == number) {
            const char *space = memchr(value.ptr, ' ', value.len);
            *ret_offset = offset;
            *ret_size = size;
            *ret_checksum = space != NULL ? virga_str_from(space + 1) : s3_str("", 0);
            return true;
        }
        offset += size;
    }
    return false;
}

void object_copy_fields(struct virga_str record, const char *letters,
                        struct record_writer *writer) {
    char letter;
    struct virga_str value;
    while (record_next(&record, &letter, &value)) {
        if (strchr(letters, letter) != NULL) {
            record_put(writer, letter, value);
        }
    }
}

void object_write_bytes(struct record_writer *writer, const struct file_id *id, uint64_t size,
                        const char *etag, int64_t modified_ms) {
    if (id->text[0] != '\0') {
        record_put_string(writer, OBJECT_FILE, id->text);
    }
    record_put_int(writer, OBJECT_SIZE, (int64_t)size);
    record_put_string(writer, OBJECT_ETAG, etag);
    record_put_int(writer, OBJECT_MODIFIED, modified_ms);
}

bool object_own_record(struct call *call, struct record_writer *writer) {
    call->record = call_copy(call, s3_str(writer->ptr, writer->len));
    bool failed = writer->failed || call->record.ptr == NULL;
    record_finish(writer);
    if (failed) {
        call_broken(call, "The object was not stored", -ENOMEM);
    }
    return !failed;
}

/* ---- putting one in place ---- */

/* Source: S3 User Guide, "Conditional writes". 0, -EEXIST If-None-Match does not hold, -ESTALE
 * If-Match, -ENOENT If-Match and there is no object. */
static int check_conditions(const struct call *call, const struct object *old) {
    struct conditions conditions = {.if_match = call_header(call, "if-match")};
    if (s3_is(call_header(call, "if-none-match"), "*") && old != NULL) {
        return -EEXIST;
    }
    if (conditions.if_match.ptr == NULL) {
        return 0;
    }
    if (old == NULL) {
        return -ENOENT;
    }
    return conditions_check(&conditions, old->etag, old->modified_ms) == 0 ? 0 : -ESTALE;
}

bool object_check_write(struct call *call) {
    struct object old;
    struct virga_str none = call_header(call, "if-none-match");
    if (none.ptr == NULL && call_header(call, "if-match").ptr == NULL) {
        return true;
    }
    if (none.ptr != NULL && !s3_is(none, "*")) {
        call_fail(call, 501, "NotImplemented",
                  "A header you provided implies functionality that is not implemented");
        return false;
    }
    int result = object_load(call, call->bucket, call->key, &old);
    if (result != 0 && result != -ENOENT) {
        call_broken(call, "The object could not be read", result);
        return false;
    }
    result = check_conditions(call, result == 0 ? &old : NULL);
    if (result != 0) {
        object_save_failed(call, result == -ENOENT ? -ENODATA : result);
    }
    return result == 0;
}

void object_save_failed(struct call *call, int error) {
    if (error == -EEXIST) {
        call_precondition_failed(call, "If-None-Match");
    } else if (error == -ESTALE) {
        call_precondition_failed(call, "If-Match");
    } else if (error == -ENODATA) {
        call_no_such_key(call);
    } else if (error == -ENOENT) {
        multipart_no_such_upload(call);
    } else if (error == -ENXIO) {
        call_fail(call, 404, "NoSuchBucket", "The specified bucket does not exist");
    } else {
        call_broken(call, "The object could not be written", error);
    }
}

/* Everything again: much may have changed while the bytes came. */
static int replace(struct call *call, const struct record_writer *writer, const struct file_id *id,
                   struct virga_str upload) {
    struct s3 *s3 = call->s3;
    struct record_key key;
    struct bucket bucket;
    struct object old;
    int result = bucket_load(s3, call->bucket, &bucket);
    if (result != 0) {
        return result == -ENOENT ? -ENXIO : result;
    }
    result = object_load(call, call->bucket, call->key, &old);
    if (result != 0 && result != -ENOENT) {
        return result;
    }
    bool has_old = result == 0;
    result = check_conditions(call, has_old ? &old : NULL);
    if (result != 0) {
        return result == -ENOENT ? -ENODATA : result;
    }
    result = has_old ? files_drop(s3, old.file) : 0;
    if (result == 0 && upload.ptr != NULL) {
        result = multipart_drop(s3, call->bucket, call->key, upload);
    }
    result = result == 0 && id != NULL ? files_keep(s3, id) : result;
    make_key(&key, call->bucket, call->key);
    return result == 0
               ? s3->store->put(s3->host, record_key_str(&key), s3_str(writer->ptr, writer->len))
               : result;
}

int object_save(struct call *call, const struct record_writer *writer, const struct file_id *id,
                struct virga_str upload) {
    struct s3 *s3 = call->s3;
    if (writer->failed) {
        return -ENOMEM;
    }
    int result = s3->store->begin(s3->host);
    if (result != 0) {
        return result;
    }
    result = replace(call, writer, id, upload);
    if (result != 0) {
        s3->store->rollback(s3->host);
        return result;
    }
    result = s3->store->commit(s3->host);
    if (result == 0) {
        files_sweep(s3);
    }
    return result;
}
