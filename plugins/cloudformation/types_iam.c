/* SPDX-License-Identifier: MIT */
/* AWS::IAM::Role, User, Group and InstanceProfile, and the table of all.
 * Source: the types' pages in the template reference; the IAM API reference. */
#include "types_iam.h"

#define VERSION "2010-05-08"

enum task_verdict iam_call(struct task *task, const char *action, struct text *form) {
    return task_call_query(task, "iam", VERSION, action, form);
}

/* "Role", "User" or "Group": what stands behind "AWS::IAM::". */
static const char *entity(const struct task *task) {
    return task->type->name + strlen("AWS::IAM::");
}

const char *iam_document(struct json_object *document) {
    return value_is_string(document) ? value_scalar(document)
           : document != NULL        ? value_json(document)
                                     : "";
}

void iam_name(struct text *form, const char *kind, const char *name) {
    char parameter[40];
    (void)snprintf(parameter, sizeof parameter, "%sName", kind);
    task_form_add(form, parameter, name);
}

static bool holds(struct json_object *list, const char *text) {
    for (size_t i = 0; i < value_length(list); i++) {
        const char *one = value_scalar(value_element(list, i));
        if (one != NULL && strcmp(one, text) == 0) {
            return true;
        }
    }
    return false;
}

/* Goes through two lists, one text at each call: first those of the old one that are not in the new
 * one (ret_added false), then those of the new one that are not in the old. NULL at the end. */
static const char *next_difference(struct task *task, struct json_object *old,
                                   struct json_object *new, bool *ret_added) {
    size_t had = value_length(old);
    while (task->index < had + value_length(new)) {
        size_t i = task->index++;
        *ret_added = i >= had;
        const char *text =
            value_scalar(*ret_added ? value_element(new, i - had) : value_element(old, i));
        if (text != NULL && !holds(*ret_added ? old : new, text)) {
            return text;
        }
    }
    return NULL;
}

static struct json_object *old_list(const struct task *task, const char *name) {
    return task->kind == TASK_REMOVE ? value_member(task->properties, name)
                                     : value_member(task->previous, name);
}

static struct json_object *new_list(const struct task *task, const char *name) {
    return task->kind == TASK_REMOVE ? NULL : value_member(task->properties, name);
}

enum task_verdict iam_repeat(struct task *task, const struct answer *answer) {
    (void)task;
    (void)answer;
    return TASK_REPEAT;
}

/* --- roles, users, groups --- */

static void add_tags(struct task *task, struct text *form) {
    struct json_object *tags = value_member(task->properties, "Tags");
    char name[60];
    for (size_t i = 0; i < value_length(tags); i++) {
        struct json_object *tag = value_element(tags, i);
        const char *key = value_text(tag, "Key");
        const char *value = value_text(tag, "Value");
        (void)snprintf(name, sizeof name, "Tags.member.%zu.Key", i + 1);
        task_form_add(form, name, key != NULL ? key : "");
        (void)snprintf(name, sizeof name, "Tags.member.%zu.Value", i + 1);
        task_form_add(form, name, value != NULL ? value : "");
    }
}

static enum task_verdict create_entity(struct task *task) {
    static const char *const optional[] = {"Path", "Description", "MaxSessionDuration",
                                           "PermissionsBoundary"};
    struct text form = {0};
    char action[40];
    struct json_object *trust = value_member(task->properties, "AssumeRolePolicyDocument");
    iam_name(&form, entity(task), task->physical);
    for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++) {
        const char *text = task_property(task, optional[i], NULL);
        if (text != NULL) {
            task_form_add(&form, optional[i], text);
        }
    }
    if (trust != NULL) {
        task_form_add(&form, "AssumeRolePolicyDocument", iam_document(trust));
    }
    add_tags(task, &form);
    (void)snprintf(action, sizeof action, "Create%s", entity(task));
    return iam_call(task, action, &form);
}

