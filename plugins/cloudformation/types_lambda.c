/* SPDX-License-Identifier: MIT */
/* AWS::Lambda::Permission, Version, Alias, Url and EventInvokeConfig, and the table of all.
 * Source: the types' pages in the template reference; the Lambda API reference. */
#include "types_lambda.h"

/* The function that a resource belongs to. */
static const char *function(const struct task *task) {
    return task_property(task, "FunctionName", task_property(task, "TargetFunctionArn", ""));
}

static void add_qualifier(struct text *path, const char *qualifier) {
    if (qualifier != NULL) {
        text_add_string(path, "?Qualifier=");
        text_add_encoded(path, virga_str_from(qualifier), "$");
    }
}

/* --- Permission --- */

static enum task_verdict add_permission(struct task *task) {
    static const char *const members[] = {"Action",
                                          "Principal",
                                          "SourceArn",
                                          "SourceAccount",
                                          "EventSourceToken",
                                          "FunctionUrlAuthType",
                                          "PrincipalOrgID",
                                          "InvokedViaFunctionUrl",
                                          NULL};
    struct text path = {0};
    struct json_object *input = json_object_new_object();
    if (input == NULL || value_set_text(input, "StatementId", task->physical) != 0 ||
        lambda_take(input, task, members) != 0) {
        return lambda_no_memory(task, input);
    }
    task_attribute(task, "Id", task->physical);
    lambda_path(&path, LAMBDA_2015, function(task));
    text_add_string(&path, "/policy");
    return task_call_rest(task, "lambda", "POST", &path, input);
}

static enum task_verdict remove_permission(struct task *task) {
    struct text path = {0};
    lambda_path(&path, LAMBDA_2015, function(task));
    text_add_string(&path, "/policy/");
    text_add_encoded(&path, virga_str_from(task->physical), "");
    return task_call_rest(task, "lambda", "DELETE", &path, NULL);
}

/* --- provisioned concurrency of versions and aliases --- */

static enum task_verdict provision(struct task *task) {
    struct json_object *given = value_member(task->properties, "ProvisionedConcurrencyConfig");
    const char *qualifier = value_text(task->attributes, "Version");
    struct text path = {0};
    struct json_object *input = NULL;
    if (!task_changed(task, "ProvisionedConcurrencyConfig")) {
        return TASK_NEXT;
    }
    qualifier = qualifier != NULL ? qualifier : task_property(task, "Name", "");
    if (given != NULL) {
        input = json_object_new_object();
        if (input == NULL ||
            lambda_take_number(input, given, "ProvisionedConcurrentExecutions") != 0) {
            return lambda_no_memory(task, input);
        }
    }
    lambda_path(&path, LAMBDA_PROVISIONED, function(task));
    text_add_string(&path, "/provisioned-concurrency");
    add_qualifier(&path, qualifier);
    return task_call_rest(task, "lambda", given != NULL ? "PUT" : "DELETE", &path, input);
}

/* --- Version --- */

static enum task_verdict publish(struct task *task) {
    static const char *const members[] = {"CodeSha256", "Description", NULL};
    struct text path = {0};
    struct json_object *input = json_object_new_object();
    if (input == NULL || lambda_take(input, task, members) != 0) {
        return lambda_no_memory(task, input);
    }
    lambda_path(&path, LAMBDA_2015, function(task));
    text_add_string(&path, "/versions");
    return task_call_rest(task, "lambda", "POST", &path, input);
}

static enum task_verdict take_version(struct task *task, const struct answer *answer) {
    const char *arn = value_text(answer->json, "FunctionArn");
    if (arn == NULL) {
        return task_fail(task, "PublishVersion gave no FunctionArn");
    }
    (void)snprintf(task->physical, sizeof task->physical, "%s", arn);
    task_attribute(task, "FunctionArn", arn);
    task_attribute(task, "Version", value_text(answer->json, "Version"));
    return task->failed ? TASK_FAILED : TASK_NEXT;
}

static enum task_verdict delete_version(struct task *task) {
    struct text path = {0};
    const char *colon = strrchr(task->physical, ':');
    lambda_path(&path, LAMBDA_2015, function(task));
    add_qualifier(&path, colon != NULL ? colon + 1 : NULL);
    return task_call_rest(task, "lambda", "DELETE", &path, NULL);
}

/* --- Alias --- */

