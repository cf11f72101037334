/* SPDX-License-Identifier: MIT */
/* What the side resources of a function offer to the functions themselves. Everything is [loop]. */
#ifndef LAMBDA_SIDE_H
#define LAMBDA_SIDE_H

#include "functions.h"

/* The function is about to be deleted: removes the facts of its URLs. Called by functions_delete(),
 * in its transaction, while the side records are still there. What fails is logged: a fact that is
 * left leads nowhere. */
void side_function_deleted(struct lambda *lambda, const struct tenant *tenant, const char *name);

/* A version or alias is gone: removes its policy, event invoke config, provisioned concurrency and
 * other records of that id (not the alias itself, nor its URL, which answers 403 from now on, as at
 * AWS). May be within a transaction; the pool is to be told by pool_adjust(). Errors: those of the
 * store. */
int side_qualifier_deleted(struct lambda *lambda, const struct tenant *tenant, const char *name,
                           const char *qualifier);

/* The record of tags (SIDE_TAGS) is the map itself, {"key":"value"}; a function without tags has
 * none. */
#define SIDE_TAGS_MAX 50 /* Source: AWS-recorded message */
#define SIDE_TAG_KEY_MAX 128
#define SIDE_TAG_VALUE_MAX 256
/* What is wrong with a map of tags for a function that has `count` others already, in AWS's words;
 * NULL: nothing. Valid: for ever. Source: AWS-recorded answers of TagResource and CreateFunction.
 */
const char *side_tags_fault(struct json_object *tags, size_t count);

/* How many of the account's concurrent executions are not set aside for single functions (reserved,
 * else provisioned), where `except` (may be NULL) has none: UnreservedConcurrentExecutions. Errors:
 * those of the store. */
int side_unreserved(struct lambda *lambda, const struct tenant *tenant, const char *except,
                    int64_t *ret_count);
/* The least that must stay unreserved: 100, or less where the account has few. */
int64_t side_unreserved_min(const struct lambda *lambda);
/* The provisioned environments of a function that are asked for, without those of one version or
 * alias (may be NULL). Errors: those of the store. */
int side_provisioned(struct lambda *lambda, const struct tenant *tenant, const char *name,
                     const char *except, int64_t *ret_count);

#endif
