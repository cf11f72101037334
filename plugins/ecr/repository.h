/* SPDX-License-Identifier: MIT */
/* How a repository is shown in answers, and its settings taken from an input. */
#ifndef ECR_REPOSITORY_H
#define ECR_REPOSITORY_H

#include "call.h"

/* Writes {"repositoryArn", ...} as the value of `key` (NULL: an array's element). `brief`: as
 * DeleteRepository answers, without the configuration. */
void repository_write(const struct call *call, const struct meta_repository *repository, bool brief,
                      const char *key, struct virga_json_writer *writer);

/* The mutability as the API writes it. */
const char *repository_mutability(enum meta_mutability mutability);
/* The other way round; what is no such word is MUTABLE. */
enum meta_mutability repository_mutability_from(struct virga_str text);

/* Takes imageTagMutability and its exclusion filters of the call's input over; false: they are
 * refused and the call has ended. */
bool repository_take_mutability(struct call *call, struct meta_repository *repository);

/* The ARN of the key that AWS itself manages for an account's repositories: one for each account
 * and region. Owns: the caller. NULL when out of memory. */
char *repository_default_kms_key(const struct tenant *tenant);

#endif
