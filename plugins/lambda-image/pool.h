/* SPDX-License-Identifier: MIT */
/* Environments of all functions: warm ones are used again, new ones started up to what concurrency
 * allows, idle ones ended after a while, those of replaced code when they are done. Everything is
 * [loop]. */
#ifndef LAMBDA_POOL_H
#define LAMBDA_POOL_H

#include "invocation.h"

/* Errors: -ENOMEM. */
int pool_create(struct lambda *lambda, struct pool **ret_pool);
/* Ends every environment. Calls back: once, maybe inside the call, when nothing runs any more. */
void pool_stop(struct pool *pool, void (*on_stopped)(void *arg), void *arg);
/* NULL is fine. */
void pool_destroy(struct pool *pool);

/* Runs an invocation: in an idle environment of its function, else in a new one; throttled where
 * reserved concurrency or the account's is used up. Owns: the invocation until its on_done, which
 * comes once, never inside the call. */
void pool_invoke(struct pool *pool, struct invocation *invocation);

/* The function has got new code or settings, or was deleted: idle environments of what is stale are
 * ended, busy ones when they are done. */
void pool_retire(struct pool *pool, const struct tenant *tenant, const char *name);
/* The function's reserved or provisioned concurrency has changed. */
void pool_adjust(struct pool *pool, const struct tenant *tenant, const char *name);

struct pool_counts {
    int64_t busy; /* environments that run an invocation or start for one */
    int64_t idle;
    int64_t provisioned_wanted, provisioned_ready; /* of one version or alias */
};
/* Of one function: all versions together (qualifier NULL), or the provisioned ones of a version. */
void pool_count(struct pool *pool, const struct tenant *tenant, const char *name,
                const char *qualifier, struct pool_counts *ret_counts);

#endif
