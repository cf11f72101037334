/* SPDX-License-Identifier: MIT */
/* Tags of objects. Source: S3 User Guide, "Categorizing your objects using tags". */
#include "tagging.h"
#include "address.h"
#include "object.h"

#include <errno.h>

#define TAGS_MAX 10
#define TAG_KEY_MAX 128
#define TAG_VALUE_MAX 256
#define KEEPING OBJECT_GIVEN OBJECT_KEEPING OBJECT_BYTES

struct tag {
    struct virga_str key;
    struct virga_str value;
};

static size_t characters(struct virga_str text) {
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    }
    return count;
}

/* NULL: they are fine; else what is wrong. */
static const char *check(const struct tag *tags, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (tags[i].key.len == 0 || characters(tags[i].key) > TAG_KEY_MAX) {
            return "The TagKey you have provided is invalid";
        }
        if (tags[i].value.ptr == NULL || characters(tags[i].value) > TAG_VALUE_MAX) {
            return "The TagValue you have provided is invalid";
        }
        for (size_t k = 0; k < i; k++) {
            if (virga_str_equal(tags[i].key, tags[k].key)) {
                return "Cannot provide multiple Tags with the same key";
            }
        }
    }
    return NULL;
}

static void write_tags(const struct tag *tags, size_t count, struct record_writer *writer) {
    for (size_t i = 0; i < count; i++) {
        record_put(writer, OBJECT_TAG_KEY, tags[i].key);
        record_put(writer, OBJECT_TAG_VALUE, tags[i].value);
    }
}

static bool fail_too_many(struct call *call) {
    call_fail(call, 400, "BadRequest", "Object tags cannot be greater than %d", TAGS_MAX);
    return false;
}

/* ---- the header ---- */

/* Decodes "%XX" and "+". False: malformed. */
static bool decode(struct call *call, struct virga_str text, struct virga_str *ret) {
    struct virga_str copy = call_copy(call, text);
    char *to = call_alloc(call, text.len + 1);
    size_t len;
    if (copy.ptr == NULL || to == NULL) {
        return false;
    }
    char *raw = (char *)(uintptr_t)copy.ptr; /* our own copy */
    for (size_t i = 0; i < copy.len; i++) {
        raw[i] = raw[i] == '+' ? ' ' : raw[i];
    }
    if (address_decode(copy, to, &len) != 0) {
        return false;
    }
    *ret = s3_str(to, len);
    return true;
}

bool tagging_write_header(struct call *call, struct virga_str text, struct record_writer *writer) {
    struct tag tags[TAGS_MAX] = {{{NULL, 0}, {NULL, 0}}};
    size_t count = 0;
    const char *at = text.ptr;
    const char *end = text.ptr + text.len;
    while (at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        const char *key_end = equals != NULL ? equals : stop;
        struct virga_str key = s3_str(at, (size_t)(key_end - at));
        struct virga_str value =
            equals != NULL ? s3_str(equals + 1, (size_t)(stop - equals - 1)) : s3_str("", 0);
        if (count == TAGS_MAX) {
            return fail_too_many(call);
        }
        if (!decode(call, key, &tags[count].key) || !decode(call, value, &tags[count].value)) {
            call_fail(call, 400, "InvalidArgument",
                      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL "
                      "query parameters without tag name duplicates.");
            return false;
        }
        count++;
        at = stop + 1;
    }
    const char *wrong = check(tags, count);
    if (wrong != NULL) {
        call_fail(call, 400, "InvalidTag", "%s", wrong);
        return false;
    }
    write_tags(tags, count, writer);
    return true;
}

/* ---- the operations ---- */

void tagging_get(struct call *call) {
    struct object object;
    struct virga_xml_writer writer = {0};
    struct virga_str record, value;
    char letter;
    if (!object_find(call, &object)) {
        return;
    }
    virga_xml_begin_in(&writer, "Tagging", S3_XMLNS);
    virga_xml_begin(&writer, "TagSet");
    record = object.record;
    while (record_next(&record, &letter, &value)) {
        if (letter == OBJECT_TAG_KEY) {
            virga_xml_begin(&writer, "Tag");
            virga_xml_str(&writer, "Key", value);
        } else if (letter == OBJECT_TAG_VALUE) {
            virga_xml_str(&writer, "Value", value);
            virga_xml_end(&writer, "Tag");
        }
    }
    virga_xml_end(&writer, "TagSet");
    virga_xml_end(&writer, "Tagging");
    call_answer_xml(call, 200, &writer);
}

/* Writes the object's record anew, with other tags. */
static void save(struct call *call, const struct tag *tags, size_t count, int status) {
    struct s3 *s3 = call->s3;
    struct object object;
    struct record_writer writer = {0};
    struct record_key key;
    if (!object_find(call, &object)) {
        return;
    }
    object_copy_fields(object.record, KEEPING, &writer);
    write_tags(tags, count, &writer);
    record_key_in(&key, RECORD_OBJECT, call->bucket);
    record_key_add(&key, call->key);
    int result = writer.failed ? -ENOMEM
                               : s3->store->put(s3->host, record_key_str(&key),
                                                s3_str(writer.ptr, writer.len));
    record_finish(&writer);
    if (result != 0) {
        call_broken(call, "The tags could not be written", result);
    } else {
        call_answer(call, status);
    }
}

static void on_tags(struct call *call, const struct xml_node *root) {
    struct tag tags[TAGS_MAX] = {{{NULL, 0}, {NULL, 0}}};
    size_t count = 0;
    const struct xml_node *set = xml_node_child(root, "TagSet");
    if (!xml_node_is(root, "Tagging") || set == NULL) {
        call_malformed_xml(call);
        return;
    }
    for (const struct xml_node *tag = xml_node_child(set, "Tag"); tag != NULL;
         tag = xml_node_next(tag, "Tag")) {
        if (count == TAGS_MAX) {
            (void)fail_too_many(call);
            return;
        }
        tags[count++] = (struct tag){xml_node_text(tag, "Key"), xml_node_text(tag, "Value")};
    }
    const char *wrong = check(tags, count);
    if (wrong != NULL) {
        call_fail(call, 400, "InvalidTag", "%s", wrong);
    } else {
        save(call, tags, count, 200);
    }
}

void tagging_put(struct call *call) {
    call_read_xml(call, on_tags);
}

void tagging_delete(struct call *call) {
    save(call, NULL, 0, 204);
}
