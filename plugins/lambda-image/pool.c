/* SPDX-License-Identifier: MIT */
/* The pool as others see it: an invocation comes in, functions change, virga stops. */
#include "pool.h"

#include "functions.h"
#include "pool_impl.h"

#include <errno.h>
#include <stdlib.h>

static const double duration_buckets[] = {.001, .0025, .005, .01, .025, .05, .1, .25,
                                          .5,   1,     2.5,  5,   10,   60,  900};

static struct virga_metric *make_metric(struct lambda *lambda, uint32_t kind, const char *name,
                                        const char *help) {
    struct virga_metric *metric = NULL;
    struct virga_metric_options options = {
        .struct_size = sizeof options, .kind = kind, .name = name, .help = help};
    if (kind == VIRGA_METRIC_HISTOGRAM) {
        options.buckets = duration_buckets;
        options.buckets_count = sizeof duration_buckets / sizeof duration_buckets[0];
    }
    if (lambda->metrics != NULL) {
        (void)lambda->metrics->create(lambda->host, &options, &metric);
    }
    return metric;
}

static void on_first_turn(void *arg) {
    struct pool *pool = arg;
    pool->lambda->timer->stop(pool->first_timer);
    pool->first_timer = NULL;
    limit_read_all(pool);
}

int pool_create(struct lambda *lambda, struct pool **ret_pool) {
    struct pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return -ENOMEM;
    }
    pool->lambda = lambda;
    ring_init(&pool->runners);
    ring_init(&pool->starts);
    ring_init(&pool->idle);
    ring_init(&pool->hungry);
    pool->ending_last = &pool->ending;
    pool->events = (struct environment_events){.on_idle = pool_on_idle,
                                               .on_started = pool_on_started,
                                               .on_ended = pool_on_ended,
                                               .arg = pool};
    pool->invocations = make_metric(lambda, VIRGA_METRIC_COUNTER, "lambda_invocations_total",
                                    "Invocations that an environment ran.");
    pool->errors = make_metric(lambda, VIRGA_METRIC_COUNTER, "lambda_errors_total",
                               "Those of them that failed.");
    pool->throttles = make_metric(lambda, VIRGA_METRIC_COUNTER, "lambda_throttles_total",
                                  "Invocations that were not run because of a concurrency limit.");
    pool->duration = make_metric(lambda, VIRGA_METRIC_HISTOGRAM, "lambda_duration_seconds",
                                 "From the environment's start or event to the end of the answer.");
    pool->environments = make_metric(lambda, VIRGA_METRIC_GAUGE, "lambda_environments",
                                     "Execution environments that there are.");
    int result = lambda->timer->start(lambda->host, 0, 0, on_first_turn, pool, &pool->first_timer);
    if (result != 0) {
        free(pool);
        return result;
    }
    *ret_pool = pool;
    return 0;
}

/* --- invocations --- */

static void on_patience_over(void *arg) {
    struct group *group = arg;
    struct pool *pool = group->pool;
    pool->lambda->timer->stop(group->patience);
    group->patience = NULL;
    group->patient = 0;
    group_feed(group);
    pool_pump(pool);
}

static void wait_for_one(struct group *group, struct invocation *invocation) {
    struct pool *pool = group->pool;
    group_enqueue(group, invocation);
    if (group->returning > group->patient &&
        (group->patience != NULL ||
         pool->lambda->timer->start(pool->lambda->host, POOL_RETURN_MS, 0, on_patience_over, group,
                                    &group->patience) == 0)) {
        group->patient++;
    }
    group_feed(group);
    pool_pump(pool);
}

void pool_invoke(struct pool *pool, struct invocation *invocation) {
    invocation->queued_ms = pool->lambda->timer->now_ms(pool->lambda->host);
    if (pool->stopping) {
        pool_end_later(pool, invocation, INVOCATION_CANCELLED, 500, "ServiceException",
                       "virga stops");
        return;
    }
    struct group *group = pool_group(pool, invocation->function);
    if (group == NULL) {
        pool_end_later(pool, invocation, INVOCATION_REFUSED, 500, "ServiceException",
                       "Out of memory");
        return;
    }
    const char *reason = limit_reason(pool, group->owner);
    if (reason != NULL) {
        pool_end_later(pool, invocation, INVOCATION_THROTTLED, 429, reason, "Rate Exceeded.");
        pool_group_release(group);
        return;
    }
    limit_take(group->owner);
    struct runner *runner = group_idle(group);
    if (runner != NULL) {
        runner_invoke(runner, invocation);
    } else {
        wait_for_one(group, invocation);
    }
}

/* --- changes of functions --- */

