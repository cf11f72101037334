/* SPDX-License-Identifier: MIT */
/* Asynchronous invocations (InvocationType=Event): kept in the store from the acknowledgement on,
 * run, tried again after errors and throttling, and reported to destinations and dead-letter
 * queues. Everything is [loop]. */
#ifndef LAMBDA_EVENTS_H
#define LAMBDA_EVENTS_H

#include "invocation.h"

/* Goes on with what an earlier run left. Errors: -ENOMEM and those of the store. */
int events_create(struct lambda *lambda, struct events **ret_events);
/* What runs is left to the pool, nothing new is begun, and reports under way are broken off. Calls
 * back: once, maybe inside the call. */
void events_stop(struct events *events, void (*on_stopped)(void *arg), void *arg);
/* NULL is fine. */
void events_destroy(struct events *events);

/* Keeps an event; afterwards it may be acknowledged. The invocation is copied from and stays the
 * caller's. `qualifier` as it was called, "" = none. Errors: -EAGAIN too many wait, and those of
 * the store. */
int events_add(struct events *events, const struct invocation *invocation, const char *qualifier);
/* The function is gone, and its events. */
void events_forget(struct events *events, const struct tenant *tenant, const char *name);

#endif
