/* SPDX-License-Identifier: MIT */
/* AddTagsToResource, ListTagsForResource, RemoveTagsFromResource. */
#include "tags.h"

#include "records.h"

#include <errno.h>
#include <strings.h>

int tags_merge(struct call *call, struct json_object *tags, struct json_object **ret_tags) {
    size_t count = virga_awsjson_length(call->input, "Tags");
    int failed = 0;
    if (tags == NULL) {
        tags = json_object_new_object();
        failed = tags == NULL;
    }
    for (size_t i = 0; i < count && !failed; i++) {
        struct json_object *tag = virga_awsjson_element(call->input, "Tags", i);
        struct virga_str key = virga_awsjson_str(tag, "Key");
        if (strncasecmp(key.ptr, "aws:", strlen("aws:")) == 0) {
            json_object_put(tags);
            call_fail(call, "ValidationException",
                      "Tag keys can't be prefixed with \"aws:\" (case-insensitive): %s", key.ptr);
            return -EINVAL;
        }
        failed = json_object_object_add(tags, key.ptr,
                                        json_object_get(virga_awsjson_member(tag, "Value"))) != 0;
    }
    if (failed) {
        json_object_put(tags);
        call_fail_internally(call, -ENOMEM);
        return -ENOMEM;
    }
    if (json_object_object_length(tags) > TAGS_MAX) {
        json_object_put(tags);
        call_fail(call, "TooManyTagsError",
                  "The Targets parameter includes too many tags. Remove one or more tags and try "
                  "the command again.");
        return -EINVAL;
    }
    *ret_tags = tags;
    return 0;
}

/* Finds the parameter of the call and its tags; 0, or it has answered. Resources of other types are
 * never there. */
static int find(struct call *call, struct virga_str *ret_name, struct json_object **ret_tags) {
    struct name_reference reference;
    struct record record;
    struct virga_str type = virga_awsjson_str(call->input, "ResourceType");
    int result = name_refer(call, virga_awsjson_str(call->input, "ResourceId"), &reference);
    if (result == 0) {
        result =
            virga_str_equal(type, virga_str_from("Parameter")) && reference.selector.ptr == NULL
                ? record_read(call, reference.name, &record)
                : -ENOENT;
    }
    if (result == 0) {
        record_finish(&record);
        result = record_read_tags(call, reference.name, ret_tags);
    }
    if (result == -ENOENT) {
        call_fail(call, "InvalidResourceId",
                  "The resource ID isn't valid. Verify that you entered the correct ID and try "
                  "again.");
    } else if (result != 0) {
        call_fail_internally(call, result);
    } else {
        *ret_name = reference.name;
    }
    return result;
}

static void write_and_answer(struct call *call, struct virga_str name, struct json_object *tags) {
    int result = record_write_tags(call, name, tags);
    json_object_put(tags);
    if (result != 0) {
        call_fail_internally(call, result);
    } else {
        call_answer_empty(call);
    }
}

void action_add_tags_to_resource(struct call *call) {
    struct virga_str name;
    struct json_object *tags;
    if (find(call, &name, &tags) == 0 && tags_merge(call, tags, &tags) == 0) {
        write_and_answer(call, name, tags);
    }
}

void action_remove_tags_from_resource(struct call *call) {
    struct virga_str name;
    struct json_object *tags;
    size_t count = virga_awsjson_length(call->input, "TagKeys");
    if (find(call, &name, &tags) != 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct json_object *key = virga_awsjson_element(call->input, "TagKeys", i);
        json_object_object_del(tags, virga_awsjson_text(key).ptr);
    }
    write_and_answer(call, name, tags);
}

void action_list_tags_for_resource(struct call *call) {
    struct virga_str name;
    struct json_object *tags;
    struct virga_json_writer writer = {0};
    if (find(call, &name, &tags) != 0) {
        return;
    }
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "TagList");
    json_object_object_foreach(tags, key, value) {
        virga_json_begin_object(&writer, NULL);
        virga_json_string(&writer, "Key", key);
        virga_json_str(&writer, "Value", virga_awsjson_text(value));
        virga_json_end_object(&writer);
    }
    virga_json_end_array(&writer);
    virga_json_end_object(&writer);
    json_object_put(tags);
    (void)virga_awsjson_answer(call->req, 200, &writer);
}
