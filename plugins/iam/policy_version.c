/* SPDX-License-Identifier: MIT */
/* Versions of managed policies: five at most, one of them the default. */
#include "actions.h"
#include "entity.h"
#include "policy.h"

#include <errno.h>
#include <stdlib.h>

/* Source: IAM User Guide, "IAM and AWS STS quotas". */
#define VERSIONS_MAX 5

int policy_add_version(const struct call *call, struct json_object *policy, int is_default) {
    int64_t number = virga_awsjson_int(policy, "Next", 1);
    int64_t now_ms = call_now_ms(call);
    char id[24];
    (void)snprintf(id, sizeof id, "v%lld", (long long)number);
    struct json_object *version = json_object_new_object();
    struct json_object *versions = record_array(policy, "Versions");
    if (versions == NULL) {
        json_object_put(version);
        return -ENOMEM;
    }
    int result = array_add(versions, version);
    result = result == 0 ? record_set(version, "Id", virga_str_from(id)) : result;
    result =
        result == 0 ? record_set(version, "Document", call_str(call, "PolicyDocument")) : result;
    result = result == 0 ? record_set_int(version, "CreateDate", now_ms) : result;
    result = result == 0 ? record_set_int(policy, "Next", number + 1) : result;
    result = result == 0 ? record_set_int(policy, "UpdateDate", now_ms) : result;
    return result == 0 && is_default ? record_set(policy, "Default", virga_str_from(id)) : result;
}

ptrdiff_t policy_find_version(struct json_object *policy, const char *id) {
    return array_find(virga_awsjson_member(policy, "Versions"), "Id", id);
}

void policy_write_version(struct virga_xml_writer *writer, struct json_object *policy, size_t index,
                          const char *element, int with_document) {
    struct json_object *version = virga_awsjson_element(policy, "Versions", index);
    const char *id = record_string(version, "Id");
    virga_xml_begin(writer, element);
    if (with_document) {
        document_write(writer, "Document", record_string(version, "Document"));
    }
    virga_xml_string(writer, "VersionId", id);
    virga_xml_bool(writer, "IsDefaultVersion", strcmp(id, record_string(policy, "Default")) == 0);
    virga_xml_time(writer, "CreateDate", virga_awsjson_int(version, "CreateDate", 0));
    virga_xml_end(writer, element);
}

/* The version that the input names; -1: the call has been answered. */
static ptrdiff_t find_version(struct call *call, struct json_object *policy) {
    const char *id = call_str(call, "VersionId").ptr;
    ptrdiff_t at = policy_find_version(policy, id);
    if (at < 0) {
        call_fail(call, NO_SUCH_ENTITY, "Policy %s version %s does not exist or is not attachable.",
                  record_string(policy, "Arn"), id);
    }
    return at;
}

static void answer_version(struct call *call, struct json_object *policy, size_t index,
                           int with_document) {
    struct virga_xml_writer writer = {0};
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    policy_write_version(&writer, policy, index, "PolicyVersion", with_document);
    (void)virga_query_answer(call->req, &writer, call->action);
}

void action_create_policy_version(struct call *call) {
    struct json_object *policy = entity_of(call);
    if (policy == NULL) {
        return;
    }
    size_t count = virga_awsjson_length(policy, "Versions");
    if (policy_check_document(call) == 0) {
        if (count >= VERSIONS_MAX) {
            call_fail(call, LIMIT_EXCEEDED,
                      "A managed policy can have up to %d versions. Before you create a new "
                      "version, you must delete an existing version.",
                      VERSIONS_MAX);
        } else {
            int is_default = virga_awsjson_bool(call->input, "SetAsDefault");
            int result = policy_add_version(call, policy, is_default);
            if (result != 0) {
                call_fail_internally(call, result);
            } else if (entity_save(call, &kind_policy, policy) == 0) {
                answer_version(call, policy, count, 0);
            }
        }
    }
    json_object_put(policy);
}

void action_get_policy_version(struct call *call) {
    struct json_object *policy = policy_of(call);
    ptrdiff_t at = policy != NULL ? find_version(call, policy) : -1;
    if (at >= 0) {
        answer_version(call, policy, (size_t)at, 1);
    }
    json_object_put(policy);
}

/* Newest first. */
static int show_version(struct page *page, size_t index, void *arg) {
    size_t count = virga_awsjson_length(arg, "Versions");
    policy_write_version(page->writer, arg, count - 1 - index, "member", 0);
    return 1;
}

void action_list_policy_versions(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct page page;
    struct json_object *policy = policy_of(call);
    if (policy != NULL && page_begin(call, &writer, &page) == 0) {
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        virga_xml_begin(&writer, "Versions");
        page_count(&page, 0, virga_awsjson_length(policy, "Versions"), show_version, policy);
        virga_xml_end(&writer, "Versions");
        page_answer(&page);
    }
    json_object_put(policy);
}

void action_delete_policy_version(struct call *call) {
    struct json_object *policy = entity_of(call);
    ptrdiff_t at = policy != NULL ? find_version(call, policy) : -1;
    if (at >= 0) {
        if (strcmp(call_str(call, "VersionId").ptr, record_string(policy, "Default")) == 0) {
            call_fail(call, DELETE_CONFLICT, "Cannot delete the default version of a policy.");
        } else {
            (void)json_object_array_del_idx(virga_awsjson_member(policy, "Versions"), (size_t)at,
                                            1);
            if (entity_save(call, &kind_policy, policy) == 0) {
                call_answer_empty(call);
            }
        }
    }
    json_object_put(policy);
}

void action_set_default_policy_version(struct call *call) {
    struct json_object *policy = entity_of(call);
    if (policy != NULL && find_version(call, policy) >= 0) {
        int result = record_set(policy, "Default", call_str(call, "VersionId"));
        result = result == 0 ? record_set_int(policy, "UpdateDate", call_now_ms(call)) : result;
        if (result != 0) {
            call_fail_internally(call, result);
        } else if (entity_save(call, &kind_policy, policy) == 0) {
            call_answer_empty(call);
        }
    }
    json_object_put(policy);
}
