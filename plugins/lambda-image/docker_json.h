/* SPDX-License-Identifier: MIT */
/* Reading what an engine answers: what is absent or of another type is empty. Pure. */
#ifndef LAMBDA_DOCKER_JSON_H
#define LAMBDA_DOCKER_JSON_H

#include <json-c/json.h>
#include <stddef.h>

/* A member of an object; NULL when there is none. Borrowed. */
static inline struct json_object *docker_member(struct json_object *object, const char *key) {
    struct json_object *value = NULL;
    return json_object_is_type(object, json_type_object) &&
                   json_object_object_get_ex(object, key, &value)
               ? value
               : NULL;
}

/* A member that is text, else "". Borrowed. */
static inline const char *docker_text(struct json_object *object, const char *key) {
    struct json_object *value = docker_member(object, key);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

#endif
