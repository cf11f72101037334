/* SPDX-License-Identifier: MIT */
/* CompleteMultipartUpload: the parts that the client lists become one file and one record. */
#include "copier.h"
#include "multipart.h"

#include <errno.h>
#include <stdlib.h>

/* In call->own while the parts are put together. */
struct complete {
    size_t count;
    struct copier_source *sources;
    uint64_t *sizes;
    char (*checksums)[CHECKSUM_TEXT_SIZE]; /* of the parts; NULL: none */
    enum checksum_algorithm algorithm;
    bool full_object;
    char etag[OBJECT_ETAG_SIZE];
    char checksum[CHECKSUM_TEXT_SIZE];
};

/* ---- what the client lists ---- */

static bool fail_part(struct call *call) {
    call_fail(call, 400, "InvalidPart",
              "One or more of the specified parts could not be found.  The part may not have been "
              "uploaded, or the specified entity tag may not match the part's entity tag.");
    return false;
}

/* How many there are, with numbers that rise. 0: the call has ended. */
static size_t count_parts(struct call *call, const struct xml_node *root) {
    size_t count = 0;
    int64_t before = 0;
    for (const struct xml_node *node = xml_node_child(root, "Part"); node != NULL;
         node = xml_node_next(node, "Part")) {
        int64_t number;
        if (call_number(xml_node_text(node, "PartNumber"), 1, MULTIPART_PARTS_MAX, &number) != 0) {
            count = 0;
            break;
        }
        if (number <= before) {
            call_fail(call, 400, "InvalidPartOrder",
                      "The list of parts was not in ascending order. The parts list must be "
                      "specified in order by part number.");
            return 0;
        }
        before = number;
        count++;
    }
    if (!xml_node_is(root, "CompleteMultipartUpload") || count == 0) {
        call_malformed_xml(call);
        return 0;
    }
    return count;
}

static bool same_etag(struct virga_str given, const char *etag) {
    if (given.len >= 2 && given.ptr[0] == '"' && given.ptr[given.len - 1] == '"') {
        given = s3_str(given.ptr + 1, given.len - 2);
    }
    return s3_is(given, etag);
}

/* Takes one part over. False: the call has ended. */
static bool take_part(struct call *call, struct complete *complete, size_t i,
                      const struct xml_node *node, const struct part *part) {
    struct virga_str checksum = xml_node_text(node, checksum_element(complete->algorithm));
    if (!same_etag(xml_node_text(node, "ETag"), part->etag) ||
        (complete->algorithm != CHECKSUM_NONE && checksum.ptr != NULL &&
         !virga_str_equal(checksum, part->checksum))) {
        return fail_part(call);
    }
    if (i + 1 < complete->count && part->size < MULTIPART_PART_MIN) {
        call_fail(call, 400, "EntityTooSmall",
                  "Your proposed upload is smaller than the minimum allowed size");
        return false;
    }
    struct virga_str file = call_copy(call, part->file);
    if (file.ptr == NULL) {
        call_broken(call, "The upload was not completed", -ENOMEM);
        return false;
    }
    complete->sources[i] = (struct copier_source){file, 0, part->size};
    complete->sizes[i] = part->size;
    if (complete->checksums != NULL) {
        (void)snprintf(complete->checksums[i], CHECKSUM_TEXT_SIZE, "%.*s", (int)part->checksum.len,
                       part->checksum.len > 0 ? part->checksum.ptr : "");
    }
    return true;
}

/* Parts and records are both in order. False: the call has ended, and the cursor may be closed. */
static bool walk_parts(struct call *call, struct complete *complete, const struct xml_node *root,
                       struct virga_store_cursor *cursor, struct checksum *md5) {
    struct s3 *s3 = call->s3;
    struct part part = {0};
    size_t i = 0;
    for (const struct xml_node *node = xml_node_child(root, "Part"); node != NULL;
         node = xml_node_next(node, "Part"), i++) {
        struct virga_str key, record;
        int64_t number = 0;
        unsigned char bytes[DIGESTS_MD5_LEN];
        (void)call_number(xml_node_text(node, "PartNumber"), 1, MULTIPART_PARTS_MAX, &number);
        while (part.number < number) {
            int result = s3->store->next(cursor, &key, &record);
            if (result < 0) {
                call_broken(call, "The parts could not be read", result);
                return false;
            }
            if (result == 0) {
                return fail_part(call);
            }
            multipart_parse_part(key, record, &part);
        }
        if (part.number != number) {
            return fail_part(call);
        }
        if (!take_part(call, complete, i, node, &part)) {
            return false;
        }
        for (size_t k = 0; k < DIGESTS_MD5_LEN; k++) {
            char hex[3] = {part.etag[2 * k], part.etag[2 * k + 1], '\0'};
            bytes[k] = (unsigned char)strtoul(hex, NULL, 16);
        }
        checksum_add(md5, bytes, sizeof bytes);
    }
    return true;
}

