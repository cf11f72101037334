/* SPDX-License-Identifier: MIT */
/* Creating, updating and deleting stacks. */
#include "change.h"
#include "diff.h"
#include "operation.h"
#include "source.h"

#include <errno.h>

static void answer_id(struct call *call) {
    call_result(call);
    virga_xml_string(&call->writer, "StackId", value_text(call->stack, "id"));
    call_answer(call);
}

/* A diff that ends the call when it cannot be made. */
static bool make_diff(struct call *call, struct diff *diff) {
    struct json_object *tags = value_member(call->input, "Tags");
    tags = tags != NULL ? tags : value_member(call->stack, "tags");
    int result = diff_make(call, tags, diff);
    if (result == -EINVAL) {
        call_invalid(call, "%s", call->fault.text);
    } else if (result != 0) {
        call_broken(call, result);
    }
    return result == 0;
}

/* Whether the name is free; else the call has ended. */
static bool is_free(struct call *call) {
    const char *name = call_text(call, "StackName");
    struct json_object *other = NULL;
    if (strncmp(name, "arn:", 4) == 0) {
        call_invalid(call,
                     "1 validation error detected: Value '%s' at 'stackName' failed to satisfy "
                     "constraint: Member must satisfy regular expression pattern: "
                     "[a-zA-Z][-a-zA-Z0-9]*",
                     name);
        return false;
    }
    int result = stack_find(call->cfn, call_account(call), call_region(call), name, &other);
    json_object_put(result == 0 ? other : NULL);
    if (result == 0) {
        call_fail(call, 400, "AlreadyExistsException", "Stack [%s] already exists", name);
    } else if (result != -ENOENT) {
        call_broken(call, result);
    }
    return result == -ENOENT;
}

/* The settings of a new stack that no update changes. */
static int take_settings(struct call *call) {
    const char *on_failure = call_text(call, "OnFailure");
    int result = 0;
    if (on_failure != NULL) {
        result = value_set_text(call->stack, "onFailure", on_failure);
    }
    if (result == 0 && value_bool(call->input, "DisableRollback")) {
        result = value_set_bool(call->stack, "disableRollback", true);
    }
    if (result == 0 && value_bool(call->input, "EnableTerminationProtection")) {
        result = value_set_bool(call->stack, "protected", true);
    }
    result = result != 0 ? result
                         : value_share(call->stack, "timeoutMinutes",
                                       value_member(call->input, "TimeoutInMinutes"));
    return result != 0
               ? result
               : value_share(call->stack, "policy", value_member(call->input, "StackPolicyBody"));
}

static void create_with_parameters(struct call *call) {
    struct json_object *brought = NULL;
    struct diff diff;
    if (!is_free(call)) {
        return;
    }
    int result = stack_create(call->cfn, call_account(call), call_region(call),
                              call_text(call, "StackName"), &call->stack);
    if (result != 0) {
        call_broken(call, result);
        return;
    }
    if (!make_diff(call, &diff)) {
        return;
    }
    json_object_put(diff.changes);
    result = take_settings(call);
    result = result != 0 ? result : change_bring(call, &brought);
    if (result == 0) {
        result = change_create(call->cfn, call->stack, brought, text_str(&call->text),
                               call_text(call, "ClientRequestToken"));
        json_object_put(brought);
    }
    if (result != 0) {
        call_broken(call, result);
    } else {
        answer_id(call);
    }
}

static void create_with_template(struct call *call) {
    if (source_check_capabilities(call)) {
        call->on_ready = create_with_parameters;
        source_read_parameters(call, NULL);
    }
}

void action_create_stack(struct call *call) {
    const char *on_failure = call_text(call, "OnFailure");
    if (on_failure != NULL && value_member(call->input, "DisableRollback") != NULL) {
        call_invalid(call, "You can specify either DisableRollback or OnFailure, but not both.");
    } else if (is_free(call)) {
        call->on_ready = create_with_template;
        source_read_template(call, false);
    }
}

