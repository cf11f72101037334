/* SPDX-License-Identifier: MIT */
/* Reserved concurrency: PutFunctionConcurrency and its companions. */
#include "actions.h"
#include "pool.h"
#include "side.h"
#include "side_call.h"

#include <errno.h>
#include <inttypes.h>

static void answer(struct call *call, struct json_object *record) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    if (record != NULL) {
        side_write_members(&writer, record, NULL);
    }
    virga_json_end_object(&writer);
    json_object_put(record);
    call_answer(call, 200, &writer);
}

/* Whether the account and what is provisioned leave room for it. False: the call has ended. */
static bool check_room(struct call *call, int64_t reserved) {
    struct lambda *lambda = call->lambda;
    int64_t unreserved = 0, provisioned = 0;
    int64_t min = side_unreserved_min(lambda);
    int result = side_unreserved(lambda, &call->tenant, call->name.name, &unreserved);
    if (result == 0) {
        result = side_provisioned(lambda, &call->tenant, call->name.name, NULL, &provisioned);
    }
    if (result != 0) {
        call_broken(call, "The account's concurrency could not be read", result);
        return false;
    }
    if (unreserved - reserved < min) {
        call_fail(call, 400 | CALL_NO_TYPE, "InvalidParameterValueException",
                  "Specified ReservedConcurrentExecutions for function decreases account's "
                  "UnreservedConcurrentExecution below its minimum value of [%" PRId64 "].",
                  min);
        return false;
    }
    if (reserved < provisioned) {
        call_fail(call, 400 | CALL_NO_TYPE, "InvalidParameterValueException",
                  " ReservedConcurrentExecutions  %" PRId64
                  " should not be lower than function's total provisioned concurrency [%" PRId64
                  "].",
                  reserved, provisioned);
        return false;
    }
    return true;
}

void action_put_function_concurrency(struct call *call) {
    struct lambda *lambda = call->lambda;
    int64_t reserved = virga_awsjson_int(call->input, "ReservedConcurrentExecutions", 0);
    struct json_object *record = NULL;
    if (call_qualifier(call)[0] != '\0') {
        call_fail(call, 400, "InvalidParameterValueException",
                  "This operation is permitted on Lambda functions only. Aliases and versions do "
                  "not support this operation. Please specify either a function name or an "
                  "unqualified function ARN.");
        return;
    }
    int result = side_find(call, "");
    if (result == -ENOENT) {
        call_no_function(call, FUNCTIONS_LATEST);
        return;
    }
    if (result == 0 && !check_room(call, reserved)) {
        return;
    }
    if (result == 0) {
        record = json_object_new_object();
        result = side_copy(record, "ReservedConcurrentExecutions", call->input);
    }
    if (result == 0) {
        result = side_put(lambda, SIDE_CONCURRENCY, &call->tenant, call->name.name, "", record);
    }
    if (result != 0) {
        json_object_put(record);
        call_broken(call, "The concurrency could not be written", result);
        return;
    }
    pool_adjust(lambda->pool, &call->tenant, call->name.name);
    answer(call, record);
}

void action_get_function_concurrency(struct call *call) {
    struct json_object *record = NULL;
    if (!call_function_exists(call)) {
        return;
    }
    int result =
        side_get(call->lambda, SIDE_CONCURRENCY, &call->tenant, call->name.name, "", &record);
    if (result != 0 && result != -ENOENT) {
        call_broken(call, "The concurrency could not be read", result);
        return;
    }
    answer(call, record);
}

void action_delete_function_concurrency(struct call *call) {
    struct virga_json_writer nothing = {0};
    if (!call_function_exists(call)) {
        return;
    }
    int result = side_delete(call->lambda, SIDE_CONCURRENCY, &call->tenant, call->name.name, "");
    if (result != 0 && result != -ENOENT) {
        call_broken(call, "The concurrency could not be deleted", result);
        return;
    }
    pool_adjust(call->lambda->pool, &call->tenant, call->name.name);
    call_answer(call, 204, &nothing);
}
