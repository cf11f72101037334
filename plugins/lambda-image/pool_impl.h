/* SPDX-License-Identifier: MIT */
/* The inside of the pool: accounts, functions and their versions, environments. Everything is
 * [loop]. */
#ifndef LAMBDA_POOL_IMPL_H
#define LAMBDA_POOL_IMPL_H

#include "environment.h"
#include "pool.h"

#include <stddef.h>

#define POOL_BUCKETS 256
/* Environments that start at once; others wait, and take what becomes idle meanwhile. Why: each is
 * a process that does nothing but use the processor until it has read its code. */
#define POOL_STARTS_MAX 16
/* From then on a start that nobody has called done counts as done. */
#define POOL_START_HOLD_MS 2000
/* How long an invocation waits for an environment that has answered and is about to ask for its
 * next event. Why: a client's next call may overtake the runtime's. */
#define POOL_RETURN_MS 50
/* From a failed start of provisioned concurrency to the next, doubled each time. */
#define POOL_RETRY_FIRST_MS 1000
#define POOL_RETRY_MAX_MS 60000

/* A ring of what has one as a member; the head is no entry. */
struct ring {
    struct ring *previous, *next;
};
#define RING_ENTRY(ring, type, member)                                                             \
    ((type *)(void *)(uintptr_t)((const char *)(ring)-offsetof(type, member)))

static inline void ring_init(struct ring *ring) {
    ring->previous = ring->next = ring;
}
static inline bool ring_is_empty(const struct ring *ring) {
    return ring->next == ring;
}
/* Behind the head: the first. */
static inline void ring_push(struct ring *head, struct ring *entry) {
    entry->previous = head;
    entry->next = head->next;
    head->next->previous = entry;
    head->next = entry;
}
/* Before the head: the last. */
static inline void ring_append(struct ring *head, struct ring *entry) {
    ring_push(head->previous, entry);
}
/* One that is in no ring is fine. */
static inline void ring_remove(struct ring *entry) {
    entry->previous->next = entry->next;
    entry->next->previous = entry->previous;
    ring_init(entry);
}

/* An account in a region: what its functions share. Lives as long as one of them is in the pool. */
struct account {
    struct account *next;
    struct tenant tenant;
    size_t owners;
    int64_t claimed; /* reserved and provisioned concurrency of all its functions */
    int64_t spill;   /* invocations under way that nothing is reserved for */
    int64_t environments;
};

/* Provisioned concurrency of a version or alias. */
struct provision {
    struct provision *next;
    struct group *group; /* of the version that it means; NULL: there is none */
    int64_t wanted;
    char qualifier[];
};

/* A function: what its versions share. Lives as long as it has groups. */
struct owner {
    struct owner *next; /* in its bucket */
    struct account *account;
    struct group *groups;
    struct provision *provisions;
    int64_t reserved;    /* -1: none */
    int64_t provisioned; /* of all versions */
    int64_t busy;        /* invocations under way or waiting */
    char name[];
};

enum group_stage { GROUP_COLD, GROUP_PREPARING, GROUP_READY };

/* A version of a function as it was deployed. Lives as long as there are environments, invocations
 * or provisioned concurrency of it. */
struct group {
    struct group *next;          /* in its bucket */
    struct group *next_of_owner; /* among the function's */
    struct pool *pool;
    struct owner *owner;
    struct function *function; /* a reference */
    enum group_stage stage;    /* READY: executor and image are at hand */
    struct executor *executor;
    struct ring idle;                /* runners, the last used first */
    struct ring hungry;              /* in pool->hungry */
    struct invocation *first, *last; /* that wait */
    size_t waiting, patient;         /* patient: for an environment that is returning */
    size_t runners, ending, returning, idles, ready; /* ready: has got through its init */
    int64_t provisioned;                             /* environments to be kept */
    unsigned failures; /* of provisioned starts, one after the other */
    unsigned pins;     /* it must not go away now */
    struct virga_timer_handle *patience;
    struct virga_timer_handle *retry;
};

enum runner_state { RUNNER_STARTING, RUNNER_BUSY, RUNNER_RETURNING, RUNNER_IDLE, RUNNER_ENDING };

