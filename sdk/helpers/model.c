/* SPDX-License-Identifier: MIT */
/* Walks a request's body along its table and words the first fault. */
#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>
#include <virga/helpers/awsjson.h>
#include <virga/helpers/base64.h>
#include <virga/helpers/model.h>

/* Adds text to one of the fault's buffers, cut at its size. */
VIRGA_PRINTF(3, 4)
static void add(char *buffer, size_t size, const char *format, ...) {
    size_t len = strlen(buffer);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(buffer + len, size - len, format, args);
    va_end(args);
}

/* Adds text to the fault's value, cut between two characters. False: it is full. */
static int show_text(struct virga_model_fault *fault, struct virga_str text) {
    size_t used = strlen(fault->value), len = 0;
    while (len < text.len) {
        size_t step = virga_utf8_char((struct virga_str){text.ptr + len, text.len - len});
        if (step == 0 || used + len + step >= sizeof fault->value) {
            break;
        }
        len += step;
    }
    if (len > 0) {
        memcpy(fault->value + used, text.ptr, len);
    }
    fault->value[used + len] = '\0';
    return len == text.len;
}

/* The value as Java shows it: "[a, b]", "{k=v}". False: the rest did not fit. */
static int show(struct virga_model_fault *fault, struct json_object *value) {
    struct virga_str text = virga_awsjson_text(value);
    const char *comma = "";
    if (json_object_is_type(value, json_type_array)) {
        int fits = show_text(fault, virga_str_from("["));
        for (size_t i = 0; fits && i < json_object_array_length(value); i++, comma = ", ") {
            fits = show_text(fault, virga_str_from(comma)) &&
                   show(fault, json_object_array_get_idx(value, i));
        }
        return fits && show_text(fault, virga_str_from("]"));
    }
    if (json_object_is_type(value, json_type_object)) {
        int fits = show_text(fault, virga_str_from("{"));
        json_object_object_foreach(value, key, element) {
            fits = fits && show_text(fault, virga_str_from(comma)) &&
                   show_text(fault, virga_str_from(key)) && show_text(fault, virga_str_from("=")) &&
                   show(fault, element);
            comma = ", ";
        }
        return fits && show_text(fault, virga_str_from("}"));
    }
    if (text.ptr == NULL) {
        text = virga_str_from(json_object_to_json_string_ext(
            value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    }
    return show_text(fault, text);
}

/* Begins a constraint fault: who says "must", about which value. */
static int blame(struct virga_model_fault *fault, const struct virga_model_shape *shape,
                 struct json_object *value) {
    fault->kind = VIRGA_MODEL_FAULT_CONSTRAINT;
    fault->by_hand = shape->by_hand != NULL;
    if (fault->by_hand) {
        (void)snprintf(fault->path, sizeof fault->path, "%s", shape->by_hand);
    }
    fault->value_null = value == NULL;
    fault->value_hidden = shape->secret;
    fault->value[0] = '\0';
    if (value != NULL && !shape->secret) {
        (void)show(fault, value);
    }
    (void)snprintf(fault->constraint, sizeof fault->constraint,
                   fault->by_hand ? "must " : "Member must ");
    return -EINVAL;
}

#define ADD_CONSTRAINT(fault, ...) add((fault)->constraint, sizeof(fault)->constraint, __VA_ARGS__)

/* Length in UTF-16 units, as Java counts. */
static int64_t utf16_length(struct virga_str text) {
    int64_t units = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        units += (byte & 0xc0) != 0x80 ? 1 : 0;
        units += byte >= 0xf0 ? 1 : 0;
    }
    return units;
}

static int check_bounds(const struct virga_model_shape *shape, int64_t measure, const char *what,
                        struct json_object *value, struct virga_model_fault *fault) {
    if (measure < shape->min) {
        blame(fault, shape, value);
        ADD_CONSTRAINT(fault, "have %s greater than or equal to %" PRId64, what, shape->min);
        return -EINVAL;
    }
    if (shape->max != 0 && measure > shape->max) {
        blame(fault, shape, value);
        ADD_CONSTRAINT(fault, "have %s less than or equal to %" PRId64, what, shape->max);
        return -EINVAL;
    }
    return 0;
}

/* 1 it matches as a whole, 0 it does not. Errors: -ENOMEM, also for a pattern that is no POSIX one.
 */
static int matches_pattern(const char *pattern, struct virga_str value) {
    regex_t regex;
    char *whole = malloc(strlen(pattern) + sizeof "^()$");
    if (whole == NULL) {
        return -ENOMEM;
    }
    (void)snprintf(whole, strlen(pattern) + sizeof "^()$", "^(%s)$", pattern);
    int failed = regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB);
    free(whole);
    if (failed) {
        return -ENOMEM;
    }
    failed = regexec(&regex, value.ptr, 0, NULL, 0);
    regfree(&regex);
    return failed == 0;
}

