/* SPDX-License-Identifier: MIT */
/* virga.timer/1 on a clock that the test moves, and virga.work/1 without threads. */
#include <stdlib.h>

#include "kit.h"

struct virga_timer_handle {
    struct handle handle;
    struct link link;
    uint64_t due_ms; /* UINT64_MAX: it has fired and does not repeat */
    uint64_t repeat_ms;
    void (*on_timer)(void *arg);
    void *arg;
};

static void stop(struct virga_timer_handle *timer) {
    if (timer == NULL) {
        return;
    }
    kit_handle_remove(&timer->handle);
    link_remove(&timer->link);
    free(timer);
}

static void drop_timer(struct handle *handle) {
    stop(LINK_ENTRY(handle, struct virga_timer_handle, handle));
}

static int start(const struct virga_host *host, uint64_t delay_ms, uint64_t repeat_ms,
                 void (*on_timer)(void *arg), void *arg, struct virga_timer_handle **ret_timer) {
    struct testkit *kit = kit_from(host);
    if (kit_alloc_fails(kit)) {
        return -ENOMEM;
    }
    struct virga_timer_handle *timer = kit_must_alloc(sizeof *timer);
    timer->due_ms = kit->uptime_ms + delay_ms;
    timer->repeat_ms = repeat_ms;
    timer->on_timer = on_timer;
    timer->arg = arg;
    kit_handle_add(kit, &timer->handle, "timer", drop_timer);
    link_append(&kit->timers, &timer->link);
    *ret_timer = timer;
    return 0;
}

static struct virga_timer_handle *earliest(const struct testkit *kit) {
    struct virga_timer_handle *first = NULL;
    LINK_EACH(at, &kit->timers) {
        struct virga_timer_handle *timer = LINK_ENTRY(at, struct virga_timer_handle, link);
        if (timer->due_ms != UINT64_MAX && (first == NULL || timer->due_ms < first->due_ms)) {
            first = timer;
        }
    }
    return first;
}

uint64_t kit_timers_next(const struct testkit *kit) {
    const struct virga_timer_handle *timer = earliest(kit);
    return timer != NULL ? timer->due_ms : UINT64_MAX;
}

size_t kit_timers_fire(struct testkit *kit) {
    struct virga_timer_handle *timer = earliest(kit);
    struct kit_call call;
    if (timer == NULL || timer->due_ms > kit->uptime_ms) {
        return 0;
    }
    timer->due_ms = timer->repeat_ms > 0 ? kit->uptime_ms + timer->repeat_ms : UINT64_MAX;
    /* Behind the others, so that two of one period take turns. */
    link_remove(&timer->link);
    link_append(&kit->timers, &timer->link);
    kit_enter(&call, kit, "on_timer");
    timer->on_timer(timer->arg);
    kit_leave(&call);
    return 1;
}

static int64_t now_ms(const struct virga_host *host) {
    const struct testkit *kit = kit_from(host);
    return (int64_t)kit->uptime_ms + kit->wall_offset_ms;
}

static uint64_t monotonic_ns(const struct virga_host *host) {
    /* Never 0, which plugins like to use for "not yet". */
    return (kit_from(host)->uptime_ms + 1) * UINT64_C(1000000);
}

const struct virga_timer kit_timer = {
    .struct_size = sizeof kit_timer,
    .start = start,
    .stop = stop,
    .now_ms = now_ms,
    .monotonic_ns = monotonic_ns,
};

/* --- work --- */

struct virga_work_handle {
    struct handle handle;
    struct task task; /* on_done of what was cancelled */
    struct link link; /* waiting */
    void (*run)(void *arg);
    void (*on_done)(void *arg, int status);
    void *arg;
};

static void free_work(struct virga_work_handle *work) {
    kit_handle_remove(&work->handle);
    kit_task_disarm(&work->task);
    link_remove(&work->link);
    free(work);
}

static void drop_work(struct handle *handle) {
    free_work(LINK_ENTRY(handle, struct virga_work_handle, handle));
}

static void finish_work(struct virga_work_handle *work, int status) {
    struct kit_call call;
    kit_enter(&call, work->handle.kit, "work on_done");
    work->on_done(work->arg, status);
    kit_leave(&call);
    free_work(work);
}

static int submit(const struct virga_host *host, void (*run)(void *arg),
                  void (*on_done)(void *arg, int status), void *arg,
                  struct virga_work_handle **ret_work) {
    struct testkit *kit = kit_from(host);
    if (kit_alloc_fails(kit)) {
        return -ENOMEM;
    }
    struct virga_work_handle *work = kit_must_alloc(sizeof *work);
    work->run = run;
    work->on_done = on_done;
    work->arg = arg;
    task_init(&work->task);
    kit_handle_add(kit, &work->handle, "piece of work that is not done", drop_work);
    link_append(&kit->work, &work->link);
    if (ret_work != NULL) {
        *ret_work = work;
    }
    return 0;
}

static void on_cancelled(struct task *task) {
    finish_work(LINK_ENTRY(task, struct virga_work_handle, task), -ECANCELED);
}

static int cancel(struct virga_work_handle *work) {
    if (link_alone(&work->link)) {
        return -EBUSY;
    }
    link_remove(&work->link);
    kit_task_arm(work->handle.kit, &work->task, on_cancelled);
    return 0;
}

int testkit_work_step(struct testkit *kit) {
    if (link_alone(&kit->work)) {
        return -ENOENT;
    }
    struct virga_work_handle *work = LINK_ENTRY(kit->work.next, struct virga_work_handle, link);
    link_remove(&work->link);
    /* On a pool thread in the host: however long it takes, the loop is not held. */
    if (kit->on_call != NULL) {
        kit->on_call(kit->on_call_arg, "work run", 1);
    }
    work->run(work->arg);
    if (kit->on_call != NULL) {
        kit->on_call(kit->on_call_arg, "work run", 0);
    }
    finish_work(work, 0);
    return 0;
}

size_t testkit_work_waiting(const struct testkit *kit) {
    size_t count = 0;
    LINK_EACH(at, &kit->work) {
        count++;
    }
    return count;
}

void testkit_hold_work(struct testkit *kit, int hold) {
    kit->hold_work = hold != 0;
}

const struct virga_work kit_work = {
    .struct_size = sizeof kit_work,
    .submit = submit,
    .cancel = cancel,
};
