/* SPDX-License-Identifier: MIT */
/* An environment's way through the pool: its start for who waits longest, its invocations, its
 * rest, its end. */
#include "pool_impl.h"

#include <errno.h>
#include <stdlib.h>

static const struct virga_timer *timer_of(const struct pool *pool) {
    return pool->lambda->timer;
}

static void count_environments(struct pool *pool) {
    if (pool->environments != NULL) {
        pool->lambda->metrics->set(pool->environments, NULL, (double)pool->count);
    }
}

/* --- what needs environments --- */

static bool is_hungry(const struct group *group) {
    return group->stage != GROUP_PREPARING &&
           (group->waiting > group->patient ||
            (group->retry == NULL && !group->function->stale &&
             (int64_t)(group->runners - group->ending) < group->provisioned));
}

void group_feed(struct group *group) {
    if (!group->pool->stopping && is_hungry(group) && ring_is_empty(&group->hungry)) {
        ring_append(&group->pool->hungry, &group->hungry);
    }
}

/* --- starting --- */

static void started(struct runner *runner) {
    if (!ring_is_empty(&runner->starts)) {
        ring_remove(&runner->starts);
        runner->group->pool->starting--;
    }
}

static void remove_runner(struct runner *runner) {
    struct group *group = runner->group;
    struct pool *pool = group->pool;
    started(runner);
    ring_remove(&runner->all);
    ring_remove(&runner->idle);
    ring_remove(&runner->oldest);
    group->runners--;
    group->owner->account->environments--;
    pool->count--;
    count_environments(pool);
    free(runner);
}

static void end_invocation(struct invocation *invocation, const struct invocation_result *result);

static void take_invocation(struct runner *runner, struct invocation *invocation) {
    runner->invocation = invocation;
    runner->on_done = invocation->on_done;
    runner->began_ns =
        timer_of(runner->group->pool)->monotonic_ns(runner->group->pool->lambda->host);
    invocation->slot = runner;
    invocation->on_done = end_invocation;
}

static struct runner *make_runner(struct group *group) {
    struct pool *pool = group->pool;
    struct runner *runner = calloc(1, sizeof *runner);
    if (runner != NULL) {
        runner->group = group;
        runner->state = RUNNER_STARTING;
        runner->since_ms = pool_now_ms(pool);
        ring_init(&runner->idle);
        ring_init(&runner->oldest);
        ring_append(&pool->runners, &runner->all);
        ring_append(&pool->starts, &runner->starts);
        pool->starting++;
        pool->count++;
        group->runners++;
        group->owner->account->environments++;
        count_environments(pool);
    }
    return runner;
}

/* An account has so many environments as it may have invocations: one that rests longest makes
 * room for another function's. */
static void make_room(struct pool *pool, const struct account *account) {
    if (account->environments < pool->lambda->concurrency_max) {
        return;
    }
    for (struct ring *at = pool->idle.previous; at != &pool->idle; at = at->previous) {
        struct runner *runner = RING_ENTRY(at, struct runner, oldest);
        if (runner->group->owner->account == account && runner->group->provisioned == 0) {
            runner_shutdown(runner);
            return;
        }
    }
}

/* For the first that waits, or for nobody: provisioned concurrency. */
static void start_one(struct group *group) {
    struct pool *pool = group->pool;
    struct invocation *invocation = group->waiting > group->patient ? group_dequeue(group) : NULL;
    make_room(pool, group->owner->account);
    struct runner *runner = make_runner(group);
    int result = -ENOMEM;
    if (runner != NULL) {
        if (invocation != NULL) {
            take_invocation(runner, invocation);
        }
        result = environment_create(pool->lambda, group->executor, group->function, invocation,
                                    &pool->events, &runner->environment);
    }
    if (result == 0) {
        environment_set_user(runner->environment, runner);
        return;
    }
    if (invocation != NULL) {
        if (runner != NULL) {
            invocation->on_done = runner->on_done;
        }
        limit_give(group->owner);
        pool_end_later(pool, invocation, INVOCATION_REFUSED, 500, "ServiceException",
                       strerror(-result));
    } else {
        group_retry_later(group);
    }
    if (runner != NULL) {
        remove_runner(runner);
    }
}