/* Whether the stack can be updated now; else the call has ended. */
static bool check_updatable(struct call *call) {
    if (change_is_updatable(call->stack)) {
        return true;
    }
    call_invalid(call, "Stack:%s is in %s state and can not be updated.",
                 value_text(call->stack, "id"), value_text(call->stack, "status"));
    return false;
}

static void update_with_parameters(struct call *call) {
    struct json_object *brought = NULL;
    struct diff diff;
    /* It may have changed while the parameters were looked up. */
    json_object_put(call->stack);
    call->stack = NULL;
    if (!call_find_stack(call, "Stack [%s] does not exist") || !check_updatable(call) ||
        !make_diff(call, &diff)) {
        return;
    }
    json_object_put(diff.changes);
    if (!diff.changed) {
        call_invalid(call, "No updates are to be performed.");
        return;
    }
    int result = change_bring(call, &brought);
    if (result == 0 && value_member(call->input, "DisableRollback") != NULL) {
        result = value_set_bool(call->stack, "disableRollback",
                                value_bool(call->input, "DisableRollback"));
    }
    result = result != 0
                 ? result
                 : value_share(call->stack, "policy", value_member(call->input, "StackPolicyBody"));
    if (result == 0) {
        result = change_update(call->cfn, call->stack, brought, text_str(&call->text),
                               call_text(call, "ClientRequestToken"));
    }
    json_object_put(brought);
    if (result != 0) {
        call_broken(call, result);
    } else {
        answer_id(call);
    }
}

static void update_with_template(struct call *call) {
    if (source_check_capabilities(call)) {
        call->on_ready = update_with_parameters;
        source_read_parameters(call, value_member(call->stack, "parameters"));
    }
}

void action_update_stack(struct call *call) {
    if (call_find_stack(call, "Stack [%s] does not exist") && check_updatable(call)) {
        call->on_ready = update_with_template;
        source_read_template(call, false);
    }
}

/* Stacks whose deletion needs no operation, or cannot be begun; true: the call has ended. */
static bool end_deletion_early(struct call *call) {
    const char *status = value_text(call->stack, "status");
    if (stack_status_ends(status, "DELETE_COMPLETE") || strcmp(status, "DELETE_IN_PROGRESS") == 0) {
        call_empty(call);
        return true;
    }
    if (value_bool(call->stack, "protected")) {
        call_invalid(call, "Stack [%s] cannot be deleted while TerminationProtection is enabled",
                     value_text(call->stack, "name"));
        return true;
    }
    if (value_length(value_member(call->input, "RetainResources")) > 0 &&
        strcmp(status, "DELETE_FAILED") != 0) {
        call_invalid(call,
                     "Invalid operation on stack [%s]. The specified resources to retain can "
                     "only be given when the stack is in the DELETE_FAILED state.",
                     value_text(call->stack, "id"));
        return true;
    }
    if (strcmp(status, "CREATE_IN_PROGRESS") == 0 &&
        operation_cancel_to_delete(call->cfn, call->stack)) {
        call_empty(call);
        return true;
    }
    if (stack_in_progress(call->stack)) {
        call_invalid(call, "Stack [%s] cannot be deleted while in status %s",
                     value_text(call->stack, "name"), status);
        return true;
    }
    return false;
}

void action_delete_stack(struct call *call) {
    const char *mode = call_text(call, "DeletionMode");
    int result = stack_find(call->cfn, call_account(call), call_region(call),
                            call_text(call, "StackName"), &call->stack);
    if (result == -ENOENT) {
        call_empty(call); /* as at AWS: it is not there, which is what was wished */
        return;
    }
    if (result != 0) {
        call_broken(call, result);
        return;
    }
    if (end_deletion_early(call)) {
        return;
    }
    json_object_object_del(call->stack, "retain");
    result = value_share(call->stack, "retain", value_member(call->input, "RetainResources"));
    if (result == 0 && mode != NULL) {
        result = value_set_bool(call->stack, "force", strcmp(mode, "FORCE_DELETE_STACK") == 0);
    }
    json_object_object_del(call->stack, "next");
    result = result != 0 ? result
                         : change_begin(call->cfn, call->stack, "DELETE_IN_PROGRESS",
                                        "User Initiated", call_text(call, "ClientRequestToken"));
    if (result != 0) {
        call_broken(call, result);
    } else {
        call_empty(call);
    }
}

