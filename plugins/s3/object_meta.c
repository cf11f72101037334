/* SPDX-License-Identifier: MIT */
/* What headers say of an object: into its record, and out of it. */
#include "acl.h"
#include "object.h"
#include "range.h"
#include "setting.h"
#include "tagging.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

/* Source: PutObject: "the user-defined metadata is limited to 2 KB in size". */
#define META_MAX 2048
#define META_PREFIX "x-amz-meta-"
#define DEFAULT_TYPE "binary/octet-stream"

static const struct {
    char letter;
    const char *header;
    const char *override; /* GetObject's parameter */
} fields[] = {
    {OBJECT_TYPE, "Content-Type", "response-content-type"},
    {OBJECT_CACHE_CONTROL, "Cache-Control", "response-cache-control"},
    {OBJECT_DISPOSITION, "Content-Disposition", "response-content-disposition"},
    {OBJECT_ENCODING, "Content-Encoding", "response-content-encoding"},
    {OBJECT_LANGUAGE, "Content-Language", "response-content-language"},
    {OBJECT_EXPIRES, "Expires", "response-expires"},
    {OBJECT_REDIRECT, "x-amz-website-redirect-location", NULL},
};
#define FIELDS (sizeof fields / sizeof fields[0])

static const char *const storage_classes[] = {
    "STANDARD",       "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
    "GLACIER",        "DEEP_ARCHIVE",       "OUTPOSTS",    "GLACIER_IR", "SNOW",
    "EXPRESS_ONEZONE"};

static bool is_meta(struct virga_str name) {
    size_t len = strlen(META_PREFIX);
    return name.len > len && strncasecmp(name.ptr, META_PREFIX, len) == 0;
}

/* "aws-chunked,gzip" is gzip: the other is of the transfer only. */
static struct virga_str without_chunked(struct virga_str value) {
    static const char word[] = "aws-chunked";
    if (value.ptr == NULL || value.len < sizeof word - 1 ||
        strncasecmp(value.ptr, word, sizeof word - 1) != 0) {
        return value;
    }
    size_t at = sizeof word - 1;
    while (at < value.len && (value.ptr[at] == ',' || value.ptr[at] == ' ')) {
        at++;
    }
    return at < value.len ? s3_str(value.ptr + at, value.len - at) : s3_str(NULL, 0);
}

/* Names are kept in lower case, as S3 does. */
static bool write_meta(struct call *call, struct record_writer *writer) {
    const struct virga_request *req = call->req;
    size_t total = 0;
    for (size_t i = 0; i < req->headers_count; i++) {
        struct virga_str name = req->headers[i].name, value = req->headers[i].value;
        if (!is_meta(name)) {
            continue;
        }
        name = s3_str(name.ptr + strlen(META_PREFIX), name.len - strlen(META_PREFIX));
        total += name.len + value.len;
        if (total > META_MAX) {
            call_fail(call, 400, "MetadataTooLarge",
                      "Your metadata headers exceed the maximum allowed metadata size");
            return false;
        }
        char text[META_MAX + 2];
        for (size_t c = 0; c < name.len; c++) {
            char letter = name.ptr[c];
            text[c] = letter >= 'A' && letter <= 'Z' ? (char)(letter | 0x20) : letter;
        }
        text[name.len] = ':';
        memcpy(text + name.len + 1, value.ptr, value.len);
        record_put(writer, OBJECT_META, s3_str(text, name.len + 1 + value.len));
    }
    return true;
}

bool object_write_given(struct call *call, struct record_writer *writer) {
    for (size_t i = 0; i < FIELDS; i++) {
        struct virga_str value = call_header(call, fields[i].header);
        if (fields[i].letter == OBJECT_TYPE && value.len == 0) {
            value = virga_str_from(DEFAULT_TYPE);
        } else if (fields[i].letter == OBJECT_ENCODING) {
            value = without_chunked(value);
        }
        record_put(writer, fields[i].letter, value);
    }
    return write_meta(call, writer);
}

bool object_write_tags(struct call *call, struct record_writer *writer) {
    struct virga_str text = call_header(call, "x-amz-tagging");
    return text.ptr == NULL || tagging_write_header(call, text, writer);
}

/* ---- encryption ---- */

static bool is_sse(struct virga_str value) {
    return s3_is(value, "AES256") || s3_is(value, "aws:kms") || s3_is(value, "aws:kms:dsse");
}

/* What the bucket's setting says. */
static void write_default_encryption(struct call *call, struct record_writer *writer) {
    struct s3 *s3 = call->s3;
    struct virga_store_value value;
    struct xml_tree *tree = NULL;
    if (setting_load(s3, call->bucket, "encryption", &value) != 0) {
        record_put_string(writer, OBJECT_SSE, "AES256");
        return;
    }
    struct virga_str algorithm = {NULL, 0};
    if (xml_tree_parse(s3_str(value.ptr, value.len), &tree) == 0) {
        const struct xml_node *rule = xml_node_child(xml_tree_root(tree), "Rule");
        const struct xml_node *usual = xml_node_child(rule, "ApplyServerSideEncryptionByDefault");
        algorithm = xml_node_text(usual, "SSEAlgorithm");
        if (is_sse(algorithm)) {
            record_put(writer, OBJECT_SSE, algorithm);
            record_put(writer, OBJECT_KMS_KEY, xml_node_text(usual, "KMSMasterKeyID"));
        }
        if (s3_is(xml_node_text(rule, "BucketKeyEnabled"), "true")) {
            record_put_string(writer, OBJECT_BUCKET_KEY, "true");
        }
    }
    if (!is_sse(algorithm)) {
        record_put_string(writer, OBJECT_SSE, "AES256");
    }
    xml_tree_destroy(tree);
    s3->store->release(s3->host, &value);
}