static enum task_verdict attach(struct task *task) {
    bool added = false;
    char action[60];
    struct text form = {0};
    const char *arn = next_difference(task, old_list(task, "ManagedPolicyArns"),
                                      new_list(task, "ManagedPolicyArns"), &added);
    if (arn == NULL) {
        return TASK_NEXT;
    }
    iam_name(&form, entity(task), task->physical);
    task_form_add(&form, "PolicyArn", arn);
    (void)snprintf(action, sizeof action, "%s%sPolicy", added ? "Attach" : "Detach", entity(task));
    return iam_call(task, action, &form);
}

static struct json_object *find_policy(struct json_object *policies, const char *name) {
    for (size_t i = 0; i < value_length(policies); i++) {
        const char *one = value_text(value_element(policies, i), "PolicyName");
        if (one != NULL && strcmp(one, name) == 0) {
            return value_element(policies, i);
        }
    }
    return NULL;
}

/* Inline policies: what is gone is deleted, what is new or differs is put. */
static enum task_verdict put_inline(struct task *task) {
    struct json_object *old = old_list(task, "Policies");
    struct json_object *new = new_list(task, "Policies");
    size_t had = value_length(old);
    while (task->index < had + value_length(new)) {
        size_t i = task->index++;
        struct json_object *policy = i < had ? value_element(old, i) : value_element(new, i - had);
        const char *name = value_text(policy, "PolicyName");
        char action[60];
        struct text form = {0};
        if (name == NULL) {
            return task_fail(task, "Invalid request provided: a policy has no PolicyName");
        }
        struct json_object *other = find_policy(i < had ? new : old, name);
        if (other != NULL && (i < had || value_equal(other, policy))) {
            continue;
        }
        iam_name(&form, entity(task), task->physical);
        task_form_add(&form, "PolicyName", name);
        if (i >= had) {
            task_form_add(&form, "PolicyDocument",
                          iam_document(value_member(policy, "PolicyDocument")));
        }
        (void)snprintf(action, sizeof action, "%s%sPolicy", i < had ? "Delete" : "Put",
                       entity(task));
        return iam_call(task, action, &form);
    }
    return TASK_NEXT;
}

/* A user's groups. */
static enum task_verdict join_groups(struct task *task) {
    bool added = false;
    struct text form = {0};
    const char *group =
        next_difference(task, old_list(task, "Groups"), new_list(task, "Groups"), &added);
    if (group == NULL || strcmp(entity(task), "User") != 0) {
        return TASK_NEXT;
    }
    task_form_add(&form, "UserName", task->physical);
    task_form_add(&form, "GroupName", group);
    return iam_call(task, added ? "AddUserToGroup" : "RemoveUserFromGroup", &form);
}

static enum task_verdict get_entity(struct task *task) {
    struct text form = {0};
    char action[40];
    iam_name(&form, entity(task), task->physical);
    (void)snprintf(action, sizeof action, "Get%s", entity(task));
    return iam_call(task, action, &form);
}

static enum task_verdict take_entity(struct task *task, const struct answer *answer) {
    char text[512];
    char id[40];
    if (answer_xml(answer, "Arn", text, sizeof text)) {
        task_attribute(task, "Arn", text);
    }
    (void)snprintf(id, sizeof id, "%sId", entity(task));
    if (answer_xml(answer, id, text, sizeof text)) {
        task_attribute(task, id, text);
    }
    return task->failed ? TASK_FAILED : TASK_NEXT;
}

static enum task_verdict update_trust(struct task *task) {
    struct text form = {0};
    if (!task_changed(task, "AssumeRolePolicyDocument")) {
        return TASK_NEXT;
    }
    task_form_add(&form, "RoleName", task->physical);
    task_form_add(&form, "PolicyDocument",
                  iam_document(value_member(task->properties, "AssumeRolePolicyDocument")));
    return iam_call(task, "UpdateAssumeRolePolicy", &form);
}

