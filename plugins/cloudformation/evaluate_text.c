/* SPDX-License-Identifier: MIT */
/* Functions that make and cut text. */
#include "evaluate.h"
#include "reference.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <virga/helpers/base64.h>

#define CIDR_COUNT_MAX 256

static const char join_message[] =
    "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) "
    "a list of strings to be joined or a function that returns a list of strings (such as "
    "Fn::GetAZs) to be joined.";
static const char split_message[] =
    "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and "
    "(2) a string to be split or a function that returns a string to be split.";
static const char select_message[] =
    "Template error: Fn::Select requires a list argument with two elements: an integer index and a "
    "list";
static const char sub_message[] =
    "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. "
    "Specify a string as first argument, and an optional second argument to specify a mapping of "
    "values to replace in the string";

/* Makes a string of what was added, and empties the text. */
static int take_text(struct text *text, struct json_object **ret_value, struct fault *fault) {
    int result = 0;
    if (text->failed) {
        result = text->len > TEXT_MAX / 2
                     ? fault_set(fault, "Template error: a function's result is too long.")
                     : -ENOMEM;
    } else {
        *ret_value = json_object_new_string_len(text_str(text).ptr, (int)text->len);
        result = *ret_value != NULL ? 0 : -ENOMEM;
    }
    text_finish(text);
    return result;
}

/* The text of one ${variable}. */
static int substitute(struct scope *scope, const char *name, struct json_object *variables,
                      struct text *text, struct fault *fault) {
    struct json_object *value = NULL;
    struct json_object *own = NULL;
    int result;
    if (value_is_object(variables) && json_object_object_get_ex(variables, name, &own)) {
        result = scope_evaluate(scope, own, &value, fault);
    } else {
        struct json_object *reference = json_object_new_string(name);
        if (reference == NULL) {
            return -ENOMEM;
        }
        result = strchr(name, '.') != NULL ? evaluate_get_att(scope, reference, &value, fault)
                                           : evaluate_ref(scope, reference, &value, fault);
        json_object_put(reference);
    }
    if (result == 0 && !value_is_scalar(value)) {
        result = fault_set(fault,
                           "Template error: variable %.200s in Fn::Sub expression does not resolve "
                           "to a string",
                           name);
    }
    if (result == 0) {
        text_add_str(text, value_str(value));
    }
    json_object_put(value);
    return result;
}

int evaluate_sub(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                 struct fault *fault) {
    struct json_object *variables = value_element(argument, 1);
    struct json_object *template = value_is_array(argument) ? value_element(argument, 0) : argument;
    struct text text = {0};
    struct reference_piece piece;
    bool bad = false;
    int result = 0;
    if (!value_is_string(template) || value_length(argument) > 2 ||
        (value_is_array(argument) && !value_is_object(variables))) {
        return fault_set(fault, "%s", sub_message);
    }
    struct virga_str rest = value_str(template);
    while (result == 0 && reference_next_piece(&rest, &piece, &bad)) {
        char name[256];
        text_add_str(&text, piece.literal);
        if (piece.variable.ptr == NULL) {
            continue;
        }
        if (bad || piece.variable.len >= sizeof name) {
            result =
                fault_set(fault, "Template error: variable names in Fn::Sub syntax must contain "
                                 "only alphanumeric characters, underscores, periods, and "
                                 "colons");
            break;
        }
        memcpy(name, piece.variable.ptr, piece.variable.len);
        name[piece.variable.len] = '\0';
        result = substitute(scope, name, variables, &text, fault);
    }
    if (result != 0) {
        text_finish(&text);
        return result;
    }
    return take_text(&text, ret_value, fault);
}

static int make_unknown(const struct scope *scope, struct json_object **ret_value) {
    *ret_value = json_object_new_string(scope->unknown);
    return *ret_value != NULL ? 0 : -ENOMEM;
}

int evaluate_join(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                  struct fault *fault) {
    struct json_object *delimiter = value_element(argument, 0);
    struct json_object *list = NULL;
    struct text text = {0};
    if (value_length(argument) != 2 || !value_is_scalar(delimiter)) {
        return fault_set(fault, "%s", join_message);
    }
    int result = scope_evaluate(scope, value_element(argument, 1), &list, fault);
    if (result == 0 && !value_is_array(list)) {
        result = scope_is_unknown(scope, list) ? make_unknown(scope, ret_value)
                                               : fault_set(fault, "%s", join_message);
        json_object_put(list);
        return result;
    }
    for (size_t i = 0; result == 0 && i < value_length(list); i++) {
        struct json_object *element = value_element(list, i);
        if (!value_is_scalar(element)) {
            result = fault_set(fault, "%s", join_message);
            break;
        }
        if (i > 0) {
            text_add_str(&text, value_str(delimiter));
        }
        text_add_str(&text, value_str(element));
    }
    json_object_put(list);
    if (result != 0) {
        text_finish(&text);
        return result;
    }
    return take_text(&text, ret_value, fault);
}

int evaluate_split(struct scope *scope, struct json_object *argument,
                   struct json_object **ret_value, struct fault *fault) {
    struct virga_str delimiter = value_str(value_element(argument, 0));
    struct json_object *source = NULL;
    if (value_length(argument) != 2 || delimiter.ptr == NULL || delimiter.len == 0) {
        return fault_set(fault, "%s", split_message);
    }
    int result = evaluate_to_text(scope, value_element(argument, 1), split_message, &source, fault);
    if (result != 0) {
        return result;
    }
    struct json_object *array = json_object_new_array();
    /* Nobody knows how many parts an unknown text has: it stays whole. */
    const char *at = scope_is_unknown(scope, source) ? scope->unknown : value_scalar(source);
    result = array != NULL ? 0 : -ENOMEM;
    while (result == 0) {
        const char *end = at == scope->unknown ? NULL : strstr(at, delimiter.ptr);
        size_t len = end != NULL ? (size_t)(end - at) : strlen(at);
        struct json_object *part = json_object_new_string_len(at, (int)len);
        if (part == NULL || json_object_array_add(array, part) != 0) {
            json_object_put(part);
            result = -ENOMEM;
        }
        if (end == NULL) {
            break;
        }
        at = end + delimiter.len;
    }
    json_object_put(source);
    if (result != 0) {
        json_object_put(array);
        return result;
    }
    *ret_value = array;
    return 0;
}

