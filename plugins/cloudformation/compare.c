/* SPDX-License-Identifier: MIT */
/* What is wanted against what is. */
#include "compare.h"

#include <errno.h>

/* Puts the stack's tags behind those of a list which has not their keys. */
static int add_to_list(struct json_object *list, struct json_object *stack_tags) {
    for (size_t i = 0; i < value_length(stack_tags); i++) {
        struct json_object *tag = value_element(stack_tags, i);
        bool there = false;
        for (size_t n = 0; n < value_length(list); n++) {
            const char *key = value_text(value_element(list, n), "Key");
            there = there || (key != NULL && strcmp(key, value_text(tag, "Key")) == 0);
        }
        if (!there && json_object_array_add(list, json_object_get(tag)) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int add_to_map(struct json_object *map, struct json_object *stack_tags) {
    int result = 0;
    for (size_t i = 0; result == 0 && i < value_length(stack_tags); i++) {
        struct json_object *tag = value_element(stack_tags, i);
        const char *key = value_text(tag, "Key");
        if (value_member(map, key) == NULL) {
            result = value_share(map, key, value_member(tag, "Value"));
        }
    }
    return result;
}

static int add_tags(struct json_object *properties, enum task_tags kind,
                    struct json_object *stack_tags) {
    struct json_object *tags = NULL;
    if (kind == TASK_TAGS_NONE || value_length(stack_tags) == 0) {
        return 0;
    }
    int result = value_copy(value_member(properties, "Tags"), &tags);
    if (result != 0) {
        return result;
    }
    if (tags == NULL) {
        tags = kind == TASK_TAGS_LIST ? json_object_new_array() : json_object_new_object();
    }
    result = tags == NULL             ? -ENOMEM
             : kind == TASK_TAGS_LIST ? add_to_list(tags, stack_tags)
                                      : add_to_map(tags, stack_tags);
    if (result != 0) {
        json_object_put(tags);
        return result;
    }
    return value_set(properties, "Tags", tags);
}

int compare_properties(struct scope *scope, struct json_object *template_resource,
                       const struct resource_type *type, struct json_object *stack_tags,
                       struct json_object **ret_properties, struct fault *fault) {
    struct json_object *given = value_member(template_resource, "Properties");
    struct json_object *properties = NULL;
    int result = given != NULL ? scope_evaluate(scope, given, &properties, fault) : 0;
    if (result == 0 && properties == NULL) {
        properties = json_object_new_object();
        result = properties != NULL ? 0 : -ENOMEM;
    }
    if (result == 0 && !value_is_object(properties)) {
        result = fault_set(fault, "Template format error: Properties must be an object.");
    }
    if (result == 0 && type != NULL) {
        result = add_tags(properties, type->tags, stack_tags);
    }
    if (result != 0) {
        json_object_put(properties);
        return result;
    }
    *ret_properties = properties;
    return 0;
}

static int note(struct comparison *comparison, const struct resource_type *type,
                const char *property) {
    comparison->changed = true;
    comparison->replaced = comparison->replaced || (type != NULL && types_replaces(type, property));
    return value_add_text(comparison->names, property);
}

int compare_make(const struct resource_type *type, struct json_object *record,
                 struct json_object *template_resource, struct json_object *properties,
                 struct comparison *ret_comparison) {
    struct json_object *old = value_member(record, "properties");
    struct comparison comparison = {.names = json_object_new_array()};
    int result = comparison.names != NULL ? 0 : -ENOMEM;
    if (result == 0) {
        json_object_object_foreach(properties, name, wanted) {
            if (result == 0 && !value_equal(wanted, value_member(old, name))) {
                result = note(&comparison, type, name);
            }
        }
    }
    if (result == 0 && old != NULL) {
        json_object_object_foreach(old, name, was) {
            (void)was;
            if (result == 0 && value_member(properties, name) == NULL) {
                result = note(&comparison, type, name);
            }
        }
    }
    comparison.described = !value_equal(value_member(record, "metadata"),
                                        value_member(template_resource, "Metadata")) ||
                           !value_equal(value_member(record, "deletionPolicy"),
                                        value_member(template_resource, "DeletionPolicy")) ||
                           !value_equal(value_member(record, "updateReplacePolicy"),
                                        value_member(template_resource, "UpdateReplacePolicy"));
    if (result != 0) {
        json_object_put(comparison.names);
        return result;
    }
    *ret_comparison = comparison;
    return 0;
}
