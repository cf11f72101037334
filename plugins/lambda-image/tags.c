/* SPDX-License-Identifier: MIT */
/* The tags of functions: TagResource, UntagResource, ListTags. */
#include "actions.h"
#include "side.h"
#include "side_call.h"

#include <errno.h>

/* Takes the function out of the resource's ARN, which the model has found good. False: the call has
 * ended. */
static bool take_resource(struct call *call) {
    struct virga_str resource = call_str(call, "Resource");
    struct function_name *name = &call->name;
    if (function_name_parse(resource, name) != 0) {
        /* Event source mappings, code signing configurations and capacity providers: none here. */
        call_fail(call, 404, "ResourceNotFoundException",
                  "The resource you requested does not exist.");
        return false;
    }
    if (strcmp(name->region, call->tenant.region) != 0) {
        call_fail(call, 404, "ResourceNotFoundException",
                  "Functions from '%s' are not reachable in this region ('%s')", name->region,
                  call->tenant.region);
        return false;
    }
    if (strcmp(name->account, call->tenant.account) != 0) {
        call_fail(call, 403, "AccessDeniedException", NULL);
        return false;
    }
    if (name->qualifier[0] != '\0') {
        call_fail(call, 400, "InvalidParameterValueException",
                  "Tags on function aliases and versions are not supported. Please specify a "
                  "function ARN.");
        return false;
    }
    return call_function_exists(call);
}

/* The function's tags, an empty object where it has none. False: the call has ended. */
static bool read_tags(struct call *call, struct json_object **ret_tags) {
    int result = side_get(call->lambda, SIDE_TAGS, &call->tenant, call->name.name, "", ret_tags);
    if (result == -ENOENT) {
        *ret_tags = json_object_new_object();
        result = *ret_tags != NULL ? 0 : -ENOMEM;
    }
    if (result != 0) {
        call_broken(call, "The tags could not be read", result);
    }
    return result == 0;
}

/* Keeps the tags and answers. Owns: puts them. */
static void keep(struct call *call, struct json_object *tags) {
    struct virga_json_writer nothing = {0};
    struct lambda *lambda = call->lambda;
    int result = 0;
    if (json_object_object_length(tags) > 0) {
        result = side_put(lambda, SIDE_TAGS, &call->tenant, call->name.name, "", tags);
    } else {
        result = side_delete(lambda, SIDE_TAGS, &call->tenant, call->name.name, "");
        result = result == -ENOENT ? 0 : result;
    }
    json_object_put(tags);
    if (result != 0) {
        call_broken(call, "The tags could not be written", result);
        return;
    }
    call_answer(call, 204, &nothing);
}

void action_tag_resource(struct call *call) {
    struct json_object *given = virga_awsjson_member(call->input, "Tags");
    struct json_object *tags = NULL;
    size_t others = 0;
    if (json_object_object_length(given) == 0) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "An error occurred and the request cannot be processed.");
        return;
    }
    if (!take_resource(call) || !read_tags(call, &tags)) {
        return;
    }
    json_object_object_foreach(tags, key, value) {
        (void)value;
        others += json_object_object_get_ex(given, key, NULL) ? 0 : 1;
    }
    const char *fault = side_tags_fault(given, others);
    if (fault != NULL) {
        json_object_put(tags);
        call_fail(call, 400, "InvalidParameterValueException", "%s", fault);
        return;
    }
    int result = 0;
    json_object_object_foreach(given, name, text) {
        if (result == 0) {
            result = text != NULL ? side_set(tags, name, json_object_get(text))
                                  : side_set_text(tags, name, "");
        }
    }
    if (result != 0) {
        json_object_put(tags);
        call_broken(call, "The tags could not be changed", result);
        return;
    }
    keep(call, tags);
}

void action_untag_resource(struct call *call) {
    struct json_object *tags = NULL;
    size_t count = virga_awsjson_length(call->input, "tagKeys");
    if (!take_resource(call) || !read_tags(call, &tags)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct virga_str key = virga_awsjson_text(virga_awsjson_element(call->input, "tagKeys", i));
        json_object_object_del(tags, key.ptr);
    }
    keep(call, tags);
}

void action_list_tags(struct call *call) {
    struct virga_json_writer writer = {0};
    struct json_object *tags = NULL;
    if (!take_resource(call) || !read_tags(call, &tags)) {
        return;
    }
    virga_json_begin_object(&writer, NULL);
    side_write(&writer, "Tags", tags);
    virga_json_end_object(&writer);
    json_object_put(tags);
    call_answer(call, 200, &writer);
}
