/* SPDX-License-Identifier: MIT */
/* The inside of the queue of asynchronous events. In the store are two rows of each:
 *   q m account NUL region NUL name NUL id   what is known of it (event_record.h)
 *   q p ...                                  its payload
 * In memory is one small record, which waits in its function's lane or for its time. Everything is
 * [loop]. */
#ifndef LAMBDA_EVENTS_IMPL_H
#define LAMBDA_EVENTS_IMPL_H

#include "destinations.h"
#include "event_record.h"
#include "events.h"

#define EVENTS_MAX 100000      /* that wait, of all functions */
#define EVENTS_RUNNING_MAX 128 /* at once; each has its payload in memory */
#define EVENTS_BUCKETS 256
/* From a throttled event to the next try, doubled each time. Source: the developer guide,
 * "Error handling for asynchronous invocation": 1 second to 5 minutes. */
#define EVENTS_BACKOFF_FIRST_MS 1000
#define EVENTS_BACKOFF_MAX_MS 300000
#define EVENTS_RETRIES_DEFAULT 2
#define EVENTS_AGE_DEFAULT_S 21600
/* Source: the developer guide: one and two minutes, as the settings' defaults are. */
#define EVENTS_RETRY_FIRST_KEY "async-retry-first-ms"
#define EVENTS_RETRY_SECOND_KEY "async-retry-second-ms"

#define EVENT_ID_MAX 56 /* 13 digits of milliseconds, '-', a UUID, NUL */

struct event {
    struct event *next; /* in its lane */
    struct lane *lane;
    size_t place;   /* in the heap, while it waits for its time */
    int64_t due_ms; /* wall clock */
    char id[EVENT_ID_MAX];
};

/* The events of a function, in order. Lives as long as it has any. */
struct lane {
    struct lane *next; /* in its bucket */
    struct lane *next_ready, *previous_ready;
    bool is_ready; /* in events->ready */
    bool gone;     /* the function was deleted: what runs is the last */
    struct events *events;
    struct tenant tenant;
    struct event *first, *last;
    size_t running, delayed;
    size_t limit; /* at once; throttling makes it smaller, success larger */
    unsigned throttles;
    struct virga_timer_handle *backoff;
    char name[];
};

struct events {
    struct lambda *lambda;
    struct destinations *destinations;
    struct lane *lanes[EVENTS_BUCKETS];
    struct lane *ready, *last_ready;
    struct event **heap; /* by due_ms */
    size_t heap_count, heap_size;
    size_t count, running;
    bool stopping, in_run;
    struct virga_timer_handle *heap_timer, *turn_timer;
    struct running *runs; /* events that run or are being reported */
};

/* --- events_queue.c --- */

/* NULL: there is none, or (make) no memory. */
struct lane *lane_get(struct events *events, const struct tenant *tenant, const char *name,
                      bool make);
/* Frees it when nothing of it is left. */
void lane_release(struct lane *lane);
/* Puts an event at the end of its lane, or (first) at the beginning. */
void lane_add(struct lane *lane, struct event *event, bool first);
/* The next that may run; NULL: none. */
struct event *lane_take(struct lane *lane);
/* Lets the lane wait after a throttled event, which was put back. */
void lane_slow_down(struct lane *lane);
/* An event was run: there is room for more. */
void lane_speed_up(struct lane *lane);
/* The lane whose turn it is; NULL: none has anything that may run. */
struct lane *events_next_lane(struct events *events);
/* Lets an event wait until its due_ms. Errors: -ENOMEM. */
int events_delay(struct events *events, struct event *event);
/* Has events_run() called in a later turn. */
void events_wake(struct events *events);
/* Frees all that waits of a lane. */
void lane_clear(struct lane *lane);
void events_free_queue(struct events *events);

/* --- events_run.c --- */

/* Begins what may run now. */
void events_run(struct events *events);
void events_free_runs(struct events *events);

/* --- events.c --- */

/* Writes an event's row with its new state. Errors: those of the store. */
int events_rewrite(struct events *events, const struct event *event, const struct event_kept *kept);
/* Reads both rows. Owns: the caller, `ret_payload` (to be freed) and what is in `ret_kept`. */
int events_read(struct events *events, const struct event *event, struct event_kept *ret_kept,
                char **ret_payload, size_t *ret_len);
/* The event is over: takes it out of the store and frees it. */
void events_remove(struct events *events, struct event *event);

#endif