static int check_enum(const struct virga_model_shape *shape, struct virga_str text,
                      struct json_object *value, struct virga_model_fault *fault) {
    for (const char *const *known = shape->values; *known != NULL; known++) {
        if (virga_str_equal(virga_str_from(*known), text)) {
            return 0;
        }
    }
    blame(fault, shape, value);
    ADD_CONSTRAINT(fault, "satisfy enum value set: [");
    for (const char *const *known = shape->values; *known != NULL; known++) {
        ADD_CONSTRAINT(fault, "%s%s", known != shape->values ? ", " : "", *known);
    }
    ADD_CONSTRAINT(fault, "]");
    return -EINVAL;
}

static int wrong_type(struct virga_model_fault *fault, const char *text) {
    fault->kind = VIRGA_MODEL_FAULT_TYPE;
    (void)snprintf(fault->constraint, sizeof fault->constraint, "%s", text);
    return -EINVAL;
}

/* "NUMBER_VALUE can not be converted to a String". */
static int cannot_convert(struct virga_model_fault *fault, struct json_object *value,
                          const char *wanted) {
    const char *token = "Start of list";
    switch (json_object_get_type(value)) {
    case json_type_object:
        token = "Start of structure or map";
        break;
    case json_type_string:
        token = "STRING_VALUE";
        break;
    case json_type_boolean:
        token = json_object_get_boolean(value) ? "TRUE_VALUE" : "FALSE_VALUE";
        break;
    case json_type_int:
        token = "NUMBER_VALUE";
        break;
    case json_type_double:
        token = "DECIMAL_VALUE";
        break;
    default:
        break;
    }
    fault->kind = VIRGA_MODEL_FAULT_TYPE;
    if (token[0] == 'S' && token[1] == 't') {
        (void)snprintf(fault->constraint, sizeof fault->constraint, "%s found where not expected.",
                       token);
    } else {
        (void)snprintf(fault->constraint, sizeof fault->constraint, "%s can not be converted to %s",
                       token, wanted);
    }
    return -EINVAL;
}

static int check_string(const struct virga_model_shape *shape, struct json_object *value,
                        struct virga_model_fault *fault) {
    struct virga_str text = virga_awsjson_text(value);
    if (text.ptr == NULL) {
        return cannot_convert(fault, value, "a String");
    }
    /* What follows works on C strings: a NUL would hide the rest of the value from it. */
    if (memchr(text.ptr, '\0', text.len) != NULL) {
        return wrong_type(fault, "Illegal character U+0000 in a string");
    }
    int result = check_bounds(shape, utf16_length(text), "length", value, fault);
    if (result != 0) {
        return result;
    }
    if (shape->pattern != NULL) {
        int matches =
            shape->matches != NULL ? shape->matches(text) : matches_pattern(shape->pattern, text);
        if (matches < 0) {
            return matches;
        }
        if (!matches) {
            blame(fault, shape, value);
            ADD_CONSTRAINT(fault, "satisfy regular expression %s%s",
                           fault->by_hand ? "" : "pattern: ", shape->pattern);
            return -EINVAL;
        }
    }
    return shape->values != NULL ? check_enum(shape, text, value, fault) : 0;
}

static int check_blob(const struct virga_model_shape *shape, struct json_object *value,
                      struct virga_model_fault *fault) {
    struct virga_str text = virga_awsjson_text(value);
    if (text.ptr == NULL || !virga_base64_is_valid(text)) {
        return wrong_type(fault, "Unable to convert from base64");
    }
    size_t padding = 0;
    while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=') {
        padding++;
    }
    return check_bounds(shape, (int64_t)(text.len / 4 * 3 - padding), "length", value, fault);
}

