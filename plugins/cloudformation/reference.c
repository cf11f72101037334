/* SPDX-License-Identifier: MIT */
/* What a value of a template refers to. */
#include "reference.h"

#include <ctype.h>

const char *reference_function(struct json_object *value, struct json_object **ret_argument) {
    if (!value_is_object(value) || json_object_object_length(value) != 1) {
        return NULL;
    }
    struct json_object_iterator at = json_object_iter_begin(value);
    const char *key = json_object_iter_peek_name(&at);
    if (strcmp(key, "Ref") != 0 && strncmp(key, "Fn::", 4) != 0) {
        return NULL;
    }
    *ret_argument = json_object_iter_peek_value(&at);
    return key;
}

/* Where "${" begins; the text's length when nowhere. */
static size_t find_variable(struct virga_str text) {
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] == '$' && text.ptr[i + 1] == '{') {
            return i;
        }
    }
    return text.len;
}

static bool is_name(struct virga_str name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!(isascii(c) && isalnum(c)) && strchr("_.:", c) == NULL) {
            return false;
        }
    }
    return name.len > 0;
}

static struct virga_str trim(struct virga_str text) {
    while (text.len > 0 && text.ptr[0] == ' ') {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && text.ptr[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

bool reference_next_piece(struct virga_str *rest, struct reference_piece *ret_piece,
                          bool *ret_bad) {
    struct virga_str none = {NULL, 0};
    *ret_bad = false;
    if (rest->len == 0) {
        return false;
    }
    size_t at = find_variable(*rest);
    const char *end = at < rest->len ? memchr(rest->ptr + at, '}', rest->len - at) : NULL;
    ret_piece->variable = none;
    if (end == NULL) {
        ret_piece->literal = *rest;
        *rest = (struct virga_str){rest->ptr + rest->len, 0};
        return true;
    }
    if (rest->ptr[at + 2] == '!') {
        /* "a${!b}c": "a${" now, "b}c" with the next piece. */
        ret_piece->literal = (struct virga_str){rest->ptr, at + 2};
        *rest = (struct virga_str){rest->ptr + at + 3, rest->len - at - 3};
        return true;
    }
    const char *begin = rest->ptr + at + 2;
    ret_piece->literal = (struct virga_str){rest->ptr, at};
    ret_piece->variable = trim((struct virga_str){begin, (size_t)(end - begin)});
    *ret_bad = !is_name(ret_piece->variable);
    *rest = (struct virga_str){end + 1, (size_t)(rest->ptr + rest->len - (end + 1))};
    return true;
}

static int report(const struct reference_walk *walk, enum reference_kind kind,
                  struct virga_str name, struct virga_str attribute) {
    const struct reference reference = {kind, name, attribute};
    return walk->on_reference(walk->arg, &reference);
}

/* "Name.Attribute" in two. */
static int report_dotted(const struct reference_walk *walk, struct virga_str text) {
    const char *dot = memchr(text.ptr, '.', text.len);
    if (dot == NULL) {
        return report(walk, REFERENCE_REF, text, (struct virga_str){NULL, 0});
    }
    size_t len = (size_t)(dot - text.ptr);
    return report(walk, REFERENCE_ATTRIBUTE, (struct virga_str){text.ptr, len},
                  (struct virga_str){dot + 1, text.len - len - 1});
}

static int walk_sub(struct json_object *argument, const struct reference_walk *walk) {
    struct json_object *variables = value_element(argument, 1);
    struct virga_str rest =
        value_is_array(argument) ? value_str(value_element(argument, 0)) : value_str(argument);
    struct reference_piece piece;
    bool bad;
    int result = reference_walk(variables, walk);
    while (result == 0 && rest.ptr != NULL && reference_next_piece(&rest, &piece, &bad)) {
        char name[256];
        if (piece.variable.ptr == NULL || bad || piece.variable.len >= sizeof name) {
            continue;
        }
        memcpy(name, piece.variable.ptr, piece.variable.len);
        name[piece.variable.len] = '\0';
        if (value_is_object(variables) && json_object_object_get_ex(variables, name, NULL)) {
            continue;
        }
        result = report_dotted(walk, piece.variable);
    }
    return result;
}

static int walk_attribute(struct json_object *argument, const struct reference_walk *walk) {
    if (value_is_string(argument)) {
        return report_dotted(walk, value_str(argument));
    }
    struct json_object *attribute = value_element(argument, 1);
    if (!value_is_string(value_element(argument, 0))) {
        return 0;
    }
    int result = report(walk, REFERENCE_ATTRIBUTE, value_str(value_element(argument, 0)),
                        value_str(attribute));
    return result != 0 ? result : reference_walk(attribute, walk);
}

static int walk_if(struct json_object *argument, const struct reference_walk *walk) {
    const char *condition = value_scalar(value_element(argument, 0));
    int result = 0;
    int branch = -1;
    if (condition != NULL) {
        result = report(walk, REFERENCE_CONDITION, virga_str_from(condition),
                        (struct virga_str){NULL, 0});
        branch = walk->choose != NULL ? walk->choose(walk->arg, condition) : -1;
    }
    if (result == 0 && branch != 0) {
        result = reference_walk(value_element(argument, 1), walk);
    }
    if (result == 0 && branch != 1) {
        result = reference_walk(value_element(argument, 2), walk);
    }
    return result;
}

int reference_walk(struct json_object *value, const struct reference_walk *walk) {
    struct json_object *argument = NULL;
    const char *function = reference_function(value, &argument);
    int result = 0;
    if (function != NULL && strcmp(function, "Ref") == 0) {
        return value_is_string(argument)
                   ? report(walk, REFERENCE_REF, value_str(argument), (struct virga_str){NULL, 0})
                   : 0;
    }
    if (function != NULL && strcmp(function, "Fn::GetAtt") == 0) {
        return walk_attribute(argument, walk);
    }
    if (function != NULL && strcmp(function, "Fn::Sub") == 0) {
        return walk_sub(argument, walk);
    }
    if (function != NULL && strcmp(function, "Fn::If") == 0) {
        return walk_if(argument, walk);
    }
    if (value_is_array(value)) {
        for (size_t i = 0; i < value_length(value) && result == 0; i++) {
            result = reference_walk(value_element(value, i), walk);
        }
    } else if (value_is_object(value)) {
        json_object_object_foreach(value, key, member) {
            (void)key;
            result = result != 0 ? result : reference_walk(member, walk);
        }
    }
    return result;
}
