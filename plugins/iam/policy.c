/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include "actions.h"
#include "document.h"
#include "entity.h"
#include "managed_policy.h"

#include <errno.h>

/* Source: IAM User Guide, "IAM and AWS STS quotas". */
#define DOCUMENT_MAX 6144

int policy_read(const struct call *call, const char *arn, struct json_object **ret_record) {
    return managed_policy_is(arn) ? managed_policy_read(call, arn, ret_record)
                                  : entity_read_arn(call, &kind_policy, arn, ret_record);
}

int policy_exists(const struct call *call, const char *arn) {
    struct json_object *record = NULL;
    int result = policy_read(call, arn, &record);
    json_object_put(record);
    return result;
}

struct json_object *policy_of(struct call *call) {
    const char *arn = call_str(call, "PolicyArn").ptr;
    struct json_object *record = NULL;
    int result = policy_read(call, arn, &record);
    if (result == -EINVAL) {
        call_fail(call, INVALID_INPUT, "ARN %s is not valid.", arn);
    } else if (result == -ENOENT) {
        kind_fail_missing(call, &kind_policy, arn);
    } else if (result != 0) {
        call_fail_internally(call, result);
    }
    return record;
}

int policy_check_document(struct call *call) {
    struct virga_str document = call_str(call, "PolicyDocument");
    if (document_check(call, DOCUMENT_MANAGED, document) != 0) {
        return -EINVAL;
    }
    if (document_size(document) > DOCUMENT_MAX) {
        call_fail(call, LIMIT_EXCEEDED, "Cannot exceed quota for PolicySize: %d", DOCUMENT_MAX);
        return -EDQUOT;
    }
    return 0;
}

void action_create_policy(struct call *call) {
    struct virga_str description = call_str(call, "Description");
    if (policy_check_document(call) != 0) {
        return;
    }
    struct json_object *policy = entity_make(call, &kind_policy, call_str(call, "PolicyName").ptr);
    if (policy == NULL) {
        return;
    }
    int result = description.ptr != NULL ? record_set(policy, "Description", description) : 0;
    result = result == 0 ? policy_add_version(call, policy, 1) : result;
    if (result != 0) {
        call_fail_internally(call, result);
    } else if (entity_save(call, &kind_policy, policy) == 0) {
        entity_answer(call, &kind_policy, policy);
    }
    json_object_put(policy);
}

void action_get_policy(struct call *call) {
    struct json_object *policy = policy_of(call);
    if (policy != NULL) {
        entity_answer(call, &kind_policy, policy);
    }
    json_object_put(policy);
}

/* How often it is attached, and how often it is a boundary. */
static int count_uses(const struct call *call, const char *arn, int64_t *ret_attached,
                      int64_t *ret_boundaries) {
    struct key key;
    key_index(call, RELATION_ATTACHED, arn, NULL, NULL, &key);
    int result = key_count(call->iam, &key, ret_attached);
    key_index(call, RELATION_BOUNDARY, arn, NULL, NULL, &key);
    return result == 0 ? key_count(call->iam, &key, ret_boundaries) : result;
}

void action_delete_policy(struct call *call) {
    struct json_object *policy = entity_of(call);
    int64_t attached = 0, boundaries = 0;
    if (policy == NULL) {
        return;
    }
    int result = count_uses(call, record_string(policy, "Arn"), &attached, &boundaries);
    if (result == 0 && attached + boundaries > 0) {
        call_fail(call, DELETE_CONFLICT, "Cannot delete a policy attached to entities.");
    } else if (result == 0 && virga_awsjson_length(policy, "Versions") > 1) {
        call_fail(call, DELETE_CONFLICT,
                  "This policy has more than one version. Before you delete a policy, you must "
                  "delete the policy's versions. The default version is deleted with the policy.");
    } else {
        result = result == 0 ? record_delete(call, &kind_policy, policy) : result;
        if (result == 0) {
            call_answer_empty(call);
        } else {
            call_fail_internally(call, result);
        }
    }
    json_object_put(policy);
}

/* Whether ListPolicies shows a policy. Errors: the store's. */
static int is_wanted(const struct call *call, struct json_object *policy) {
    int64_t attached = 0, boundaries = 0;
    const char *usage = call_str(call, "PolicyUsageFilter").ptr;
    int only_attached = virga_awsjson_bool(call->input, "OnlyAttached");
    if (!entity_on_path(call, policy)) {
        return 0;
    }
    if (usage == NULL && !only_attached) {
        return 1;
    }
    int result = count_uses(call, record_string(policy, "Arn"), &attached, &boundaries);
    if (result != 0) {
        return result;
    }
    int64_t uses = usage == NULL                             ? attached + boundaries
                   : strcmp(usage, "PermissionsPolicy") == 0 ? attached
                                                             : boundaries;
    return !only_attached || uses > 0 ? (usage == NULL || uses > 0) : 0;
}