static struct json_object *alias_input(const struct task *task) {
    static const char *const members[] = {"Description", NULL};
    struct json_object *input = json_object_new_object();
    struct json_object *weights =
        value_member(value_member(task->properties, "RoutingConfig"), "AdditionalVersionWeights");
    struct json_object *map = json_object_new_object();
    struct json_object *routing = json_object_new_object();
    int result = input != NULL && map != NULL && routing != NULL ? 0 : -1;
    for (size_t i = 0; result == 0 && i < value_length(weights); i++) {
        struct json_object *weight = value_element(weights, i);
        const char *version = value_text(weight, "FunctionVersion");
        if (version != NULL) {
            result = value_share(map, version, value_member(weight, "FunctionWeight"));
        }
    }
    if (result != 0) {
        json_object_put(input);
        json_object_put(map);
        json_object_put(routing);
        return NULL;
    }
    result = value_set(routing, "AdditionalVersionWeights", map);
    if (value_set(input, "RoutingConfig", routing) != 0 || result != 0 ||
        value_set_text(input, "FunctionVersion",
                       task_property(task, "FunctionVersion", "$LATEST")) != 0 ||
        lambda_take(input, task, members) != 0) {
        json_object_put(input);
        return NULL;
    }
    return input;
}

static enum task_verdict create_alias(struct task *task) {
    struct text path = {0};
    struct json_object *input = alias_input(task);
    if (input == NULL || value_set_text(input, "Name", task_property(task, "Name", "")) != 0) {
        return lambda_no_memory(task, input);
    }
    lambda_path(&path, LAMBDA_2015, function(task));
    text_add_string(&path, "/aliases");
    return task_call_rest(task, "lambda", "POST", &path, input);
}

static enum task_verdict take_alias(struct task *task, const struct answer *answer) {
    const char *arn = value_text(answer->json, "AliasArn");
    if (arn == NULL) {
        return task_fail(task, "CreateAlias gave no AliasArn");
    }
    (void)snprintf(task->physical, sizeof task->physical, "%s", arn);
    task_attribute(task, "AliasArn", arn);
    return task->failed ? TASK_FAILED : TASK_NEXT;
}

static void alias_path(struct text *path, const struct task *task) {
    lambda_path(path, LAMBDA_2015, function(task));
    text_add_string(path, "/aliases/");
    text_add_encoded(path, virga_str_from(task_property(task, "Name", "")), "");
}

/* Of a creation that was cut off: the answer was not seen. */
static enum task_verdict get_alias(struct task *task) {
    struct text path = {0};
    if (value_member(task->attributes, "AliasArn") != NULL) {
        return TASK_NEXT;
    }
    alias_path(&path, task);
    return task_call_rest(task, "lambda", "GET", &path, NULL);
}

static enum task_verdict update_alias(struct task *task) {
    struct text path = {0};
    struct json_object *input = alias_input(task);
    if (input == NULL) {
        return lambda_no_memory(task, NULL);
    }
    alias_path(&path, task);
    return task_call_rest(task, "lambda", "PUT", &path, input);
}

static enum task_verdict delete_alias(struct task *task) {
    struct text path = {0};
    alias_path(&path, task);
    return task_call_rest(task, "lambda", "DELETE", &path, NULL);
}

/* --- Url --- */

static void url_path(struct text *path, const struct task *task) {
    lambda_path(path, LAMBDA_URL, function(task));
    text_add_string(path, "/url");
    add_qualifier(path, task_property(task, "Qualifier", NULL));
}

static enum task_verdict put_url(struct task *task) {
    static const char *const members[] = {"AuthType", "Cors", "InvokeMode", NULL};
    struct text path = {0};
    struct json_object *input = json_object_new_object();
    if (input == NULL || lambda_take(input, task, members) != 0) {
        return lambda_no_memory(task, input);
    }
    url_path(&path, task);
    return task_call_rest(task, "lambda", task->kind == TASK_CREATE ? "POST" : "PUT", &path, input);
}

static enum task_verdict get_url(struct task *task) {
    struct text path = {0};
    url_path(&path, task);
    return task_call_rest(task, "lambda", "GET", &path, NULL);
}

static enum task_verdict take_url(struct task *task, const struct answer *answer) {
    const char *arn = value_text(answer->json, "FunctionArn");
    if (arn != NULL) {
        (void)snprintf(task->physical, sizeof task->physical, "%s", arn);
    }
    task_attribute(task, "FunctionArn", arn);
    task_attribute(task, "FunctionUrl", value_text(answer->json, "FunctionUrl"));
    return task->failed ? TASK_FAILED : TASK_NEXT;
}

static enum task_verdict delete_url(struct task *task) {
    struct text path = {0};
    url_path(&path, task);
    return task_call_rest(task, "lambda", "DELETE", &path, NULL);
}

