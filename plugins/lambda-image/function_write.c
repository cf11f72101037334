/* SPDX-License-Identifier: MIT */
/* A version's document with AWS's members in AWS's order, and its ARN. */
#include "function_write.h"

#include <virga/helpers/awsjson.h>

static const char *const members[] = {
    "Role",
    "CodeSize",
    "Description",
    "Timeout",
    "MemorySize",
    "LastModified",
    "CodeSha256",
    "Version",
    "VpcConfig",
    "DeadLetterConfig",
    "Environment",
    "State",
    "StateReason",
    "StateReasonCode",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
    "KMSKeyArn",
    "TracingConfig",
    "RevisionId",
    "FileSystemConfigs",
    "PackageType",
    "ImageConfigResponse",
    "Architectures",
    "EphemeralStorage",
    "SnapStart",
    "LoggingConfig",
};

static bool is_state(const char *name) {
    return strncmp(name, "State", 5) == 0 || strncmp(name, "LastUpdate", 10) == 0;
}

static void write_member(struct virga_json_writer *writer, struct json_object *document,
                         const char *name) {
    struct json_object *member = virga_awsjson_member(document, name);
    size_t len = 0;
    if (member == NULL) {
        return;
    }
    const char *text = json_object_to_json_string_length(
        member, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    if (text == NULL) {
        writer->failed = 1;
        return;
    }
    virga_json_raw(writer, name, (struct virga_str){text, len});
}

void function_write(struct virga_json_writer *writer, const char *key,
                    const struct function *function, const char *qualifier, unsigned flags) {
    char arn[LAMBDA_ARN_MAX];
    function_arn(&function->tenant, function->name, qualifier, arn);
    virga_json_begin_object(writer, key);
    virga_json_string(writer, "FunctionName", function->name);
    virga_json_string(writer, "FunctionArn", arn);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if ((flags & FUNCTION_WRITE_LISTED) == 0 || !is_state(members[i])) {
            write_member(writer, function->document, members[i]);
        }
    }
    virga_json_end_object(writer);
}

void function_write_code(struct virga_json_writer *writer, const struct function *function) {
    virga_json_begin_object(writer, "Code");
    virga_json_string(writer, "RepositoryType", "ECR");
    virga_json_string(writer, "ImageUri", function_image_text(function, "Uri"));
    virga_json_string(writer, "ResolvedImageUri", function_image_text(function, "Resolved"));
    virga_json_end_object(writer);
}
