/* SPDX-License-Identifier: MIT */
/* Making, executing and deleting change sets. */
#include "change.h"
#include "change_set.h"
#include "diff.h"
#include "id.h"
#include "source.h"

#include <errno.h>

#define NO_CHANGES                                                                                 \
    "The submitted information didn't contain changes. Submit different information to create a "  \
    "change set."

static bool is_creation(const struct call *call) {
    const char *type = call_text(call, "ChangeSetType");
    return type != NULL && strcmp(type, "CREATE") == 0;
}

/* Finds the stack, or makes one for a change set that is to create it; false: the call has ended.
 */
static bool take_stack(struct call *call) {
    const char *name = call_text(call, "StackName");
    json_object_put(call->stack);
    call->stack = NULL;
    int result = stack_find(call->cfn, call_account(call), call_region(call), name, &call->stack);
    bool review =
        result == 0 && strcmp(value_text(call->stack, "status"), "REVIEW_IN_PROGRESS") == 0;
    if (result == -ENOENT && is_creation(call)) {
        result = stack_create(call->cfn, call_account(call), call_region(call), name, &call->stack);
    } else if (result == -ENOENT) {
        call_invalid(call, "Stack [%s] does not exist", name);
        return false;
    } else if (result == 0 && is_creation(call) && !review) {
        call_invalid(call,
                     "Stack [%s] already exists and cannot be created again with the changeSet "
                     "[%s].",
                     name, call_text(call, "ChangeSetName"));
        return false;
    } else if (result == 0 && !is_creation(call) && !change_is_updatable(call->stack)) {
        call_invalid(call, "Stack:%s is in %s state and can not be updated.",
                     value_text(call->stack, "id"), value_text(call->stack, "status"));
        return false;
    }
    if (result != 0) {
        call_broken(call, result);
    }
    return result == 0;
}

/* The record of a new change set. Owns: the caller. */
static int make_record(struct call *call, const struct diff *diff,
                       struct json_object **ret_change_set) {
    char uuid[CFN_UUID_SIZE];
    char arn[CFN_ARN_SIZE];
    struct json_object *brought = NULL;
    struct json_object *set = json_object_new_object();
    const char *name = call_text(call, "ChangeSetName");
    bool good = diff->changed || is_creation(call);
    id_uuid(uuid);
    id_arn(call_region(call), call_account(call), "changeSet", name, uuid, arn);
    int result = set != NULL ? change_bring(call, &brought) : -ENOMEM;
    if (result == 0) {
        result = value_set_text(brought, "changeSetId", arn);
        result = value_set(set, "brought", brought) != 0 ? -ENOMEM : result;
    }
    if (result == 0 &&
        (value_set_text(set, "name", name) != 0 || value_set_text(set, "id", arn) != 0 ||
         value_set_bool(set, "creates", is_creation(call)) != 0 ||
         value_set_text(set, "status", good ? "CREATE_COMPLETE" : "FAILED") != 0 ||
         (!good && value_set_text(set, "reason", NO_CHANGES) != 0) ||
         value_set_text(set, "execution", good ? "AVAILABLE" : "UNAVAILABLE") != 0 ||
         value_set_int(set, "createdMs", cfn_now_ms(call->cfn)) != 0 ||
         value_set_bool(set, "nested", value_bool(call->input, "IncludeNestedStacks")) != 0 ||
         value_share(set, "description", value_member(call->input, "Description")) != 0 ||
         value_share(set, "onFailure", value_member(call->input, "OnStackFailure")) != 0 ||
         value_share(set, "changes", diff->changes) != 0)) {
        result = -ENOMEM;
    }
    if (result != 0) {
        json_object_put(set);
        return result;
    }
    *ret_change_set = set;
    return 0;
}

/* Writes the change set, and the stack when it is new. */
static int write_all(struct call *call, struct json_object *change_set) {
    int result = record_begin(call->cfn);
    if (result != 0) {
        return result;
    }
    if (value_text(call->stack, "status") == NULL) {
        result = stack_write_name(call->cfn, call->stack);
        result = result != 0 ? result
                             : stack_set_status(call->cfn, call->stack, "REVIEW_IN_PROGRESS",
                                                "User Initiated");
    }
    result = result != 0 ? result : change_set_write(call, change_set);
    result = result != 0
                 ? result
                 : record_put_text(call->cfn, text_str(&call->text), "b/%s/%s",
                                   value_text(call->stack, "uuid"), value_text(change_set, "name"));
    return record_end(call->cfn, result);
}

/* Whether the name is free, or of a change set that is done with; false: the call has ended. */
static bool check_name(struct call *call) {
    struct json_object *other = NULL;
    const char *name = call_text(call, "ChangeSetName");
    int result = record_get(call->cfn, &other, "c/%s/%s", value_text(call->stack, "uuid"), name);
    if (result == -ENOENT) {
        return true;
    }
    if (result != 0) {
        call_broken(call, result);
        return false;
    }
    bool done = strcmp(value_text(other, "execution"), "EXECUTE_COMPLETE") == 0;
    json_object_put(other);
    if (!done) {
        call_fail(call, 400, "AlreadyExistsException", "ChangeSet [%s] already exists", name);
    }
    return done;
}