static int check_number(const struct virga_model_shape *shape, struct json_object *value,
                        struct virga_model_fault *fault) {
    int whole = shape->type == VIRGA_MODEL_INTEGER;
    enum json_type type = json_object_get_type(value);
    if (type != json_type_int && (whole || type != json_type_double)) {
        return cannot_convert(fault, value, whole ? "an Integer" : "a Double");
    }
    return whole ? check_bounds(shape, json_object_get_int64(value), "value", value, fault) : 0;
}

static int check(const struct virga_model_shape *shape, struct json_object *value,
                 struct virga_model_fault *fault);

static int check_structure(const struct virga_model_shape *shape, struct json_object *value,
                           struct virga_model_fault *fault) {
    size_t path_len = strlen(fault->path);
    if (!json_object_is_type(value, json_type_object)) {
        return wrong_type(fault, "Expected structure or null");
    }
    for (const struct virga_model_member *member = shape->members; member->name != NULL; member++) {
        struct json_object *found = virga_awsjson_member(value, member->name);
        if (found == NULL && !member->required) {
            continue;
        }
        add(fault->path, sizeof fault->path, "%s%s", path_len > 0 ? "." : "",
            member->shown != NULL ? member->shown : member->name);
        if (found == NULL) {
            blame(fault, member->shape, NULL);
            ADD_CONSTRAINT(fault, "not be null");
            return -EINVAL;
        }
        int result = check(member->shape, found, fault);
        if (result != 0) {
            return result;
        }
        fault->path[path_len] = '\0';
    }
    return 0;
}

/* All that a string or number must be, in AWS's order. */
static void add_all_constraints(const struct virga_model_shape *shape,
                                struct virga_model_fault *fault) {
    const char *what = shape->type == VIRGA_MODEL_INTEGER ? "value" : "length";
    if (shape->max != 0) {
        ADD_CONSTRAINT(fault, "Member must have %s less than or equal to %" PRId64 ", ", what,
                       shape->max);
    }
    if (shape->max != 0 || shape->min != 0) {
        ADD_CONSTRAINT(fault, "Member must have %s greater than or equal to %" PRId64 ", ", what,
                       shape->min);
    }
    if (shape->pattern != NULL) {
        ADD_CONSTRAINT(fault, "Member must satisfy regular expression pattern: %s, ",
                       shape->pattern);
    }
    if (shape->values != NULL) {
        ADD_CONSTRAINT(fault, "Member must satisfy enum value set: [");
        for (const char *const *known = shape->values; *known != NULL; known++) {
            ADD_CONSTRAINT(fault, "%s%s", known != shape->values ? ", " : "", *known);
        }
        ADD_CONSTRAINT(fault, "], ");
    }
}

/* Tells of a whole list or map what its entries must be. `lead`: "satisfy constraint",
 * "Map keys must satisfy constraint"; `last`: what comes behind the constraints. */
static int blame_whole(struct virga_model_fault *fault, const struct virga_model_shape *shape,
                       const struct virga_model_shape *entry, struct json_object *value,
                       const char *lead, const char *last) {
    blame(fault, shape, value);
    (void)snprintf(fault->constraint, sizeof fault->constraint, "%s: [", lead);
    add_all_constraints(entry, fault);
    size_t len = strlen(fault->constraint);
    if (last[0] == '\0' && len >= 2 && fault->constraint[len - 2] == ',') {
        fault->constraint[len - 2] = '\0';
    }
    ADD_CONSTRAINT(fault, "%s]", last);
    return -EINVAL;
}

static int is_whole(const struct virga_model_shape *shape) {
    return shape->whole && shape->element->type != VIRGA_MODEL_STRUCTURE;
}

static int check_list(const struct virga_model_shape *shape, struct json_object *value,
                      struct virga_model_fault *fault) {
    size_t path_len = strlen(fault->path);
    if (!json_object_is_type(value, json_type_array)) {
        return wrong_type(fault, "Expected list or null");
    }
    size_t count = json_object_array_length(value);
    int result = check_bounds(shape, (int64_t)count, "length", value, fault);
    for (size_t i = 0; i < count && result == 0; i++) {
        struct json_object *element = json_object_array_get_idx(value, i);
        if (is_whole(shape)) {
            result = element != NULL ? check(shape->element, element, fault) : -EINVAL;
            if (result == -EINVAL && (element == NULL || fault->kind != VIRGA_MODEL_FAULT_TYPE)) {
                return blame_whole(fault, shape, shape->element, value,
                                   "Member must satisfy constraint", "Member must not be null");
            }
            continue;
        }
        add(fault->path, sizeof fault->path, ".%zu.member", i + 1);
        if (element == NULL) {
            blame(fault, shape->element, NULL);
            ADD_CONSTRAINT(fault, "not be null");
            return -EINVAL;
        }
        result = check(shape->element, element, fault);
        if (result == 0) {
            fault->path[path_len] = '\0';
        }
    }
    return result;
}

