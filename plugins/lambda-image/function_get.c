/* SPDX-License-Identifier: MIT */
/* GetFunction and GetFunctionConfiguration. */
#include "actions.h"
#include "function_write.h"

#include <errno.h>

/* The version that the call names; of an alias the main one, whatever its weights. False: the call
 * has ended. */
static bool get_version(struct call *call, struct function **ret_function) {
    int result = functions_resolve(call->lambda, &call->tenant, call->name.name,
                                   call_qualifier(call), 1, ret_function);
    if (result == -ENOENT) {
        call_no_function(call, call_qualifier(call));
    } else if (result != 0) {
        call_broken(call, "The function could not be read", result);
    }
    return result == 0;
}

/* Writes a side record of the function; nothing when it has none. */
static int write_side(struct call *call, enum side_kind kind, const char *key,
                      struct virga_json_writer *writer) {
    struct json_object *json = NULL;
    int result = side_get(call->lambda, kind, &call->tenant, call->name.name, "", &json);
    if (result == 0 && json_object_object_length(json) > 0) {
        virga_json_raw(writer, key,
                       virga_str_from(json_object_to_json_string_ext(
                           json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
    }
    json_object_put(json);
    return result == -ENOENT ? 0 : result;
}

void action_get_function(struct call *call) {
    struct virga_json_writer writer = {0};
    struct function *function = NULL;
    if (!get_version(call, &function)) {
        return;
    }
    virga_json_begin_object(&writer, NULL);
    function_write(&writer, "Configuration", function, call_qualifier(call), 0);
    function_write_code(&writer, function);
    function_unref(function);
    int result = write_side(call, SIDE_TAGS, "Tags", &writer);
    if (result == 0) {
        result = write_side(call, SIDE_CONCURRENCY, "Concurrency", &writer);
    }
    virga_json_end_object(&writer);
    if (result != 0) {
        virga_json_finish(&writer);
        call_broken(call, "The function could not be read", result);
        return;
    }
    call_answer(call, 200, &writer);
}

void action_get_function_configuration(struct call *call) {
    struct virga_json_writer writer = {0};
    struct function *function = NULL;
    if (get_version(call, &function)) {
        function_write(&writer, NULL, function, call_qualifier(call), 0);
        function_unref(function);
        call_answer(call, 200, &writer);
    }
}
