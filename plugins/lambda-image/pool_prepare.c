/* SPDX-License-Identifier: MIT */
/* What a version needs before an environment of it can be started: an executor and the image. */
#include "executors.h"
#include "function_state.h"
#include "images.h"
#include "pool_impl.h"

#include <errno.h>

static const struct virga_timer *timer_of(const struct pool *pool) {
    return pool->lambda->timer;
}

/* --- another try, for provisioned concurrency --- */

static void on_retry(void *arg) {
    struct group *group = arg;
    struct pool *pool = group->pool;
    timer_of(pool)->stop(group->retry);
    group->retry = NULL;
    group_feed(group);
    pool_pump(pool);
}

void group_retry_later(struct group *group) {
    struct pool *pool = group->pool;
    uint64_t delay_ms = POOL_RETRY_FIRST_MS;
    for (unsigned i = 0; i < group->failures && delay_ms < POOL_RETRY_MAX_MS; i++) {
        delay_ms *= 2;
    }
    group->failures++;
    if (group->provisioned > 0 && group->retry == NULL && !pool->stopping) {
        (void)timer_of(pool)->start(pool->lambda->host,
                                    delay_ms < POOL_RETRY_MAX_MS ? delay_ms : POOL_RETRY_MAX_MS, 0,
                                    on_retry, group, &group->retry);
    }
}

/* --- executor and image --- */

/* What Invoke answers. Source: the developer guide, "Troubleshoot invocation issues": 409 where the
 * code of the function is gone or of no use. */
static const char *refusal(const struct images_failure *failure, int *ret_status) {
    *ret_status = 500;
    if (failure->error == -EAGAIN) {
        return "ServiceException";
    }
    if (strcmp(failure->code, "ImageAccessDenied") == 0) {
        *ret_status = 403;
        return "AccessDeniedException";
    }
    if (strcmp(failure->code, "ImageDeleted") == 0) {
        *ret_status = 409;
        return "CodeArtifactUserDeletedException";
    }
    if (strcmp(failure->code, "InvalidImage") == 0) {
        *ret_status = 409;
        return "CodeArtifactUserFailedException";
    }
    return "ServiceException";
}

static void prepared(struct group *group, enum group_stage stage) {
    struct pool *pool = group->pool;
    group->stage = stage;
    group_feed(group);
    pool_group_release(group);
    pool_pump(pool);
}

static void prepare_failed(struct group *group, int status, const char *code, const char *reason) {
    if (group->pool->stopping) {
        group_end_all(group, INVOCATION_CANCELLED, 500, "ServiceException", "virga stops");
    } else {
        group_end_all(group, INVOCATION_REFUSED, status, code, reason);
        group_retry_later(group);
    }
    prepared(group, GROUP_COLD);
}

static void on_image(void *arg, const struct images_failure *failure) {
    struct group *group = arg;
    int status = 0;
    if (failure != NULL) {
        const char *code = refusal(failure, &status);
        function_state_lost(group->pool->lambda, group->function, failure);
        prepare_failed(group, status, code, failure->reason);
    } else {
        function_state_recover(group->pool->lambda, group->function);
        prepared(group, GROUP_READY);
    }
}

static void on_executor(void *arg, struct executor *executor, int error, const char *reason) {
    struct group *group = arg;
    if (error != 0 || group->pool->stopping) {
        prepare_failed(group, 500, "ServiceException",
                       reason != NULL ? reason : "no executor works on this machine");
        return;
    }
    group->executor = executor;
    images_have(group->pool->lambda, group->function, on_image, group);
}

void group_prepare(struct group *group) {
    group->stage = GROUP_PREPARING;
    executors_need(group->pool->lambda->executors, on_executor, group);
}
