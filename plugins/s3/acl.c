/* SPDX-License-Identifier: MIT */
/* ACLs. Source: S3 User Guide, "Access control list (ACL) overview", "Canned ACL". */
#include "acl.h"
#include "object.h"
#include "setting.h"

#include <errno.h>

#define GROUPS "http://acs.amazonaws.com/groups/"
#define ALL_USERS GROUPS "global/AllUsers"
#define AUTHENTICATED GROUPS "global/AuthenticatedUsers"
#define LOG_DELIVERY GROUPS "s3/LogDelivery"
#define SETTING "acl"

/* What a canned ACL grants besides FULL_CONTROL to the owner. */
static const struct {
    const char *name;
    struct {
        const char *group;
        const char *permission;
    } grants[2];
} canned[] = {
    {"private", {{NULL, NULL}}},
    {"public-read", {{ALL_USERS, "READ"}}},
    {"public-read-write", {{ALL_USERS, "READ"}, {ALL_USERS, "WRITE"}}},
    {"authenticated-read", {{AUTHENTICATED, "READ"}}},
    {"log-delivery-write", {{LOG_DELIVERY, "WRITE"}, {LOG_DELIVERY, "READ_ACP"}}},
    {"bucket-owner-read", {{NULL, NULL}}},
    {"bucket-owner-full-control", {{NULL, NULL}}},
    {"aws-exec-read", {{NULL, NULL}}},
};
#define CANNED (sizeof canned / sizeof canned[0])

static size_t find(struct virga_str name) {
    size_t i = 0;
    while (i < CANNED && !s3_is(name, canned[i].name)) {
        i++;
    }
    return i;
}

static void begin_grant(struct virga_xml_writer *writer, const char *type) {
    virga_xml_begin(writer, "Grant");
    virga_xml_raw(writer, virga_str_from("<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-"
                                         "instance\" xsi:type=\""));
    virga_xml_raw(writer, virga_str_from(type));
    virga_xml_raw(writer, virga_str_from("\">"));
}

static void end_grant(struct virga_xml_writer *writer, const char *permission) {
    virga_xml_end(writer, "Grantee");
    virga_xml_string(writer, "Permission", permission);
    virga_xml_end(writer, "Grant");
}

static void write_canned(struct virga_xml_writer *writer, size_t which, struct virga_str account) {
    char id[65];
    call_owner_id(account, id);
    virga_xml_begin_in(writer, "AccessControlPolicy", S3_XMLNS);
    call_write_owner(writer, "Owner", account);
    virga_xml_begin(writer, "AccessControlList");
    begin_grant(writer, "CanonicalUser");
    virga_xml_string(writer, "ID", id);
    virga_xml_str(writer, "DisplayName", account);
    end_grant(writer, "FULL_CONTROL");
    for (size_t i = 0; i < 2 && canned[which].grants[i].group != NULL; i++) {
        begin_grant(writer, "Group");
        virga_xml_string(writer, "URI", canned[which].grants[i].group);
        end_grant(writer, canned[which].grants[i].permission);
    }
    virga_xml_end(writer, "AccessControlList");
    virga_xml_end(writer, "AccessControlPolicy");
}

static void answer_stored(struct call *call, struct virga_str text) {
    if (text.ptr != NULL) {
        call_answer_text(call, 200, "application/xml", text);
        return;
    }
    struct virga_xml_writer writer = {0};
    write_canned(&writer, 0, virga_str_from(call->in.owner));
    call_answer_xml(call, 200, &writer);
}

/* ---- what is to be kept ---- */

/* The canned ACL of the header, as XML; empty: there is none. False: the call has ended. */
static bool read_header(struct call *call, struct virga_xml_writer *writer) {
    struct virga_str name = call_header(call, "x-amz-acl");
    size_t which = find(name);
    if (name.ptr == NULL) {
        return true;
    }
    if (which == CANNED) {
        call_fail(call, 400, "InvalidArgument", "The canned ACL in x-amz-acl is unknown");
        return false;
    }
    write_canned(writer, which,
                 call->in.owner[0] != '\0' ? virga_str_from(call->in.owner) : call->req->account);
    return true;
}

bool acl_write_header(struct call *call, struct record_writer *writer) {
    struct virga_xml_writer xml = {0};
    if (!read_header(call, &xml)) {
        return false;
    }
    if (xml.len > 0) {
        record_put(writer, OBJECT_ACL, s3_str(xml.ptr, xml.len));
    }
    writer->failed = writer->failed || xml.failed;
    virga_xml_finish(&xml);
    return true;
}

