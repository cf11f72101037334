/* SPDX-License-Identifier: MIT */
/* The intrinsic functions, by theme. Each gets the function's argument as it stands in the template
 * and gives a new value; NULL with result 0 is AWS::NoValue.
 * Source: "Intrinsic function reference" of the user guide. */
#ifndef CFN_EVALUATE_H
#define CFN_EVALUATE_H

#include "scope.h"

typedef int (*evaluate_function)(struct scope *scope, struct json_object *argument,
                                 struct json_object **ret_value, struct fault *fault);

/* evaluate_text.c */
int evaluate_sub(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                 struct fault *fault);
int evaluate_join(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                  struct fault *fault);
int evaluate_split(struct scope *scope, struct json_object *argument,
                   struct json_object **ret_value, struct fault *fault);
int evaluate_select(struct scope *scope, struct json_object *argument,
                    struct json_object **ret_value, struct fault *fault);
int evaluate_base64(struct scope *scope, struct json_object *argument,
                    struct json_object **ret_value, struct fault *fault);
int evaluate_cidr(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                  struct fault *fault);

/* evaluate_lookup.c */
int evaluate_ref(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                 struct fault *fault);
int evaluate_get_att(struct scope *scope, struct json_object *argument,
                     struct json_object **ret_value, struct fault *fault);
int evaluate_find_in_map(struct scope *scope, struct json_object *argument,
                         struct json_object **ret_value, struct fault *fault);
int evaluate_import_value(struct scope *scope, struct json_object *argument,
                          struct json_object **ret_value, struct fault *fault);
int evaluate_get_azs(struct scope *scope, struct json_object *argument,
                     struct json_object **ret_value, struct fault *fault);

/* evaluate_condition.c */
int evaluate_if(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                struct fault *fault);
int evaluate_equals(struct scope *scope, struct json_object *argument,
                    struct json_object **ret_value, struct fault *fault);
int evaluate_and(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                 struct fault *fault);
int evaluate_or(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                struct fault *fault);
int evaluate_not(struct scope *scope, struct json_object *argument, struct json_object **ret_value,
                 struct fault *fault);
int evaluate_contains(struct scope *scope, struct json_object *argument,
                      struct json_object **ret_value, struct fault *fault);
int evaluate_each_member_equals(struct scope *scope, struct json_object *argument,
                                struct json_object **ret_value, struct fault *fault);
int evaluate_each_member_in(struct scope *scope, struct json_object *argument,
                            struct json_object **ret_value, struct fault *fault);

/* The argument's value as text; a list or nothing at all is a fault with this message. Owns: the
 * caller gets the value that holds the text. */
int evaluate_to_text(struct scope *scope, struct json_object *argument, const char *message,
                     struct json_object **ret_value, struct fault *fault);

#endif
