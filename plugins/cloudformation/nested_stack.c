/* SPDX-License-Identifier: MIT */
/* Stacks in stacks. Source: the type's page in the template reference. */
#include "nested_stack.h"

#include "stack.h"

#define VERSION "2010-05-15"

static enum task_verdict call(struct task *task, const char *action, struct text *form) {
    return task_call_query(task, "cloudformation", VERSION, action, form);
}

/* The parameters that a creation and an update have in common. */
static void add_wishes(struct task *task, struct text *form) {
    static const char *const capabilities[] = {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM",
                                               "CAPABILITY_AUTO_EXPAND"};
    struct json_object *parameters = value_member(task->properties, "Parameters");
    struct json_object *tags = value_member(task->properties, "Tags");
    struct json_object *arns = value_member(task->properties, "NotificationARNs");
    char name[80];
    size_t n = 0;
    task_form_add(form, "StackName", task->physical);
    task_form_add(form, "TemplateURL", task_property(task, "TemplateURL", ""));
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "Capabilities.member.%zu", i + 1);
        task_form_add(form, name, capabilities[i]);
    }
    if (parameters != NULL) {
        json_object_object_foreach(parameters, key, value) {
            struct text list = {0};
            for (size_t i = 0; i < value_length(value); i++) {
                const char *one = value_scalar(value_element(value, i));
                text_addf(&list, "%s%s", i > 0 ? "," : "", one != NULL ? one : "");
            }
            const char *text = value_is_array(value) ? text_str(&list).ptr : value_scalar(value);
            (void)snprintf(name, sizeof name, "Parameters.member.%zu.ParameterKey", ++n);
            task_form_add(form, name, key);
            (void)snprintf(name, sizeof name, "Parameters.member.%zu.ParameterValue", n);
            task_form_add(form, name, text != NULL ? text : "");
            text_finish(&list);
        }
    }
    for (size_t i = 0; i < value_length(tags); i++) {
        struct json_object *tag = value_element(tags, i);
        const char *value = value_text(tag, "Value");
        (void)snprintf(name, sizeof name, "Tags.member.%zu.Key", i + 1);
        task_form_add(form, name, value_text(tag, "Key") != NULL ? value_text(tag, "Key") : "");
        (void)snprintf(name, sizeof name, "Tags.member.%zu.Value", i + 1);
        task_form_add(form, name, value != NULL ? value : "");
    }
    for (size_t i = 0; i < value_length(arns); i++) {
        const char *arn = value_scalar(value_element(arns, i));
        (void)snprintf(name, sizeof name, "NotificationARNs.member.%zu", i + 1);
        task_form_add(form, name, arn != NULL ? arn : "");
    }
}

static enum task_verdict create(struct task *task) {
    struct text form = {0};
    add_wishes(task, &form);
    return call(task, "CreateStack", &form);
}

static enum task_verdict take_id(struct task *task, const struct answer *answer) {
    return answer_xml(answer, "StackId", task->physical, sizeof task->physical)
               ? TASK_NEXT
               : task_fail(task, "CreateStack gave no StackId");
}

static enum task_verdict update(struct task *task) {
    struct text form = {0};
    add_wishes(task, &form);
    return call(task, "UpdateStack", &form);
}

static enum task_verdict describe(struct task *task) {
    struct text form = {0};
    task_form_add(&form, "StackName", task->physical);
    return call(task, "DescribeStacks", &form);
}

/* Every output becomes the attribute "Outputs.<key>". */
static void take_outputs(struct task *task, const struct answer *answer) {
    struct answer rest = *answer;
    char key[300];
    char value[4096];
    char name[320];
    while (answer_xml(&rest, "OutputKey", key, sizeof key)) {
        const char *at = memmem(rest.body.ptr, rest.body.len, "</OutputKey>", 12);
        if (at == NULL) {
            break;
        }
        rest.body.len -= (size_t)(at + 12 - rest.body.ptr);
        rest.body.ptr = at + 12;
        if (answer_xml(&rest, "OutputValue", value, sizeof value)) {
            (void)snprintf(name, sizeof name, "Outputs.%s", key);
            task_attribute(task, name, value);
        }
    }
}