int acl_save_bucket(struct call *call) {
    struct virga_xml_writer xml = {0};
    size_t which = find(call_header(call, "x-amz-acl"));
    int result = 0;
    if (which < CANNED) {
        write_canned(&xml, which, call->req->account);
        result = xml.failed
                     ? -ENOMEM
                     : setting_save(call->s3, call->bucket, SETTING, s3_str(xml.ptr, xml.len));
    }
    virga_xml_finish(&xml);
    return result;
}

/* Gives on the ACL of the header, or of the body. */
static void read_acl(struct call *call, void (*save)(struct call *call, struct virga_str acl),
                     void (*on_input)(struct call *call, const struct xml_node *root)) {
    struct virga_xml_writer writer = {0};
    if (call_header(call, "x-amz-acl").ptr == NULL) {
        call_read_xml(call, on_input);
        return;
    }
    if (read_header(call, &writer)) {
        if (writer.failed) {
            call_broken(call, "The ACL was not written", -ENOMEM);
        } else {
            save(call, s3_str(writer.ptr, writer.len));
        }
    }
    virga_xml_finish(&writer);
}

static void save_input(struct call *call, const struct xml_node *root,
                       void (*save)(struct call *call, struct virga_str acl)) {
    struct virga_xml_writer writer = {0};
    if (root == NULL) { /* x-amz-grant-...: accepted, not kept */
        call_answer(call, 200);
        return;
    }
    if (!xml_node_is(root, "AccessControlPolicy") ||
        xml_node_child(root, "AccessControlList") == NULL) {
        call_fail(call, 400, "MalformedACLError",
                  "The XML you provided was not well-formed or did not validate against our "
                  "published schema");
        return;
    }
    xml_node_write(root, &writer);
    if (writer.failed) {
        call_broken(call, "The ACL was not written", -ENOMEM);
    } else {
        save(call, s3_str(writer.ptr, writer.len));
    }
    virga_xml_finish(&writer);
}

/* ---- buckets ---- */

void acl_get_bucket(struct call *call) {
    struct s3 *s3 = call->s3;
    struct virga_store_value value;
    int result = setting_load(s3, call->bucket, SETTING, &value);
    if (result == -ENOENT) {
        answer_stored(call, s3_str(NULL, 0));
    } else if (result != 0) {
        call_broken(call, "The ACL could not be read", result);
    } else {
        answer_stored(call, s3_str(value.ptr, value.len)); /* copied */
        s3->store->release(s3->host, &value);
    }
}

static void save_bucket(struct call *call, struct virga_str acl) {
    int result = setting_save(call->s3, call->bucket, SETTING, acl);
    if (result != 0) {
        call_broken(call, "The ACL could not be written", result);
    } else {
        call_answer(call, 200);
    }
}

static void on_bucket_acl(struct call *call, const struct xml_node *root) {
    save_input(call, root, save_bucket);
}

void acl_put_bucket(struct call *call) {
    read_acl(call, save_bucket, on_bucket_acl);
}

/* ---- objects ---- */

void acl_get_object(struct call *call) {
    struct object object;
    struct virga_str record, value, acl = {NULL, 0};
    char letter;
    if (!object_find(call, &object)) {
        return;
    }
    record = object.record;
    while (record_next(&record, &letter, &value)) {
        acl = letter == OBJECT_ACL ? value : acl;
    }
    answer_stored(call, acl);
}

static void save_object(struct call *call, struct virga_str acl) {
    struct s3 *s3 = call->s3;
    struct object object;
    struct record_writer writer = {0};
    struct record_key key;
    if (!object_find(call, &object)) {
        return;
    }
    object_copy_fields(object.record, OBJECT_GIVEN OBJECT_TAGS "kSKB" OBJECT_BYTES, &writer);
    record_put(&writer, OBJECT_ACL, acl);
    record_key_in(&key, RECORD_OBJECT, call->bucket);
    record_key_add(&key, call->key);
    int result = writer.failed ? -ENOMEM
                               : s3->store->put(s3->host, record_key_str(&key),
                                                s3_str(writer.ptr, writer.len));
    record_finish(&writer);
    if (result != 0) {
        call_broken(call, "The ACL could not be written", result);
    } else {
        call_answer(call, 200);
    }
}

static void on_object_acl(struct call *call, const struct xml_node *root) {
    save_input(call, root, save_object);
}

void acl_put_object(struct call *call) {
    read_acl(call, save_object, on_object_acl);
}
