/* SPDX-License-Identifier: MIT */
/* Values of templates: json-c objects. NULL is JSON's null, which no template holds, so it stands
 * for AWS::NoValue. */
#ifndef CFN_VALUE_H
#define CFN_VALUE_H

#include "text.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <virga/abi.h>

/* How deep a value may nest. */
#define VALUE_DEPTH 100

bool value_is_string(struct json_object *value);
bool value_is_object(struct json_object *value);
bool value_is_array(struct json_object *value);
/* Whether it is text, a number or a boolean. */
bool value_is_scalar(struct json_object *value);

/* A member of an object; NULL when it is absent or `object` is none. Valid: as long as `object`. */
struct json_object *value_member(struct json_object *object, const char *key);
/* A member's text, also of a number or boolean; NULL when it is absent or no scalar. Valid: as long
 * as `object`. */
const char *value_text(struct json_object *object, const char *key);
/* A scalar as text ("true", "30"); NULL when it is none. Valid: as long as `value`. */
const char *value_scalar(struct json_object *value);
/* A scalar as bytes; ptr NULL when it is none. */
struct virga_str value_str(struct json_object *value);

/* A member that is true, or "true". */
bool value_bool(struct json_object *object, const char *key);
/* A member that is a number or text that is one, or `absent`. */
int64_t value_int(struct json_object *object, const char *key, int64_t absent);

/* How many elements an array has; 0 when it is none. */
size_t value_length(struct json_object *array);
/* An element of an array; NULL beyond its end. */
struct json_object *value_element(struct json_object *array, size_t index);

/* Whether the two say the same: members in any order, scalars by their text. */
bool value_equal(struct json_object *a, struct json_object *b);

/* Sets a member to text. Errors: -ENOMEM. */
int value_set_text(struct json_object *object, const char *key, const char *text);
int value_set_str(struct json_object *object, const char *key, struct virga_str text);
int value_set_int(struct json_object *object, const char *key, int64_t number);
int value_set_bool(struct json_object *object, const char *key, bool flag);
/* Sets a member. Owns: `value`, also on failure. Errors: -ENOMEM. */
int value_set(struct json_object *object, const char *key, struct json_object *value);
/* Sets a member to another reference of `value`; NULL: does nothing. Errors: -ENOMEM. */
int value_share(struct json_object *object, const char *key, struct json_object *value);
/* Adds text to an array. Errors: -ENOMEM. */
int value_add_text(struct json_object *array, const char *text);

/* The value as compact JSON. Valid: until the next call with it, or its end. NULL: out of memory.
 */
const char *value_json(struct json_object *value);
/* Parses strict JSON of any kind. Errors: -EBADMSG with where it stopped (may be NULL), -ENOMEM. */
int value_parse(struct virga_str json, struct json_object **ret_value, size_t *ret_offset);
/* A copy that shares nothing. Errors: -ENOMEM. */
int value_copy(struct json_object *value, struct json_object **ret_copy);

#endif
