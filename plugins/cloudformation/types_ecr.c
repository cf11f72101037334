/* SPDX-License-Identifier: MIT */
/* AWS::ECR::Repository.
 * Source: the type's page in the template reference; the ECR API reference. */
#include "types.h"

#define TARGET "AmazonEC2ContainerRegistry_V20150921."

static enum task_verdict no_memory(struct task *task, struct json_object *input) {
    json_object_put(input);
    return task_fail(task, "out of memory");
}

/* {"repositoryName": the physical id} */
static struct json_object *named(const struct task *task) {
    struct json_object *input = json_object_new_object();
    if (input != NULL && value_set_text(input, "repositoryName", task->physical) != 0) {
        json_object_put(input);
        return NULL;
    }
    return input;
}

/* A policy, written as JSON or as text. */
static const char *policy_text(struct json_object *policy) {
    return value_is_string(policy) ? value_scalar(policy) : value_json(policy);
}

static struct json_object *scan_on_push(struct json_object *scanning) {
    struct json_object *made = json_object_new_object();
    if (made != NULL &&
        value_set_bool(made, "scanOnPush", value_bool(scanning, "ScanOnPush")) != 0) {
        json_object_put(made);
        return NULL;
    }
    return made;
}

/* Copies an object with the first letter of its members made small: CloudFormation's way to ECR's.
 */
static struct json_object *small(struct json_object *value) {
    if (value_is_array(value)) {
        struct json_object *array = json_object_new_array();
        for (size_t i = 0; array != NULL && i < value_length(value); i++) {
            (void)json_object_array_add(array, small(value_element(value, i)));
        }
        return array;
    }
    if (!value_is_object(value)) {
        return json_object_get(value);
    }
    struct json_object *object = json_object_new_object();
    json_object_object_foreach(value, key, member) {
        char name[128];
        (void)snprintf(name, sizeof name, "%s", key);
        name[0] = (char)(name[0] >= 'A' && name[0] <= 'Z' ? name[0] + ('a' - 'A') : name[0]);
        if (object != NULL) {
            (void)value_set(object, name, small(member));
        }
    }
    return object;
}

static enum task_verdict create(struct task *task) {
    struct json_object *input = named(task);
    struct json_object *scanning = value_member(task->properties, "ImageScanningConfiguration");
    struct json_object *encryption = value_member(task->properties, "EncryptionConfiguration");
    struct json_object *filters =
        value_member(task->properties, "ImageTagMutabilityExclusionFilters");
    int result = input == NULL ? -1
                               : value_share(input, "imageTagMutability",
                                             value_member(task->properties, "ImageTagMutability"));
    result |= result == 0 ? value_share(input, "tags", value_member(task->properties, "Tags")) : 0;
    if (result == 0 && scanning != NULL) {
        result = value_set(input, "imageScanningConfiguration", scan_on_push(scanning));
    }
    if (result == 0 && encryption != NULL) {
        result = value_set(input, "encryptionConfiguration", small(encryption));
    }
    if (result == 0 && filters != NULL) {
        result = value_set(input, "imageTagMutabilityExclusionFilters", small(filters));
    }
    return result != 0 ? no_memory(task, input)
                       : task_call_json(task, "ecr", TARGET "CreateRepository", input);
}

static enum task_verdict put_policy(struct task *task) {
    struct json_object *policy = value_member(task->properties, "RepositoryPolicyText");
    if (!task_changed(task, "RepositoryPolicyText")) {
        return TASK_NEXT;
    }
    struct json_object *input = named(task);
    if (input == NULL ||
        (policy != NULL && value_set_text(input, "policyText", policy_text(policy)) != 0)) {
        return no_memory(task, input);
    }
    return task_call_json(
        task, "ecr",
        policy != NULL ? TARGET "SetRepositoryPolicy" : TARGET "DeleteRepositoryPolicy", input);
}

static enum task_verdict put_lifecycle(struct task *task) {
    struct json_object *policy =
        value_member(value_member(task->properties, "LifecyclePolicy"), "LifecyclePolicyText");
    if (!task_changed(task, "LifecyclePolicy")) {
        return TASK_NEXT;
    }
    struct json_object *input = named(task);
    if (input == NULL || (policy != NULL &&
                          value_set_text(input, "lifecyclePolicyText", policy_text(policy)) != 0)) {
        return no_memory(task, input);
    }
    return task_call_json(
        task, "ecr", policy != NULL ? TARGET "PutLifecyclePolicy" : TARGET "DeleteLifecyclePolicy",
        input);
}

static enum task_verdict put_mutability(struct task *task) {
    struct json_object *filters =
        value_member(task->properties, "ImageTagMutabilityExclusionFilters");
    if (!task_changed(task, "ImageTagMutability") &&
        !task_changed(task, "ImageTagMutabilityExclusionFilters")) {
        return TASK_NEXT;
    }
    struct json_object *input = named(task);
    if (input == NULL ||
        value_set_text(input, "imageTagMutability",
                       task_property(task, "ImageTagMutability", "MUTABLE")) != 0 ||
        (filters != NULL &&
         value_set(input, "imageTagMutabilityExclusionFilters", small(filters)) != 0)) {
        return no_memory(task, input);
    }
    return task_call_json(task, "ecr", TARGET "PutImageTagMutability", input);
}