static bool write_encryption(struct call *call, struct record_writer *writer) {
    struct virga_str sse = call_header(call, "x-amz-server-side-encryption");
    struct virga_str bucket_key =
        call_header(call, "x-amz-server-side-encryption-bucket-key-enabled");
    if (call_header(call, "x-amz-server-side-encryption-customer-algorithm").ptr != NULL) {
        call_fail(call, 501, "NotImplemented",
                  "A header you provided implies functionality that is not implemented: keys of "
                  "the customer");
        return false;
    }
    if (sse.ptr == NULL) {
        write_default_encryption(call, writer);
        return true;
    }
    if (!is_sse(sse)) {
        call_fail(call, 400, "InvalidArgument", "The encryption method specified is not supported");
        return false;
    }
    record_put(writer, OBJECT_SSE, sse);
    record_put(writer, OBJECT_KMS_KEY,
               call_header(call, "x-amz-server-side-encryption-aws-kms-key-id"));
    if (s3_is(bucket_key, "true")) {
        record_put_string(writer, OBJECT_BUCKET_KEY, "true");
    }
    return true;
}

bool object_write_keeping(struct call *call, struct record_writer *writer) {
    struct virga_str name = call_header(call, "x-amz-storage-class");
    size_t i = 0;
    while (name.ptr != NULL && i < sizeof storage_classes / sizeof storage_classes[0] &&
           !s3_is(name, storage_classes[i])) {
        i++;
    }
    if (i == sizeof storage_classes / sizeof storage_classes[0]) {
        call_fail(call, 400, "InvalidStorageClass", "The storage class you specified is not valid");
        return false;
    }
    if (!s3_is(name, "STANDARD")) {
        record_put(writer, OBJECT_STORAGE_CLASS, name);
    }
    return write_encryption(call, writer) && acl_write_header(call, writer);
}

/* ---- out of the record ---- */

void object_add_encryption(struct call *call, struct virga_str record) {
    char letter;
    struct virga_str value;
    while (record_next(&record, &letter, &value)) {
        if (letter == OBJECT_SSE) {
            call_add(call, "x-amz-server-side-encryption", value);
        } else if (letter == OBJECT_KMS_KEY) {
            call_add(call, "x-amz-server-side-encryption-aws-kms-key-id", value);
        } else if (letter == OBJECT_BUCKET_KEY) {
            call_add(call, "x-amz-server-side-encryption-bucket-key-enabled", value);
        }
    }
}

static void add_meta(struct call *call, struct virga_str value) {
    const char *colon = memchr(value.ptr, ':', value.len);
    if (colon == NULL) {
        return;
    }
    size_t name_len = (size_t)(colon - value.ptr);
    char *name = call_alloc(call, sizeof META_PREFIX + name_len);
    if (name == NULL) {
        call->out_of_memory = true;
        return;
    }
    (void)snprintf(name, sizeof META_PREFIX + name_len, "%s%.*s", META_PREFIX, (int)name_len,
                   value.ptr);
    call_add(call, name, s3_str(colon + 1, value.len - name_len - 1));
}

/* What a header may hold. */
static bool is_printable(struct virga_str value) {
    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char)value.ptr[i] < 0x20 || value.ptr[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

/* A field of the record, or what the query says instead. */
static void add_fields(struct call *call, const struct object *object) {
    bool from_query[FIELDS] = {false};
    struct virga_str record = object->record, value;
    char letter;
    for (size_t i = 0; i < FIELDS; i++) {
        value = fields[i].override != NULL ? call_param(call, fields[i].override) : s3_str(NULL, 0);
        from_query[i] = value.ptr != NULL && is_printable(value);
        call_add(call, fields[i].header, from_query[i] ? value : s3_str(NULL, 0));
    }
    while (record_next(&record, &letter, &value)) {
        for (size_t i = 0; i < FIELDS; i++) {
            if (letter == fields[i].letter && !from_query[i]) {
                call_add(call, fields[i].header, value);
            }
        }
        if (letter == OBJECT_META) {
            add_meta(call, value);
        }
    }
}

void object_add_headers(struct call *call, const struct object *object) {
    char date[HTTP_DATE_SIZE];
    http_date_format(object->modified_ms, date);
    call_addf(call, "Last-Modified", "%s", date);
    call_add_quoted(call, "ETag", object->etag);
    call_add(call, "Accept-Ranges", virga_str_from("bytes"));
    add_fields(call, object);
    object_add_encryption(call, object->record);
    if (!s3_is(object->storage_class, "STANDARD")) {
        call_add(call, "x-amz-storage-class", object->storage_class);
    }
    if (object->tags > 0) {
        call_addf(call, "x-amz-tagging-count", "%zu", object->tags);
    }
}
