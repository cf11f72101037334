/* SPDX-License-Identifier: MIT */
/* Resource tags of a repository. */
#ifndef ECR_RESOURCE_TAGS_H
#define ECR_RESOURCE_TAGS_H

#include "call.h"

/* Merges the tags in a member of `input` into the repository's. Errors: -EINVAL one is malformed,
 * -E2BIG there are too many, -ENOMEM. */
int resource_tags_read(struct json_object *input, const char *member,
                       struct meta_repository *repository);

/* The same for a call's `tags`; false: they are refused and the call has ended. */
bool resource_tags_take(struct call *call, struct meta_repository *repository);

#endif