static enum task_verdict put_scanning(struct task *task) {
    if (!task_changed(task, "ImageScanningConfiguration")) {
        return TASK_NEXT;
    }
    struct json_object *input = named(task);
    struct json_object *scanning = value_member(task->properties, "ImageScanningConfiguration");
    if (input == NULL ||
        value_set(input, "imageScanningConfiguration", scan_on_push(scanning)) != 0) {
        return no_memory(task, input);
    }
    return task_call_json(task, "ecr", TARGET "PutImageScanningConfiguration", input);
}

/* Takes off the tags that are gone. */
static enum task_verdict untag(struct task *task) {
    struct json_object *old = value_member(task->previous, "Tags");
    struct json_object *keys = json_object_new_array();
    struct json_object *input = json_object_new_object();
    int result = keys != NULL && input != NULL ? 0 : -1;
    for (size_t i = 0; result == 0 && i < value_length(old); i++) {
        const char *key = value_text(value_element(old, i), "Key");
        struct json_object *tags = value_member(task->properties, "Tags");
        bool there = key == NULL;
        for (size_t n = 0; !there && n < value_length(tags); n++) {
            const char *other = value_text(value_element(tags, n), "Key");
            there = other != NULL && strcmp(other, key) == 0;
        }
        if (!there) {
            result = value_add_text(keys, key);
        }
    }
    if (result == 0 && value_length(keys) == 0) {
        json_object_put(keys);
        json_object_put(input);
        return TASK_NEXT;
    }
    if (result != 0 ||
        value_share(input, "resourceArn", value_member(task->attributes, "Arn")) != 0) {
        json_object_put(keys);
        return no_memory(task, input);
    }
    if (value_set(input, "tagKeys", keys) != 0) {
        return no_memory(task, input);
    }
    return task_call_json(task, "ecr", TARGET "UntagResource", input);
}

static enum task_verdict tag(struct task *task) {
    struct json_object *tags = value_member(task->properties, "Tags");
    if (!task_changed(task, "Tags") || value_length(tags) == 0) {
        return TASK_NEXT;
    }
    struct json_object *input = json_object_new_object();
    if (input == NULL ||
        value_share(input, "resourceArn", value_member(task->attributes, "Arn")) != 0 ||
        value_share(input, "tags", tags) != 0) {
        return no_memory(task, input);
    }
    return task_call_json(task, "ecr", TARGET "TagResource", input);
}

static enum task_verdict describe(struct task *task) {
    struct json_object *input = json_object_new_object();
    struct json_object *names = json_object_new_array();
    if (input == NULL || names == NULL || value_add_text(names, task->physical) != 0) {
        json_object_put(names);
        return no_memory(task, input);
    }
    if (value_set(input, "repositoryNames", names) != 0) {
        return no_memory(task, input);
    }
    return task_call_json(task, "ecr", TARGET "DescribeRepositories", input);
}

static enum task_verdict take_description(struct task *task, const struct answer *answer) {
    struct json_object *repository = value_element(value_member(answer->json, "repositories"), 0);
    task_attribute(task, "Arn", value_text(repository, "repositoryArn"));
    task_attribute(task, "RepositoryUri", value_text(repository, "repositoryUri"));
    return task->failed ? TASK_FAILED : TASK_NEXT;
}

static enum task_verdict delete_repository(struct task *task) {
    struct json_object *input = named(task);
    if (input == NULL ||
        value_set_bool(input, "force", value_bool(task->properties, "EmptyOnDelete")) != 0) {
        return no_memory(task, input);
    }
    return task_call_json(task, "ecr", TARGET "DeleteRepository", input);
}

static const struct task_step create_steps[] = {
    {create, NULL, NULL},        {put_policy, NULL, NULL},
    {put_lifecycle, NULL, NULL}, {describe, take_description, NULL},
    {NULL, NULL, NULL},
};
static const struct task_step update_steps[] = {
    {put_mutability, NULL, NULL},
    {put_scanning, NULL, NULL},
    {put_policy, NULL, "RepositoryPolicyNotFoundException"},
    {put_lifecycle, NULL, "LifecyclePolicyNotFoundException"},
    {untag, NULL, NULL},
    {tag, NULL, NULL},
    {NULL, NULL, NULL},
};
static const struct task_step remove_steps[] = {{delete_repository, NULL, NULL},
                                                {NULL, NULL, NULL}};
static const char *const replaced_by[] = {"RepositoryName", "EncryptionConfiguration", NULL};
static const char *const attributes[] = {"Arn", "RepositoryUri", NULL};

const struct resource_type types_ecr[] = {
    {.name = "AWS::ECR::Repository",
     .replaced_by = replaced_by,
     .attributes = attributes,
     .named_by = "RepositoryName",
     .rule = {.max = 256, .lower = true},
     .tags = TASK_TAGS_LIST,
     .create = create_steps,
     .update = update_steps,
     .remove = remove_steps},
    {.name = NULL},
};
