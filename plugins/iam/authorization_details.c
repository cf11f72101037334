/* SPDX-License-Identifier: MIT */
/* GetAccountAuthorizationDetails: everything with its policies, for who looks through an account.
 */
#include "actions.h"
#include "entity.h"
#include "managed_policy.h"
#include "policy.h"

#include <errno.h>

static void write_inline(struct virga_xml_writer *writer, const char *list,
                         struct json_object *record) {
    virga_xml_begin(writer, list);
    for (size_t i = 0; i < virga_awsjson_length(record, "Policies"); i++) {
        struct json_object *policy = virga_awsjson_element(record, "Policies", i);
        virga_xml_begin(writer, "member");
        virga_xml_string(writer, "PolicyName", record_string(policy, "Name"));
        document_write(writer, "PolicyDocument", record_string(policy, "Document"));
        virga_xml_end(writer, "member");
    }
    virga_xml_end(writer, list);
}

static void write_attached(struct virga_xml_writer *writer, struct json_object *record) {
    struct json_object *attached = virga_awsjson_member(record, "Attached");
    virga_xml_begin(writer, "AttachedManagedPolicies");
    for (size_t i = 0; i < virga_awsjson_length(record, "Attached"); i++) {
        attachment_write(writer, array_string(attached, i));
    }
    virga_xml_end(writer, "AttachedManagedPolicies");
}

static int write_role_profiles(struct page *page, struct json_object *role) {
    const struct iam *iam = page->call->iam;
    struct virga_store_cursor *cursor;
    struct virga_str at, name;
    struct key key;
    key_index(page->call, RELATION_PROFILE, record_string(role, "Name"), NULL, NULL, &key);
    int result =
        iam->store->scan(iam->host, key_str(&key), (struct virga_str){NULL, 0}, 0, &cursor);
    if (result != 0) {
        return result;
    }
    virga_xml_begin(page->writer, "InstanceProfileList");
    while ((result = iam->store->next(cursor, &at, &name)) == 1) {
        struct json_object *profile = NULL;
        result = record_read(page->call, &kind_profile, name.ptr, &profile);
        if (result == 0) {
            result = entity_write(page->call, page->writer, &kind_profile, profile, "member",
                                  DETAIL_LISTED);
        }
        json_object_put(profile);
        if (result != 0 && result != -ENOENT) {
            break;
        }
    }
    iam->store->close(cursor);
    virga_xml_end(page->writer, "InstanceProfileList");
    return result;
}

static void write_versions(struct virga_xml_writer *writer, struct json_object *policy) {
    virga_xml_begin(writer, "PolicyVersionList");
    for (size_t i = virga_awsjson_length(policy, "Versions"); i > 0; i--) {
        policy_write_version(writer, policy, i - 1, "member", 1);
    }
    virga_xml_end(writer, "PolicyVersionList");
}

static int write_details(struct page *page, const struct kind *kind, struct json_object *record) {
    struct virga_xml_writer *writer = page->writer;
    virga_xml_begin(writer, "member");
    int result = entity_write(page->call, writer, kind, record, NULL, DETAIL_WHOLE);
    if (kind == &kind_policy) {
        write_versions(writer, record);
    } else {
        write_inline(writer,
                     kind == &kind_role   ? "RolePolicyList"
                     : kind == &kind_user ? "UserPolicyList"
                                          : "GroupPolicyList",
                     record);
        write_attached(writer, record);
    }
    if (kind == &kind_user) {
        struct json_object *groups = virga_awsjson_member(record, "Groups");
        virga_xml_begin(writer, "GroupList");
        for (size_t i = 0; i < virga_awsjson_length(record, "Groups"); i++) {
            virga_xml_string(writer, "member", array_string(groups, i));
        }
        virga_xml_end(writer, "GroupList");
    }
    if (result == 0 && kind == &kind_role) {
        result = write_role_profiles(page, record);
    }
    virga_xml_end(writer, "member");
    return result;
}

/* A page_show; `arg` is the kind. */
static int show_details(struct page *page, struct virga_str name, struct virga_str value,
                        void *arg) {
    const struct kind *const *kind = arg;
    struct json_object *record = NULL;
    int result = virga_awsjson_parse(value, &record);
    (void)name;
    result = result == 0 ? write_details(page, *kind, record) : result;
    json_object_put(record);
    return result == 0 ? 1 : result == -EBADMSG ? -EIO : result;
}

static int show_managed(struct page *page, size_t index, void *arg) {
    char arn[ARN_SIZE];
    struct json_object *policy = NULL;
    (void)arg;
    managed_policy_arn(page->call, index, arn, sizeof arn);
    int result = managed_policy_read(page->call, arn, &policy);
    result = result == 0 ? write_details(page, &kind_policy, policy) : result;
    json_object_put(policy);
    return result == 0 ? 1 : result;
}

static int is_wanted(const struct call *call, const char *filter) {
    struct json_object *filters = virga_awsjson_member(call->input, "Filter");
    return virga_awsjson_length(call->input, "Filter") == 0 ||
           array_find(filters, NULL, filter) >= 0;
}

void action_get_account_authorization_details(struct call *call) {
    static const struct {
        const struct kind *kind;
        const char *filter, *list;
    } phases[] = {
        {&kind_user, "User", "UserDetailList"},
        {&kind_group, "Group", "GroupDetailList"},
        {&kind_role, "Role", "RoleDetailList"},
        {&kind_policy, "LocalManagedPolicy", "Policies"},
    };
    const size_t count = sizeof phases / sizeof phases[0];
    struct virga_xml_writer writer = {0};
    struct page page;
    if (page_begin(call, &writer, &page) != 0) {
        return;
    }
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    for (size_t i = 0; i < count; i++) {
        const struct kind *kind = phases[i].kind;
        struct key key;
        virga_xml_begin(&writer, phases[i].list);
        if (is_wanted(call, phases[i].filter)) {
            key_entity(call, kind, "", &key);
            page_scan(&page, (int)i, &key, show_details, &kind);
        }
        /* Unless they are asked for by name: nobody wants them in each answer. */
        if (i == count - 1 && virga_awsjson_length(call->input, "Filter") > 0 &&
            is_wanted(call, "AWSManagedPolicy")) {
            page_count(&page, (int)count, managed_policies_count(), show_managed, NULL);
        }
        virga_xml_end(&writer, phases[i].list);
    }
    page_answer(&page);
}
