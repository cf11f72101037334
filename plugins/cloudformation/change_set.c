/* SPDX-License-Identifier: MIT */
/* Change sets' records. */
#include "change_set.h"

#include <errno.h>

struct search {
    const char *id;
    char stack_uuid[CFN_UUID_SIZE];
    struct json_object *found;
};

static int on_change_set(void *arg, const char *rest, struct json_object *change_set) {
    struct search *search = arg;
    if (strcmp(value_text(change_set, "id"), search->id) != 0) {
        return 0;
    }
    (void)snprintf(search->stack_uuid, sizeof search->stack_uuid, "%s", rest);
    search->found = json_object_get(change_set);
    return 1;
}

/* By its ARN alone: the ARN does not say which stack it belongs to. */
static int find_by_id(struct call *call, const char *id, struct json_object **ret_change_set) {
    struct search search = {.id = id};
    int result = record_each(call->cfn, "c/", "", false, on_change_set, &search);
    if (result != 1) {
        return result < 0 ? result : -ENOENT;
    }
    result = record_get(call->cfn, &call->stack, "s/%s/%s/%s", call_account(call),
                        call_region(call), search.stack_uuid);
    if (result != 0) {
        json_object_put(search.found);
        return result;
    }
    *ret_change_set = search.found;
    return 0;
}

int change_set_find(struct call *call, struct json_object **ret_change_set) {
    const char *given = call_text(call, "ChangeSetName");
    const char *stack = call_text(call, "StackName");
    char name[CFN_NAME_MAX + 1];
    struct json_object *change_set = NULL;
    bool is_id = strncmp(given, "arn:", 4) == 0;
    if (stack == NULL) {
        return is_id ? find_by_id(call, given, ret_change_set) : -ESRCH;
    }
    int result = stack_find(call->cfn, call_account(call), call_region(call), stack, &call->stack);
    if (result != 0) {
        return result == -ENOENT ? -ESRCH : result;
    }
    const char *slash = is_id ? strchr(given, '/') : NULL;
    const char *begin = slash != NULL ? slash + 1 : given;
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(begin, "/"), begin);
    result = record_get(call->cfn, &change_set, "c/%s/%s", value_text(call->stack, "uuid"), name);
    if (result == 0 && is_id && strcmp(value_text(change_set, "id"), given) != 0) {
        json_object_put(change_set);
        return -ENOENT;
    }
    if (result == 0) {
        *ret_change_set = change_set;
    }
    return result;
}

int change_set_write(struct call *call, struct json_object *change_set) {
    return record_put(call->cfn, change_set, "c/%s/%s", value_text(call->stack, "uuid"),
                      value_text(change_set, "name"));
}

int change_set_delete(struct call *call, const char *name) {
    const char *uuid = value_text(call->stack, "uuid");
    int result = record_delete(call->cfn, "c/%s/%s", uuid, name);
    return result != 0 ? result : record_delete(call->cfn, "b/%s/%s", uuid, name);
}
