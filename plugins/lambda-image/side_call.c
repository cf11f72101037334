/* SPDX-License-Identifier: MIT */
/* What the actions on side resources have in common. */
#include "side_call.h"

#include <errno.h>

bool side_is_version(const char *qualifier) {
    return qualifier[0] != '\0' && strspn(qualifier, "0123456789") == strlen(qualifier);
}

bool side_is_alias(const char *qualifier) {
    return qualifier[0] != '\0' && qualifier[0] != '$' && !side_is_version(qualifier);
}

int side_find(const struct call *call, const char *qualifier) {
    struct function *function = NULL;
    int result =
        functions_resolve(call->lambda, &call->tenant, call->name.name, qualifier, 1, &function);
    function_unref(function);
    return result;
}

bool side_target_exists(struct call *call, const char *qualifier) {
    int result = side_find(call, qualifier);
    if (result == -ENOENT && side_is_alias(qualifier)) {
        char arn[LAMBDA_ARN_MAX];
        function_arn(&call->tenant, call->name.name, qualifier, arn);
        call_fail(call, 404, "ResourceNotFoundException", "Cannot find alias arn: %s", arn);
    } else if (result == -ENOENT) {
        call_no_function(call, qualifier);
    } else if (result != 0) {
        call_broken(call, "The function could not be read", result);
    }
    return result == 0;
}

bool side_function_exists(struct call *call, const char *text) {
    int result = side_find(call, "");
    if (result == -ENOENT) {
        call_fail(call, 404, "ResourceNotFoundException", "%s", text);
    } else if (result != 0) {
        call_broken(call, "The function could not be read", result);
    }
    return result == 0;
}

int side_set(struct json_object *object, const char *key, struct json_object *value) {
    if (object == NULL || value == NULL || json_object_object_add(object, key, value) != 0) {
        json_object_put(value);
        return -ENOMEM;
    }
    return 0;
}

int side_set_text(struct json_object *object, const char *key, const char *text) {
    return side_set(object, key, json_object_new_string(text));
}

int side_copy(struct json_object *object, const char *key, struct json_object *from) {
    struct json_object *value = virga_awsjson_member(from, key);
    return value != NULL ? side_set(object, key, json_object_get(value)) : 0;
}

void side_write(struct virga_json_writer *writer, const char *key, struct json_object *value) {
    size_t len = 0;
    if (value == NULL) {
        return;
    }
    const char *text = json_object_to_json_string_length(
        value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    if (text == NULL) {
        writer->failed = 1;
        return;
    }
    virga_json_raw(writer, key, (struct virga_str){text, len});
}

void side_write_members(struct virga_json_writer *writer, struct json_object *object,
                        const char *except) {
    json_object_object_foreach(object, key, value) {
        if (except == NULL || strcmp(key, except) != 0) {
            side_write(writer, key, value);
        }
    }
}

void side_answer_page(struct call *call, const struct call_page *page, int result,
                      struct virga_json_writer *writer) {
    virga_json_end_array(writer);
    if (result == 0) {
        result = call_page_end(call, page, writer);
    }
    virga_json_end_object(writer);
    if (result != 0) {
        virga_json_finish(writer);
        call_broken(call, "The records could not be read", result);
        return;
    }
    call_answer(call, 200, writer);
}
