/* SPDX-License-Identifier: MIT */
/* DeleteObject and DeleteObjects. */
#include "object.h"
#include "range.h"

#include <errno.h>

/* Source: DeleteObjects: "a list of up to 1,000 objects". */
#define DELETE_MAX 1000

/* Inside a transaction. What is not there is fine. */
static int delete_one(struct call *call, struct virga_str name, const struct object *object) {
    struct s3 *s3 = call->s3;
    struct record_key key;
    record_key_in(&key, RECORD_OBJECT, call->bucket);
    record_key_add(&key, name);
    if (key.bad) {
        return 0;
    }
    int result = files_drop(s3, object->file);
    return result == 0 ? s3->store->del(s3->host, record_key_str(&key)) : result;
}

static int end_transaction(struct s3 *s3, int result) {
    if (result != 0) {
        s3->store->rollback(s3->host);
        return result;
    }
    result = s3->store->commit(s3->host);
    files_sweep(s3);
    return result;
}

static bool is_version(struct virga_str version) {
    return version.ptr == NULL || version.len == 0 || s3_is(version, "null");
}

void object_delete(struct call *call) {
    struct s3 *s3 = call->s3;
    struct object object;
    struct virga_str if_match = call_header(call, "if-match");
    if (!is_version(call_param(call, "versionId"))) {
        call_fail(call, 400, "InvalidArgument", "Invalid version id specified");
        return;
    }
    int result = s3->store->begin(s3->host);
    if (result == 0) {
        result = object_load(call, call->bucket, call->key, &object);
        const struct conditions conditions = {.if_match = if_match};
        if (result == 0 && conditions_check(&conditions, object.etag, object.modified_ms) != 0) {
            s3->store->rollback(s3->host);
            call_precondition_failed(call, "If-Match");
            return;
        }
        result = result == 0 ? delete_one(call, call->key, &object) : result;
        result = end_transaction(s3, result == -ENOENT ? 0 : result);
    }
    if (result != 0) {
        call_broken(call, "The object could not be deleted", result);
    } else {
        call_answer(call, 204);
    }
}

/* ---- many ---- */

static void write_outcome(struct virga_xml_writer *writer, struct virga_str key, bool quiet,
                          const char *code, const char *message) {
    if (code == NULL && quiet) {
        return;
    }
    virga_xml_begin(writer, code == NULL ? "Deleted" : "Error");
    virga_xml_str(writer, "Key", key);
    virga_xml_string(writer, "Code", code);
    virga_xml_string(writer, "Message", message);
    virga_xml_end(writer, code == NULL ? "Deleted" : "Error");
}

static int delete_entry(struct call *call, const struct xml_node *entry, bool quiet,
                        struct virga_xml_writer *writer) {
    struct virga_str key = xml_node_text(entry, "Key");
    struct virga_str etag = xml_node_text(entry, "ETag");
    struct object object;
    if (!is_version(xml_node_text(entry, "VersionId"))) {
        write_outcome(writer, key, quiet, "NoSuchVersion", "The specified version does not exist.");
        return 0;
    }
    int result = object_load(call, call->bucket, key, &object);
    const struct conditions conditions = {.if_match = etag};
    if (result == 0 && conditions_check(&conditions, object.etag, object.modified_ms) != 0) {
        write_outcome(writer, key, quiet, "PreconditionFailed",
                      "At least one of the pre-conditions you specified did not hold");
        return 0;
    }
    result = result == 0 ? delete_one(call, key, &object) : result;
    if (result == 0 || result == -ENOENT) {
        write_outcome(writer, key, quiet, NULL, NULL);
        return 0;
    }
    return result;
}

static bool is_valid(const struct xml_node *root) {
    size_t count = 0;
    for (const struct xml_node *entry = xml_node_child(root, "Object"); entry != NULL;
         entry = xml_node_next(entry, "Object")) {
        struct virga_str key = xml_node_text(entry, "Key");
        if (++count > DELETE_MAX || key.len == 0 || key.len > S3_KEY_MAX) {
            return false;
        }
    }
    return xml_node_is(root, "Delete") && count > 0;
}

static void on_list(struct call *call, const struct xml_node *root) {
    struct s3 *s3 = call->s3;
    struct virga_xml_writer writer = {0};
    if (!is_valid(root)) {
        call_malformed_xml(call);
        return;
    }
    bool quiet = s3_is(xml_node_text(root, "Quiet"), "true");
    int result = s3->store->begin(s3->host);
    if (result == 0) {
        virga_xml_begin_in(&writer, "DeleteResult", S3_XMLNS);
        for (const struct xml_node *entry = xml_node_child(root, "Object");
             entry != NULL && result == 0; entry = xml_node_next(entry, "Object")) {
            result = delete_entry(call, entry, quiet, &writer);
        }
        virga_xml_end(&writer, "DeleteResult");
        result = end_transaction(s3, result);
    }
    if (result != 0) {
        virga_xml_finish(&writer);
        call_broken(call, "The objects could not be deleted", result);
        return;
    }
    call_answer_xml(call, 200, &writer);
}

void object_delete_many(struct call *call) {
    call_read_xml(call, on_list);
}
