/* SPDX-License-Identifier: MIT */
/* How a repository is shown in answers. */
#ifndef ECR_REPOSITORY_H
#define ECR_REPOSITORY_H

#include "call.h"

/* Writes {"repositoryArn", ...} as the value of `key` (NULL: an array's element). `brief`: as
 * DeleteRepository answers, without the configuration. */
void repository_write(const struct call *call, const struct meta_repository *repository, bool brief,
                      const char *key, struct virga_json_writer *writer);

/* The mutability as the API writes it. */
const char *repository_mutability(enum meta_mutability mutability);

#endif
