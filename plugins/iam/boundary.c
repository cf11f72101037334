/* SPDX-License-Identifier: MIT */
#include "boundary.h"

#include "actions.h"
#include "entity.h"
#include "policy.h"

#include <errno.h>

int boundary_check(struct call *call, const char *arn) {
    int result = policy_exists(call, arn);
    if (result == -EINVAL) {
        call_fail(call, INVALID_INPUT, "ARN %s is not valid.", arn);
    } else if (result == -ENOENT) {
        call_fail(call, NO_SUCH_ENTITY, "Scope ARN: %s does not exist or is not attachable.", arn);
    } else if (result != 0) {
        call_fail_internally(call, result);
    }
    return result;
}

int boundary_set(struct call *call, const struct kind *kind, struct json_object *record,
                 const char *arn) {
    const char *name = record_string(record, "Name");
    const char *before = record_string(record, "Boundary");
    int result = 0;
    if (before != NULL) {
        result = index_del(call, RELATION_BOUNDARY, before, kind, name);
    }
    if (result == 0 && arn != NULL) {
        result = index_put(call, RELATION_BOUNDARY, arn, kind, name);
    }
    return result == 0 ? record_set(record, "Boundary",
                                    arn != NULL ? virga_str_from(arn) : (struct virga_str){NULL, 0})
                       : result;
}

static void change(struct call *call, struct json_object *record, const char *arn) {
    if (call_begin(call) != 0) {
        return;
    }
    int result = boundary_set(call, call->kind, record, arn);
    result = result == 0 ? record_write(call, call->kind, record) : result;
    if (call_commit(call, result) == 0) {
        call_answer_empty(call);
    }
}

void action_put_boundary(struct call *call) {
    const char *arn = call_str(call, "PermissionsBoundary").ptr;
    struct json_object *record = entity_of_changeable(call);
    if (record != NULL && boundary_check(call, arn) == 0) {
        change(call, record, arn);
    }
    json_object_put(record);
}

void action_delete_boundary(struct call *call) {
    struct json_object *record = entity_of_changeable(call);
    if (record != NULL) {
        if (record_string(record, "Boundary") != NULL) {
            change(call, record, NULL);
        } else {
            call_fail(call, NO_SUCH_ENTITY,
                      "The %s with name %s does not have a permissions "
                      "boundary.",
                      call->kind->noun, record_string(record, "Name"));
        }
    }
    json_object_put(record);
}
