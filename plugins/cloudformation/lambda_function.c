/* SPDX-License-Identifier: MIT */
/* AWS::Lambda::Function.
 * Source: the type's page in the template reference; the Lambda API reference. */
#include "types_lambda.h"

#include <errno.h>

/* Of the configuration, but the numbers. */
static const char *const configuration[] = {
    "Role",        "Handler",           "Runtime",       "Description",      "Environment",
    "ImageConfig", "VpcConfig",         "TracingConfig", "DeadLetterConfig", "KmsKeyArn",
    "Layers",      "FileSystemConfigs", "LoggingConfig", "SnapStart",        NULL};

void lambda_path(struct text *path, const char *api, const char *function) {
    text_addf(path, "%s/functions/", api);
    text_add_encoded(path, virga_str_from(function), ":");
}

int lambda_take(struct json_object *input, const struct task *task, const char *const *members) {
    int result = 0;
    for (; result == 0 && *members != NULL; members++) {
        result = value_share(input, *members, value_member(task->properties, *members));
    }
    return result;
}

int lambda_take_number(struct json_object *input, struct json_object *from, const char *member) {
    return value_member(from, member) == NULL
               ? 0
               : value_set_int(input, member, value_int(from, member, 0));
}

enum task_verdict lambda_no_memory(struct task *task, struct json_object *input) {
    json_object_put(input);
    return task_fail(task, "out of memory");
}

/* Variables are text, whatever a template writes. */
static int take_environment(struct json_object *input, const struct task *task) {
    struct json_object *variables =
        value_member(value_member(task->properties, "Environment"), "Variables");
    struct json_object *texts = NULL;
    struct json_object *environment = NULL;
    if (variables == NULL) {
        return 0;
    }
    texts = json_object_new_object();
    environment = json_object_new_object();
    int result = texts != NULL && environment != NULL ? 0 : -ENOMEM;
    json_object_object_foreach(variables, name, value) {
        const char *text = value_scalar(value);
        result = result != 0 ? result : value_set_text(texts, name, text != NULL ? text : "");
    }
    if (result != 0) {
        json_object_put(texts);
        json_object_put(environment);
        return result;
    }
    result = value_set(environment, "Variables", texts);
    return value_set(input, "Environment", environment) != 0 ? -ENOMEM : result;
}

static int take_configuration(struct json_object *input, const struct task *task) {
    struct json_object *storage = value_member(task->properties, "EphemeralStorage");
    int result = lambda_take(input, task, configuration);
    result = result != 0 ? result : take_environment(input, task);
    result = result != 0 ? result : lambda_take_number(input, task->properties, "Timeout");
    result = result != 0 ? result : lambda_take_number(input, task->properties, "MemorySize");
    if (result == 0 && storage != NULL) {
        struct json_object *made = json_object_new_object();
        result = made == NULL ? -ENOMEM : lambda_take_number(made, storage, "Size");
        result = value_set(input, "EphemeralStorage", made) != 0 ? -ENOMEM : result;
    }
    return result;
}

/* A list of tags as the map that the API wants. Owns: the caller. */
static struct json_object *tag_map(struct json_object *tags) {
    struct json_object *map = json_object_new_object();
    for (size_t i = 0; map != NULL && i < value_length(tags); i++) {
        const char *key = value_text(value_element(tags, i), "Key");
        const char *value = value_text(value_element(tags, i), "Value");
        if (key != NULL) {
            (void)value_set_text(map, key, value != NULL ? value : "");
        }
    }
    return map;
}

static int take_code(struct json_object *input, struct json_object *code) {
    static const char *const members[] = {"ImageUri", "S3Bucket", "S3Key", "ZipFile"};
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof members / sizeof members[0]; i++) {
        result = value_share(input, members[i], value_member(code, members[i]));
    }
    const char *version = value_text(code, "S3ObjectVersion");
    return result == 0 && version != NULL ? value_set_text(input, "S3ObjectVersion", version)
                                          : result;
}

