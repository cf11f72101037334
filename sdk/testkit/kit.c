/* SPDX-License-Identifier: MIT */
/* The kit's ground: problems, allocation failures, the queue, the guard around calls into the
 * plugin. */
#include "kit.h"

#include <stdlib.h>
#include <time.h>

/* Calls into the plugin in one run: beyond this they feed each other for ever. */
#define RUN_CALLS_MAX 1000000

/* --- words --- */

void kit_problem(struct testkit *kit, const char *format, ...) {
    char line[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    kit->problems = kit_must_grow(kit->problems, kit->problems_count, sizeof *kit->problems);
    kit->problems[kit->problems_count++] = kit_must_strdup(line);
}

size_t testkit_problems_count(const struct testkit *kit) {
    return kit->problems_count;
}

const char *testkit_problem(const struct testkit *kit, size_t n) {
    return n < kit->problems_count ? kit->problems[n] : NULL;
}

int kit_fail(struct testkit *kit, int result, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(kit->error, sizeof kit->error, format, args);
    va_end(args);
    return result;
}

const char *testkit_error(const struct testkit *kit) {
    return kit->error;
}

/* --- allocation failures --- */

bool kit_alloc_fails(struct testkit *kit) {
    kit->allocs++;
    if (kit->fail_at == 0 || --kit->fail_at > 0) {
        return false;
    }
    kit->alloc_failed = true;
    return true;
}

void testkit_fail_alloc(struct testkit *kit, unsigned n) {
    kit->fail_at = n;
    kit->alloc_failed = false;
}

int testkit_alloc_failed(const struct testkit *kit) {
    return kit->alloc_failed;
}

unsigned testkit_allocs(const struct testkit *kit) {
    return kit->allocs;
}

/* --- tasks and handles --- */

void kit_task_arm(struct testkit *kit, struct task *task, void (*run)(struct task *task)) {
    if (link_alone(&task->link)) {
        task->run = run;
        link_append(&kit->tasks, &task->link);
    }
}

void kit_task_disarm(struct task *task) {
    link_remove(&task->link);
}

void kit_handle_add(struct testkit *kit, struct handle *handle, const char *kind,
                    void (*drop)(struct handle *handle)) {
    handle->kit = kit;
    handle->kind = kind;
    handle->drop = drop;
    link_append(&kit->handles, &handle->link);
}

void kit_handle_remove(struct handle *handle) {
    link_remove(&handle->link);
}

void kit_handles_drop_all(struct testkit *kit) {
    while (!link_alone(&kit->handles)) {
        struct handle *handle = LINK_ENTRY(kit->handles.next, struct handle, link);
        if (!handle->reported) {
            kit_problem(kit, "left behind at stop: a %s", handle->kind);
        }
        handle->drop(handle);
    }
}

/* --- the guard --- */

static uint64_t real_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void kit_enter(struct kit_call *call, struct testkit *kit, const char *what) {
    *call = (struct kit_call){.kit = kit, .outer = kit->calls, .what = what};
    kit->calls = call;
    kit->calls_count++;
    if (kit->on_call != NULL) {
        kit->on_call(kit->on_call_arg, what, 1);
    }
    call->began_ns = real_ns();
}

void kit_leave(struct kit_call *call) {
    struct testkit *kit = call->kit;
    uint64_t took_ns = real_ns() - call->began_ns;
    if (took_ns >= kit->slowest_ns) {
        kit->slowest_ns = took_ns;
        kit->slowest = call->what;
    }
    if (kit->on_call != NULL) {
        kit->on_call(kit->on_call_arg, call->what, 0);
    }
    kit->calls = call->outer;
    if (kit->calls != NULL) {
        return;
    }
    if (kit->store.open) {
        kit_problem(kit, "%s returned with an open store transaction: it is rolled back",
                    call->what);
        kit_store_rollback(kit);
    }
    kit_store_check_cursors(kit, call->what);
}

uint64_t testkit_slowest_ms(const struct testkit *kit, const char **ret_what) {
    if (ret_what != NULL) {
        *ret_what = kit->slowest != NULL ? kit->slowest : "";
    }
    return kit->slowest_ns / 1000000;
}

void testkit_on_call(struct testkit *kit, void (*on_call)(void *arg, const char *what, int entered),
                     void *arg) {
    kit->on_call = on_call;
    kit->on_call_arg = arg;
}

/* --- running --- */

size_t testkit_run(struct testkit *kit) {
    size_t before = kit->calls_count;
    for (;;) {
        if (!link_alone(&kit->tasks)) {
            struct task *task = LINK_ENTRY(kit->tasks.next, struct task, link);
            kit_task_disarm(task);
            task->run(task);
        } else if (!kit->hold_work && testkit_work_step(kit) == 0) {
            continue;
        } else if (kit_timers_fire(kit) == 0) {
            break;
        }
        if (kit->calls_count - before > RUN_CALLS_MAX) {
            kit_problem(kit, "callbacks make callbacks without end: stopped after %d",
                        RUN_CALLS_MAX);
            break;
        }
    }
    return kit->calls_count - before;
}

size_t testkit_advance(struct testkit *kit, uint64_t ms) {
    size_t before = kit->calls_count;
    uint64_t end = kit->uptime_ms + ms;
    (void)testkit_run(kit);
    for (uint64_t next = kit_timers_next(kit); next <= end; next = kit_timers_next(kit)) {
        if (next > kit->uptime_ms) {
            kit->uptime_ms = next;
        }
        (void)testkit_run(kit);
        if (kit->calls_count - before > RUN_CALLS_MAX) {
            break;
        }
    }
    kit->uptime_ms = end;
    return kit->calls_count - before;
}

void testkit_set_time(struct testkit *kit, int64_t now_ms) {
    kit->wall_offset_ms = now_ms - (int64_t)kit->uptime_ms;
}
