/* SPDX-License-Identifier: MIT */
/* GetObject, HeadObject and GetObjectAttributes. */
#include "object.h"
#include "range.h"

#include <errno.h>
#include <strings.h>

#define PARTS_MAX 10000
#define PAGE_PARTS 1000

/* What of the object is answered. */
struct span {
    int status; /* 200 or 206 */
    uint64_t offset;
    uint64_t length;
};

static bool check_conditions(struct call *call, const struct object *object) {
    const struct conditions conditions = {
        .if_match = call_header(call, "if-match"),
        .if_none_match = call_header(call, "if-none-match"),
        .if_modified_since = call_header(call, "if-modified-since"),
        .if_unmodified_since = call_header(call, "if-unmodified-since"),
    };
    int status = conditions_check(&conditions, object->etag, object->modified_ms);
    if (status == 304) {
        char date[HTTP_DATE_SIZE];
        http_date_format(object->modified_ms, date);
        call_add_quoted(call, "ETag", object->etag);
        call_addf(call, "Last-Modified", "%s", date);
        call_answer(call, 304);
    } else if (status != 0) {
        call_precondition_failed(call, conditions.if_match.ptr != NULL ? "If-Match"
                                                                       : "If-Unmodified-Since");
    }
    return status == 0;
}

static bool outside(struct call *call, const struct object *object) {
    struct virga_xml_writer writer = {0};
    virga_xml_str(&writer, "RangeRequested", call_header(call, "range"));
    virga_xml_int(&writer, "ActualObjectSize", (int64_t)object->size);
    call_addf(call, "Content-Range", "bytes */%llu", (unsigned long long)object->size);
    call_fail_with(call, 416, "InvalidRange", "The requested range is not satisfiable",
                   s3_str(writer.ptr, writer.failed ? 0 : writer.len));
    virga_xml_finish(&writer);
    return false;
}

static bool find_part(struct call *call, const struct object *object, struct span *span) {
    int64_t number;
    struct virga_str checksum;
    if (call_number(call_param(call, "partNumber"), 1, PARTS_MAX, &number) != 0) {
        call_fail(call, 400, "InvalidArgument",
                  "Part number must be an integer between 1 and 10000, inclusive");
        return false;
    }
    if (call_header(call, "range").ptr != NULL) {
        call_fail(call, 400, "InvalidRequest",
                  "Cannot specify both Range header and partNumber query parameter");
        return false;
    }
    span->status = object->size > 0 ? 206 : 200;
    if (object->parts > 0) {
        call_addf(call, "x-amz-mp-parts-count", "%zu", object->parts);
    } else if (number == 1) {
        return true;
    }
    if (!object_part(object, (size_t)number, &span->offset, &span->length, &checksum)) {
        call_fail(call, 416, "InvalidPartNumber", "The requested partnumber is not satisfiable");
        return false;
    }
    return true;
}

static bool find_span(struct call *call, const struct object *object, struct span *ret_span) {
    struct virga_str if_range = call_header(call, "if-range");
    struct virga_str range = call_header(call, "range");
    *ret_span = (struct span){200, 0, object->size};
    if (call_param(call, "partNumber").ptr != NULL) {
        return find_part(call, object, ret_span);
    }
    if (if_range.ptr != NULL) {
        const struct conditions conditions = {.if_match = if_range};
        if (conditions_check(&conditions, object->etag, object->modified_ms) != 0) {
            return true;
        }
    }
    switch (range_parse(range, object->size, &ret_span->offset, &ret_span->length)) {
    case RANGE_PART:
        ret_span->status = 206;
        return true;
    case RANGE_OUTSIDE:
        return outside(call, object);
    default:
        return true;
    }
}

static void add_headers(struct call *call, const struct object *object, const struct span *span) {
    object_add_headers(call, object);
    if (span->status == 206) {
        call_addf(call, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)span->offset,
                  (unsigned long long)(span->offset + span->length - 1),
                  (unsigned long long)object->size);
    }
    if (s3_is(call_header(call, "x-amz-checksum-mode"), "ENABLED") &&
        object->checksum.ptr != NULL && span->length == object->size) {
        call_add(call, checksum_header(object->algorithm), object->checksum);
        call_add(call, "x-amz-checksum-type", object->checksum_type);
    }
    call_add(call, "x-amz-request-id", call->req->id);
    call_add(call, "x-amz-id-2", call->req->id);
}

static void send(struct call *call, const struct object *object, const struct span *span) {
    struct s3 *s3 = call->s3;
    struct virga_request *req = call->req;
    char path[FILE_PATH_MAX];
    const struct virga_response res = {
        .struct_size = sizeof res,
        .status = span->status,
        .headers = call->headers,
        .headers_count = call->headers_count,
        .head_length = s3_is(req->method, "HEAD") ? span->length : 0,
    };
    if (s3_is(req->method, "HEAD") || object->file.len == 0) {
        (void)req->http->respond(req, &res);
        return;
    }
    files_path(s3, object->file, path);
    const struct virga_file_range range = {
        .struct_size = sizeof range,
        .fd = -1,
        .path = path,
        .offset = span->offset,
        .length = span->length,
    };
    int result = s3->file->respond(s3->host, req, &res, &range);
    if (result != 0 && result != -ECANCELED) {
        call->headers_count = 0;
        call_broken(call, "An object's file cannot be read", result);
    }
}

