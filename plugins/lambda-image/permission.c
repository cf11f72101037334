/* SPDX-License-Identifier: MIT */
/* The permissions that a function gives: AddPermission, RemovePermission, GetPolicy. */
#include "actions.h"
#include "permission_policy.h"
#include "side_call.h"

#include <errno.h>

/* Reads the policy of what the call is about; *ret_record is NULL where there is none. False: the
 * call has ended. */
static bool read_record(struct call *call, struct json_object **ret_record) {
    int result = side_get(call->lambda, SIDE_POLICY, &call->tenant, call->name.name,
                          call_qualifier(call), ret_record);
    if (result == -ENOENT) {
        *ret_record = NULL;
    } else if (result != 0) {
        call_broken(call, "The policy could not be read", result);
    }
    return result == 0 || result == -ENOENT;
}

/* The revision that RevisionId is held against: the policy's; while there is none, that of the
 * function or alias itself. */
static bool is_revision(struct call *call, struct json_object *record, struct virga_str revision) {
    const char *qualifier = call_qualifier(call);
    bool same = false;
    if (record != NULL) {
        return virga_str_equal(revision, virga_awsjson_str(record, "RevisionId"));
    }
    if (side_is_alias(qualifier)) {
        struct json_object *alias = NULL;
        if (side_get(call->lambda, SIDE_ALIAS, &call->tenant, call->name.name, qualifier, &alias) ==
            0) {
            same = virga_str_equal(revision, virga_awsjson_str(alias, "RevisionId"));
            json_object_put(alias);
        }
    } else {
        struct function *function = NULL;
        if (functions_resolve(call->lambda, &call->tenant, call->name.name, qualifier, 1,
                              &function) == 0) {
            same = virga_str_equal(revision, virga_str_from(function->revision));
            function_unref(function);
        }
    }
    return same;
}

static bool check_revision(struct call *call, struct json_object *record) {
    struct virga_str revision = call_str(call, "RevisionId");
    bool right = revision.ptr == NULL || is_revision(call, record, revision);
    if (!right) {
        call_fail(call, 412, "PreconditionFailedException", "%s", SIDE_REVISION_TEXT("GetPolicy"));
    }
    return right;
}

/* Keeps a policy with a new revision. */
static int keep(struct call *call, struct json_object *record) {
    char revision[LAMBDA_ID_LEN + 1];
    call_make_uuid(revision);
    int result = side_set_text(record, "RevisionId", revision);
    return result == 0 ? side_put(call->lambda, SIDE_POLICY, &call->tenant, call->name.name,
                                  call_qualifier(call), record)
                       : result;
}

static const char *to_text(struct json_object *json, size_t *ret_len) {
    return json_object_to_json_string_length(
        json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, ret_len);
}

/* What the model cannot say of AddPermission. False: the call has ended. */
static bool check_members(struct call *call) {
    struct virga_str action = call_str(call, "Action");
    if (strcmp(call_qualifier(call), FUNCTIONS_LATEST) == 0) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "We currently do not support adding policies for $LATEST.");
        return false;
    }
    if (call_str(call, "FunctionUrlAuthType").ptr != NULL &&
        !virga_str_equal(action, virga_str_from("lambda:InvokeFunctionUrl"))) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action");
        return false;
    }
    return call_function_exists(call) && side_target_exists(call, call_qualifier(call));
}

