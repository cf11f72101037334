/* SPDX-License-Identifier: MIT */
/* The values of a template's parameters. */
#include "parameters.h"

#include "pattern.h"
#include "template.h"

#include <stdlib.h>

#define SSM_VALUE "AWS::SSM::Parameter::Value<"
/* Of a parameter's value. Source: "CloudFormation quotas". */
#define VALUE_MAX_BYTES 4096

static bool is_list(const char *type) {
    return strcmp(type, "CommaDelimitedList") == 0 || strncmp(type, "List<", 5) == 0 ||
           strncmp(type, SSM_VALUE "List<", strlen(SSM_VALUE "List<")) == 0 ||
           strcmp(type, SSM_VALUE "CommaDelimitedList>") == 0;
}

static bool is_from_store(const char *type) {
    return strncmp(type, SSM_VALUE, strlen(SSM_VALUE)) == 0;
}

static bool is_known_type(const char *type) {
    return strcmp(type, "String") == 0 || strcmp(type, "Number") == 0 ||
           strcmp(type, "List<Number>") == 0 || strcmp(type, "List<String>") == 0 ||
           strcmp(type, "CommaDelimitedList") == 0 || strncmp(type, "AWS::", 5) == 0 ||
           strncmp(type, "List<AWS::", 10) == 0;
}

static struct json_object *find_given(struct json_object *given, const char *name) {
    for (size_t i = 0; i < value_length(given); i++) {
        struct json_object *one = value_element(given, i);
        const char *key = value_text(one, "ParameterKey");
        if (key != NULL && strcmp(key, name) == 0) {
            return one;
        }
    }
    return NULL;
}

/* Characters of UTF-8 text. */
static size_t count_characters(const char *text) {
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

/* A fault of the value, in the template's words where it has some. */
VIRGA_PRINTF(4, 5)
static int refuse(struct fault *fault, const char *name, struct json_object *declared,
                  const char *format, ...) {
    const char *words = value_text(declared, "ConstraintDescription");
    char text[1500];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return words != NULL
               ? fault_set(fault, "Parameter %s failed to satisfy constraint: %s", name, words)
               : fault_set(fault, "Parameter '%s' %s", name, text);
}

static bool is_number(const char *text, double *ret_number) {
    char *end;
    if (*text == '\0' || strspn(text, "0123456789+-.eE") != strlen(text)) {
        return false;
    }
    *ret_number = strtod(text, &end);
    return *end == '\0';
}

static int check_number(const char *name, struct json_object *declared, const char *text,
                        struct fault *fault) {
    const char *least = value_text(declared, "MinValue");
    const char *most = value_text(declared, "MaxValue");
    double number;
    double bound;
    if (!is_number(text, &number)) {
        return refuse(fault, name, declared, "must be a number.");
    }
    if (least != NULL && is_number(least, &bound) && number < bound) {
        return refuse(fault, name, declared, "must be a number not less than %s", least);
    }
    if (most != NULL && is_number(most, &bound) && number > bound) {
        return refuse(fault, name, declared, "must be a number not greater than %s", most);
    }
    return 0;
}

static int check_pattern(const char *name, struct json_object *declared, const char *text,
                         struct fault *fault) {
    const char *pattern = value_text(declared, "AllowedPattern");
    /* What POSIX cannot say is not checked: refusing a good value would be worse. */
    int result = pattern != NULL ? pattern_matches(pattern, text) : 1;
    if (result == 0) {
        return refuse(fault, name, declared, "must match pattern %.500s", pattern);
    }
    return result == -ENOMEM ? result : 0;
}

static int check_text(const char *name, struct json_object *declared, const char *text,
                      struct fault *fault) {
    int64_t length = (int64_t)count_characters(text);
    int64_t least = value_int(declared, "MinLength", 0);
    int64_t most = value_int(declared, "MaxLength", INT64_MAX);
    if (length < least) {
        return refuse(fault, name, declared, "must contain at least %lld characters",
                      (long long)least);
    }
    if (length > most) {
        return refuse(fault, name, declared, "must contain at most %lld characters",
                      (long long)most);
    }
    return check_pattern(name, declared, text, fault);
}

static int check_allowed(const char *name, struct json_object *declared, const char *text,
                         struct fault *fault) {
    struct json_object *allowed = value_member(declared, "AllowedValues");
    if (allowed == NULL) {
        return 0;
    }
    for (size_t i = 0; i < value_length(allowed); i++) {
        const char *one = value_scalar(value_element(allowed, i));
        if (one != NULL && strcmp(one, text) == 0) {
            return 0;
        }
    }
    return refuse(fault, name, declared, "must be one of AllowedValues");
}

/* A list's elements, without the spaces around them. Owns: the caller. */
static struct json_object *split(const char *text) {
    struct json_object *array = json_object_new_array();
    while (array != NULL) {
        size_t len = strcspn(text, ",");
        size_t from = 0;
        size_t to = len;
        while (from < to && strchr(" \t\n", text[from]) != NULL) {
            from++;
        }
        while (to > from && strchr(" \t\n", text[to - 1]) != NULL) {
            to--;
        }
        struct json_object *one = json_object_new_string_len(text + from, (int)(to - from));
        if (one == NULL || json_object_array_add(array, one) != 0) {
            json_object_put(one);
            json_object_put(array);
            return NULL;
        }
        if (text[len] == '\0') {
            break;
        }
        text += len + 1;
    }
    return array;
}

static int check_value(const char *name, struct json_object *declared, const char *type,
                       const char *text, struct fault *fault) {
    bool numbers = strcmp(type, "Number") == 0 || strcmp(type, "List<Number>") == 0;
    if (strlen(text) > VALUE_MAX_BYTES) {
        return fault_set(fault, "Parameter '%s' must contain at most %d characters", name,
                         VALUE_MAX_BYTES);
    }
    if (is_from_store(type)) {
        return 0;
    }
    if (!is_list(type)) {
        int result = check_allowed(name, declared, text, fault);
        if (result == 0 && numbers) {
            result = check_number(name, declared, text, fault);
        }
        return result != 0 || numbers ? result : check_text(name, declared, text, fault);
    }
    struct json_object *list = split(text);
    int result = list != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; result == 0 && i < value_length(list); i++) {
        const char *one = value_scalar(value_element(list, i));
        result = check_allowed(name, declared, one, fault);
        if (result == 0) {
            result = numbers ? check_number(name, declared, one, fault)
                             : check_pattern(name, declared, one, fault);
        }
    }
    json_object_put(list);
    return result;
}