/* ---- digests of all ---- */

/* "<md5 of the parts' md5s>-<parts>". */
static void make_etag(struct complete *complete, struct checksum *md5) {
    unsigned char bytes[CHECKSUM_BYTES_MAX] = {0};
    (void)checksum_end(md5, bytes);
    for (size_t i = 0; i < DIGESTS_MD5_LEN; i++) {
        (void)snprintf(complete->etag + 2 * i, 3, "%02x", bytes[i]);
    }
    (void)snprintf(complete->etag + 2 * DIGESTS_MD5_LEN, 8, "-%zu", complete->count % 100000);
}

/* Composite: of the parts' checksums, with their number behind it; or that of the whole object. */
static int make_checksum(struct complete *complete) {
    if (complete->full_object) {
        memcpy(complete->checksum, complete->checksums[0], CHECKSUM_TEXT_SIZE);
        for (size_t i = 1; i < complete->count; i++) {
            int result =
                checksum_append(complete->algorithm, complete->checksum,
                                virga_str_from(complete->checksums[i]), complete->sizes[i]);
            if (result != 0) {
                return result;
            }
        }
        return 0;
    }
    struct checksum all;
    unsigned char bytes[CHECKSUM_BYTES_MAX];
    int result = checksum_begin(&all, complete->algorithm);
    if (result != 0) {
        return result;
    }
    for (size_t i = 0; i < complete->count; i++) {
        char raw[CHECKSUM_TEXT_SIZE];
        size_t len = 0;
        (void)virga_base64_decode(virga_str_from(complete->checksums[i]), raw, &len);
        checksum_add(&all, raw, len);
    }
    size_t len = checksum_end(&all, bytes);
    checksum_text(bytes, len, complete->checksum);
    size_t at = strlen(complete->checksum);
    (void)snprintf(complete->checksum + at, sizeof complete->checksum - at, "-%zu",
                   complete->count % 100000);
    return 0;
}

/* What the client says that it must be. False: the call has ended. */
static bool check_whole(struct call *call, const struct complete *complete) {
    const char *dash = strrchr(complete->checksum, '-');
    size_t len = dash != NULL ? (size_t)(dash - complete->checksum) : strlen(complete->checksum);
    struct virga_str given = call_header(call, checksum_header(complete->algorithm));
    if (complete->algorithm == CHECKSUM_NONE || given.ptr == NULL ||
        s3_is(given, complete->checksum) ||
        virga_str_equal(given, s3_str(complete->checksum, len))) {
        return true;
    }
    call_fail(call, 400, "BadDigest", "The %s you specified did not match the calculated checksum.",
              checksum_name(complete->algorithm));
    return false;
}

/* ---- the end ---- */

static void answer(struct call *call, const struct complete *complete) {
    struct virga_xml_writer writer = {0};
    char quoted[OBJECT_ETAG_SIZE + 2];
    struct virga_str host = call->req->host;
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", complete->etag);
    virga_xml_begin_in(&writer, "CompleteMultipartUploadResult", S3_XMLNS);
    virga_xml_begin(&writer, "Location");
    virga_xml_text(&writer, virga_str_from("http://"));
    virga_xml_text(&writer, host);
    virga_xml_text(&writer, virga_str_from("/"));
    virga_xml_text(&writer, call->bucket);
    virga_xml_text(&writer, virga_str_from("/"));
    virga_xml_text(&writer, call->key);
    virga_xml_end(&writer, "Location");
    virga_xml_str(&writer, "Bucket", call->bucket);
    virga_xml_str(&writer, "Key", call->key);
    virga_xml_string(&writer, "ETag", quoted);
    if (complete->algorithm != CHECKSUM_NONE) {
        virga_xml_string(&writer, checksum_element(complete->algorithm), complete->checksum);
        virga_xml_string(&writer, "ChecksumType",
                         complete->full_object ? "FULL_OBJECT" : "COMPOSITE");
    }
    virga_xml_end(&writer, "CompleteMultipartUploadResult");
    object_add_encryption(call, call->record);
    call_answer_xml(call, 200, &writer);
}