/* Adds the statement to the record, and answers. Owns: takes the statement. */
static void add(struct call *call, struct json_object *record, struct json_object *statement) {
    struct json_object *policy = virga_awsjson_member(record, "Policy");
    struct json_object *list = virga_awsjson_member(policy, "Statement");
    struct virga_json_writer writer = {0};
    size_t len = 0;
    if (json_object_array_add(list, statement) != 0) {
        json_object_put(statement);
        call_broken(call, "The policy could not be changed", -ENOMEM);
        return;
    }
    if (to_text(policy, &len) != NULL && len > PERMISSION_POLICY_BYTES_MAX) {
        call_fail(call, 400, "PolicyLengthExceededException",
                  "The final policy size (%zu) is bigger than the limit (%d).", len,
                  PERMISSION_POLICY_BYTES_MAX);
        return;
    }
    int result = keep(call, record);
    const char *text = to_text(statement, &len);
    if (result != 0 || text == NULL) {
        call_broken(call, "The policy could not be written", result != 0 ? result : -ENOMEM);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    virga_json_str(&writer, "Statement", (struct virga_str){text, len});
    virga_json_end_object(&writer);
    call_answer(call, 201, &writer);
}

void action_add_permission(struct call *call) {
    struct virga_str sid = call_str(call, "StatementId");
    struct json_object *record = NULL, *statement = NULL;
    char resource[LAMBDA_ARN_MAX];
    if (!check_members(call) || !read_record(call, &record)) {
        return;
    }
    if (!check_revision(call, record)) {
        json_object_put(record);
        return;
    }
    if (record != NULL && permission_find(record, sid) != SIZE_MAX) {
        json_object_put(record);
        call_fail(call, 409, "ResourceConflictException",
                  "The statement id (%s) provided already exists. Please provide a new statement "
                  "id, or remove the existing statement.",
                  sid.ptr);
        return;
    }
    function_arn(&call->tenant, call->name.name, call_qualifier(call), resource);
    int result = permission_statement(call->input, resource, &statement);
    if (result == 0 && record == NULL) {
        record = permission_record_create();
        result = record != NULL ? 0 : -ENOMEM;
    }
    if (result == 0) {
        add(call, record, statement);
    } else if (result == -EINVAL) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "The provided principal was invalid. Please check the principal and try again.");
    } else {
        json_object_put(statement);
        call_broken(call, "The policy could not be changed", result);
    }
    json_object_put(record);
}

/* Takes a statement out; with the last one the policy goes. */
static int take_out(struct call *call, struct json_object *record, size_t index) {
    struct json_object *policy = virga_awsjson_member(record, "Policy");
    struct json_object *list = virga_awsjson_member(policy, "Statement");
    if (json_object_array_length(list) == 1) {
        return side_delete(call->lambda, SIDE_POLICY, &call->tenant, call->name.name,
                           call_qualifier(call));
    }
    return json_object_array_del_idx(list, index, 1) == 0 ? keep(call, record) : -ENOMEM;
}

/* "$LATEST" has no policy, and asking for it is no mistake but finds nothing. */
void action_remove_permission(struct call *call) {
    struct virga_str sid = call_str(call, "StatementId");
    struct virga_json_writer nothing = {0};
    struct json_object *record = NULL;
    char arn[LAMBDA_ARN_MAX], text[LAMBDA_ARN_MAX + 32];
    function_arn(&call->tenant, call->name.name, NULL, arn);
    (void)snprintf(text, sizeof text, "No policy found for: %s", arn);
    if (!side_function_exists(call, text) || !side_target_exists(call, call_qualifier(call)) ||
        !read_record(call, &record)) {
        return;
    }
    size_t index = record != NULL ? permission_find(record, sid) : SIZE_MAX;
    if (record == NULL) {
        call_fail(call, 404, "ResourceNotFoundException",
                  "No policy is associated with the given resource.");
    } else if (index == SIZE_MAX) {
        call_fail(call, 404, "ResourceNotFoundException",
                  "Statement %s is not found in resource policy.", sid.ptr);
    } else if (check_revision(call, record)) {
        int result = take_out(call, record, index);
        if (result != 0) {
            call_broken(call, "The policy could not be written", result);
        } else {
            call_answer(call, 204, &nothing);
        }
    }
    json_object_put(record);
}

void action_get_policy(struct call *call) {
    static const char missing[] = "The resource you requested does not exist.";
    struct virga_json_writer writer = {0};
    struct json_object *record = NULL;
    size_t len = 0;
    if (!side_function_exists(call, missing) || !read_record(call, &record)) {
        return;
    }
    if (record == NULL) {
        call_fail(call, 404, "ResourceNotFoundException", "%s", missing);
        return;
    }
    const char *text = to_text(virga_awsjson_member(record, "Policy"), &len);
    virga_json_begin_object(&writer, NULL);
    virga_json_str(&writer, "Policy", (struct virga_str){text, text != NULL ? len : 0});
    side_write(&writer, "RevisionId", virga_awsjson_member(record, "RevisionId"));
    virga_json_end_object(&writer);
    json_object_put(record);
    call_answer(call, 200, &writer);
}