void action_cancel_update_stack(struct call *call) {
    if (!call_find_stack(call, "Stack [%s] does not exist")) {
        return;
    }
    if (strcmp(value_text(call->stack, "status"), "UPDATE_IN_PROGRESS") != 0 ||
        !operation_cancel(call->cfn, call->stack)) {
        call_invalid(call, "CancelUpdateStack cannot be called from current stack status");
        return;
    }
    call_empty(call);
}

/* Begins a rollback from one of two states. */
static bool roll_back(struct call *call, const char *from_create, const char *from_update) {
    const char *status = value_text(call->stack, "status");
    bool create = from_create != NULL && strcmp(status, from_create) == 0;
    if (!create && strcmp(status, from_update) != 0) {
        call_invalid(call, "Stack:%s is in %s state and can not be rolled back.",
                     value_text(call->stack, "id"), status);
        return false;
    }
    int result = change_begin(call->cfn, call->stack,
                              create ? "ROLLBACK_IN_PROGRESS" : "UPDATE_ROLLBACK_IN_PROGRESS",
                              "User Initiated", call_text(call, "ClientRequestToken"));
    if (result != 0) {
        call_broken(call, result);
    }
    return result == 0;
}

void action_continue_update_rollback(struct call *call) {
    if (!call_find_stack(call, "Stack [%s] does not exist")) {
        return;
    }
    if (value_length(value_member(call->input, "ResourcesToSkip")) > 0) {
        call_invalid(call, "ResourcesToSkip is not supported here.");
    } else if (roll_back(call, NULL, "UPDATE_ROLLBACK_FAILED")) {
        call_empty(call);
    }
}

void action_rollback_stack(struct call *call) {
    if (call_find_stack(call, "Stack [%s] does not exist") &&
        roll_back(call, "CREATE_FAILED", "UPDATE_FAILED")) {
        answer_id(call);
    }
}

/* Writes a setting of the stack and answers with its id, or with nothing. */
static void write_setting(struct call *call, int result, bool with_id) {
    if (result == 0) {
        result = stack_write(call->cfn, call->stack);
    }
    if (result != 0) {
        call_broken(call, result);
    } else if (with_id) {
        answer_id(call);
    } else {
        call_empty(call);
    }
}

/* A stack with an operation under way is in its hands: what were written beside would be lost. */
static bool check_stable(struct call *call) {
    if (!stack_in_progress(call->stack)) {
        return true;
    }
    call_invalid(call, "Stack:%s is in %s state and can not be updated.",
                 value_text(call->stack, "id"), value_text(call->stack, "status"));
    return false;
}

void action_update_termination_protection(struct call *call) {
    if (call_find_stack(call, "Stack [%s] does not exist") && check_stable(call)) {
        write_setting(call,
                      value_set_bool(call->stack, "protected",
                                     value_bool(call->input, "EnableTerminationProtection")),
                      true);
    }
}

void action_set_stack_policy(struct call *call) {
    if (call_find_stack(call, "Stack [%s] does not exist") && check_stable(call)) {
        write_setting(
            call, value_share(call->stack, "policy", value_member(call->input, "StackPolicyBody")),
            false);
    }
}

void action_get_stack_policy(struct call *call) {
    if (call_find_stack(call, "Stack [%s] does not exist")) {
        call_result(call);
        virga_xml_string(&call->writer, "StackPolicyBody", value_text(call->stack, "policy"));
        call_answer(call);
    }
}
