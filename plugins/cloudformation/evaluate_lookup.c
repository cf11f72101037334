/* SPDX-License-Identifier: MIT */
/* Functions that look something up: parameters, resources, mappings, exports. */
#include "evaluate.h"
#include "parameters.h"
#include "template.h"

#include <virga/helpers/arn.h>

const char *scope_url_suffix(const char *region) {
    return strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
}

static int make_string(const char *text, struct json_object **ret_value) {
    *ret_value = json_object_new_string(text);
    return *ret_value != NULL ? 0 : -ENOMEM;
}

int scope_pseudo(struct scope *scope, const char *name, struct json_object **ret_value) {
    if (strcmp(name, "AWS::NoValue") == 0) {
        *ret_value = NULL;
        return 0;
    }
    if (strcmp(name, "AWS::AccountId") == 0) {
        return make_string(scope->account, ret_value);
    }
    if (strcmp(name, "AWS::Region") == 0) {
        return make_string(scope->region, ret_value);
    }
    if (strcmp(name, "AWS::Partition") == 0) {
        return make_string(virga_arn_partition(virga_str_from(scope->region)), ret_value);
    }
    if (strcmp(name, "AWS::URLSuffix") == 0) {
        return make_string(scope_url_suffix(scope->region), ret_value);
    }
    if (strcmp(name, "AWS::StackId") == 0) {
        return make_string(scope->stack_id, ret_value);
    }
    if (strcmp(name, "AWS::StackName") == 0) {
        return make_string(scope->stack_name, ret_value);
    }
    if (strcmp(name, "AWS::NotificationARNs") == 0) {
        *ret_value = scope->notification_arns != NULL ? json_object_get(scope->notification_arns)
                                                      : json_object_new_array();
        return *ret_value != NULL ? 0 : -ENOMEM;
    }
    return -ENOENT;
}

/* Whether a resource is in the template and its condition holds. */
static int check_resource(struct scope *scope, const char *logical, struct fault *fault) {
    bool included = false;
    struct json_object *resource = template_resource(scope->root, logical);
    int result = resource != NULL ? scope_includes(scope, resource, &included, fault) : 0;
    if (result == 0 && !included) {
        result =
            fault_set(fault,
                      "Template format error: Unresolved resource dependencies [%.200s] in the "
                      "Resources block of the template",
                      logical);
    }
    return result;
}

int evaluate_ref(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                 struct fault *fault) {
    const char *name = value_is_string(argument) ? value_scalar(argument) : NULL;
    if (name == NULL || *name == '\0') {
        return fault_set(fault, "Template format error: Every Ref object must have a single String "
                                "value.");
    }
    if (strncmp(name, "AWS::", 5) == 0) {
        int result = scope_pseudo(scope, name, ret_value);
        return result == -ENOENT ? fault_set(fault,
                                             "Template format error: Unresolved resource "
                                             "dependencies [%.200s] in the Resources block "
                                             "of the template",
                                             name)
                                 : result;
    }
    int result = parameters_ref(scope->parameters, name, ret_value);
    if (result != -ENOENT) {
        return result;
    }
    result = check_resource(scope, name, fault);
    if (result == 0 && scope->resource == NULL) {
        result = fault_set(fault,
                           "Template format error: Unresolved dependencies [%.200s]. Cannot "
                           "reference resources in the Conditions block of the template",
                           name);
    }
    return result != 0
               ? result
               : scope->resource(scope->arg, name, (struct virga_str){NULL, 0}, ret_value, fault);
}

