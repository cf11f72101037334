/* SPDX-License-Identifier: MIT */
/* What the actions on side resources have in common: whom they are about, records put together, and
 * JSON written out. Everything is [loop]. */
#ifndef LAMBDA_SIDE_CALL_H
#define LAMBDA_SIDE_CALL_H

#include "call.h"

#define SIDE_REVISION_TEXT(api)                                                                    \
    "The Revision Id provided does not match the latest Revision Id. Call the " api                \
    " API to retrieve the latest Revision Id"

/* Whether a qualifier names an alias, and neither a version nor nothing. */
bool side_is_alias(const char *qualifier);
/* Whether it is a number. */
bool side_is_version(const char *qualifier);

/* Whether the function has such a version or alias ("" is $LATEST). Errors: -ENOENT and those of
 * the store. */
int side_find(const struct call *call, const char *qualifier);
/* The same of the call's qualifier, for actions that answer alike whether function, version or
 * alias is missing: "Cannot find alias arn: ..." or "Function not found: ...". False: the call has
 * ended.
 */
bool side_target_exists(struct call *call, const char *qualifier);
/* Whether the function is there; if not, the call has ended with a ResourceNotFoundException of
 * that text. */
bool side_function_exists(struct call *call, const char *text);

/* Sets a member, over whatever was there. Errors: -ENOMEM, also where `object` or `value` is NULL:
 * they could not be made. Owns: takes the reference of `value`, always. */
int side_set(struct json_object *object, const char *key, struct json_object *value);
int side_set_text(struct json_object *object, const char *key, const char *text);
/* Sets a member to that of `from`, where it has one. */
int side_copy(struct json_object *object, const char *key, struct json_object *from);

/* Writes a json-c value as a member; NULL: nothing. */
void side_write(struct virga_json_writer *writer, const char *key, struct json_object *value);
/* Writes all members of an object but `except` (may be NULL). */
void side_write_members(struct virga_json_writer *writer, struct json_object *object,
                        const char *except);

/* Answers a page. Owns: as call_answer(). `result` is that of the walk. */
void side_answer_page(struct call *call, const struct call_page *page, int result,
                      struct virga_json_writer *writer);

#endif
