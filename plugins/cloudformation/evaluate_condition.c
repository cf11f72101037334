/* SPDX-License-Identifier: MIT */
/* Conditions, the functions that they are made of, and rules. */
#include "evaluate.h"
#include "reference.h"
#include "template.h"

static int make_bool(bool flag, struct json_object **ret_value) {
    *ret_value = json_object_new_boolean(flag);
    return *ret_value != NULL ? 0 : -ENOMEM;
}

/* An argument that is a condition: {"Condition": "Name"}, a function, or a constant. */
static int to_bool(struct scope *scope, struct json_object *argument, const char *function,
                   bool *ret_flag, struct fault *fault) {
    struct json_object *value = NULL;
    if (value_is_object(argument) && json_object_object_length(argument) == 1 &&
        value_is_string(value_member(argument, "Condition"))) {
        return scope_condition(scope, value_text(argument, "Condition"), ret_flag, fault);
    }
    int result = scope_evaluate(scope, argument, &value, fault);
    const char *text = value_scalar(value);
    if (result == 0 && text != NULL && strcmp(text, "true") == 0) {
        *ret_flag = true;
    } else if (result == 0 && text != NULL && strcmp(text, "false") == 0) {
        *ret_flag = false;
    } else if (result == 0) {
        result = fault_set(fault,
                           "Template format error: every %.100s must be given conditions: what "
                           "evaluates to true or false.",
                           function);
    }
    json_object_put(value);
    return result;
}

/* And and Or: `until` is what ends the search. */
static int combine(struct scope *scope, struct json_object *argument, const char *function,
                   bool until, struct json_object **ret_value, struct fault *fault) {
    size_t length = value_length(argument);
    if (length < 2 || length > 10) {
        return fault_set(
            fault,
            "Template error: every %s object requires a list of at least 2 and at most "
            "10 boolean parameters.",
            function);
    }
    bool flag = !until;
    for (size_t i = 0; i < length && flag != until; i++) {
        int result = to_bool(scope, value_element(argument, i), function, &flag, fault);
        if (result != 0) {
            return result;
        }
    }
    return make_bool(flag, ret_value);
}

int evaluate_and(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                 struct fault *fault) {
    return combine(scope, argument, "Fn::And", false, ret_value, fault);
}

int evaluate_or(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                struct fault *fault) {
    return combine(scope, argument, "Fn::Or", true, ret_value, fault);
}

int evaluate_not(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                 struct fault *fault) {
    bool flag = false;
    if (value_length(argument) != 1) {
        return fault_set(fault, "Template error: every Fn::Not object requires a list of 1 boolean "
                                "parameter.");
    }
    int result = to_bool(scope, value_element(argument, 0), "Fn::Not", &flag, fault);
    return result != 0 ? result : make_bool(!flag, ret_value);
}

/* Two arguments, evaluated. */
static int two(struct scope *scope, struct json_object *argument, const char *function,
               struct json_object *ret_values[2], struct fault *fault) {
    ret_values[0] = NULL;
    ret_values[1] = NULL;
    if (value_length(argument) != 2) {
        return fault_set(fault,
                         "Template error: every %s object requires a list of 2 string parameters.",
                         function);
    }
    int result = scope_evaluate(scope, value_element(argument, 0), &ret_values[0], fault);
    if (result == 0) {
        result = scope_evaluate(scope, value_element(argument, 1), &ret_values[1], fault);
    }
    if (result != 0) {
        json_object_put(ret_values[0]);
        ret_values[0] = NULL;
    }
    return result;
}

int evaluate_equals(struct scope *scope, struct json_object *argument,
                    struct json_object **ret_value, struct fault *fault) {
    struct json_object *values[2];
    int result = two(scope, argument, "Fn::Equals", values, fault);
    if (result == 0) {
        result = make_bool(value_equal(values[0], values[1]), ret_value);
        json_object_put(values[0]);
        json_object_put(values[1]);
    }
    return result;
}

static bool holds(struct json_object *list, struct json_object *value) {
    for (size_t i = 0; i < value_length(list); i++) {
        if (value_equal(value_element(list, i), value)) {
            return true;
        }
    }
    return false;
}

int evaluate_contains(struct scope *scope, struct json_object *argument,
                      struct json_object **ret_value, struct fault *fault) {
    struct json_object *values[2];
    int result = two(scope, argument, "Fn::Contains", values, fault);
    if (result == 0) {
        result = make_bool(holds(values[0], values[1]), ret_value);
        json_object_put(values[0]);
        json_object_put(values[1]);
    }
    return result;
}

