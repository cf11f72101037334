/* SPDX-License-Identifier: MIT */
/* ListObjects, ListObjectsV2 and ListObjectVersions. Source: their pages of the S3 API Reference.
 */
#include "list.h"
#include "object.h"
#include "walk.h"

#include <errno.h>
#include <virga/helpers/base64.h>

#define KEYS_MAX 1000
#define TOKEN_MAX VIRGA_BASE64_SIZE(S3_KEY_MAX + 1)

enum list_kind { LIST_V1, LIST_V2, LIST_VERSIONS };

struct list_call {
    enum list_kind kind;
    bool encoded;
    bool owners;
    int64_t most;
    struct virga_str prefix;
    struct virga_str delimiter;
    struct virga_str after;
    char last[S3_KEY_MAX + 1]; /* that was written */
    size_t last_len;
    int64_t count;
    bool truncated;
};

/* Source: the "encoding-type" of responses: as in a URL, but for slashes. */
void list_write_name(struct virga_xml_writer *writer, const char *element, struct virga_str name,
                     bool encoded) {
    static const char hex[] = "0123456789ABCDEF";
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~*/";
    if (!encoded) {
        virga_xml_str(writer, element, name);
        return;
    }
    virga_xml_begin(writer, element);
    for (size_t i = 0; i < name.len; i++) {
        unsigned char byte = (unsigned char)name.ptr[i];
        char escape[3] = {'%', hex[byte >> 4], hex[byte & 15]};
        bool is_plain = byte != 0 && strchr(plain, (int)byte) != NULL;
        virga_xml_text(writer, is_plain ? s3_str(name.ptr + i, 1) : s3_str(escape, 3));
    }
    virga_xml_end(writer, element);
}

bool list_read_encoding(struct call *call, bool *ret_encoded) {
    struct virga_str type = call_param(call, "encoding-type");
    *ret_encoded = type.len > 0;
    if (type.len > 0 && !s3_is(type, "url")) {
        call_fail(call, 400, "InvalidArgument", "Invalid Encoding Method specified in Request");
        return false;
    }
    return true;
}

/* ---- what was asked ---- */

static bool open_token(struct call *call, struct list_call *list, struct virga_str token) {
    char *bytes = call_alloc(call, token.len + 4);
    size_t len;
    if (bytes == NULL || token.len > TOKEN_MAX || virga_base64_decode(token, bytes, &len) != 0 ||
        len == 0 || len > S3_KEY_MAX) {
        call_fail(call, 400, "InvalidArgument", "The continuation token provided is incorrect");
        return false;
    }
    list->after = s3_str(bytes, len);
    return true;
}

static bool read_params(struct call *call, struct list_call *list) {
    static const char *const starts[] = {"marker", "start-after", "key-marker"};
    struct virga_str token = call_param(call, "continuation-token");
    list->prefix = call_param(call, "prefix");
    list->delimiter = call_param(call, "delimiter");
    list->after = call_param(call, starts[list->kind]);
    list->owners = list->kind != LIST_V2 || s3_is(call_param(call, "fetch-owner"), "true");
    list->most = KEYS_MAX;
    if (call_param(call, "max-keys").len > 0 &&
        call_number(call_param(call, "max-keys"), 0, INT32_MAX, &list->most) == -EINVAL) {
        call_fail(call, 400, "InvalidArgument",
                  "Argument maxKeys must be an integer between 0 and 2147483647");
        return false;
    }
    if (list->kind == LIST_V2 && !s3_is(call_param(call, "list-type"), "2")) {
        call_fail(call, 400, "InvalidArgument", "Invalid List Type specified in Request");
        return false;
    }
    if (!list_read_encoding(call, &list->encoded)) {
        return false;
    }
    return list->kind != LIST_V2 || token.ptr == NULL || open_token(call, list, token);
}

/* ---- what is there ---- */

static void write_object(struct call *call, const struct list_call *list, struct virga_str name,
                         struct virga_str record, struct virga_xml_writer *writer) {
    const char *element = list->kind == LIST_VERSIONS ? "Version" : "Contents";
    struct object object;
    char quoted[OBJECT_ETAG_SIZE + 2];
    object_parse(record, &object);
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", object.etag);
    virga_xml_begin(writer, element);
    list_write_name(writer, "Key", name, list->encoded);
    if (list->kind == LIST_VERSIONS) {
        virga_xml_string(writer, "VersionId", "null");
        virga_xml_bool(writer, "IsLatest", 1);
    }
    virga_xml_time(writer, "LastModified", object.modified_ms);
    virga_xml_string(writer, "ETag", quoted);
    if (object.algorithm != CHECKSUM_NONE) {
        virga_xml_string(writer, "ChecksumAlgorithm", checksum_name(object.algorithm));
        virga_xml_str(writer, "ChecksumType", object.checksum_type);
    }
    virga_xml_int(writer, "Size", (int64_t)object.size);
    if (list->owners) {
        call_write_owner(writer, "Owner", virga_str_from(call->in.owner));
    }
    virga_xml_str(writer, "StorageClass", object.storage_class);
    virga_xml_end(writer, element);
}