int evaluate_get_att(struct scope *scope, struct json_object *argument,
                     struct json_object **ret_value, struct fault *fault) {
    static const char message[] =
        "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource "
        "name and the resource attribute";
    char logical[256];
    struct json_object *attribute = NULL;
    struct virga_str text = value_str(argument);
    const char *dot = text.ptr != NULL ? strchr(text.ptr, '.') : NULL;
    struct virga_str wanted = {NULL, 0};
    int result = 0;
    if (dot != NULL) {
        (void)snprintf(logical, sizeof logical, "%.*s", (int)(dot - text.ptr), text.ptr);
        wanted = virga_str_from(dot + 1);
    } else if (value_length(argument) == 2 && value_is_string(value_element(argument, 0))) {
        (void)snprintf(logical, sizeof logical, "%s", value_scalar(value_element(argument, 0)));
        result = evaluate_to_text(scope, value_element(argument, 1), message, &attribute, fault);
        wanted = value_str(attribute);
    }
    if (result == 0 && wanted.len == 0) {
        result = fault_set(fault, "%s", message);
    }
    result = result != 0 ? result : check_resource(scope, logical, fault);
    if (result == 0 && scope->resource == NULL) {
        result =
            fault_set(fault, "Template error: Fn::GetAtt cannot be used in the Conditions block "
                             "of the template");
    }
    result = result != 0 ? result : scope->resource(scope->arg, logical, wanted, ret_value, fault);
    json_object_put(attribute);
    return result;
}

int evaluate_find_in_map(struct scope *scope, struct json_object *argument,
                         struct json_object **ret_value, struct fault *fault) {
    static const char message[] =
        "Template error: every Fn::FindInMap object requires three parameters, the map name, map "
        "key and the attribute for return value";
    struct json_object *keys[3] = {NULL, NULL, NULL};
    struct json_object *otherwise = value_member(value_element(argument, 3), "DefaultValue");
    size_t length = value_length(argument);
    int result =
        length == 3 || (length == 4 && otherwise != NULL) ? 0 : fault_set(fault, "%s", message);
    for (size_t i = 0; result == 0 && i < 3; i++) {
        result = evaluate_to_text(scope, value_element(argument, i), message, &keys[i], fault);
    }
    if (result == 0) {
        const char *map_name = value_scalar(keys[0]);
        struct json_object *map = value_member(template_section(scope->root, "Mappings"), map_name);
        struct json_object *found =
            value_member(value_member(map, value_scalar(keys[1])), value_scalar(keys[2]));
        if (found != NULL) {
            *ret_value = json_object_get(found);
        } else if (otherwise != NULL) {
            result = scope_evaluate(scope, otherwise, ret_value, fault);
        } else if (map == NULL) {
            result = fault_set(fault,
                               "Template error: Mapping named '%.200s' is not present in the "
                               "'Mappings' section of template.",
                               map_name);
        } else {
            result =
                fault_set(fault, "Template error: Unable to get mapping for %.200s::%.200s::%.200s",
                          map_name, value_scalar(keys[1]), value_scalar(keys[2]));
        }
    }
    for (size_t i = 0; i < 3; i++) {
        json_object_put(keys[i]);
    }
    return result;
}

int evaluate_import_value(struct scope *scope, struct json_object *argument,
                          struct json_object **ret_value, struct fault *fault) {
    struct json_object *name = NULL;
    int result = evaluate_to_text(scope, argument,
                                  "Template error: the attribute in Fn::ImportValue must be a "
                                  "string or a function that returns a string",
                                  &name, fault);
    if (result != 0) {
        return result;
    }
    result = scope->import != NULL
                 ? scope->import(scope->arg, value_scalar(name), ret_value, fault)
                 : fault_set(fault, "Template error: Fn::ImportValue cannot be used in the "
                                    "Conditions block of the template");
    json_object_put(name);
    return result;
}

int evaluate_get_azs(struct scope *scope, struct json_object *argument,
                     struct json_object **ret_value, struct fault *fault) {
    struct json_object *region = NULL;
    int result = evaluate_to_text(scope, argument,
                                  "Template error: every Fn::GetAZs object must have a "
                                  "String-typed value.",
                                  &region, fault);
    if (result != 0) {
        return result;
    }
    const char *name = value_scalar(region);
    name = *name != '\0' ? name : scope->region;
    struct json_object *zones = json_object_new_array();
    for (char letter = 'a'; zones != NULL && letter <= 'c' && result == 0; letter++) {
        char zone[80];
        (void)snprintf(zone, sizeof zone, "%.70s%c", name, letter);
        result = value_add_text(zones, zone);
    }
    json_object_put(region);
    if (zones == NULL || result != 0) {
        json_object_put(zones);
        return -ENOMEM;
    }
    *ret_value = zones;
    return 0;
}
