/* SPDX-License-Identifier: MIT */
/* Who is next: lanes by turns, and a heap of those whose time has not come. */
#include "events_impl.h"

#include <errno.h>
#include <stdlib.h>

/* --- lanes --- */

static struct lane **bucket_of(struct events *events, const char *name) {
    uint32_t hash = 2166136261u;
    for (const char *at = name; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    }
    return &events->lanes[hash % EVENTS_BUCKETS];
}

static struct lane **place_of(struct events *events, const struct tenant *tenant,
                              const char *name) {
    struct lane **place = bucket_of(events, name);
    while (*place != NULL && ((*place)->gone || strcmp((*place)->name, name) != 0 ||
                              strcmp((*place)->tenant.account, tenant->account) != 0 ||
                              strcmp((*place)->tenant.region, tenant->region) != 0)) {
        place = &(*place)->next;
    }
    return place;
}

struct lane *lane_get(struct events *events, const struct tenant *tenant, const char *name,
                      bool make) {
    struct lane **place = place_of(events, tenant, name);
    size_t len = strlen(name) + 1;
    if (*place == NULL && make && (*place = calloc(1, sizeof **place + len)) != NULL) {
        (*place)->events = events;
        (*place)->tenant = *tenant;
        (*place)->limit = EVENTS_RUNNING_MAX;
        memcpy((*place)->name, name, len);
    }
    return *place;
}

static void leave_ready(struct lane *lane) {
    struct events *events = lane->events;
    if (!lane->is_ready) {
        return;
    }
    if (lane->previous_ready != NULL) {
        lane->previous_ready->next_ready = lane->next_ready;
    } else {
        events->ready = lane->next_ready;
    }
    if (lane->next_ready != NULL) {
        lane->next_ready->previous_ready = lane->previous_ready;
    } else {
        events->last_ready = lane->previous_ready;
    }
    lane->is_ready = false;
}

static void join_ready(struct lane *lane) {
    struct events *events = lane->events;
    if (lane->is_ready || lane->first == NULL || lane->running >= lane->limit ||
        lane->backoff != NULL) {
        return;
    }
    lane->next_ready = NULL;
    lane->previous_ready = events->last_ready;
    if (events->last_ready != NULL) {
        events->last_ready->next_ready = lane;
    } else {
        events->ready = lane;
    }
    events->last_ready = lane;
    lane->is_ready = true;
}

static void free_lane(struct lane *lane) {
    struct lane **place = bucket_of(lane->events, lane->name);
    while (*place != lane) {
        place = &(*place)->next;
    }
    *place = lane->next;
    leave_ready(lane);
    lane->events->lambda->timer->stop(lane->backoff);
    free(lane);
}

void lane_release(struct lane *lane) {
    if (lane->first == NULL && lane->running == 0 && lane->delayed == 0) {
        free_lane(lane);
    }
}

void lane_add(struct lane *lane, struct event *event, bool first) {
    event->next = first ? lane->first : NULL;
    lane->limit = lane->limit > 0 ? lane->limit : 1;
    if (lane->first == NULL) {
        lane->first = lane->last = event;
    } else if (first) {
        lane->first = event;
    } else {
        lane->last->next = event;
        lane->last = event;
    }
    join_ready(lane);
}

struct event *lane_take(struct lane *lane) {
    struct event *event = lane->first;
    lane->first = event->next;
    if (lane->first == NULL) {
        lane->last = NULL;
    }
    event->next = NULL;
    lane->running++;
    return event;
}

struct lane *events_next_lane(struct events *events) {
    struct lane *lane = events->ready;
    while (lane != NULL &&
           (lane->first == NULL || lane->running >= lane->limit || lane->backoff != NULL)) {
        leave_ready(lane);
        lane = events->ready;
    }
    if (lane != NULL) {
        leave_ready(lane); /* to the end of the line, if it has more */
        if (lane->first->next != NULL && lane->running + 1 < lane->limit) {
            join_ready(lane);
        }
    }
    return lane;
}

static void on_backoff_over(void *arg) {
    struct lane *lane = arg;
    lane->events->lambda->timer->stop(lane->backoff);
    lane->backoff = NULL;
    join_ready(lane);
    events_run(lane->events);
}

void lane_slow_down(struct lane *lane) {
    struct lambda *lambda = lane->events->lambda;
    uint64_t delay_ms = EVENTS_BACKOFF_FIRST_MS;
    lane->limit = lane->running > 0 ? lane->running : 1;
    if (lane->running > 0 || lane->backoff != NULL || lane->events->stopping) {
        return; /* goes on when one of those that run is done */
    }
    for (unsigned i = 0; i < lane->throttles && delay_ms < EVENTS_BACKOFF_MAX_MS; i++) {
        delay_ms *= 2;
    }
    lane->throttles++;
    if (lambda->timer->start(lambda->host,
                             delay_ms < EVENTS_BACKOFF_MAX_MS ? delay_ms : EVENTS_BACKOFF_MAX_MS, 0,
                             on_backoff_over, lane, &lane->backoff) != 0) {
        lane->limit = 0; /* no memory for a timer: goes on with the next event that comes */
    }
    leave_ready(lane);
}

