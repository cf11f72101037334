/* SPDX-License-Identifier: MIT */
/* Many timeouts on one timer. A queue holds those of one duration, so that they stand in the order
 * in which they expire; starting, moving and stopping one costs a few instructions. */
#ifndef CORE_DEADLINE_H
#define CORE_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "list.h"

struct deadline;

/* The timer behind some queues. */
struct deadline_clock {
    uv_timer_t timer; /* does not keep the loop alive */
    struct list queues;
    uint64_t due_ms; /* when the timer fires, in the loop's time */
    bool armed;
};

/* The deadlines of one duration. */
struct deadline_queue {
    struct list node; /* in its clock */
    struct list waiting;
    struct deadline_clock *clock;
    uint64_t duration_ms;
    void (*on_expired)(struct deadline *deadline);
};

/* Embedded by who waits; not started when queue is NULL. */
struct deadline {
    struct list node;
    struct deadline_queue *queue;
    uint64_t at_ms;
};

/* How late a deadline may be noticed. */
#define DEADLINE_GRAIN_MS 20

/* Thread: [loop]. Errors: as uv_timer_init(). */
int deadline_clock_init(struct deadline_clock *clock, uv_loop_t *loop);
/* Closes the timer. Owns: the clock's memory until on_closed. */
void deadline_clock_close(struct deadline_clock *clock, uv_close_cb on_closed);

/* An empty queue; with a duration of 0 nothing in it ever expires. Calls back: on_expired once for
 * each deadline that expires; it is stopped then. */
void deadline_queue_init(struct deadline_queue *queue, struct deadline_clock *clock,
                         uint64_t duration_ms, void (*on_expired)(struct deadline *deadline));
/* Leaves the clock. The queue must be empty. */
void deadline_queue_finish(struct deadline_queue *queue);

void deadline_init(struct deadline *deadline);
/* Starts it, or starts it anew, in this queue or another. */
void deadline_start(struct deadline *deadline, struct deadline_queue *queue);
/* Stops it; not started: nothing happens. */
void deadline_stop(struct deadline *deadline);

#endif
