/* SPDX-License-Identifier: MIT */
/* One execution environment: a process of an executor, its Runtime API and its extensions, from
 * init through invocations to shutdown; every way in which it can fail, with AWS's words for it.
 * Everything is [loop]. */
#ifndef LAMBDA_ENVIRONMENT_H
#define LAMBDA_ENVIRONMENT_H

#include "executor.h"
#include "invocation.h"

struct environment;

/* What an environment tells its pool. */
struct environment_events {
    /* Runtime and extensions have asked for their first event, or the last invocation is over and
     * they have asked for the next: environment_invoke() may be called, also inside this. Calls
     * back: never inside a call of this header, and not after environment_shutdown(). An
     * invocation's on_done comes before. */
    void (*on_idle)(void *arg, struct environment *environment);
    /* Init is over and its `first` invocation runs, or on_idle follows: the start costs this
     * machine nothing any more. Calls back: at most once, never inside a call. May be NULL, and
     * need not come. */
    void (*on_started)(void *arg, struct environment *environment);
    /* It can take no invocation any more and everything of it is gone from this machine: to be
     * destroyed. The invocation that it had, if any, has ended before. Calls back: once, never
     * inside a call of this header. */
    void (*on_ended)(void *arg, struct environment *environment);
    void *arg;
};

/* Begins to start one for the function (its image is at hand) and, where `first` is not NULL, for
 * this invocation: whatever goes wrong on the way is its answer. Without it (provisioned
 * concurrency) a failed init only ends it. Errors: -ENOMEM and those of a listener: then nothing
 * was begun and `first` is the caller's. */
int environment_create(struct lambda *lambda, struct executor *executor, struct function *function,
                       struct invocation *first, const struct environment_events *events,
                       struct environment **ret_environment);
/* Gives it its next invocation; only when idle. The invocation's on_done comes once, later. */
void environment_invoke(struct environment *environment, struct invocation *invocation);
/* Whether it is idle. Its process may end at any time, without a word before on_ended: ask this
 * before environment_invoke(), which would end the invocation as the process did. */
bool environment_is_idle(const struct environment *environment);
/* Ends it when it is idle, or as soon as its invocation is over: SHUTDOWN to extensions, SIGTERM,
 * SIGKILL after stop_grace_ms. on_ended comes. */
void environment_shutdown(struct environment *environment);
/* Ends it at once: the invocation it has ends as INVOCATION_CANCELLED. on_ended comes. */
void environment_kill(struct environment *environment);
/* From on_ended on. NULL is fine. */
void environment_destroy(struct environment *environment);

struct function *environment_function(const struct environment *environment);
/* For the pool's own lists. */
void *environment_user(const struct environment *environment);
void environment_set_user(struct environment *environment, void *user);

#endif