int evaluate_select(struct scope *scope, struct json_object *argument,
                    struct json_object **ret_value, struct fault *fault) {
    struct json_object *index = NULL;
    struct json_object *list = NULL;
    char *end;
    if (value_length(argument) != 2) {
        return fault_set(fault, "%s", select_message);
    }
    int result = evaluate_to_text(scope, value_element(argument, 0), select_message, &index, fault);
    if (result != 0) {
        return result;
    }
    const char *text = value_scalar(index);
    long n = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0') {
        result = fault_set(fault, "%s", select_message);
    }
    result = result != 0 ? result : scope_evaluate(scope, value_element(argument, 1), &list, fault);
    if (result == 0 && scope_is_unknown(scope, list) &&
        (n < 0 || (size_t)n >= value_length(list))) {
        result = make_unknown(scope, ret_value);
        json_object_put(index);
        json_object_put(list);
        return result;
    }
    if (result == 0 && !value_is_array(list)) {
        result = fault_set(fault, "%s", select_message);
    }
    if (result == 0 && (n < 0 || (size_t)n >= value_length(list))) {
        result = fault_set(
            fault, "Template error: Fn::Select cannot select nonexistent value at index %ld", n);
    }
    if (result == 0) {
        *ret_value = json_object_get(value_element(list, (size_t)n));
    }
    json_object_put(index);
    json_object_put(list);
    return result;
}

int evaluate_base64(struct scope *scope, struct json_object *argument,
                    struct json_object **ret_value, struct fault *fault) {
    struct json_object *source = NULL;
    int result = evaluate_to_text(
        scope, argument, "Template error: every Fn::Base64 object must have a String-typed value.",
        &source, fault);
    if (result != 0) {
        return result;
    }
    struct virga_str bytes = value_str(source);
    char *encoded = malloc(VIRGA_BASE64_SIZE(bytes.len));
    if (encoded != NULL) {
        size_t len = virga_base64_encode(bytes, encoded);
        *ret_value = json_object_new_string_len(encoded, (int)len);
    }
    result = encoded != NULL && *ret_value != NULL ? 0 : -ENOMEM;
    free(encoded);
    json_object_put(source);
    return result;
}

/* Writes the blocks of an IPv4 block. */
static int cut_block(const char *block, long count, long bits, struct json_object *array,
                     struct fault *fault) {
    char address[32];
    unsigned prefix;
    struct in_addr network;
    if (sscanf(block, "%31[0-9.]/%u", address, &prefix) != 2 || prefix > 32 ||
        inet_pton(AF_INET, address, &network) != 1) {
        return fault_set(fault, "Template error: Fn::Cidr: %.100s is no IPv4 CIDR block", block);
    }
    uint32_t base = ntohl(network.s_addr);
    base &= prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
    if (bits < 1 || bits > 32 || 32 - bits < (long)prefix ||
        (uint64_t)count << bits > UINT64_C(1) << (32 - prefix)) {
        return fault_set(fault,
                         "Template error: Fn::Cidr: %ld blocks of %ld bits do not fit into "
                         "%.100s",
                         count, bits, block);
    }
    for (long i = 0; i < count; i++) {
        char text[INET_ADDRSTRLEN];
        char line[INET_ADDRSTRLEN + 8];
        struct in_addr one = {.s_addr = htonl(base + (uint32_t)((uint64_t)i << bits))};
        (void)inet_ntop(AF_INET, &one, text, sizeof text);
        (void)snprintf(line, sizeof line, "%s/%ld", text, 32 - bits);
        if (value_add_text(array, line) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

int evaluate_cidr(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                  struct fault *fault) {
    static const char message[] =
        "Template error: every Fn::Cidr object requires two required parameters, (1) IP address "
        "block and (2) count of subnets";
    struct json_object *parts[3] = {NULL, NULL, NULL};
    size_t length = value_length(argument);
    int result = length == 2 || length == 3 ? 0 : fault_set(fault, "%s", message);
    for (size_t i = 0; result == 0 && i < length; i++) {
        result = evaluate_to_text(scope, value_element(argument, i), message, &parts[i], fault);
    }
    struct json_object *array = result == 0 ? json_object_new_array() : NULL;
    bool unknown = false;
    for (size_t i = 0; i < 3; i++) {
        unknown = unknown || scope_is_unknown(scope, parts[i]);
    }
    if (result == 0 && unknown) {
        result = array == NULL ? -ENOMEM : value_add_text(array, scope->unknown);
    } else if (result == 0) {
        long count = strtol(value_scalar(parts[1]), NULL, 10);
        long bits = parts[2] != NULL ? strtol(value_scalar(parts[2]), NULL, 10) : 8;
        result = array == NULL ? -ENOMEM
                 : count < 1 || count > CIDR_COUNT_MAX
                     ? fault_set(fault, "%s", message)
                     : cut_block(value_scalar(parts[0]), count, bits, array, fault);
    }
    for (size_t i = 0; i < 3; i++) {
        json_object_put(parts[i]);
    }
    if (result != 0) {
        json_object_put(array);
        return result;
    }
    *ret_value = array;
    return 0;
}
