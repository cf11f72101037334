/* SPDX-License-Identifier: MIT */
/* What the types of the lambda service share. */
#ifndef CFN_TYPES_LAMBDA_H
#define CFN_TYPES_LAMBDA_H

#include "types.h"

#define LAMBDA_2015 "/2015-03-31"
#define LAMBDA_URL "/2021-10-31"
#define LAMBDA_EVENTS "/2019-09-25"
#define LAMBDA_TAGS "/2017-03-31"
#define LAMBDA_CONCURRENCY "/2017-10-31"
#define LAMBDA_PROVISIONED "/2019-09-30"

/* lambda_function.c */
extern const struct task_step lambda_function_create[];
extern const struct task_step lambda_function_update[];
extern const struct task_step lambda_function_remove[];

/* Adds "<api>/functions/<function>" with the function's name or ARN encoded. */
void lambda_path(struct text *path, const char *api, const char *function);
/* Adds the members that are there to `input`, under their own names. Errors: -ENOMEM. */
int lambda_take(struct json_object *input, const struct task *task, const char *const *members);
/* The same for one that is a number, which templates write as text as well. */
int lambda_take_number(struct json_object *input, struct json_object *from, const char *member);
/* Frees the input and fails. */
enum task_verdict lambda_no_memory(struct task *task, struct json_object *input);

#endif
