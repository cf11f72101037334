/* SPDX-License-Identifier: MIT */
/* From a value with functions to one without. */
#include "evaluate.h"

#include "reference.h"

static const struct {
    const char *name;
    evaluate_function run;
    bool of_rules;
} functions[] = {
    {"Ref", evaluate_ref, false},
    {"Fn::GetAtt", evaluate_get_att, false},
    {"Fn::Sub", evaluate_sub, false},
    {"Fn::Join", evaluate_join, false},
    {"Fn::Split", evaluate_split, false},
    {"Fn::Select", evaluate_select, false},
    {"Fn::Base64", evaluate_base64, false},
    {"Fn::Cidr", evaluate_cidr, false},
    {"Fn::FindInMap", evaluate_find_in_map, false},
    {"Fn::ImportValue", evaluate_import_value, false},
    {"Fn::GetAZs", evaluate_get_azs, false},
    {"Fn::If", evaluate_if, false},
    {"Fn::Equals", evaluate_equals, false},
    {"Fn::And", evaluate_and, false},
    {"Fn::Or", evaluate_or, false},
    {"Fn::Not", evaluate_not, false},
    {"Fn::Contains", evaluate_contains, true},
    {"Fn::EachMemberEquals", evaluate_each_member_equals, true},
    {"Fn::EachMemberIn", evaluate_each_member_in, true},
};

static int call_function(struct scope *scope, const char *name, struct json_object *argument,
                         struct json_object **ret_value, struct fault *fault) {
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strcmp(functions[i].name, name) == 0 && (!functions[i].of_rules || scope->rules)) {
            return functions[i].run(scope, argument, ret_value, fault);
        }
    }
    if (strcmp(name, "Fn::Transform") == 0) {
        const char *macro = value_text(argument, "Name");
        return fault_set(fault, "The transform %.200s is not supported here: no macro is run.",
                         macro != NULL ? macro : "of the template");
    }
    return fault_set(fault, "Template error: the function %.100s is not supported.", name);
}

static int evaluate_array(struct scope *scope, struct json_object *value,
                          struct json_object **ret_value, struct fault *fault) {
    struct json_object *array = json_object_new_array();
    int result = array != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; result == 0 && i < value_length(value); i++) {
        struct json_object *element = NULL;
        result = scope_evaluate(scope, value_element(value, i), &element, fault);
        if (result == 0 && element != NULL && json_object_array_add(array, element) != 0) {
            json_object_put(element);
            result = -ENOMEM;
        }
    }
    if (result != 0) {
        json_object_put(array);
        return result;
    }
    *ret_value = array;
    return 0;
}

static int evaluate_object(struct scope *scope, struct json_object *value,
                           struct json_object **ret_value, struct fault *fault) {
    struct json_object *object = json_object_new_object();
    int result = object != NULL ? 0 : -ENOMEM;
    json_object_object_foreach(value, key, member) {
        struct json_object *evaluated = NULL;
        if (result == 0) {
            result = scope_evaluate(scope, member, &evaluated, fault);
        }
        if (result == 0 && evaluated != NULL) {
            result = value_set(object, key, evaluated);
        }
    }
    if (result != 0) {
        json_object_put(object);
        return result;
    }
    *ret_value = object;
    return 0;
}

int scope_evaluate(struct scope *scope, struct json_object *value, struct json_object **ret_value,
                   struct fault *fault) {
    struct json_object *argument = NULL;
    const char *function = reference_function(value, &argument);
    *ret_value = NULL;
    if (function != NULL) {
        return call_function(scope, function, argument, ret_value, fault);
    }
    if (value_is_array(value)) {
        return evaluate_array(scope, value, ret_value, fault);
    }
    if (value_is_object(value)) {
        return evaluate_object(scope, value, ret_value, fault);
    }
    *ret_value = json_object_get(value);
    return 0;
}

int evaluate_to_text(struct scope *scope, struct json_object *argument, const char *message,
                     struct json_object **ret_value, struct fault *fault) {
    struct json_object *value = NULL;
    int result = scope_evaluate(scope, argument, &value, fault);
    if (result == 0 && !value_is_scalar(value)) {
        json_object_put(value);
        result = fault_set(fault, "%s", message);
    }
    if (result == 0) {
        *ret_value = value;
    }
    return result;
}

bool scope_is_unknown(const struct scope *scope, struct json_object *value) {
    if (scope->unknown == NULL) {
        return false;
    }
    for (size_t i = 0; i < value_length(value); i++) {
        if (scope_is_unknown(scope, value_element(value, i))) {
            return true;
        }
    }
    return value_is_string(value) && strstr(value_scalar(value), scope->unknown) != NULL;
}