static int show_policy(struct page *page, struct json_object *policy) {
    int result = is_wanted(page->call, policy);
    if (result == 1) {
        result =
            entity_write(page->call, page->writer, &kind_policy, policy, "member", DETAIL_LISTED);
        result = result == 0 ? 1 : result;
    }
    return result;
}

/* A page_show. */
static int show_own(struct page *page, struct virga_str name, struct virga_str value, void *arg) {
    struct json_object *policy = NULL;
    int result = virga_awsjson_parse(value, &policy);
    (void)name;
    (void)arg;
    result = result == 0 ? show_policy(page, policy) : result;
    json_object_put(policy);
    return result == -EBADMSG ? -EIO : result;
}

static int show_managed(struct page *page, size_t index, void *arg) {
    char arn[ARN_SIZE];
    struct json_object *policy = NULL;
    (void)arg;
    managed_policy_arn(page->call, index, arn, sizeof arn);
    int result = managed_policy_read(page->call, arn, &policy);
    result = result == 0 ? show_policy(page, policy) : result;
    json_object_put(policy);
    return result;
}

void action_list_policies(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct page page;
    struct key key;
    const char *scope = call_str(call, "Scope").ptr;
    scope = scope != NULL ? scope : "All";
    if (page_begin(call, &writer, &page) != 0) {
        return;
    }
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    virga_xml_begin(&writer, "Policies");
    key_entity(call, &kind_policy, "", &key);
    if (strcmp(scope, "AWS") != 0) {
        page_scan(&page, 0, &key, show_own, NULL);
    }
    if (strcmp(scope, "Local") != 0) {
        page_count(&page, 1, managed_policies_count(), show_managed, NULL);
    }
    virga_xml_end(&writer, "Policies");
    page_answer(&page);
}

/* --- who uses a policy --- */

struct users {
    const struct kind *kind;
    const char *arn;
    int boundary; /* the entries are of boundaries */
};

/* A page_show: the value of an index entry is the name of a role, user or group. */
static int show_user(struct page *page, struct virga_str name, struct virga_str value, void *arg) {
    const struct users *users = arg;
    struct json_object *record = NULL;
    int shown = 0;
    (void)name;
    int result = record_read(page->call, users->kind, value.ptr, &record);
    if (result != 0) {
        return result == -ENOENT ? 0 : result;
    }
    struct json_object *attached = virga_awsjson_member(record, "Attached");
    int listed_already = users->boundary && array_find(attached, NULL, users->arn) >= 0 &&
                         call_str(page->call, "PolicyUsageFilter").ptr == NULL;
    if (!listed_already && entity_on_path(page->call, record)) {
        virga_xml_begin(page->writer, "member");
        virga_xml_string(page->writer, users->kind->name_member, record_string(record, "Name"));
        virga_xml_string(page->writer, users->kind->id_member, record_string(record, "Id"));
        virga_xml_end(page->writer, "member");
        shown = 1;
    }
    json_object_put(record);
    return shown;
}

static void list_users(struct page *page, int phase, const char *list, const struct kind *kind,
                       const char *arn) {
    const char *filter = call_str(page->call, "EntityFilter").ptr;
    const char *usage = call_str(page->call, "PolicyUsageFilter").ptr;
    struct users users = {.kind = kind, .arn = arn};
    struct key key;
    virga_xml_begin(page->writer, list);
    if (filter == NULL || strcmp(filter, kind->element) == 0) {
        if (usage == NULL || strcmp(usage, "PermissionsPolicy") == 0) {
            key_index(page->call, RELATION_ATTACHED, arn, kind, "", &key);
            page_scan(page, phase, &key, show_user, &users);
        }
        if (usage == NULL || strcmp(usage, "PermissionsBoundary") == 0) {
            users.boundary = 1;
            key_index(page->call, RELATION_BOUNDARY, arn, kind, "", &key);
            page_scan(page, phase + 1, &key, show_user, &users);
        }
    }
    virga_xml_end(page->writer, list);
}

void action_list_entities_for_policy(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct page page;
    struct json_object *policy = policy_of(call);
    if (policy != NULL && page_begin(call, &writer, &page) == 0) {
        const char *arn = record_string(policy, "Arn");
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        list_users(&page, 0, "PolicyGroups", &kind_group, arn);
        list_users(&page, 2, "PolicyUsers", &kind_user, arn);
        list_users(&page, 4, "PolicyRoles", &kind_role, arn);
        page_answer(&page);
    }
    json_object_put(policy);
}