static enum task_verdict create(struct task *task) {
    static const char *const members[] = {"Architectures", "PackageType", NULL};
    struct text path = {0};
    struct json_object *given = value_member(task->properties, "Code");
    struct json_object *input = json_object_new_object();
    struct json_object *code = json_object_new_object();
    if (input == NULL || code == NULL || take_code(code, given) != 0 ||
        value_set_text(input, "FunctionName", task->physical) != 0) {
        json_object_put(code);
        return lambda_no_memory(task, input);
    }
    int result = value_set(input, "Code", code);
    result = result != 0 ? result : lambda_take(input, task, members);
    result = result != 0 ? result : take_configuration(input, task);
    if (result == 0 && value_length(value_member(task->properties, "Tags")) > 0) {
        result = value_set(input, "Tags", tag_map(value_member(task->properties, "Tags")));
    }
    if (result == 0 && value_member(given, "ImageUri") != NULL &&
        value_member(input, "PackageType") == NULL) {
        result = value_set_text(input, "PackageType", "Image");
    }
    if (result != 0) {
        return lambda_no_memory(task, input);
    }
    text_add_string(&path, LAMBDA_2015 "/functions");
    return task_call_rest(task, "lambda", "POST", &path, input);
}

static enum task_verdict describe(struct task *task) {
    struct text path = {0};
    lambda_path(&path, LAMBDA_2015, task->physical);
    text_add_string(&path, "/configuration");
    return task_call_rest(task, "lambda", "GET", &path, NULL);
}

/* Waits until the function is active and its last update is over. */
static enum task_verdict settle(struct task *task, const struct answer *answer) {
    const char *state = value_text(answer->json, "State");
    const char *update = value_text(answer->json, "LastUpdateStatus");
    const char *reason = value_text(answer->json, "StateReason");
    const char *update_reason = value_text(answer->json, "LastUpdateStatusReason");
    if (state != NULL && strcmp(state, "Failed") == 0) {
        return task_fail(task, "Function %s did not become active: %s", task->physical,
                         reason != NULL ? reason : state);
    }
    if (update != NULL && strcmp(update, "Failed") == 0) {
        return task_fail(task, "The update of function %s failed: %s", task->physical,
                         update_reason != NULL ? update_reason : update);
    }
    if ((state != NULL && strcmp(state, "Pending") == 0) ||
        (update != NULL && strcmp(update, "InProgress") == 0)) {
        return TASK_AGAIN;
    }
    task_attribute(task, "Arn", value_text(answer->json, "FunctionArn"));
    return task->failed ? TASK_FAILED : TASK_NEXT;
}

static enum task_verdict put_concurrency(struct task *task) {
    struct text path = {0};
    struct json_object *input = NULL;
    bool there = value_member(task->properties, "ReservedConcurrentExecutions") != NULL;
    if (!task_changed(task, "ReservedConcurrentExecutions")) {
        return TASK_NEXT;
    }
    if (there) {
        input = json_object_new_object();
        if (input == NULL ||
            lambda_take_number(input, task->properties, "ReservedConcurrentExecutions") != 0) {
            return lambda_no_memory(task, input);
        }
    }
    lambda_path(&path, LAMBDA_CONCURRENCY, task->physical);
    text_add_string(&path, "/concurrency");
    return task_call_rest(task, "lambda", there ? "PUT" : "DELETE", &path, input);
}

static enum task_verdict update_code(struct task *task) {
    static const char *const members[] = {"Architectures", NULL};
    struct text path = {0};
    if (!task_changed(task, "Code") && !task_changed(task, "Architectures")) {
        return TASK_NEXT;
    }
    struct json_object *input = json_object_new_object();
    if (input == NULL || take_code(input, value_member(task->properties, "Code")) != 0 ||
        lambda_take(input, task, members) != 0) {
        return lambda_no_memory(task, input);
    }
    lambda_path(&path, LAMBDA_2015, task->physical);
    text_add_string(&path, "/code");
    return task_call_rest(task, "lambda", "PUT", &path, input);
}