static enum task_verdict update_role(struct task *task) {
    struct text form = {0};
    if (strcmp(entity(task), "Role") != 0 ||
        (!task_changed(task, "Description") && !task_changed(task, "MaxSessionDuration"))) {
        return TASK_NEXT;
    }
    task_form_add(&form, "RoleName", task->physical);
    task_form_add(&form, "Description", task_property(task, "Description", ""));
    task_form_add(&form, "MaxSessionDuration", task_property(task, "MaxSessionDuration", "3600"));
    return iam_call(task, "UpdateRole", &form);
}

static enum task_verdict update_boundary(struct task *task) {
    struct text form = {0};
    char action[60];
    const char *boundary = task_property(task, "PermissionsBoundary", NULL);
    if (!task_changed(task, "PermissionsBoundary")) {
        return TASK_NEXT;
    }
    iam_name(&form, entity(task), task->physical);
    if (boundary != NULL) {
        task_form_add(&form, "PermissionsBoundary", boundary);
    }
    (void)snprintf(action, sizeof action, "%s%sPermissionsBoundary",
                   boundary != NULL ? "Put" : "Delete", entity(task));
    return iam_call(task, action, &form);
}

static enum task_verdict tag_entity(struct task *task) {
    struct text form = {0};
    char action[40];
    if (!task_changed(task, "Tags") || value_length(value_member(task->properties, "Tags")) == 0) {
        return TASK_NEXT;
    }
    iam_name(&form, entity(task), task->physical);
    add_tags(task, &form);
    (void)snprintf(action, sizeof action, "Tag%s", entity(task));
    return iam_call(task, action, &form);
}

static enum task_verdict untag_entity(struct task *task) {
    struct json_object *old = value_member(task->previous, "Tags");
    struct json_object *new = value_member(task->properties, "Tags");
    struct text form = {0};
    char name[60];
    size_t count = 0;
    iam_name(&form, entity(task), task->physical);
    for (size_t i = 0; i < value_length(old); i++) {
        const char *key = value_text(value_element(old, i), "Key");
        bool there = key == NULL;
        for (size_t n = 0; !there && n < value_length(new); n++) {
            const char *other = value_text(value_element(new, n), "Key");
            there = other != NULL && strcmp(other, key) == 0;
        }
        if (!there) {
            (void)snprintf(name, sizeof name, "TagKeys.member.%zu", ++count);
            task_form_add(&form, name, key);
        }
    }
    if (count == 0) {
        text_finish(&form);
        return TASK_NEXT;
    }
    (void)snprintf(name, sizeof name, "Untag%s", entity(task));
    return iam_call(task, name, &form);
}

static enum task_verdict delete_entity(struct task *task) {
    struct text form = {0};
    char action[40];
    iam_name(&form, entity(task), task->physical);
    (void)snprintf(action, sizeof action, "Delete%s", entity(task));
    return iam_call(task, action, &form);
}

static const struct task_step entity_create[] = {
    {create_entity, NULL, NULL},     {attach, iam_repeat, NULL},
    {put_inline, iam_repeat, NULL},  {join_groups, iam_repeat, NULL},
    {get_entity, take_entity, NULL}, {NULL, NULL, NULL},
};
static const struct task_step entity_update[] = {
    {update_trust, NULL, NULL},
    {update_role, NULL, NULL},
    {update_boundary, NULL, "NoSuchEntity"},
    {attach, iam_repeat, NULL},
    {put_inline, iam_repeat, NULL},
    {join_groups, iam_repeat, NULL},
    {untag_entity, NULL, NULL},
    {tag_entity, NULL, NULL},
    {NULL, NULL, NULL},
};
static const struct task_step entity_remove[] = {
    {join_groups, iam_repeat, NULL}, {attach, iam_repeat, NULL}, {put_inline, iam_repeat, NULL},
    {delete_entity, NULL, NULL},     {NULL, NULL, NULL},
};

/* --- instance profiles --- */

static enum task_verdict create_profile(struct task *task) {
    struct text form = {0};
    task_form_add(&form, "InstanceProfileName", task->physical);
    task_form_add(&form, "Path", task_property(task, "Path", "/"));
    return iam_call(task, "CreateInstanceProfile", &form);
}

