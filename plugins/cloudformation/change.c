/* SPDX-License-Identifier: MIT */
/* The beginning of operations. */
#include "change.h"

#include "id.h"
#include "operation.h"

#include <errno.h>

/* A member from the input, or what the stack has. */
static int take(struct json_object *brought, const char *to, struct call *call, const char *from,
                const char *had) {
    struct json_object *given = value_member(call->input, from);
    return value_share(brought, to, given != NULL ? given : value_member(call->stack, had));
}

int change_bring(struct call *call, struct json_object **ret_brought) {
    struct json_object *brought = json_object_new_object();
    int result = brought != NULL ? 0 : -ENOMEM;
    result = result != 0 ? result : value_share(brought, "parameters", call->parameters);
    result = result != 0 ? result : take(brought, "tags", call, "Tags", "tags");
    result = result != 0
                 ? result
                 : take(brought, "notificationArns", call, "NotificationARNs", "notificationArns");
    result = result != 0 ? result : take(brought, "roleArn", call, "RoleARN", "roleArn");
    result = result != 0
                 ? result
                 : value_share(brought, "capabilities", value_member(call->input, "Capabilities"));
    result = result != 0
                 ? result
                 : value_share(brought, "description", value_member(call->root, "Description"));
    if (result != 0) {
        json_object_put(brought);
        return result;
    }
    *ret_brought = brought;
    return 0;
}

/* Marks the beginning of an operation in the stack's record and in the store. */
static int mark(struct cfn *cfn, struct json_object *stack, const char *token) {
    char uuid[CFN_UUID_SIZE];
    struct json_object *owner = json_object_new_object();
    id_uuid(uuid);
    int result = owner != NULL ? 0 : -ENOMEM;
    result = result != 0 ? result : value_set_text(stack, "mark", uuid);
    result = result != 0 ? result : value_share(owner, "account", value_member(stack, "account"));
    result = result != 0 ? result : value_share(owner, "region", value_member(stack, "region"));
    result = result != 0 ? result : record_put(cfn, owner, "u/%s", value_text(stack, "uuid"));
    json_object_put(owner);
    if (token != NULL) {
        return result != 0 ? result : value_set_text(stack, "token", token);
    }
    json_object_object_del(stack, "token");
    return result;
}

/* The end of a transaction that begins an operation. */
static int launch(struct cfn *cfn, struct json_object *stack, int result, const char *status,
                  const char *reason) {
    result = result != 0 ? result : stack_set_status(cfn, stack, status, reason);
    result = record_end(cfn, result);
    return result != 0 ? result : operation_begin(cfn, stack);
}

int change_create(struct cfn *cfn, struct json_object *stack, struct json_object *brought,
                  struct virga_str template, const char *token) {
    int result = record_begin(cfn);
    if (result != 0) {
        return result;
    }
    json_object_object_foreach(brought, name, member) {
        result = result != 0 ? result : value_share(stack, name, member);
    }
    result =
        result != 0 ? result : record_put_text(cfn, template, "t/%s/c", value_text(stack, "uuid"));
    result = result != 0 ? result : stack_write_name(cfn, stack);
    result = result != 0 ? result : mark(cfn, stack, token);
    return launch(cfn, stack, result, "CREATE_IN_PROGRESS", "User Initiated");
}

int change_update(struct cfn *cfn, struct json_object *stack, struct json_object *brought,
                  struct virga_str template, const char *token) {
    int result = record_begin(cfn);
    if (result != 0) {
        return result;
    }
    result = value_share(stack, "next", brought);
    result = result != 0 ? result : value_set_int(stack, "updatedMs", cfn_now_ms(cfn));
    result =
        result != 0 ? result : record_put_text(cfn, template, "t/%s/n", value_text(stack, "uuid"));
    result = result != 0 ? result : mark(cfn, stack, token);
    return launch(cfn, stack, result, "UPDATE_IN_PROGRESS", "User Initiated");
}

int change_begin(struct cfn *cfn, struct json_object *stack, const char *status, const char *reason,
                 const char *token) {
    /* What was touched by the operation before keeps its mark where that is to be rolled back. */
    struct json_object *before = json_object_get(value_member(stack, "mark"));
    int result = record_begin(cfn);
    if (result == 0) {
        result = mark(cfn, stack, token);
        if (result == 0 && strstr(status, "ROLLBACK") != NULL && before != NULL) {
            result = value_share(stack, "mark", before);
        }
        result = launch(cfn, stack, result, status, reason);
    }
    json_object_put(before);
    return result;
}

bool change_is_updatable(struct json_object *stack) {
    const char *status = value_text(stack, "status");
    return strcmp(status, "CREATE_COMPLETE") == 0 || strcmp(status, "UPDATE_COMPLETE") == 0 ||
           strcmp(status, "UPDATE_ROLLBACK_COMPLETE") == 0;
}
