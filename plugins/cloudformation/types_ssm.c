/* SPDX-License-Identifier: MIT */
/* AWS::SSM::Parameter.
 * Source: the type's page in the template reference; the Systems Manager API reference. */
#include "types.h"

static enum task_verdict no_memory(struct task *task, struct json_object *input) {
    json_object_put(input);
    return task_fail(task, "out of memory");
}

/* A map of tags as a list. */
static struct json_object *tag_list(struct json_object *map) {
    struct json_object *list = json_object_new_array();
    if (list != NULL && map != NULL) {
        json_object_object_foreach(map, key, value) {
            struct json_object *tag = json_object_new_object();
            const char *text = value_scalar(value);
            if (tag == NULL || value_set_text(tag, "Key", key) != 0 ||
                value_set_text(tag, "Value", text != NULL ? text : "") != 0 ||
                json_object_array_add(list, tag) != 0) {
                json_object_put(tag);
                json_object_put(list);
                return NULL;
            }
        }
    }
    return list;
}

static enum task_verdict put(struct task *task) {
    static const char *const members[] = {"Type",     "Value", "Description", "AllowedPattern",
                                          "DataType", "Tier",  "Policies"};
    struct json_object *input = json_object_new_object();
    struct json_object *tags = value_member(task->properties, "Tags");
    int result = input == NULL ? -1 : value_set_text(input, "Name", task->physical);
    for (size_t i = 0; result == 0 && i < sizeof members / sizeof members[0]; i++) {
        const char *text = task_property(task, members[i], NULL);
        result = text != NULL ? value_set_text(input, members[i], text) : 0;
    }
    if (result == 0 && task->kind == TASK_UPDATE) {
        result = value_set_bool(input, "Overwrite", true);
    } else if (result == 0 && tags != NULL) {
        result = value_set(input, "Tags", tag_list(tags));
    }
    return result != 0 ? no_memory(task, input)
                       : task_call_json(task, "ssm", "AmazonSSM.PutParameter", input);
}

/* {"ResourceType", "ResourceId"} of the parameter. */
static struct json_object *resource(const struct task *task) {
    struct json_object *input = json_object_new_object();
    if (input != NULL && (value_set_text(input, "ResourceType", "Parameter") != 0 ||
                          value_set_text(input, "ResourceId", task->physical) != 0)) {
        json_object_put(input);
        return NULL;
    }
    return input;
}

static enum task_verdict untag(struct task *task) {
    struct json_object *old = value_member(task->previous, "Tags");
    struct json_object *tags = value_member(task->properties, "Tags");
    struct json_object *keys = json_object_new_array();
    struct json_object *input = resource(task);
    int result = keys != NULL && input != NULL ? 0 : -1;
    if (old != NULL) {
        json_object_object_foreach(old, key, value) {
            (void)value;
            if (result == 0 && value_member(tags, key) == NULL) {
                result = value_add_text(keys, key);
            }
        }
    }
    if (result == 0 && value_length(keys) == 0) {
        json_object_put(keys);
        json_object_put(input);
        return TASK_NEXT;
    }
    if (result != 0) {
        json_object_put(keys);
        return no_memory(task, input);
    }
    if (value_set(input, "TagKeys", keys) != 0) {
        return no_memory(task, input);
    }
    return task_call_json(task, "ssm", "AmazonSSM.RemoveTagsFromResource", input);
}

static enum task_verdict tag(struct task *task) {
    struct json_object *tags = value_member(task->properties, "Tags");
    if (!task_changed(task, "Tags") || tags == NULL || json_object_object_length(tags) == 0) {
        return TASK_NEXT;
    }
    struct json_object *input = resource(task);
    if (input == NULL || value_set(input, "Tags", tag_list(tags)) != 0) {
        return no_memory(task, input);
    }
    return task_call_json(task, "ssm", "AmazonSSM.AddTagsToResource", input);
}

static enum task_verdict describe(struct task *task) {
    task_attribute(task, "Type", task_property(task, "Type", NULL));
    task_attribute(task, "Value", task_property(task, "Value", NULL));
    return task->failed ? TASK_FAILED : TASK_NEXT;
}

static enum task_verdict delete_parameter(struct task *task) {
    struct json_object *input = json_object_new_object();
    if (input == NULL || value_set_text(input, "Name", task->physical) != 0) {
        return no_memory(task, input);
    }
    return task_call_json(task, "ssm", "AmazonSSM.DeleteParameter", input);
}

static const struct task_step create_steps[] = {
    {put, NULL, NULL}, {describe, NULL, NULL}, {NULL, NULL, NULL}};
static const struct task_step update_steps[] = {{put, NULL, NULL},
                                                {untag, NULL, NULL},
                                                {tag, NULL, NULL},
                                                {describe, NULL, NULL},
                                                {NULL, NULL, NULL}};
static const struct task_step remove_steps[] = {{delete_parameter, NULL, NULL}, {NULL, NULL, NULL}};
static const char *const replaced_by[] = {"Name", NULL};
static const char *const attributes[] = {"Type", "Value", NULL};

const struct resource_type types_ssm[] = {
    {.name = "AWS::SSM::Parameter",
     .replaced_by = replaced_by,
     .attributes = attributes,
     .named_by = "Name",
     .rule = {.max = 1011},
     .tags = TASK_TAGS_MAP,
     .create = create_steps,
     .update = update_steps,
     .remove = remove_steps},
    {.name = NULL},
};