/* A map's key is checked as a JSON string of its own. */
static int check_map_key(const struct virga_model_shape *shape, const char *key,
                         struct virga_model_fault *fault) {
    struct json_object *text = json_object_new_string(key);
    if (text == NULL) {
        return -ENOMEM;
    }
    int result = check(shape, text, fault);
    json_object_put(text);
    return result;
}

static int check_map(const struct virga_model_shape *shape, struct json_object *value,
                     struct virga_model_fault *fault) {
    size_t path_len = strlen(fault->path);
    if (!json_object_is_type(value, json_type_object)) {
        return wrong_type(fault, "Expected map or null");
    }
    int result =
        check_bounds(shape, (int64_t)json_object_object_length(value), "length", value, fault);
    if (result != 0) {
        return result;
    }
    json_object_object_foreach(value, key, element) {
        result = shape->key != NULL ? check_map_key(shape->key, key, fault) : 0;
        if (result == -EINVAL && is_whole(shape)) {
            return blame_whole(fault, shape, shape->key, value, "Map keys must satisfy constraint",
                               "");
        }
        if (result != 0) {
            return result;
        }
        if (element == NULL) {
            continue;
        }
        if (is_whole(shape)) {
            result = check(shape->element, element, fault);
            if (result == -EINVAL && fault->kind != VIRGA_MODEL_FAULT_TYPE) {
                return blame_whole(fault, shape, shape->element, value,
                                   "Map value must satisfy constraint", "Member must not be null");
            }
            if (result != 0) {
                return result;
            }
            continue;
        }
        add(fault->path, sizeof fault->path, ".%s.member", key);
        result = check(shape->element, element, fault);
        if (result != 0) {
            return result;
        }
        fault->path[path_len] = '\0';
    }
    return 0;
}

static int check(const struct virga_model_shape *shape, struct json_object *value,
                 struct virga_model_fault *fault) {
    switch (shape->type) {
    case VIRGA_MODEL_STRING:
        return check_string(shape, value, fault);
    case VIRGA_MODEL_INTEGER:
    case VIRGA_MODEL_DOUBLE:
    case VIRGA_MODEL_TIMESTAMP:
        return check_number(shape, value, fault);
    case VIRGA_MODEL_BOOLEAN:
        return json_object_is_type(value, json_type_boolean)
                   ? 0
                   : cannot_convert(fault, value, "a Boolean");
    case VIRGA_MODEL_BLOB:
        return check_blob(shape, value, fault);
    case VIRGA_MODEL_STRUCTURE:
        return check_structure(shape, value, fault);
    case VIRGA_MODEL_LIST:
        return check_list(shape, value, fault);
    case VIRGA_MODEL_MAP:
        return check_map(shape, value, fault);
    }
    return 0;
}

int virga_model_check(const struct virga_model_shape *shape, struct json_object *value,
                      struct virga_model_fault *ret_fault) {
    memset(ret_fault, 0, sizeof *ret_fault);
    return check(shape, value, ret_fault);
}

void virga_model_message_parameter(const struct virga_model_fault *fault, char *buffer,
                                   size_t size) {
    (void)snprintf(buffer, size, "Invalid parameter at '%s' failed to satisfy constraint: '%s'",
                   fault->path, fault->constraint);
}

void virga_model_message_validation(const struct virga_model_fault *fault, char *buffer,
                                    size_t size) {
    const char *quote = fault->value_null || fault->value_hidden ? "" : "'";
    (void)snprintf(buffer, size,
                   "1 validation error detected: Value%s%s%s%s at '%s' failed to satisfy "
                   "constraint: %s",
                   fault->value_hidden && !fault->value_null ? "" : " ", quote,
                   fault->value_null ? "null" : fault->value, quote, fault->path,
                   fault->constraint);
}