/* The update was taken: without that the stack stays what it was, whatever its status is. */
static enum task_verdict note_update(struct task *task, const struct answer *answer) {
    (void)answer;
    return value_set_bool(task->scratch, "updates", true) == 0 ? TASK_NEXT
                                                               : task_fail(task, "out of memory");
}

static bool is_good(const struct task *task, const char *status) {
    if (task->kind == TASK_UPDATE && !value_bool(task->scratch, "updates") &&
        strcmp(status, "UPDATE_ROLLBACK_COMPLETE") == 0) {
        return true;
    }
    return strcmp(status, "CREATE_COMPLETE") == 0 || strcmp(status, "UPDATE_COMPLETE") == 0;
}

static enum task_verdict wait_for_it(struct task *task, const struct answer *answer) {
    char status[80] = "";
    (void)answer_xml(answer, "StackStatus", status, sizeof status);
    /* After a restart it may be known by its name only. */
    (void)answer_xml(answer, "StackId", task->physical, sizeof task->physical);
    if (stack_status_ends(status, "_IN_PROGRESS")) {
        return TASK_AGAIN;
    }
    if (!is_good(task, status)) {
        return value_set_text(task->scratch, "status", status) == 0
                   ? TASK_NEXT
                   : task_fail(task, "out of memory");
    }
    take_outputs(task, answer);
    return task->failed ? TASK_FAILED : TASK_NEXT;
}

/* What went wrong in it stands in its events. */
static enum task_verdict ask_for_cause(struct task *task) {
    struct text form = {0};
    if (value_text(task->scratch, "status") == NULL) {
        return TASK_NEXT;
    }
    task_form_add(&form, "StackName", task->physical);
    return call(task, "DescribeStackEvents", &form);
}

/* The first failure of the last operation: events come newest first, down to "User Initiated". */
static enum task_verdict fail_with_cause(struct task *task, const struct answer *answer) {
    struct answer rest = *answer;
    char cause[1024] = "";
    char status[80];
    char reason[1024];
    const char *end;
    while (answer_xml(&rest, "ResourceStatus", status, sizeof status) &&
           (end = memmem(rest.body.ptr, rest.body.len, "</member>", 9)) != NULL) {
        struct answer event = rest;
        event.body.len = (size_t)(end - rest.body.ptr);
        bool told = answer_xml(&event, "ResourceStatusReason", reason, sizeof reason);
        if (told && strcmp(reason, "User Initiated") == 0) {
            break;
        }
        if (told && stack_status_ends(status, "_FAILED")) {
            (void)snprintf(cause, sizeof cause, "%s", reason);
        }
        rest.body = (struct virga_str){end + 9, rest.body.len - event.body.len - 9};
    }
    return task_fail(task, "Embedded stack %.400s was not successfully %s. Currently in %s%s%s",
                     task->physical, task->kind == TASK_CREATE ? "created" : "updated",
                     value_text(task->scratch, "status"), cause[0] != '\0' ? " with reason: " : "",
                     cause);
}

static enum task_verdict delete_stack(struct task *task) {
    struct text form = {0};
    task_form_add(&form, "StackName", task->physical);
    return call(task, "DeleteStack", &form);
}

static enum task_verdict wait_for_end(struct task *task, const struct answer *answer) {
    char status[80] = "";
    char reason[1024] = "";
    (void)answer_xml(answer, "StackStatus", status, sizeof status);
    (void)answer_xml(answer, "StackStatusReason", reason, sizeof reason);
    if (stack_status_ends(status, "_IN_PROGRESS")) {
        return TASK_AGAIN;
    }
    return strcmp(status, "DELETE_COMPLETE") == 0
               ? TASK_NEXT
               : task_fail(task, "Embedded stack %s was not successfully deleted: %s",
                           task->physical, reason);
}

const struct task_step nested_stack_create[] = {
    {create, take_id, NULL},
    {describe, wait_for_it, NULL},
    {ask_for_cause, fail_with_cause, NULL},
    {NULL, NULL, NULL},
};
const struct task_step nested_stack_update[] = {
    {update, note_update, NULL},
    {describe, wait_for_it, NULL},
    {ask_for_cause, fail_with_cause, NULL},
    {NULL, NULL, NULL},
};
const struct task_step nested_stack_remove[] = {
    {delete_stack, NULL, NULL},
    {describe, wait_for_end, "ValidationError"}, /* it is forgotten already */
    {NULL, NULL, NULL},
};
