/* SPDX-License-Identifier: MIT */
/* The AWS JSON 1.0 and 1.1 protocols: request bodies, answers, errors.
 * Uses json-c for what was received; answers are written with a virga_json_writer. */
#ifndef VIRGA_HELPERS_AWSJSON_H
#define VIRGA_HELPERS_AWSJSON_H

#include "../http.h"
#include "json_writer.h"
#include <json-c/json.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How deep a body may nest; deeper is malformed. */
#define VIRGA_AWSJSON_DEPTH 32
/* The longest error message; what is longer is cut. */
#define VIRGA_AWSJSON_MESSAGE_MAX 4096

/* Parses a request body: one JSON object of strict syntax and UTF-8. An empty body is an empty
 * object. The body's size is capped by the route. Owns: the caller, until json_object_put().
 * Errors: -EBADMSG it is something else, -ENOMEM. */
int virga_awsjson_parse(struct virga_str body, struct json_object **ret_object);

/* The member called `key`, where null counts as absent: NULL. Valid: as long as `object`. */
struct json_object *virga_awsjson_member(struct json_object *object, const char *key);
/* A string member; ptr NULL when it is absent or no string. Valid: as long as `object`. */
struct virga_str virga_awsjson_str(struct json_object *object, const char *key);
/* A number member, or `absent`. */
int64_t virga_awsjson_int(struct json_object *object, const char *key, int64_t absent);
/* A boolean member, or 0. */
int virga_awsjson_bool(struct json_object *object, const char *key);
/* An array member's length; 0 when it is absent. */
size_t virga_awsjson_length(struct json_object *object, const char *key);
/* The `index`th element of an array member. */
struct json_object *virga_awsjson_element(struct json_object *object, const char *key,
                                          size_t index);
/* A JSON string's bytes; ptr NULL when `value` is no string. Valid: as long as `value`. */
struct virga_str virga_awsjson_text(struct json_object *value);

/* Answers with what was written and gives the request back. The content type's version is the one
 * that the client used. A writer that ran out of memory makes it a 500. Owns: the writer's buffer;
 * the writer is zeroed. Errors: as virga_http.respond(). Thread: [loop]. */
int virga_awsjson_answer(struct virga_request *req, int status, struct virga_json_writer *writer);

/* Answers {"__type":code,"message":...} and gives the request back; format NULL: without a message.
 * Errors: as virga_http.respond(). Thread: [loop]. */
VIRGA_PRINTF(4, 5)
int virga_awsjson_error(struct virga_request *req, int status, const char *code, const char *format,
                        ...);

#ifdef __cplusplus
}
#endif
#endif
