/* SPDX-License-Identifier: MIT */
/* Deadline queues. */
#include "deadline.h"

static void arm(struct deadline_clock *clock);

static void on_timer(uv_timer_t *timer) {
    struct deadline_clock *clock = timer->data;
    uint64_t now_ms = uv_now(timer->loop);
    clock->armed = false;
    LIST_EACH_SAFE (node, &clock->queues) {
        struct deadline_queue *queue = LIST_ENTRY(node, struct deadline_queue, node);
        while (!list_empty(&queue->waiting)) {
            struct deadline *first = LIST_ENTRY(queue->waiting.next, struct deadline, node);
            if (first->at_ms > now_ms) {
                break;
            }
            deadline_stop(first);
            queue->on_expired(first);
        }
    }
    arm(clock);
}

/* Sets the timer to the earliest deadline. */
static void arm(struct deadline_clock *clock) {
    uint64_t due_ms = UINT64_MAX;
    LIST_EACH (node, &clock->queues) {
        struct deadline_queue *queue = LIST_ENTRY(node, struct deadline_queue, node);
        if (!list_empty(&queue->waiting)) {
            struct deadline *first = LIST_ENTRY(queue->waiting.next, struct deadline, node);
            due_ms = first->at_ms < due_ms ? first->at_ms : due_ms;
        }
    }
    if (due_ms == UINT64_MAX || uv_is_closing((uv_handle_t *)&clock->timer)) {
        return;
    }
    uint64_t now_ms = uv_now(clock->timer.loop);
    uint64_t delay_ms = due_ms > now_ms ? due_ms - now_ms : 0;
    delay_ms += DEADLINE_GRAIN_MS / 2;
    (void)uv_timer_start(&clock->timer, on_timer, delay_ms, 0);
    clock->due_ms = now_ms + delay_ms;
    clock->armed = true;
}

int deadline_clock_init(struct deadline_clock *clock, uv_loop_t *loop) {
    list_init(&clock->queues);
    clock->armed = false;
    int result = uv_timer_init(loop, &clock->timer);
    if (result == 0) {
        clock->timer.data = clock;
        uv_unref((uv_handle_t *)&clock->timer);
    }
    return result;
}

void deadline_clock_close(struct deadline_clock *clock, uv_close_cb on_closed) {
    uv_close((uv_handle_t *)&clock->timer, on_closed);
}

void deadline_queue_init(struct deadline_queue *queue, struct deadline_clock *clock,
                         uint64_t duration_ms, void (*on_expired)(struct deadline *deadline)) {
    list_init(&queue->waiting);
    list_append(&clock->queues, &queue->node);
    queue->clock = clock;
    queue->duration_ms = duration_ms;
    queue->on_expired = on_expired;
}

void deadline_queue_finish(struct deadline_queue *queue) {
    list_remove(&queue->node);
}

void deadline_init(struct deadline *deadline) {
    list_init(&deadline->node);
    deadline->queue = NULL;
    deadline->at_ms = 0;
}

void deadline_start(struct deadline *deadline, struct deadline_queue *queue) {
    struct deadline_clock *clock = queue->clock;
    deadline_stop(deadline);
    if (queue->duration_ms == 0) {
        return;
    }
    deadline->queue = queue;
    deadline->at_ms = uv_now(clock->timer.loop) + queue->duration_ms;
    list_append(&queue->waiting, &deadline->node);
    if (!clock->armed || deadline->at_ms + DEADLINE_GRAIN_MS < clock->due_ms) {
        arm(clock);
    }
}

void deadline_stop(struct deadline *deadline) {
    list_remove(&deadline->node);
    deadline->queue = NULL;
}
