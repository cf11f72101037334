/* SPDX-License-Identifier: MIT */
/* A pool that keeps invocations until the test ends them. */
#ifndef TESTS_LAMBDA_POOL_FAKE_H
#define TESTS_LAMBDA_POOL_FAKE_H

#include "invoke_fixture.h"

#include "pool.h"

static struct invocation *held; /* the last one */

int pool_create(struct lambda *self, struct pool **ret_pool) {
    (void)self;
    *ret_pool = NULL;
    return 0;
}

void pool_stop(struct pool *pool, void (*on_stopped)(void *arg), void *arg) {
    (void)pool;
    on_stopped(arg);
}

void pool_destroy(struct pool *pool) {
    (void)pool;
}

void pool_retire(struct pool *pool, const struct tenant *tenant, const char *name) {
    (void)pool;
    (void)tenant;
    (void)name;
}

void pool_adjust(struct pool *pool, const struct tenant *tenant, const char *name) {
    pool_retire(pool, tenant, name);
}

void pool_count(struct pool *pool, const struct tenant *tenant, const char *name,
                const char *qualifier, struct pool_counts *ret_counts) {
    pool_retire(pool, tenant, name);
    (void)qualifier;
    *ret_counts = (struct pool_counts){0};
}

void pool_invoke(struct pool *pool, struct invocation *invocation) {
    (void)pool;
    assert_null(held);
    held = invocation;
}

static inline void end_held(const struct invocation_result *result) {
    struct invocation *invocation = held;
    assert_non_null(invocation);
    held = NULL;
    invocation->on_done(invocation, result);
    testkit_run(kit);
}

static inline void held_answers(const char *payload) {
    const struct invocation_result result = {.outcome = INVOCATION_DONE, .payload = STR(payload)};
    end_held(&result);
}

static inline void held_fails(const char *payload) {
    const struct invocation_result result = {
        .outcome = INVOCATION_ERROR, .error_type = "Error", .payload = STR(payload)};
    end_held(&result);
}

static inline void held_is_throttled(void) {
    const struct invocation_result result = {
        .outcome = INVOCATION_THROTTLED,
        .status = 429,
        .code = "ReservedFunctionConcurrentInvocationLimitExceeded",
        .message = "Rate Exceeded."};
    end_held(&result);
}

static inline void held_is_refused(void) {
    const struct invocation_result result = {.outcome = INVOCATION_REFUSED,
                                             .status = 409,
                                             .code = "CodeArtifactUserFailedException",
                                             .message = "it has no layers"};
    end_held(&result);
}

#endif
