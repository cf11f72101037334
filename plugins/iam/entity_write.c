/* SPDX-License-Identifier: MIT */
/* Entities in XML, with the members that each kind has. */
#include "entity.h"

#include <errno.h>

void document_write(struct virga_xml_writer *writer, const char *element, const char *document) {
    static const char hex[] = "0123456789ABCDEF";
    char buffer[300];
    size_t len = 0;
    if (document == NULL) {
        return;
    }
    virga_xml_begin(writer, element);
    for (const char *at = document; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-_.~", c) != NULL) {
            buffer[len++] = (char)c;
        } else {
            buffer[len++] = '%';
            buffer[len++] = hex[c >> 4];
            buffer[len++] = hex[c & 15];
        }
        if (len > sizeof buffer - 3) {
            virga_xml_raw(writer, (struct virga_str){buffer, len});
            len = 0;
        }
    }
    virga_xml_raw(writer, (struct virga_str){buffer, len});
    virga_xml_end(writer, element);
}

static void boundary_write(struct virga_xml_writer *writer, struct json_object *record) {
    const char *arn = record_string(record, "Boundary");
    if (arn != NULL) {
        virga_xml_begin(writer, "PermissionsBoundary");
        virga_xml_string(writer, "PermissionsBoundaryType", "Policy");
        virga_xml_string(writer, "PermissionsBoundaryArn", arn);
        virga_xml_end(writer, "PermissionsBoundary");
    }
}

static void write_role(struct virga_xml_writer *writer, struct json_object *record,
                       enum detail detail) {
    document_write(writer, "AssumeRolePolicyDocument",
                   record_string(record, "AssumeRolePolicyDocument"));
    virga_xml_string(writer, "Description", record_string(record, "Description"));
    virga_xml_int(writer, "MaxSessionDuration",
                  virga_awsjson_int(record, "MaxSessionDuration", 3600));
    if (detail == DETAIL_WHOLE) {
        /* Nobody tells IAM when a role was used. */
        virga_xml_begin(writer, "RoleLastUsed");
        virga_xml_end(writer, "RoleLastUsed");
    }
}

/* An instance profile shows its role. */
static int write_profile_roles(const struct call *call, struct virga_xml_writer *writer,
                               struct json_object *record) {
    const char *name = record_string(record, "RoleName");
    struct json_object *role = NULL;
    int result = 0;
    virga_xml_begin(writer, "Roles");
    if (name != NULL) {
        result = record_read(call, &kind_role, name, &role);
        if (result == 0) {
            result = entity_write(call, writer, &kind_role, role, "member", DETAIL_LISTED);
        }
    }
    virga_xml_end(writer, "Roles");
    json_object_put(role);
    return result == -ENOENT ? 0 : result;
}

static int write_policy(const struct call *call, struct virga_xml_writer *writer,
                        struct json_object *record, enum detail detail) {
    const char *arn = record_string(record, "Arn");
    struct key key;
    int64_t attached = 0, boundaries = 0;
    key_index(call, RELATION_ATTACHED, arn, NULL, NULL, &key);
    int result = key_count(call->iam, &key, &attached);
    key_index(call, RELATION_BOUNDARY, arn, NULL, NULL, &key);
    result = result == 0 ? key_count(call->iam, &key, &boundaries) : result;
    virga_xml_string(writer, "DefaultVersionId", record_string(record, "Default"));
    virga_xml_int(writer, "AttachmentCount", attached);
    virga_xml_int(writer, "PermissionsBoundaryUsageCount", boundaries);
    virga_xml_bool(writer, "IsAttachable", 1);
    if (detail == DETAIL_WHOLE) {
        virga_xml_string(writer, "Description", record_string(record, "Description"));
    }
    virga_xml_time(writer, "UpdateDate", virga_awsjson_int(record, "UpdateDate", 0));
    return result;
}

int entity_write(const struct call *call, struct virga_xml_writer *writer, const struct kind *kind,
                 struct json_object *record, const char *element, enum detail detail) {
    int result = 0;
    if (element != NULL) {
        virga_xml_begin(writer, element);
    }
    virga_xml_string(writer, "Path", record_string(record, "Path"));
    virga_xml_string(writer, kind == &kind_policy ? "PolicyName" : kind->name_member,
                     record_string(record, "Name"));
    virga_xml_string(writer, kind->id_member, record_string(record, "Id"));
    virga_xml_string(writer, "Arn", record_string(record, "Arn"));
    virga_xml_time(writer, "CreateDate", virga_awsjson_int(record, "CreateDate", 0));
    if (kind == &kind_role) {
        write_role(writer, record, detail);
    } else if (kind == &kind_profile) {
        result = write_profile_roles(call, writer, record);
    } else if (kind == &kind_policy) {
        result = write_policy(call, writer, record, detail);
    }
    if (detail == DETAIL_WHOLE) {
        boundary_write(writer, record);
        tags_write(writer, record);
    }
    if (element != NULL) {
        virga_xml_end(writer, element);
    }
    return result;
}
