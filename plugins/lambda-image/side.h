/* SPDX-License-Identifier: MIT */
/* What the side resources of a function offer to the functions themselves. Everything is [loop]. */
#ifndef LAMBDA_SIDE_H
#define LAMBDA_SIDE_H

#include "functions.h"

#define SIDE_TAGS_MAX 50 /* of a function. Source: AWS-recorded message */

/* The function is about to be deleted: removes what functions_delete() cannot know, the facts of
 * its URLs. Called before functions_delete(), while the side records are still there. What fails is
 * logged. */
void side_function_deleted(struct lambda *lambda, const struct tenant *tenant, const char *name);

/* What is wrong with a map of tags for a function that has `count` others already, in AWS's words;
 * NULL: nothing. Valid: for ever. Source: AWS-recorded answers of TagResource and CreateFunction.
 */
const char *side_tags_fault(struct json_object *tags, size_t count);

#endif
