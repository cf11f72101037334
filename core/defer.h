/* SPDX-License-Identifier: MIT */
/* "Soon, but not inside this call": runs a function in the loop's next turn. Keeps the promise that
 * an asynchronous call never completes inside the call that started it. */
#ifndef CORE_DEFER_H
#define CORE_DEFER_H

#include "list.h"

struct host;

/* Embedded by who defers; unarmed when linked to itself. */
struct defer {
    struct list node;
    void (*run)(struct defer *defer);
};

/* Prepares the host's queue; needs host->loop. */
int defer_setup(struct host *host);
/* Ends the queue; what is still armed is not run. */
void defer_teardown(struct host *host);

/* Makes an unarmed one. */
void defer_init(struct defer *defer, void (*run)(struct defer *defer));
/* Arms it; armed already: nothing changes. Thread: [loop]. Owns: nothing, it must stay until it ran
 * or was cancelled. */
void defer_arm(struct host *host, struct defer *defer);
/* Disarms it; unarmed: nothing happens. */
void defer_cancel(struct defer *defer);

#endif
