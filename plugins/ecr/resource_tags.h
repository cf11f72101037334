/* SPDX-License-Identifier: MIT */
/* Resource tags of a repository. */
#ifndef ECR_RESOURCE_TAGS_H
#define ECR_RESOURCE_TAGS_H

#include "call.h"

/* Merges the tags in a member of the input into the repository's; false: they are refused and the
 * call has ended. */
bool resource_tags_take(struct call *call, const char *member, struct meta_repository *repository);

#endif