/* An environment, seen from the pool. */
struct runner {
    struct ring all;    /* in pool->runners */
    struct ring starts; /* in pool->starts, while it counts as starting */
    struct ring idle;   /* in its group's */
    struct ring oldest; /* in pool->idle */
    struct group *group;
    struct environment *environment;
    enum runner_state state;
    bool ready;
    struct invocation *invocation; /* that it runs */
    void (*on_done)(struct invocation *invocation, const struct invocation_result *result);
    uint64_t began_ns; /* of the invocation */
    uint64_t since_ms; /* monotonic: of the start, or when it became idle */
};

struct pool {
    struct lambda *lambda;
    struct account *accounts;
    struct owner *owners[POOL_BUCKETS];
    struct group *groups[POOL_BUCKETS];
    struct ring runners, starts, idle /* the last used first */, hungry;
    size_t count, starting;
    struct environment_events events;
    struct invocation *ending, **ending_last; /* to be told that they are over */
    struct virga_timer_handle *ending_timer, *reap_timer, *hold_timer, *first_timer;
    bool pumping, stopping;
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
    struct virga_metric *invocations, *errors, *throttles, *duration, *environments;
};

/* --- pool_table.c: what there is --- */

/* The group of a version, made when there is none yet; NULL: out of memory. */
struct group *pool_group(struct pool *pool, struct function *function);
/* NULL: it has no function in the pool. */
struct account *pool_find_account(struct pool *pool, const struct tenant *tenant);
/* NULL: not in the pool. */
struct owner *pool_find_owner(struct pool *pool, const struct tenant *tenant, const char *name);
/* Frees a group that has no use any more, and what it was the last of. */
void pool_group_release(struct group *group);
/* Frees everything whatever it is used for: at the end. */
void pool_free_all(struct pool *pool);
/* Monotonic. */
uint64_t pool_now_ms(const struct pool *pool);

/* --- pool_limit.c: how many may run --- */

/* NULL, or the Reason why no invocation of the function may be taken now. */
const char *limit_reason(const struct pool *pool, const struct owner *owner);
void limit_take(struct owner *owner);
void limit_give(struct owner *owner);
/* Reads reserved and provisioned concurrency of a function from the store, and its account's sum.
 * What cannot be read is logged and counts as not set. */
void limit_read(struct pool *pool, struct owner *owner);
/* The account's sum alone. */
void limit_read_account(struct pool *pool, struct account *account);
/* Has groups made for whatever provisioned concurrency there is in the store. */
void limit_read_all(struct pool *pool);

/* --- pool_run.c: an environment's way --- */

/* The idle environment that was used last; NULL: none. */
struct runner *group_idle(struct group *group);
/* Gives an idle environment an invocation. */
void runner_invoke(struct runner *runner, struct invocation *invocation);
/* Starts environments for who waits, as many as may start now. */
void pool_pump(struct pool *pool);
/* Has the pump look at the group, if it needs environments. */
void group_feed(struct group *group);
/* Ends an environment that does nothing. */
void runner_shutdown(struct runner *runner);
void pool_on_idle(void *arg, struct environment *environment);
void pool_on_started(void *arg, struct environment *environment);
void pool_on_ended(void *arg, struct environment *environment);
/* Tells who stops the pool, when nothing is left. */
void pool_check_stopped(struct pool *pool);

/* --- pool_prepare.c: what a start needs --- */

/* Gets an executor and the image for a cold group; who waits ends if that fails. May call back
 * inside: pool_pump() again. */
void group_prepare(struct group *group);
/* A start of provisioned concurrency came to nothing: again later. */
void group_retry_later(struct group *group);

/* --- pool_wait.c: invocations that wait, and those that end without having run --- */

void group_enqueue(struct group *group, struct invocation *invocation);
/* The one that waits longest; NULL: none. */
struct invocation *group_dequeue(struct group *group);
/* Ends an invocation in a later turn. code and message are copied. */
void pool_end_later(struct pool *pool, struct invocation *invocation,
                    enum invocation_outcome outcome, int status, const char *code,
                    const char *message);
/* The same for all that wait for the group; they have been counted by limit_take(). */
void group_end_all(struct group *group, enum invocation_outcome outcome, int status,
                   const char *code, const char *message);

#endif
