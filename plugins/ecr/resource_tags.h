/* SPDX-License-Identifier: MIT */
/* Resource tags of a repository. */
#ifndef ECR_RESOURCE_TAGS_H
#define ECR_RESOURCE_TAGS_H

#include "call.h"

/* Merges the input's `tags` into the repository's; false: they are refused and the call has ended.
 */
bool resource_tags_take(struct call *call, struct meta_repository *repository);

#endif
