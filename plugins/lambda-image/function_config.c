/* SPDX-License-Identifier: MIT */
/* Small settings beside a function's configuration: recursion, runtime management, scaling, code
 * signing. They are kept and shown; nothing here acts on them. */
#include "actions.h"
#include "function_document.h"

#include <errno.h>

/* --- recursion --- */

#define UNQUALIFIED_PATTERN                                                                        \
    "(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?("   \
    "\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)"

/* These take names without a qualifier only. False: the call has ended. */
static bool name_is_plain(struct call *call) {
    if (call_qualifier(call)[0] == '\0') {
        return true;
    }
    call_invalid(call, call_str(call, "FunctionName").ptr, "functionName",
                 "Member must satisfy regular expression pattern: " UNQUALIFIED_PATTERN);
    return false;
}

static void answer_recursion(struct call *call, const char *loop) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "RecursiveLoop", loop);
    virga_json_end_object(&writer);
    call_answer(call, 200, &writer);
}

void action_get_recursion(struct call *call) {
    struct json_object *json = NULL;
    if (!name_is_plain(call) || !call_function_exists(call)) {
        return;
    }
    int result = side_get(call->lambda, SIDE_RECURSION, &call->tenant, call->name.name, "", &json);
    if (result != 0 && result != -ENOENT) {
        call_broken(call, "The setting could not be read", result);
        return;
    }
    answer_recursion(call, result == 0 ? document_text(json, "RecursiveLoop") : "Terminate");
    json_object_put(json);
}

void action_put_recursion(struct call *call) {
    const char *loop = document_text(call->input, "RecursiveLoop");
    if (!name_is_plain(call) || !call_function_exists(call)) {
        return;
    }
    struct json_object *json = json_object_new_object();
    int result = json != NULL ? document_set_text(json, "RecursiveLoop", loop) : -ENOMEM;
    if (result == 0) {
        result = side_put(call->lambda, SIDE_RECURSION, &call->tenant, call->name.name, "", json);
    }
    json_object_put(json);
    if (result != 0) {
        call_broken(call, "The setting could not be written", result);
        return;
    }
    answer_recursion(call, loop);
}

/* --- runtime management --- */

static void answer_runtime(struct call *call, struct json_object *json) {
    struct virga_json_writer writer = {0};
    char arn[LAMBDA_ARN_MAX];
    const char *on = document_text(json, "UpdateRuntimeOn");
    const char *version = document_text(json, "RuntimeVersionArn");
    function_arn(&call->tenant, call->name.name, call_qualifier(call), arn);
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "UpdateRuntimeOn", on[0] != '\0' ? on : "Auto");
    virga_json_string(&writer, "RuntimeVersionArn", version[0] != '\0' ? version : NULL);
    virga_json_string(&writer, "FunctionArn", arn);
    virga_json_end_object(&writer);
    call_answer(call, 200, &writer);
}

/* $LATEST named or not is one thing. */
static const char *runtime_id(const struct call *call) {
    const char *qualifier = call_qualifier(call);
    return strcmp(qualifier, FUNCTIONS_LATEST) == 0 ? "" : qualifier;
}

void action_get_runtime_management(struct call *call) {
    struct function *function = NULL;
    struct json_object *json = NULL;
    if (!call_function(call, &function)) {
        return;
    }
    function_unref(function);
    int result = side_get(call->lambda, SIDE_RUNTIME, &call->tenant, call->name.name,
                          runtime_id(call), &json);
    if (result != 0 && result != -ENOENT) {
        call_broken(call, "The setting could not be read", result);
        return;
    }
    answer_runtime(call, json);
    json_object_put(json);
}

void action_put_runtime_management(struct call *call) {
    const char *on = document_text(call->input, "UpdateRuntimeOn");
    const char *version = document_text(call->input, "RuntimeVersionArn");
    struct function *function = NULL;
    if (!call_function(call, &function)) {
        return;
    }
    function_unref(function);
    if (strcmp(on, "Manual") == 0 && version[0] == '\0') {
        call_fail(call, 400, "InvalidParameterValueException",
                  "RuntimeVersionArn must be provided when UpdateRuntimeOn is Manual.");
        return;
    }
    struct json_object *json = json_object_new_object();
    int result = json != NULL ? document_set_text(json, "UpdateRuntimeOn", on) : -ENOMEM;
    if (result == 0 && version[0] != '\0') {
        result = document_set_text(json, "RuntimeVersionArn", version);
    }
    if (result == 0) {
        result = side_put(call->lambda, SIDE_RUNTIME, &call->tenant, call->name.name,
                          runtime_id(call), json);
    }
    if (result != 0) {
        call_broken(call, "The setting could not be written", result);
    } else {
        answer_runtime(call, json);
    }
    json_object_put(json);
}

/* --- scaling: of versions that run on capacity providers --- */

static bool find_published(struct call *call) {
    struct function *function = NULL;
    /* $LATEST.PUBLISHED is whichever version was published last. */
    if (strcmp(call_qualifier(call), "$LATEST.PUBLISHED") == 0) {
        return call_function_exists(call);
    }
    bool found = call_function(call, &function);
    function_unref(function);
    return found;
}

void action_get_scaling(struct call *call) {
    struct virga_json_writer writer = {0};
    struct json_object *json = NULL;
    char arn[LAMBDA_ARN_MAX];
    if (!find_published(call)) {
        return;
    }
    int result = side_get(call->lambda, SIDE_SCALING, &call->tenant, call->name.name,
                          call_qualifier(call), &json);
    if (result != 0 && result != -ENOENT) {
        call_broken(call, "The setting could not be read", result);
        return;
    }
    function_arn(&call->tenant, call->name.name, call_qualifier(call), arn);
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "FunctionArn", arn);
    if (json != NULL) {
        struct virga_str text = virga_str_from(json_object_to_json_string_ext(
            json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        virga_json_raw(&writer, "AppliedFunctionScalingConfig", text);
        virga_json_raw(&writer, "RequestedFunctionScalingConfig", text);
    }
    virga_json_end_object(&writer);
    json_object_put(json);
    call_answer(call, 200, &writer);
}

void action_put_scaling(struct call *call) {
    struct virga_json_writer writer = {0};
    struct json_object *given = virga_awsjson_member(call->input, "FunctionScalingConfig");
    if (!find_published(call)) {
        return;
    }
    int result = given != NULL ? side_put(call->lambda, SIDE_SCALING, &call->tenant,
                                          call->name.name, call_qualifier(call), given)
                               : side_delete(call->lambda, SIDE_SCALING, &call->tenant,
                                             call->name.name, call_qualifier(call));
    if (result != 0 && result != -ENOENT) {
        call_broken(call, "The setting could not be written", result);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "FunctionState", "Active");
    virga_json_end_object(&writer);
    call_answer(call, 202, &writer);
}

/* --- code signing: not for images --- */

void action_get_code_signing(struct call *call) {
    struct virga_json_writer writer = {0};
    if (call_function_exists(call)) {
        virga_json_begin_object(&writer, NULL);
        virga_json_end_object(&writer);
        call_answer(call, 200, &writer);
    }
}

void action_put_code_signing(struct call *call) {
    /* Nobody can have made one here. */
    call_fail(call, 404, "CodeSigningConfigNotFoundException",
              "The code signing configuration cannot be found. Check that the provided "
              "configuration is not deleted: %s.",
              call_str(call, "CodeSigningConfigArn").ptr);
}

void action_delete_code_signing(struct call *call) {
    if (call_function_exists(call)) {
        call_answer(call, 204, &(struct virga_json_writer){0});
    }
}