void object_get(struct call *call) {
    struct object object;
    struct span span;
    if (!object_find(call, &object) || !check_conditions(call, &object) ||
        !find_span(call, &object, &span)) {
        return;
    }
    add_headers(call, &object, &span);
    if (call->out_of_memory) {
        call_broken(call, "The answer was not written", -ENOMEM);
        return;
    }
    call_release(call);
    send(call, &object, &span);
}

/* ---- attributes ---- */

/* Whether the header lists the attribute. */
static bool wants(const struct call *call, const char *name) {
    size_t len = strlen(name);
    for (size_t i = 0; i < call->req->headers_count; i++) {
        const struct virga_header *header = &call->req->headers[i];
        if (header->name.len != 23 ||
            strncasecmp(header->name.ptr, "x-amz-object-attributes", 23)) {
            continue;
        }
        const char *at = memmem(header->value.ptr, header->value.len, name, len);
        if (at != NULL) {
            return true;
        }
    }
    return false;
}

/* "CRC32" of "abc=" as <ChecksumCRC32>; of a composite one without the count behind it. */
static void write_checksum(struct virga_xml_writer *writer, enum checksum_algorithm algorithm,
                           struct virga_str text) {
    const char *dash = text.len > 0 ? memchr(text.ptr, '-', text.len) : NULL;
    if (algorithm != CHECKSUM_NONE && text.len > 0) {
        virga_xml_str(writer, checksum_element(algorithm),
                      s3_str(text.ptr, dash != NULL ? (size_t)(dash - text.ptr) : text.len));
    }
}

static bool write_parts(struct call *call, const struct object *object,
                        struct virga_xml_writer *writer) {
    int64_t most = PAGE_PARTS, after = 0;
    if (call_number(call_header(call, "x-amz-max-parts"), 1, INT32_MAX, &most) == -EINVAL ||
        call_number(call_header(call, "x-amz-part-number-marker"), 0, PARTS_MAX, &after) ==
            -EINVAL) {
        call_fail(call, 400, "InvalidArgument", "The number of parts or their marker is invalid");
        return false;
    }
    most = most < PAGE_PARTS ? most : PAGE_PARTS;
    size_t last = (size_t)after;
    virga_xml_begin(writer, "ObjectParts");
    virga_xml_int(writer, "PartsCount", (int64_t)object->parts);
    /* Source: GetObjectAttributes lists the parts only where they have checksums. */
    while (object->checksum.ptr != NULL && last < object->parts && (int64_t)last - after < most) {
        uint64_t offset, size;
        struct virga_str checksum;
        (void)object_part(object, ++last, &offset, &size, &checksum);
        virga_xml_begin(writer, "Part");
        virga_xml_int(writer, "PartNumber", (int64_t)last);
        virga_xml_int(writer, "Size", (int64_t)size);
        write_checksum(writer, object->algorithm, checksum);
        virga_xml_end(writer, "Part");
    }
    virga_xml_int(writer, "PartNumberMarker", after);
    virga_xml_int(writer, "NextPartNumberMarker", (int64_t)last);
    virga_xml_int(writer, "MaxParts", most);
    virga_xml_bool(writer, "IsTruncated", object->checksum.ptr != NULL && last < object->parts);
    virga_xml_end(writer, "ObjectParts");
    return true;
}

void object_attributes(struct call *call) {
    struct object object;
    struct virga_xml_writer writer = {0};
    char date[HTTP_DATE_SIZE];
    if (!object_find(call, &object)) {
        return;
    }
    if (call_header(call, "x-amz-object-attributes").len == 0) {
        call_fail(call, 400, "InvalidRequest",
                  "The x-amz-object-attributes header specifying the attributes to be retrieved is "
                  "either missing or empty");
        return;
    }
    virga_xml_begin_in(&writer, "GetObjectAttributesResponse", S3_XMLNS);
    if (wants(call, "ETag")) {
        virga_xml_string(&writer, "ETag", object.etag);
    }
    if (wants(call, "Checksum") && object.checksum.ptr != NULL) {
        virga_xml_begin(&writer, "Checksum");
        write_checksum(&writer, object.algorithm, object.checksum);
        virga_xml_str(&writer, "ChecksumType", object.checksum_type);
        virga_xml_end(&writer, "Checksum");
    }
    if (wants(call, "ObjectParts") && object.parts > 0 && !write_parts(call, &object, &writer)) {
        virga_xml_finish(&writer);
        return;
    }
    if (wants(call, "StorageClass")) {
        virga_xml_str(&writer, "StorageClass", object.storage_class);
    }
    if (wants(call, "ObjectSize")) {
        virga_xml_int(&writer, "ObjectSize", (int64_t)object.size);
    }
    virga_xml_end(&writer, "GetObjectAttributesResponse");
    http_date_format(object.modified_ms, date);
    call_addf(call, "Last-Modified", "%s", date);
    call_answer_xml(call, 200, &writer);
}