static void with_parameters(struct call *call) {
    struct diff diff;
    struct json_object *change_set = NULL;
    if (!take_stack(call) || !check_name(call)) {
        return;
    }
    struct json_object *tags = value_member(call->input, "Tags");
    int result = diff_make(call, tags != NULL ? tags : value_member(call->stack, "tags"), &diff);
    if (result == -EINVAL) {
        call_invalid(call, "%s", call->fault.text);
        return;
    }
    if (result == 0) {
        result = make_record(call, &diff, &change_set);
        json_object_put(diff.changes);
    }
    result = result != 0 ? result : write_all(call, change_set);
    if (result != 0) {
        json_object_put(change_set);
        call_broken(call, result);
        return;
    }
    call_result(call);
    virga_xml_string(&call->writer, "Id", value_text(change_set, "id"));
    virga_xml_string(&call->writer, "StackId", value_text(call->stack, "id"));
    json_object_put(change_set);
    call_answer(call);
}

static void with_template(struct call *call) {
    if (source_check_capabilities(call)) {
        call->on_ready = with_parameters;
        source_read_parameters(call, value_member(call->stack, "parameters"));
    }
}

void action_create_change_set(struct call *call) {
    const char *type = call_text(call, "ChangeSetType");
    const char *name = call_text(call, "StackName");
    if (type != NULL && strcmp(type, "IMPORT") == 0) {
        call_invalid(call, "Importing resources is not supported here.");
    } else if (is_creation(call) && strncmp(name, "arn:", 4) == 0) {
        call_invalid(call, "Stack [%s] does not exist", name);
    } else if (take_stack(call) && check_name(call)) {
        call->on_ready = with_template;
        source_read_template(call, false);
    }
}

/* Ends the call for what change_set_find() could not find. */
static void fail_find(struct call *call, int result) {
    const char *stack = call_text(call, "StackName");
    if (result == -ESRCH && stack == NULL) {
        call_invalid(call, "StackName must be specified if ChangeSetName is not specified as an "
                           "ARN.");
    } else if (result == -ESRCH) {
        call_invalid(call, "Stack [%s] does not exist", stack);
    } else if (result == -ENOENT) {
        call_fail(call, 404, "ChangeSetNotFound", "ChangeSet [%s] does not exist",
                  call_text(call, "ChangeSetName"));
    } else {
        call_broken(call, result);
    }
}

void action_delete_change_set(struct call *call) {
    struct json_object *change_set = NULL;
    int result = change_set_find(call, &change_set);
    if (result == -ENOENT) {
        call_empty(call); /* as at AWS */
        return;
    }
    if (result != 0) {
        fail_find(call, result);
        return;
    }
    result = change_set_delete(call, value_text(change_set, "name"));
    json_object_put(change_set);
    if (result != 0) {
        call_broken(call, result);
    } else {
        call_empty(call);
    }
}

/* The stack's other change sets are of no use any more. */
static int keep_only(struct call *call, struct json_object *change_set) {
    const char *uuid = value_text(call->stack, "uuid");
    int result = record_delete_all(call->cfn, "c/%s/", uuid);
    result = result != 0 ? result : record_delete_all(call->cfn, "b/%s/", uuid);
    result = result != 0 ? result : value_set_text(change_set, "execution", "EXECUTE_COMPLETE");
    return result != 0 ? result : change_set_write(call, change_set);
}

static int execute(struct call *call, struct json_object *change_set) {
    struct text template = {0};
    const char *token = call_text(call, "ClientRequestToken");
    struct json_object *brought = value_member(change_set, "brought");
    int result = record_get_text(call->cfn, &template, "b/%s/%s", value_text(call->stack, "uuid"),
                                 value_text(change_set, "name"));
    result = result != 0
                 ? result
                 : value_share(call->stack, "onFailure", value_member(change_set, "onFailure"));
    if (result == 0 && value_member(call->input, "DisableRollback") != NULL) {
        result = value_set_bool(call->stack, "disableRollback",
                                value_bool(call->input, "DisableRollback"));
    }
    if (result == 0) {
        result = value_bool(change_set, "creates")
                     ? change_create(call->cfn, call->stack, brought, text_str(&template), token)
                     : change_update(call->cfn, call->stack, brought, text_str(&template), token);
    }
    text_finish(&template);
    if (result == 0) {
        result = record_begin(call->cfn);
        result = result != 0 ? result : record_end(call->cfn, keep_only(call, change_set));
    }
    return result;
}

void action_execute_change_set(struct call *call) {
    struct json_object *change_set = NULL;
    int result = change_set_find(call, &change_set);
    if (result != 0) {
        fail_find(call, result);
        return;
    }
    const char *execution = value_text(change_set, "execution");
    bool review = strcmp(value_text(call->stack, "status"), "REVIEW_IN_PROGRESS") == 0;
    if (strcmp(execution, "AVAILABLE") != 0) {
        char id[CFN_ARN_SIZE];
        char status[64];
        (void)snprintf(id, sizeof id, "%s", value_text(change_set, "id"));
        (void)snprintf(status, sizeof status, "%s",
                       strcmp(execution, "UNAVAILABLE") == 0 ? value_text(change_set, "status")
                                                             : execution);
        json_object_put(change_set);
        call_fail(call, 400, "InvalidChangeSetStatus",
                  "ChangeSet [%s] cannot be executed in its current status of [%s]", id, status);
        return;
    }
    if (review != value_bool(change_set, "creates") ||
        (!review && !change_is_updatable(call->stack))) {
        json_object_put(change_set);
        call_invalid(call, "Stack:%s is in %s state and can not be updated.",
                     value_text(call->stack, "id"), value_text(call->stack, "status"));
        return;
    }
    result = execute(call, change_set);
    json_object_put(change_set);
    if (result != 0) {
        call_broken(call, result);
    } else {
        call_empty(call);
    }
}
