/* SPDX-License-Identifier: MIT */
/* AWS::IAM::Policy and ManagedPolicy.
 * Source: the types' pages in the template reference; the IAM API reference. */
#include "types_iam.h"

static const char *const kinds[] = {"Role", "User", "Group"};

/* The index'th of the entities of a policy: roles, then users, then groups. */
static const char *entity_at(struct json_object *properties, size_t index, const char **ret_kind) {
    static const char *const lists[] = {"Roles", "Users", "Groups"};
    for (size_t k = 0; k < 3; k++) {
        struct json_object *list = value_member(properties, lists[k]);
        if (index < value_length(list)) {
            *ret_kind = kinds[k];
            return value_scalar(value_element(list, index));
        }
        index -= value_length(list);
    }
    return NULL;
}

static bool has_entity(struct json_object *properties, const char *kind, const char *name) {
    const char *other_kind;
    const char *other;
    for (size_t i = 0; (other = entity_at(properties, i, &other_kind)) != NULL; i++) {
        if (strcmp(other_kind, kind) == 0 && strcmp(other, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Puts the policy into each entity. */
static enum task_verdict put_policy(struct task *task) {
    const char *kind = NULL;
    const char *name = entity_at(task->properties, task->index, &kind);
    struct text form = {0};
    char action[40];
    if (name == NULL) {
        return TASK_NEXT;
    }
    task->index++;
    iam_name(&form, kind, name);
    task_form_add(&form, "PolicyName", task_property(task, "PolicyName", ""));
    task_form_add(&form, "PolicyDocument",
                  iam_document(value_member(task->properties, "PolicyDocument")));
    (void)snprintf(action, sizeof action, "Put%sPolicy", kind);
    return iam_call(task, action, &form);
}

/* Takes it out of those that are not meant any more; of a removal, of all. */
static enum task_verdict delete_policy(struct task *task) {
    struct json_object *from = task->kind == TASK_REMOVE ? task->properties : task->previous;
    const char *kind = NULL;
    const char *name;
    while ((name = entity_at(from, task->index, &kind)) != NULL) {
        struct text form = {0};
        char action[40];
        task->index++;
        if (task->kind != TASK_REMOVE && has_entity(task->properties, kind, name)) {
            continue;
        }
        iam_name(&form, kind, name);
        task_form_add(&form, "PolicyName",
                      value_text(from, "PolicyName") != NULL ? value_text(from, "PolicyName") : "");
        (void)snprintf(action, sizeof action, "Delete%sPolicy", kind);
        return iam_call(task, action, &form);
    }
    return TASK_NEXT;
}

const struct task_step iam_policy_create[] = {{put_policy, iam_repeat, NULL}, {NULL, NULL, NULL}};
const struct task_step iam_policy_update[] = {
    {put_policy, iam_repeat, NULL}, {delete_policy, iam_repeat, NULL}, {NULL, NULL, NULL}};
const struct task_step iam_policy_remove[] = {{delete_policy, iam_repeat, NULL},
                                              {NULL, NULL, NULL}};

/* --- managed policies --- */

static enum task_verdict create_managed(struct task *task) {
    struct text form = {0};
    const char *path = task_property(task, "Path", NULL);
    const char *description = task_property(task, "Description", NULL);
    task_form_add(&form, "PolicyName", task->physical);
    if (path != NULL) {
        task_form_add(&form, "Path", path);
    }
    if (description != NULL) {
        task_form_add(&form, "Description", description);
    }
    task_form_add(&form, "PolicyDocument",
                  iam_document(value_member(task->properties, "PolicyDocument")));
    return iam_call(task, "CreatePolicy", &form);
}

static enum task_verdict take_managed(struct task *task, const struct answer *answer) {
    char arn[512];
    char id[128];
    if (!answer_xml(answer, "Arn", arn, sizeof arn)) {
        return task_fail(task, "CreatePolicy gave no Arn");
    }
    (void)snprintf(task->physical, sizeof task->physical, "%s", arn);
    task_attribute(task, "PolicyArn", arn);
    if (answer_xml(answer, "PolicyId", id, sizeof id)) {
        task_attribute(task, "PolicyId", id);
    }
    return task->failed ? TASK_FAILED : TASK_NEXT;
}

static enum task_verdict change_managed(struct task *task, struct json_object *from,
                                        struct json_object *but, const char *verb) {
    const char *kind = NULL;
    const char *name;
    while ((name = entity_at(from, task->index, &kind)) != NULL) {
        struct text form = {0};
        char action[40];
        task->index++;
        if (has_entity(but, kind, name)) {
            continue;
        }
        iam_name(&form, kind, name);
        task_form_add(&form, "PolicyArn", task->physical);
        (void)snprintf(action, sizeof action, "%s%sPolicy", verb, kind);
        return iam_call(task, action, &form);
    }
    return TASK_NEXT;
}

static enum task_verdict attach_managed(struct task *task) {
    return change_managed(task, task->properties, task->previous, "Attach");
}

static enum task_verdict detach_managed(struct task *task) {
    return task->kind == TASK_REMOVE
               ? change_managed(task, task->properties, NULL, "Detach")
               : change_managed(task, task->previous, task->properties, "Detach");
}

static enum task_verdict new_version(struct task *task) {
    struct text form = {0};
    if (!task_changed(task, "PolicyDocument")) {
        return TASK_NEXT;
    }
    task_form_add(&form, "PolicyArn", task->physical);
    task_form_add(&form, "PolicyDocument",
                  iam_document(value_member(task->properties, "PolicyDocument")));
    task_form_add(&form, "SetAsDefault", "true");
    return iam_call(task, "CreatePolicyVersion", &form);
}

static enum task_verdict take_version(struct task *task, const struct answer *answer) {
    char id[40];
    return answer_xml(answer, "VersionId", id, sizeof id) &&
                   value_set_text(task->scratch, "version", id) != 0
               ? task_fail(task, "out of memory")
               : TASK_NEXT;
}

/* IAM keeps five versions: the one before the new one goes, so that there is always room. */
static enum task_verdict delete_version(struct task *task) {
    struct text form = {0};
    char before[40];
    const char *version = value_text(task->scratch, "version");
    int number = 0;
    if (version == NULL || sscanf(version, "v%d", &number) != 1 || number < 2) {
        return TASK_NEXT;
    }
    (void)snprintf(before, sizeof before, "v%d", number - 1);
    task_form_add(&form, "PolicyArn", task->physical);
    task_form_add(&form, "VersionId", before);
    return iam_call(task, "DeletePolicyVersion", &form);
}

static enum task_verdict delete_managed(struct task *task) {
    struct text form = {0};
    task_form_add(&form, "PolicyArn", task->physical);
    return iam_call(task, "DeletePolicy", &form);
}

const struct task_step iam_managed_create[] = {
    {create_managed, take_managed, NULL}, {attach_managed, iam_repeat, NULL}, {NULL, NULL, NULL}};
const struct task_step iam_managed_update[] = {
    {new_version, take_version, NULL},
    {delete_version, NULL, "NoSuchEntity"},
    {attach_managed, iam_repeat, NULL},
    {detach_managed, iam_repeat, NULL},
    {NULL, NULL, NULL},
};
const struct task_step iam_managed_remove[] = {
    {detach_managed, iam_repeat, NULL}, {delete_managed, NULL, NULL}, {NULL, NULL, NULL}};