/* Reads what the store says now, and frees what is of no use any more. */
static void adjust(struct pool *pool, struct owner *owner) {
    struct group *first = owner->groups;
    first->pins++; /* and with it the owner */
    limit_read(pool, owner);
    for (struct group *group = owner->groups, *next; group != NULL; group = next) {
        next = group->next_of_owner;
        while (group->function->stale && !ring_is_empty(&group->idle)) {
            runner_shutdown(RING_ENTRY(group->idle.next, struct runner, idle));
        }
        pool_group_release(group);
    }
    first->pins--;
    pool_group_release(first);
    pool_pump(pool);
}

void pool_adjust(struct pool *pool, const struct tenant *tenant, const char *name) {
    struct owner *owner = pool_find_owner(pool, tenant, name);
    struct function *function = NULL;
    if (pool->stopping) {
        return;
    }
    if (owner != NULL) {
        adjust(pool, owner);
        return;
    }
    /* It may have provisioned concurrency now. */
    struct group *group = NULL;
    if (functions_get(pool->lambda, tenant, name, FUNCTIONS_LATEST, &function) == 0) {
        group = pool_group(pool, function);
        function_unref(function);
    }
    struct account *account = pool_find_account(pool, tenant);
    if (group != NULL) {
        pool_group_release(group);
        pool_pump(pool);
    } else if (account != NULL) {
        limit_read_account(pool, account);
    }
}

void pool_retire(struct pool *pool, const struct tenant *tenant, const char *name) {
    pool_adjust(pool, tenant, name);
}

static bool find_provision(const struct owner *owner, const char *qualifier,
                           struct pool_counts *counts) {
    for (const struct provision *one = owner->provisions; one != NULL; one = one->next) {
        if (strcmp(one->qualifier, qualifier) == 0) {
            int64_t ready = one->group != NULL ? (int64_t)one->group->ready : 0;
            counts->provisioned_wanted = one->wanted;
            counts->provisioned_ready = ready < one->wanted ? ready : one->wanted;
            return true;
        }
    }
    return false;
}

void pool_count(struct pool *pool, const struct tenant *tenant, const char *name,
                const char *qualifier, struct pool_counts *ret_counts) {
    const struct owner *owner = pool_find_owner(pool, tenant, name);
    *ret_counts = (struct pool_counts){0};
    if (owner == NULL || (qualifier != NULL && !find_provision(owner, qualifier, ret_counts))) {
        return;
    }
    for (const struct group *group = owner->groups; group != NULL; group = group->next_of_owner) {
        if (qualifier == NULL) {
            ret_counts->idle += (int64_t)group->idles;
            ret_counts->busy +=
                (int64_t)(group->waiting + group->runners - group->idles - group->ending);
        } else if (strcmp(group->function->version, qualifier) == 0) {
            ret_counts->idle += (int64_t)group->idles;
        }
    }
}

/* --- the end --- */

void pool_check_stopped(struct pool *pool) {
    if (pool->stopping && pool->on_stopped != NULL && ring_is_empty(&pool->runners) &&
        pool->ending == NULL) {
        void (*on_stopped)(void *arg) = pool->on_stopped;
        pool->on_stopped = NULL;
        on_stopped(pool->on_stopped_arg);
    }
}

static void stop_timers(struct pool *pool) {
    const struct virga_timer *timer = pool->lambda->timer;
    timer->stop(pool->reap_timer);
    timer->stop(pool->hold_timer);
    timer->stop(pool->first_timer);
    pool->reap_timer = pool->hold_timer = pool->first_timer = NULL;
}

static void stop_group(struct group *group) {
    const struct virga_timer *timer = group->pool->lambda->timer;
    timer->stop(group->patience);
    timer->stop(group->retry);
    group->patience = group->retry = NULL;
    group_end_all(group, INVOCATION_CANCELLED, 500, "ServiceException", "virga stops");
}

void pool_stop(struct pool *pool, void (*on_stopped)(void *arg), void *arg) {
    pool->stopping = true;
    pool->on_stopped = on_stopped;
    pool->on_stopped_arg = arg;
    stop_timers(pool);
    for (size_t i = 0; i < POOL_BUCKETS; i++) {
        for (struct group *group = pool->groups[i]; group != NULL; group = group->next) {
            stop_group(group);
        }
    }
    for (struct ring *at = pool->runners.next; at != &pool->runners; at = at->next) {
        struct runner *runner = RING_ENTRY(at, struct runner, all);
        if (runner->state == RUNNER_IDLE) {
            runner_shutdown(runner);
        } else if (runner->state != RUNNER_ENDING) {
            environment_kill(runner->environment);
        }
    }
    pool_check_stopped(pool);
}

void pool_destroy(struct pool *pool) {
    if (pool != NULL) {
        stop_timers(pool);
        pool->lambda->timer->stop(pool->ending_timer);
        pool_free_all(pool);
        free(pool);
    }
}