static void on_hold_over(void *arg) {
    struct pool *pool = arg;
    uint64_t now_ms = pool_now_ms(pool);
    timer_of(pool)->stop(pool->hold_timer);
    pool->hold_timer = NULL;
    while (!ring_is_empty(&pool->starts)) {
        struct runner *runner = RING_ENTRY(pool->starts.next, struct runner, starts);
        if (runner->since_ms + POOL_START_HOLD_MS > now_ms) {
            break;
        }
        started(runner);
    }
    pool_pump(pool);
}

/* Everything that may start has been started; what has to wait is looked at again when a start is
 * over, at the latest after the hold. */
static void wait_for_starts(struct pool *pool) {
    if (pool->hold_timer == NULL && !ring_is_empty(&pool->hungry) &&
        !ring_is_empty(&pool->starts)) {
        struct runner *oldest = RING_ENTRY(pool->starts.next, struct runner, starts);
        uint64_t due_ms = oldest->since_ms + POOL_START_HOLD_MS, now_ms = pool_now_ms(pool);
        (void)timer_of(pool)->start(pool->lambda->host, due_ms > now_ms ? due_ms - now_ms : 0, 0,
                                    on_hold_over, pool, &pool->hold_timer);
    }
}

void pool_pump(struct pool *pool) {
    if (pool->pumping || pool->stopping) {
        return;
    }
    pool->pumping = true;
    while (!ring_is_empty(&pool->hungry) && pool->starting < POOL_STARTS_MAX) {
        struct group *group = RING_ENTRY(pool->hungry.next, struct group, hungry);
        ring_remove(&group->hungry);
        group->pins++;
        if (is_hungry(group) && group->stage == GROUP_COLD) {
            group_prepare(group);
        } else if (is_hungry(group)) {
            start_one(group);
            group_feed(group);
        }
        group->pins--;
        pool_group_release(group);
    }
    pool->pumping = false;
    wait_for_starts(pool);
}

/* --- running --- */

/* Who waits for an environment that will not come needs one of its own. */
static void group_check_patience(struct group *group) {
    if (group->patient > group->returning) {
        group->patient = group->returning;
    }
    group_feed(group);
}

static void leave_idle(struct runner *runner) {
    ring_remove(&runner->idle);
    ring_remove(&runner->oldest);
    runner->group->idles--;
}

struct runner *group_idle(struct group *group) {
    while (!ring_is_empty(&group->idle)) {
        struct runner *runner = RING_ENTRY(group->idle.next, struct runner, idle);
        if (environment_is_idle(runner->environment)) {
            return runner;
        }
        leave_idle(runner); /* its process is gone: on_ended is on its way */
        runner->state = RUNNER_ENDING;
        group->ending++;
    }
    return NULL;
}

void runner_invoke(struct runner *runner, struct invocation *invocation) {
    if (runner->state == RUNNER_IDLE) {
        leave_idle(runner);
    }
    runner->state = RUNNER_BUSY;
    take_invocation(runner, invocation);
    environment_invoke(runner->environment, invocation);
}

static void count_end(struct pool *pool, const struct runner *runner,
                      const struct invocation_result *result) {
    const struct virga_metrics *metrics = pool->lambda->metrics;
    if (metrics == NULL) {
        return;
    }
    metrics->add(pool->invocations, NULL, 1);
    if (result->outcome != INVOCATION_DONE) {
        metrics->add(pool->errors, NULL, 1);
    }
    metrics->add(pool->duration, NULL,
                 (double)(timer_of(pool)->monotonic_ns(pool->lambda->host) - runner->began_ns) /
                     1e9);
}

/* In the place of the invocation's own on_done while an environment has it. */
static void end_invocation(struct invocation *invocation, const struct invocation_result *result) {
    struct runner *runner = invocation->slot;
    struct group *group = runner->group;
    struct pool *pool = group->pool;
    bool was_start = !ring_is_empty(&runner->starts);
    invocation->on_done = runner->on_done;
    invocation->slot = NULL;
    runner->invocation = NULL;
    started(runner);
    if (runner->state == RUNNER_BUSY || runner->state == RUNNER_STARTING) {
        runner->state = RUNNER_RETURNING;
        group->returning++;
    }
    limit_give(group->owner);
    count_end(pool, runner, result);
    invocation->on_done(invocation, result);
    if (was_start) {
        pool_pump(pool);
    }
}