int evaluate_each_member_equals(struct scope *scope, struct json_object *argument,
                                struct json_object **ret_value, struct fault *fault) {
    struct json_object *values[2];
    int result = two(scope, argument, "Fn::EachMemberEquals", values, fault);
    if (result == 0) {
        bool all = true;
        for (size_t i = 0; i < value_length(values[0]); i++) {
            all = all && value_equal(value_element(values[0], i), values[1]);
        }
        result = make_bool(all, ret_value);
        json_object_put(values[0]);
        json_object_put(values[1]);
    }
    return result;
}

int evaluate_each_member_in(struct scope *scope, struct json_object *argument,
                            struct json_object **ret_value, struct fault *fault) {
    struct json_object *values[2];
    int result = two(scope, argument, "Fn::EachMemberIn", values, fault);
    if (result == 0) {
        bool all = true;
        for (size_t i = 0; i < value_length(values[0]); i++) {
            all = all && holds(values[1], value_element(values[0], i));
        }
        result = make_bool(all, ret_value);
        json_object_put(values[0]);
        json_object_put(values[1]);
    }
    return result;
}

int evaluate_if(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                struct fault *fault) {
    const char *name = value_scalar(value_element(argument, 0));
    bool flag = false;
    if (value_length(argument) != 3 || name == NULL) {
        return fault_set(fault, "Template error: Fn::If requires a list argument with three "
                                "elements: the name of a condition and two values");
    }
    int result = scope_condition(scope, name, &flag, fault);
    return result != 0
               ? result
               : scope_evaluate(scope, value_element(argument, flag ? 1 : 2), ret_value, fault);
}

int scope_condition(struct scope *scope, const char *name, bool *ret_holds, struct fault *fault) {
    struct json_object *known = NULL;
    struct json_object *condition = value_member(template_section(scope->root, "Conditions"), name);
    if (scope->conditions == NULL && (scope->conditions = json_object_new_object()) == NULL) {
        return -ENOMEM;
    }
    if (json_object_object_get_ex(scope->conditions, name, &known)) {
        if (known == NULL) {
            return fault_set(
                fault, "Template format error: Circular dependency of condition %.200s", name);
        }
        *ret_holds = json_object_get_boolean(known);
        return 0;
    }
    if (condition == NULL) {
        return fault_set(fault,
                         "Template format error: Unresolved condition dependency %.200s in the "
                         "Conditions block of the template",
                         name);
    }
    if (json_object_object_add(scope->conditions, name, NULL) != 0) {
        return -ENOMEM;
    }
    bool flag = false;
    int result = to_bool(scope, condition, "condition", &flag, fault);
    if (result != 0) {
        json_object_object_del(scope->conditions, name);
        return result;
    }
    *ret_holds = flag;
    return value_set_bool(scope->conditions, name, flag);
}

int scope_includes(struct scope *scope, struct json_object *member, bool *ret_included,
                   struct fault *fault) {
    const char *condition = value_text(member, "Condition");
    if (condition == NULL) {
        *ret_included = true;
        return 0;
    }
    return scope_condition(scope, condition, ret_included, fault);
}

static int check_rule(struct scope *scope, const char *name, struct json_object *rule,
                      struct fault *fault) {
    struct json_object *when = value_member(rule, "RuleCondition");
    struct json_object *assertions = value_member(rule, "Assertions");
    bool flag = true;
    int result = when != NULL ? to_bool(scope, when, "RuleCondition", &flag, fault) : 0;
    for (size_t i = 0; result == 0 && flag && i < value_length(assertions); i++) {
        struct json_object *assertion = value_element(assertions, i);
        const char *words = value_text(assertion, "AssertDescription");
        bool good = false;
        result = to_bool(scope, value_member(assertion, "Assert"), "Assert", &good, fault);
        if (result == 0 && !good) {
            result = fault_set(fault, "Template validation error: rule %.200s: %.1000s", name,
                               words != NULL ? words : "an assertion does not hold");
        }
    }
    return result;
}

int scope_check_rules(struct scope *scope, struct fault *fault) {
    struct json_object *rules = template_section(scope->root, "Rules");
    int result = 0;
    if (rules == NULL) {
        return 0;
    }
    scope->rules = true;
    json_object_object_foreach(rules, name, rule) {
        result = result != 0 ? result : check_rule(scope, name, rule, fault);
    }
    scope->rules = false;
    return result;
}

void scope_finish(struct scope *scope) {
    json_object_put(scope->conditions);
    scope->conditions = NULL;
}