/* --- EventInvokeConfig --- */

static void events_path(struct text *path, const struct task *task) {
    lambda_path(path, LAMBDA_EVENTS, function(task));
    text_add_string(path, "/event-invoke-config");
    add_qualifier(path, task_property(task, "Qualifier", NULL));
}

static enum task_verdict put_events(struct task *task) {
    static const char *const members[] = {"DestinationConfig", NULL};
    struct text path = {0};
    struct json_object *input = json_object_new_object();
    if (input == NULL || lambda_take(input, task, members) != 0 ||
        lambda_take_number(input, task->properties, "MaximumRetryAttempts") != 0 ||
        lambda_take_number(input, task->properties, "MaximumEventAgeInSeconds") != 0) {
        return lambda_no_memory(task, input);
    }
    events_path(&path, task);
    return task_call_rest(task, "lambda", "PUT", &path, input);
}

static enum task_verdict delete_events(struct task *task) {
    struct text path = {0};
    events_path(&path, task);
    return task_call_rest(task, "lambda", "DELETE", &path, NULL);
}

#define END                                                                                        \
    { NULL, NULL, NULL }
static const struct task_step permission_create[] = {{add_permission, NULL, NULL}, END};
static const struct task_step permission_remove[] = {{remove_permission, NULL, NULL}, END};
static const struct task_step version_create[] = {
    {publish, take_version, NULL}, {provision, NULL, NULL}, END};
static const struct task_step version_update[] = {{provision, NULL, NULL}, END};
static const struct task_step version_remove[] = {{delete_version, NULL, NULL}, END};
static const struct task_step alias_create[] = {
    {create_alias, take_alias, NULL}, {get_alias, take_alias, NULL}, {provision, NULL, NULL}, END};
static const struct task_step alias_update[] = {
    {update_alias, NULL, NULL}, {provision, NULL, NULL}, END};
static const struct task_step alias_remove[] = {{delete_alias, NULL, NULL}, END};
static const struct task_step url_put[] = {{put_url, NULL, NULL}, {get_url, take_url, NULL}, END};
static const struct task_step url_remove[] = {{delete_url, NULL, NULL}, END};
static const struct task_step events_put[] = {{put_events, NULL, NULL}, END};
static const struct task_step events_remove[] = {{delete_events, NULL, NULL}, END};

static const char *const function_replaced_by[] = {"FunctionName", "PackageType", NULL};
static const char *const function_attributes[] = {"Arn", NULL};
static const char *const permission_attributes[] = {"Id", NULL};
static const char *const version_replaced_by[] = {"FunctionName", "CodeSha256", "Description",
                                                  NULL};
static const char *const version_attributes[] = {"Version", "FunctionArn", NULL};
static const char *const alias_replaced_by[] = {"FunctionName", "Name", NULL};
static const char *const alias_attributes[] = {"AliasArn", NULL};
static const char *const url_replaced_by[] = {"TargetFunctionArn", "Qualifier", NULL};
static const char *const url_attributes[] = {"FunctionArn", "FunctionUrl", NULL};
static const char *const events_replaced_by[] = {"FunctionName", "Qualifier", NULL};
static const char *const none[] = {NULL};

const struct resource_type types_lambda[] = {
    {.name = "AWS::Lambda::Function",
     .replaced_by = function_replaced_by,
     .attributes = function_attributes,
     .named_by = "FunctionName",
     .rule = {.max = 64},
     .tags = TASK_TAGS_LIST,
     .create = lambda_function_create,
     .update = lambda_function_update,
     .remove = lambda_function_remove},
    {.name = "AWS::Lambda::Permission",
     .attributes = permission_attributes,
     .rule = {.max = 100},
     .create = permission_create,
     .remove = permission_remove},
    {.name = "AWS::Lambda::Version",
     .replaced_by = version_replaced_by,
     .attributes = version_attributes,
     .create = version_create,
     .update = version_update,
     .remove = version_remove},
    {.name = "AWS::Lambda::Alias",
     .replaced_by = alias_replaced_by,
     .attributes = alias_attributes,
     .create = alias_create,
     .update = alias_update,
     .remove = alias_remove},
    {.name = "AWS::Lambda::Url",
     .replaced_by = url_replaced_by,
     .attributes = url_attributes,
     .create = url_put,
     .update = url_put,
     .remove = url_remove},
    {.name = "AWS::Lambda::EventInvokeConfig",
     .replaced_by = events_replaced_by,
     .attributes = none,
     .create = events_put,
     .update = events_put,
     .remove = events_remove},
    {.name = NULL},
};