static void on_copied(struct call *call, const struct copied *copied) {
    struct s3 *s3 = call->s3;
    const struct complete *complete = call->own;
    struct record_writer writer = {0};
    object_write_bytes(&writer, &copied->id, copied->size, complete->etag,
                       s3->timer->now_ms(s3->host));
    if (complete->algorithm != CHECKSUM_NONE) {
        record_put_string(&writer, OBJECT_ALGORITHM, checksum_name(complete->algorithm));
        record_put_string(&writer, OBJECT_CHECKSUM, complete->checksum);
        record_put_string(&writer, OBJECT_CHECKSUM_TYPE,
                          complete->full_object ? "FULL_OBJECT" : "COMPOSITE");
    }
    for (size_t i = 0; i < complete->count; i++) {
        char text[CHECKSUM_TEXT_SIZE + 24];
        (void)snprintf(text, sizeof text, "%llu %s", (unsigned long long)complete->sizes[i],
                       complete->checksums != NULL ? complete->checksums[i] : "");
        record_put_string(&writer, OBJECT_PART, text);
    }
    object_copy_fields(call->record, OBJECT_GIVEN OBJECT_TAGS OBJECT_KEEPING, &writer);
    int result = object_save(call, &writer, &copied->id, call_param(call, "uploadId"));
    record_finish(&writer);
    if (result != 0) {
        if (copied->id.text[0] != '\0') {
            files_abandon(s3, &copied->id);
        }
        object_save_failed(call, result);
        return;
    }
    answer(call, complete);
}

/* Memory for so many parts. False: the call has ended. */
static bool make_room(struct call *call, struct complete *complete) {
    complete->sources = call_alloc(call, complete->count * sizeof *complete->sources);
    complete->sizes = call_alloc(call, complete->count * sizeof *complete->sizes);
    if (complete->algorithm != CHECKSUM_NONE) {
        complete->checksums = call_alloc(call, complete->count * sizeof *complete->checksums);
    }
    if (complete->sources == NULL || complete->sizes == NULL ||
        (complete->algorithm != CHECKSUM_NONE && complete->checksums == NULL)) {
        call_broken(call, "The upload was not completed", -ENOMEM);
        return false;
    }
    return true;
}

/* Reads the parts' records and makes the digests of all. False: the call has ended. */
static bool read_parts(struct call *call, struct complete *complete, const struct xml_node *root) {
    struct s3 *s3 = call->s3;
    struct virga_store_cursor *cursor;
    struct checksum md5;
    int result = checksum_begin_md5(&md5);
    if (result == 0) {
        result = multipart_scan(s3, call_param(call, "uploadId"), 0, &cursor);
    }
    if (result != 0) {
        checksum_drop(&md5);
        call_broken(call, "The parts could not be read", result);
        return false;
    }
    bool fine = walk_parts(call, complete, root, cursor, &md5);
    s3->store->close(cursor);
    if (!fine) {
        checksum_drop(&md5);
        return false;
    }
    make_etag(complete, &md5);
    result = complete->algorithm != CHECKSUM_NONE ? make_checksum(complete) : 0;
    if (result != 0) {
        call_broken(call, "The parts' checksums could not be made one", result);
        return false;
    }
    return check_whole(call, complete);
}

static void on_list(struct call *call, const struct xml_node *root) {
    struct complete *complete = call_alloc(call, sizeof *complete);
    if (complete == NULL) {
        call_broken(call, "The upload was not completed", -ENOMEM);
        return;
    }
    size_t count = count_parts(call, root);
    if (count == 0) {
        return;
    }
    if (!multipart_find(call)) { /* again: it may have ended meanwhile */
        return;
    }
    *complete = (struct complete){.count = count};
    complete->algorithm = multipart_algorithm(call->record, &complete->full_object);
    if (!make_room(call, complete) || !read_parts(call, complete, root)) {
        return;
    }
    call->own = complete;
    const struct copier_options options = {
        .sources = complete->sources, .count = count, .whole = count == 1};
    copier_start(call, &options, on_copied);
}

void multipart_complete(struct call *call) {
    if (multipart_find(call) && object_check_write(call)) {
        call_read_xml(call, on_list);
    }
}
