/* SPDX-License-Identifier: MIT */
/* Tags of parameters. */
#ifndef SSM_TAGS_H
#define SSM_TAGS_H

#include "ssm.h"

#define TAGS_MAX 50

/* Adds the call's Tags to those that are there (NULL: none) and checks the result; 0, or it has
 * answered the call with the error. Owns: the caller has *ret_tags, and gives `tags` away. */
int tags_merge(struct call *call, struct json_object *tags, struct json_object **ret_tags);

#endif