void lane_speed_up(struct lane *lane) {
    lane->throttles = 0;
    if (lane->limit < EVENTS_RUNNING_MAX) {
        lane->limit++;
    }
    join_ready(lane);
}

/* --- those that wait for their time --- */

static void heap_set(struct events *events, size_t place, struct event *event) {
    events->heap[place] = event;
    event->place = place;
}

static void heap_up(struct events *events, size_t place) {
    struct event *event = events->heap[place];
    while (place > 0 && events->heap[(place - 1) / 2]->due_ms > event->due_ms) {
        heap_set(events, place, events->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    heap_set(events, place, event);
}

static void heap_down(struct events *events, size_t place) {
    struct event *event = events->heap[place];
    for (;;) {
        size_t child = place * 2 + 1;
        if (child >= events->heap_count) {
            break;
        }
        if (child + 1 < events->heap_count &&
            events->heap[child + 1]->due_ms < events->heap[child]->due_ms) {
            child++;
        }
        if (events->heap[child]->due_ms >= event->due_ms) {
            break;
        }
        heap_set(events, place, events->heap[child]);
        place = child;
    }
    heap_set(events, place, event);
}

static void heap_remove(struct events *events, struct event *event) {
    size_t place = event->place;
    struct event *last = events->heap[--events->heap_count];
    event->lane->delayed--;
    if (last != event) {
        heap_set(events, place, last);
        heap_up(events, place);
        heap_down(events, last->place);
    }
}

static void arm_heap(struct events *events);

static void on_due(void *arg) {
    struct events *events = arg;
    struct lambda *lambda = events->lambda;
    int64_t now_ms = lambda->timer->now_ms(lambda->host);
    lambda->timer->stop(events->heap_timer);
    events->heap_timer = NULL;
    while (events->heap_count > 0 && events->heap[0]->due_ms <= now_ms) {
        struct event *event = events->heap[0];
        heap_remove(events, event);
        lane_add(event->lane, event, false);
    }
    arm_heap(events);
    events_run(events);
}

/* The timer for the first of the heap; it may be earlier than needed. */
static void arm_heap(struct events *events) {
    struct lambda *lambda = events->lambda;
    if (events->heap_count == 0 || events->stopping || events->heap_timer != NULL) {
        return;
    }
    int64_t delay_ms = events->heap[0]->due_ms - lambda->timer->now_ms(lambda->host);
    (void)lambda->timer->start(lambda->host, delay_ms > 0 ? (uint64_t)delay_ms : 0, 0, on_due,
                               events, &events->heap_timer);
}

int events_delay(struct events *events, struct event *event) {
    if (events->heap_count == events->heap_size) {
        size_t size = events->heap_size * 2 + 64;
        struct event **heap = realloc(events->heap, size * sizeof *heap);
        if (heap == NULL) {
            return -ENOMEM;
        }
        events->heap = heap;
        events->heap_size = size;
    }
    heap_set(events, events->heap_count++, event);
    heap_up(events, event->place);
    event->lane->delayed++;
    if (events->heap[0] == event) {
        events->lambda->timer->stop(events->heap_timer);
        events->heap_timer = NULL;
    }
    arm_heap(events);
    return 0;
}

/* --- turns, ends --- */

static void on_turn(void *arg) {
    struct events *events = arg;
    events->lambda->timer->stop(events->turn_timer);
    events->turn_timer = NULL;
    events_run(events);
}

void events_wake(struct events *events) {
    if (events->turn_timer == NULL && !events->stopping) {
        (void)events->lambda->timer->start(events->lambda->host, 0, 0, on_turn, events,
                                           &events->turn_timer);
    }
}

void lane_clear(struct lane *lane) {
    struct events *events = lane->events;
    while (lane->first != NULL) {
        struct event *next = lane->first->next;
        free(lane->first);
        events->count--;
        lane->first = next;
    }
    lane->last = NULL;
    leave_ready(lane);
    size_t kept = 0;
    for (size_t i = 0; lane->delayed > 0 && i < events->heap_count; i++) {
        struct event *event = events->heap[i];
        if (event->lane == lane) {
            free(event);
            events->count--;
        } else {
            heap_set(events, kept++, event);
        }
    }
    if (lane->delayed > 0) {
        lane->delayed = 0;
        events->heap_count = kept;
        for (size_t i = kept / 2; i-- > 0;) {
            heap_down(events, i);
        }
    }
}

void events_free_queue(struct events *events) {
    while (events->heap_count > 0) {
        struct event *event = events->heap[0];
        heap_remove(events, event);
        free(event);
    }
    free(events->heap);
    for (size_t i = 0; i < EVENTS_BUCKETS; i++) {
        while (events->lanes[i] != NULL) {
            struct lane *lane = events->lanes[i];
            lane_clear(lane);
            free_lane(lane);
        }
    }
}