/* The text of one parameter: given, kept or default; NULL when there is none. */
static const char *choose(const char *name, struct json_object *declared, struct json_object *given,
                          struct json_object *previous, bool *ret_default) {
    struct json_object *one = find_given(given, name);
    *ret_default = false;
    if (one != NULL && value_bool(one, "UsePreviousValue")) {
        return value_text(value_member(previous, name), "value");
    }
    if (one != NULL && value_member(one, "ParameterValue") != NULL) {
        return value_text(one, "ParameterValue");
    }
    *ret_default = true;
    return value_text(declared, "Default");
}

static int make_one(const char *name, struct json_object *declared, const char *text,
                    struct json_object *previous, struct json_object *set, struct fault *fault) {
    const char *type = value_text(declared, "Type");
    if (!is_known_type(type)) {
        return fault_set(fault, "Template format error: Unrecognized parameter type: %.200s", type);
    }
    int result = check_value(name, declared, type, text, fault);
    if (result != 0) {
        return result;
    }
    (void)previous;
    struct json_object *record = json_object_new_object();
    if (record == NULL) {
        return -ENOMEM;
    }
    if (value_set_text(record, "type", type) != 0 || value_set_text(record, "value", text) != 0 ||
        (value_bool(declared, "NoEcho") && value_set_bool(record, "noEcho", true) != 0)) {
        json_object_put(record);
        return -ENOMEM;
    }
    return value_set(set, name, record);
}

/* What is given and not declared. */
static int check_unknown(struct json_object *declared, struct json_object *given,
                         struct fault *fault) {
    struct text unknown = {0};
    int result = 0;
    for (size_t i = 0; i < value_length(given); i++) {
        const char *key = value_text(value_element(given, i), "ParameterKey");
        if (key == NULL) {
            result = fault_set(fault, "Invalid input for parameter key null.");
        } else if (value_member(declared, key) == NULL) {
            text_addf(&unknown, "%s%s", unknown.len > 0 ? ", " : "", key);
        }
    }
    if (result == 0 && unknown.len > 0) {
        result = fault_set(fault, "Parameters: [%.1000s] do not exist in the template",
                           text_str(&unknown).ptr);
    }
    text_finish(&unknown);
    return result;
}

int parameters_make(struct json_object *root, struct json_object *given,
                    struct json_object *previous, struct json_object **ret_set,
                    struct fault *fault) {
    struct json_object *declared = template_section(root, "Parameters");
    struct json_object *set = json_object_new_object();
    struct text missing = {0};
    int result = set != NULL ? check_unknown(declared, given, fault) : -ENOMEM;
    if (result == 0 && declared != NULL) {
        json_object_object_foreach(declared, name, one) {
            bool is_default;
            const char *text = choose(name, one, given, previous, &is_default);
            if (text == NULL) {
                text_addf(&missing, "%s%s", missing.len > 0 ? ", " : "", name);
            } else if (result == 0) {
                result = make_one(name, one, text, previous, set, fault);
            }
        }
    }
    if (missing.len > 0) {
        result = fault_set(fault, "Parameters: [%.1000s] must have values", text_str(&missing).ptr);
    }
    text_finish(&missing);
    if (result != 0) {
        json_object_put(set);
        return result;
    }
    *ret_set = set;
    return 0;
}

const char *parameters_unresolved(struct json_object *set, size_t *at, const char **ret_name) {
    size_t n = 0;
    json_object_object_foreach(set, name, record) {
        if (n++ < *at) {
            continue;
        }
        *at = n;
        if (is_from_store(value_text(record, "type")) && value_member(record, "resolved") == NULL) {
            *ret_name = name;
            return value_text(record, "value");
        }
    }
    return NULL;
}

int parameters_ref(struct json_object *set, const char *name, struct json_object **ret_value) {
    struct json_object *record = value_member(set, name);
    if (record == NULL) {
        return -ENOENT;
    }
    const char *text = value_text(record, "resolved");
    text = text != NULL ? text : value_text(record, "value");
    if (is_list(value_text(record, "type"))) {
        *ret_value = *text == '\0' ? json_object_new_array() : split(text);
    } else {
        *ret_value = json_object_new_string(text);
    }
    return *ret_value != NULL ? 0 : -ENOMEM;
}
