/* SPDX-License-Identifier: MIT */
/* Values of templates. */
#include "value.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

bool value_is_string(struct json_object *value) {
    return json_object_is_type(value, json_type_string);
}

bool value_is_object(struct json_object *value) {
    return json_object_is_type(value, json_type_object);
}

bool value_is_array(struct json_object *value) {
    return json_object_is_type(value, json_type_array);
}

bool value_is_scalar(struct json_object *value) {
    return value != NULL && !value_is_object(value) && !value_is_array(value);
}

struct json_object *value_member(struct json_object *object, const char *key) {
    struct json_object *member = NULL;
    if (value_is_object(object)) {
        (void)json_object_object_get_ex(object, key, &member);
    }
    return member;
}

const char *value_scalar(struct json_object *value) {
    return value_is_scalar(value) ? json_object_get_string(value) : NULL;
}

const char *value_text(struct json_object *object, const char *key) {
    return value_scalar(value_member(object, key));
}

struct virga_str value_str(struct json_object *value) {
    if (value_is_string(value)) {
        return (struct virga_str){json_object_get_string(value),
                                  (size_t)json_object_get_string_len(value)};
    }
    return virga_str_from(value_scalar(value));
}

bool value_bool(struct json_object *object, const char *key) {
    const char *text = value_text(object, key);
    return text != NULL && strcasecmp(text, "true") == 0;
}

int64_t value_int(struct json_object *object, const char *key, int64_t absent) {
    const char *text = value_text(object, key);
    char *end;
    if (text == NULL || *text == '\0') {
        return absent;
    }
    errno = 0;
    long long number = strtoll(text, &end, 10);
    return errno != 0 || end == text ? absent : number;
}

size_t value_length(struct json_object *array) {
    return value_is_array(array) ? json_object_array_length(array) : 0;
}

struct json_object *value_element(struct json_object *array, size_t index) {
    return index < value_length(array) ? json_object_array_get_idx(array, index) : NULL;
}

bool value_equal(struct json_object *a, struct json_object *b) {
    if (a == b) {
        return true;
    }
    if (value_is_scalar(a) && value_is_scalar(b)) {
        return virga_str_equal(value_str(a), value_str(b));
    }
    if (value_is_array(a) && value_is_array(b)) {
        size_t length = value_length(a);
        bool same = length == value_length(b);
        for (size_t i = 0; same && i < length; i++) {
            same = value_equal(value_element(a, i), value_element(b, i));
        }
        return same;
    }
    if (!value_is_object(a) || !value_is_object(b) ||
        json_object_object_length(a) != json_object_object_length(b)) {
        return false;
    }
    json_object_object_foreach(a, key, member) {
        struct json_object *other = NULL;
        if (!json_object_object_get_ex(b, key, &other) || !value_equal(member, other)) {
            return false;
        }
    }
    return true;
}

int value_set(struct json_object *object, const char *key, struct json_object *value) {
    if (value == NULL || json_object_object_add(object, key, value) != 0) {
        json_object_put(value);
        return -ENOMEM;
    }
    return 0;
}

int value_share(struct json_object *object, const char *key, struct json_object *value) {
    return value == NULL ? 0 : value_set(object, key, json_object_get(value));
}

int value_set_text(struct json_object *object, const char *key, const char *text) {
    return value_set(object, key, json_object_new_string(text));
}

int value_set_str(struct json_object *object, const char *key, struct virga_str text) {
    return value_set(object, key,
                     json_object_new_string_len(text.ptr != NULL ? text.ptr : "", (int)text.len));
}

int value_set_int(struct json_object *object, const char *key, int64_t number) {
    return value_set(object, key, json_object_new_int64(number));
}

int value_set_bool(struct json_object *object, const char *key, bool flag) {
    return value_set(object, key, json_object_new_boolean(flag));
}

int value_add_text(struct json_object *array, const char *text) {
    struct json_object *element = json_object_new_string(text);
    if (element == NULL || json_object_array_add(array, element) != 0) {
        json_object_put(element);
        return -ENOMEM;
    }
    return 0;
}

const char *value_json(struct json_object *value) {
    return json_object_to_json_string_ext(value,
                                          JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

int value_parse(struct virga_str json, struct json_object **ret_value, size_t *ret_offset) {
    struct json_tokener *tokener = json_tokener_new_ex(VALUE_DEPTH);
    if (tokener == NULL) {
        return -ENOMEM;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    /* With its NUL: without an end a number at the top is never complete. */
    struct json_object *value =
        json.len < INT32_MAX ? json_tokener_parse_ex(tokener, json.ptr, (int)json.len) : NULL;
    enum json_tokener_error error = json_tokener_get_error(tokener);
    size_t offset = json_tokener_get_parse_end(tokener);
    if (error == json_tokener_continue) {
        value = json_tokener_parse_ex(tokener, "", 1);
        error = json_tokener_get_error(tokener);
    }
    json_tokener_free(tokener);
    while (error == json_tokener_success && offset < json.len &&
           memchr(" \t\r\n", json.ptr[offset], 4) != NULL) {
        offset++;
    }
    if (error != json_tokener_success || offset < json.len) {
        json_object_put(value);
        if (ret_offset != NULL) {
            *ret_offset = offset;
        }
        return -EBADMSG;
    }
    *ret_value = value;
    return 0;
}

int value_copy(struct json_object *value, struct json_object **ret_copy) {
    struct json_object *copy = NULL;
    if (value != NULL && json_object_deep_copy(value, &copy, NULL) != 0) {
        return -ENOMEM;
    }
    *ret_copy = copy;
    return 0;
}