void pool_on_started(void *arg, struct environment *environment) {
    started(environment_user(environment));
    pool_pump(arg);
}

static void on_reap(void *arg);

static void arm_reaping(struct pool *pool) {
    if (pool->reap_timer == NULL && !ring_is_empty(&pool->idle) && !pool->stopping) {
        struct runner *oldest = RING_ENTRY(pool->idle.previous, struct runner, oldest);
        uint64_t due_ms = oldest->since_ms + (uint64_t)pool->lambda->idle_ms;
        uint64_t now_ms = pool_now_ms(pool);
        (void)timer_of(pool)->start(pool->lambda->host, due_ms > now_ms ? due_ms - now_ms : 0, 0,
                                    on_reap, pool, &pool->reap_timer);
    }
}

static void on_reap(void *arg) {
    struct pool *pool = arg;
    uint64_t now_ms = pool_now_ms(pool);
    timer_of(pool)->stop(pool->reap_timer);
    pool->reap_timer = NULL;
    while (!ring_is_empty(&pool->idle)) {
        struct runner *runner = RING_ENTRY(pool->idle.previous, struct runner, oldest);
        struct group *group = runner->group;
        if (runner->since_ms + (uint64_t)pool->lambda->idle_ms > now_ms) {
            break;
        }
        if ((int64_t)(group->runners - group->ending) > group->provisioned) {
            runner_shutdown(runner);
        } else {
            runner->since_ms = now_ms;
            ring_remove(&runner->oldest);
            ring_push(&pool->idle, &runner->oldest);
        }
    }
    arm_reaping(pool);
}

void pool_on_idle(void *arg, struct environment *environment) {
    struct pool *pool = arg;
    struct runner *runner = environment_user(environment);
    struct group *group = runner->group;
    bool was_start = !ring_is_empty(&runner->starts);
    started(runner);
    if (!runner->ready) {
        runner->ready = true;
        group->ready++;
        group->failures = 0;
    }
    if (runner->state == RUNNER_ENDING) {
        return;
    }
    if (runner->state == RUNNER_RETURNING) {
        group->returning--;
    }
    runner->state = RUNNER_BUSY;
    struct invocation *invocation = group_dequeue(group);
    if (invocation != NULL) {
        runner_invoke(runner, invocation);
        group_check_patience(group);
    } else {
        runner->state = RUNNER_IDLE;
        runner->since_ms = pool_now_ms(pool);
        group->idles++;
        ring_push(&group->idle, &runner->idle);
        ring_push(&pool->idle, &runner->oldest);
        if (group->function->stale || pool->stopping) {
            runner_shutdown(runner);
        } else {
            arm_reaping(pool);
        }
    }
    if (was_start || !ring_is_empty(&pool->hungry)) {
        pool_pump(pool);
    }
}

/* --- ending --- */

void runner_shutdown(struct runner *runner) {
    struct group *group = runner->group;
    if (runner->state == RUNNER_IDLE) {
        leave_idle(runner);
    } else if (runner->state == RUNNER_RETURNING) {
        group->returning--;
    }
    runner->state = RUNNER_ENDING;
    group->ending++;
    environment_shutdown(runner->environment);
}

void pool_on_ended(void *arg, struct environment *environment) {
    struct pool *pool = arg;
    struct runner *runner = environment_user(environment);
    struct group *group = runner->group;
    if (runner->state == RUNNER_RETURNING) {
        group->returning--;
    } else if (runner->state == RUNNER_IDLE) {
        group->idles--;
    } else if (runner->state == RUNNER_ENDING) {
        group->ending--;
    } else if (runner->state == RUNNER_STARTING) {
        group_retry_later(group);
    }
    if (runner->ready) {
        group->ready--;
    } else if (group->stage == GROUP_READY) {
        group->stage = GROUP_COLD; /* maybe the image is not there any more */
    }
    environment_destroy(environment);
    remove_runner(runner);
    group_check_patience(group);
    pool_group_release(group);
    pool_pump(pool);
    pool_check_stopped(pool);
}