static enum task_verdict take_profile(struct task *task, const struct answer *answer) {
    char arn[512];
    if (answer_xml(answer, "Arn", arn, sizeof arn)) {
        task_attribute(task, "Arn", arn);
    }
    return task->failed ? TASK_FAILED : TASK_NEXT;
}

static enum task_verdict change_profile(struct task *task) {
    bool added = false;
    struct text form = {0};
    const char *role =
        next_difference(task, old_list(task, "Roles"), new_list(task, "Roles"), &added);
    if (role == NULL) {
        return TASK_NEXT;
    }
    task_form_add(&form, "InstanceProfileName", task->physical);
    task_form_add(&form, "RoleName", role);
    return iam_call(task, added ? "AddRoleToInstanceProfile" : "RemoveRoleFromInstanceProfile",
                    &form);
}

static enum task_verdict delete_profile(struct task *task) {
    struct text form = {0};
    task_form_add(&form, "InstanceProfileName", task->physical);
    return iam_call(task, "DeleteInstanceProfile", &form);
}

static const struct task_step profile_create[] = {
    {create_profile, take_profile, NULL}, {change_profile, iam_repeat, NULL}, {NULL, NULL, NULL}};
static const struct task_step profile_update[] = {{change_profile, iam_repeat, NULL},
                                                  {NULL, NULL, NULL}};
static const struct task_step profile_remove[] = {
    {change_profile, iam_repeat, NULL}, {delete_profile, NULL, NULL}, {NULL, NULL, NULL}};

static const char *const role_replaced_by[] = {"RoleName", "Path", NULL};
static const char *const role_attributes[] = {"Arn", "RoleId", NULL};
static const char *const user_replaced_by[] = {"UserName", NULL};
static const char *const group_replaced_by[] = {"GroupName", NULL};
static const char *const arn_only[] = {"Arn", NULL};
static const char *const policy_replaced_by[] = {"PolicyName", NULL};
static const char *const policy_attributes[] = {"Id", NULL};
static const char *const managed_replaced_by[] = {"ManagedPolicyName", "Path", "Description", NULL};
static const char *const managed_attributes[] = {"PolicyArn", "PolicyId", NULL};
static const char *const profile_replaced_by[] = {"InstanceProfileName", "Path", NULL};

const struct resource_type types_iam[] = {
    {.name = "AWS::IAM::Role",
     .replaced_by = role_replaced_by,
     .attributes = role_attributes,
     .named_by = "RoleName",
     .rule = {.max = 64},
     .tags = TASK_TAGS_LIST,
     .create = entity_create,
     .update = entity_update,
     .remove = entity_remove},
    {.name = "AWS::IAM::User",
     .replaced_by = user_replaced_by,
     .attributes = arn_only,
     .named_by = "UserName",
     .rule = {.max = 64},
     .tags = TASK_TAGS_LIST,
     .create = entity_create,
     .update = entity_update,
     .remove = entity_remove},
    {.name = "AWS::IAM::Group",
     .replaced_by = group_replaced_by,
     .attributes = arn_only,
     .named_by = "GroupName",
     .rule = {.max = 128},
     .create = entity_create,
     .update = entity_update,
     .remove = entity_remove},
    {.name = "AWS::IAM::Policy",
     .replaced_by = policy_replaced_by,
     .attributes = policy_attributes,
     .rule = {.max = 128},
     .create = iam_policy_create,
     .update = iam_policy_update,
     .remove = iam_policy_remove},
    {.name = "AWS::IAM::ManagedPolicy",
     .replaced_by = managed_replaced_by,
     .attributes = managed_attributes,
     .named_by = "ManagedPolicyName",
     .rule = {.max = 128},
     .create = iam_managed_create,
     .update = iam_managed_update,
     .remove = iam_managed_remove},
    {.name = "AWS::IAM::InstanceProfile",
     .replaced_by = profile_replaced_by,
     .attributes = arn_only,
     .named_by = "InstanceProfileName",
     .rule = {.max = 128},
     .create = profile_create,
     .update = profile_update,
     .remove = profile_remove},
    {.name = NULL},
};