/* What a template does not say any more gets the default back. */
static int take_defaults(struct json_object *input, const struct task *task) {
    static const struct {
        const char *member;
        const char *json;
    } defaults[] = {
        {"Description", "\"\""},
        {"Timeout", "3"},
        {"MemorySize", "128"},
        {"Environment", "{\"Variables\":{}}"},
        {"ImageConfig", "{}"},
        {"EphemeralStorage", "{\"Size\":512}"},
        {"DeadLetterConfig", "{\"TargetArn\":\"\"}"},
        {"TracingConfig", "{\"Mode\":\"PassThrough\"}"},
    };
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof defaults / sizeof defaults[0]; i++) {
        struct json_object *value = NULL;
        if (value_member(task->properties, defaults[i].member) == NULL &&
            value_member(task->previous, defaults[i].member) != NULL) {
            result = value_parse(virga_str_from(defaults[i].json), &value, NULL);
            result = result != 0 ? result : value_set(input, defaults[i].member, value);
        }
    }
    return result;
}

static bool configuration_changed(const struct task *task) {
    bool changed = task_changed(task, "Timeout") || task_changed(task, "MemorySize") ||
                   task_changed(task, "EphemeralStorage");
    for (const char *const *member = configuration; *member != NULL; member++) {
        changed = changed || task_changed(task, *member);
    }
    return changed;
}

static enum task_verdict update_configuration(struct task *task) {
    struct text path = {0};
    if (!configuration_changed(task)) {
        return TASK_NEXT;
    }
    struct json_object *input = json_object_new_object();
    if (input == NULL || take_configuration(input, task) != 0 || take_defaults(input, task) != 0) {
        return lambda_no_memory(task, input);
    }
    lambda_path(&path, LAMBDA_2015, task->physical);
    text_add_string(&path, "/configuration");
    return task_call_rest(task, "lambda", "PUT", &path, input);
}

static void tags_path(struct text *path, const struct task *task) {
    const char *arn = value_text(task->attributes, "Arn");
    text_add_string(path, LAMBDA_TAGS "/tags/");
    text_add_encoded(path, virga_str_from(arn != NULL ? arn : ""), ":");
}

static enum task_verdict untag(struct task *task) {
    struct json_object *old = value_member(task->previous, "Tags");
    struct json_object *map = tag_map(value_member(task->properties, "Tags"));
    struct text path = {0};
    size_t count = 0;
    tags_path(&path, task);
    for (size_t i = 0; i < value_length(old); i++) {
        const char *key = value_text(value_element(old, i), "Key");
        if (key != NULL && value_member(map, key) == NULL) {
            text_add_string(&path, count++ == 0 ? "?tagKeys=" : "&tagKeys=");
            text_add_encoded(&path, virga_str_from(key), "");
        }
    }
    json_object_put(map);
    if (count == 0) {
        text_finish(&path);
        return TASK_NEXT;
    }
    return task_call_rest(task, "lambda", "DELETE", &path, NULL);
}

static enum task_verdict tag(struct task *task) {
    struct json_object *tags = value_member(task->properties, "Tags");
    struct text path = {0};
    if (!task_changed(task, "Tags") || value_length(tags) == 0) {
        return TASK_NEXT;
    }
    struct json_object *input = json_object_new_object();
    if (input == NULL || value_set(input, "Tags", tag_map(tags)) != 0) {
        return lambda_no_memory(task, input);
    }
    tags_path(&path, task);
    return task_call_rest(task, "lambda", "POST", &path, input);
}

static enum task_verdict delete_function(struct task *task) {
    struct text path = {0};
    lambda_path(&path, LAMBDA_2015, task->physical);
    return task_call_rest(task, "lambda", "DELETE", &path, NULL);
}

const struct task_step lambda_function_create[] = {
    {create, NULL, NULL},
    {describe, settle, NULL},
    {put_concurrency, NULL, NULL},
    {NULL, NULL, NULL},
};
const struct task_step lambda_function_update[] = {
    {update_code, NULL, NULL},
    {describe, settle, NULL},
    {update_configuration, NULL, NULL},
    {describe, settle, NULL},
    {put_concurrency, NULL, NULL},
    {untag, NULL, NULL},
    {tag, NULL, NULL},
    {NULL, NULL, NULL},
};
const struct task_step lambda_function_remove[] = {{delete_function, NULL, NULL},
                                                   {NULL, NULL, NULL}};
