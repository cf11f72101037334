/* SPDX-License-Identifier: MIT */
/* A thread that watches the loop: names a call that does not come back, and ends a worker whose
 * loop stands still for too long. */
#ifndef CORE_WATCHDOG_H
#define CORE_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct watchdog;

/* A call into plugin code that runs for so long is logged while it runs. */
#define WATCHDOG_SLOW_MS 1000

/* Starts it. The calling thread is the loop's; the loop must not have been run yet.
 * Errors: -ENOMEM, -EAGAIN. */
int watchdog_start(uv_loop_t *loop, struct watchdog **ret_watchdog);
/* How long the loop may stand still before the process is aborted; 0 = for ever, as at first.
 * Outside of uv_run() only calls into plugins count. Thread: [loop]. */
void watchdog_set_limit(struct watchdog *watchdog, uint64_t limit_ms);
/* Says whether uv_run() runs. */
void watchdog_set_looping(struct watchdog *watchdog, bool looping);
/* Ends it, before the loop's handles are closed. NULL is fine. */
void watchdog_stop(struct watchdog *watchdog);

#endif