/* Names first, then common prefixes, as S3 writes them; they are counted together. */
static int write_page(struct call *call, struct list_call *list, struct virga_xml_writer *writer) {
    struct walk walk;
    struct virga_xml_writer prefixes = {0};
    struct virga_str name, record, rest;
    bool common;
    int64_t most = list->most < KEYS_MAX ? list->most : KEYS_MAX;
    int result = walk_begin(&walk, call->s3, RECORD_OBJECT, call->bucket, list->prefix,
                            list->delimiter, list->after);
    if (result == -EINVAL) {
        return 0; /* no key is so long */
    }
    if (result != 0) {
        return result;
    }
    while (most > 0 && (result = walk_next(&walk, &name, &record, &rest, &common)) == 1) {
        if (list->count == most) {
            list->truncated = true;
            break;
        }
        if (common) {
            virga_xml_begin(&prefixes, "CommonPrefixes");
            list_write_name(&prefixes, "Prefix", name, list->encoded);
            virga_xml_end(&prefixes, "CommonPrefixes");
        } else {
            write_object(call, list, name, record, writer);
        }
        list->count++;
        memcpy(list->last, name.ptr, name.len);
        list->last_len = name.len;
    }
    walk_end(&walk);
    virga_xml_raw(writer, s3_str(prefixes.ptr, prefixes.len));
    result = prefixes.failed ? -ENOMEM : result;
    virga_xml_finish(&prefixes);
    return result < 0 ? result : 0;
}

/* ---- the answer ---- */

static void write_optional(struct virga_xml_writer *writer, const char *element,
                           struct virga_str text, bool encoded) {
    if (text.ptr != NULL) {
        list_write_name(writer, element, text, encoded);
    }
}

static void write_continuation(struct call *call, const struct list_call *list,
                               struct virga_xml_writer *writer) {
    struct virga_str last = s3_str(list->last, list->last_len);
    struct virga_str token = call_param(call, "continuation-token");
    char text[TOKEN_MAX];
    virga_xml_bool(writer, "IsTruncated", list->truncated);
    switch (list->kind) {
    case LIST_V1:
        list_write_name(writer, "Marker", list->after, list->encoded);
        if (list->truncated && list->delimiter.len > 0) {
            list_write_name(writer, "NextMarker", last, list->encoded);
        }
        break;
    case LIST_V2:
        virga_xml_int(writer, "KeyCount", list->count);
        if (token.ptr != NULL) {
            virga_xml_str(writer, "ContinuationToken", token);
        }
        write_optional(writer, "StartAfter", call_param(call, "start-after"), list->encoded);
        if (list->truncated) {
            (void)virga_base64_encode(last, text);
            virga_xml_string(writer, "NextContinuationToken", text);
        }
        break;
    default:
        list_write_name(writer, "KeyMarker", list->after, list->encoded);
        virga_xml_str(writer, "VersionIdMarker", call_param(call, "version-id-marker"));
        if (list->truncated) {
            list_write_name(writer, "NextKeyMarker", last, list->encoded);
            virga_xml_string(writer, "NextVersionIdMarker", "null");
        }
        break;
    }
}

static void list_all(struct call *call, enum list_kind kind) {
    struct list_call list = {.kind = kind};
    struct virga_xml_writer page = {0}, writer = {0};
    const char *root = kind == LIST_VERSIONS ? "ListVersionsResult" : "ListBucketResult";
    if (!read_params(call, &list)) {
        return;
    }
    int result = write_page(call, &list, &page);
    if (result != 0) {
        virga_xml_finish(&page);
        call_broken(call, "The objects could not be listed", result);
        return;
    }
    virga_xml_begin_in(&writer, root, S3_XMLNS);
    virga_xml_str(&writer, "Name", call->bucket);
    list_write_name(&writer, "Prefix", list.prefix, list.encoded);
    virga_xml_int(&writer, "MaxKeys", list.most < KEYS_MAX ? list.most : KEYS_MAX);
    if (list.delimiter.len > 0) {
        list_write_name(&writer, "Delimiter", list.delimiter, list.encoded);
    }
    if (list.encoded) {
        virga_xml_string(&writer, "EncodingType", "url");
    }
    write_continuation(call, &list, &writer);
    virga_xml_raw(&writer, s3_str(page.ptr, page.len));
    virga_xml_end(&writer, root);
    writer.failed = writer.failed || page.failed;
    virga_xml_finish(&page);
    call_answer_xml(call, 200, &writer);
}

void list_v1(struct call *call) {
    list_all(call, LIST_V1);
}

void list_v2(struct call *call) {
    list_all(call, LIST_V2);
}

void list_versions(struct call *call) {
    list_all(call, LIST_VERSIONS);
}
