/* SPDX-License-Identifier: MIT */
/* Invocations that wait for an environment, and the ends of those that got none. */
#include "pool_impl.h"

#include <stdlib.h>

void group_enqueue(struct group *group, struct invocation *invocation) {
    invocation->next = NULL;
    invocation->previous = group->last;
    if (group->last != NULL) {
        group->last->next = invocation;
    } else {
        group->first = invocation;
    }
    group->last = invocation;
    group->waiting++;
}

struct invocation *group_dequeue(struct group *group) {
    struct invocation *invocation = group->first;
    if (invocation != NULL) {
        group->first = invocation->next;
        if (group->first != NULL) {
            group->first->previous = NULL;
        } else {
            group->last = NULL;
        }
        invocation->next = invocation->previous = NULL;
        group->waiting--;
        if (group->patient > group->waiting) {
            group->patient = group->waiting;
        }
    }
    return invocation;
}

/* What is in an invocation's slot until it is told that it is over. */
struct ending {
    enum invocation_outcome outcome;
    int status;
    char code[80];
    char message[1024];
};

static struct ending no_memory = {INVOCATION_REFUSED, 500, "ServiceException", "Out of memory"};

static void end_one(struct pool *pool, struct invocation *invocation) {
    struct ending *ending = invocation->slot;
    struct invocation_result result = {.outcome = ending->outcome,
                                       .status = ending->status,
                                       .code = ending->code,
                                       .message = ending->message,
                                       .payload = {"", 0},
                                       .tail = {"", 0}};
    invocation->next = NULL;
    invocation->slot = NULL;
    if (ending->outcome == INVOCATION_THROTTLED && pool->throttles != NULL) {
        pool->lambda->metrics->add(pool->throttles, NULL, 1);
    }
    invocation->on_done(invocation, &result);
    if (ending != &no_memory) {
        free(ending);
    }
}

static void on_ending(void *arg) {
    struct pool *pool = arg;
    struct invocation *list = pool->ending;
    pool->lambda->timer->stop(pool->ending_timer);
    pool->ending_timer = NULL;
    pool->ending = NULL;
    pool->ending_last = &pool->ending;
    while (list != NULL) {
        struct invocation *next = list->next;
        end_one(pool, list);
        list = next;
    }
    pool_check_stopped(pool);
}

void pool_end_later(struct pool *pool, struct invocation *invocation,
                    enum invocation_outcome outcome, int status, const char *code,
                    const char *message) {
    struct ending *ending = malloc(sizeof *ending);
    if (ending != NULL) {
        ending->outcome = outcome;
        ending->status = status;
        (void)snprintf(ending->code, sizeof ending->code, "%s", code);
        (void)snprintf(ending->message, sizeof ending->message, "%s", message);
    }
    invocation->slot = ending != NULL ? ending : &no_memory;
    invocation->next = invocation->previous = NULL;
    *pool->ending_last = invocation;
    pool->ending_last = &invocation->next;
    /* Without memory for a timer the next ending brings one. */
    if (pool->ending_timer == NULL) {
        (void)pool->lambda->timer->start(pool->lambda->host, 0, 0, on_ending, pool,
                                         &pool->ending_timer);
    }
}

void group_end_all(struct group *group, enum invocation_outcome outcome, int status,
                   const char *code, const char *message) {
    for (struct invocation *one; (one = group_dequeue(group)) != NULL;) {
        limit_give(group->owner);
        pool_end_later(group->pool, one, outcome, status, code, message);
    }
}
