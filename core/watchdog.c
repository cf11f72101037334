/* SPDX-License-Identifier: MIT */
/* The watchdog. The loop moves when it waits for events (libuv counts that time) or begins a turn;
 * it stands still when neither has changed since the last look. Only time that this thread has seen
 * pass counts, so that a process that was stopped as a whole (a debugger, SIGSTOP) is not blamed.
 */
#include "watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "crumb.h"
#include "log.h"
#include "supervision.h"

#define LOOK_MS 200
/* What an aborted loop gets to write its backtrace. */
#define ABORT_TIMEOUT_S 6

struct watchdog {
    uv_loop_t *loop;
    uv_prepare_t turn;
    pthread_t loop_thread;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ending_cond;
    bool ending; /* under the mutex */
    _Atomic uint64_t turns;
    _Atomic uint64_t limit_ms;
    _Atomic bool looping;
    /* The thread's own */
    uint64_t still_ms;
    uint64_t idle_ns;
    uint64_t turns_seen;
    uint64_t named_ns; /* since_ns of the call that was logged */
};

static void on_turn(uv_prepare_t *prepare) {
    struct watchdog *watchdog = prepare->data;
    atomic_fetch_add_explicit(&watchdog->turns, 1, memory_order_relaxed);
}

static void name_slow_call(struct watchdog *watchdog, const struct crumb *crumb) {
    char text[CRUMB_TEXT_MAX];
    uint64_t took_ms = (uv_hrtime() - crumb->since_ns) / 1000000;
    if (took_ms < WATCHDOG_SLOW_MS || crumb->since_ns == watchdog->named_ns) {
        return;
    }
    watchdog->named_ns = crumb->since_ns;
    log_write(VIRGA_LOG_WARN, "watchdog", crumb->request_id,
              "%s and has held the loop for %llu ms by now", crumb_describe(crumb, text),
              (unsigned long long)took_ms);
}

/* The signal goes to the loop's thread, so that the backtrace shows where it stands. */
static void abort_worker(struct watchdog *watchdog, const struct crumb *crumb_or_null) {
    char text[CRUMB_TEXT_MAX];
    log_write(VIRGA_LOG_ERROR, "watchdog", NULL,
              "the loop has stood still for %llu s while %s: the worker is aborted",
              (unsigned long long)(watchdog->still_ms / 1000),
              crumb_or_null != NULL ? crumb_describe(crumb_or_null, text)
                                    : "the host ran code of its own");
    atomic_store(&supervision()->stalled_ms, (uint32_t)watchdog->still_ms);
    (void)pthread_kill(watchdog->loop_thread, SIGABRT);
    (void)sleep(ABORT_TIMEOUT_S);
    (void)kill(getpid(), SIGKILL);
}

static bool has_moved(struct watchdog *watchdog) {
    uint64_t idle_ns = uv_metrics_idle_time(watchdog->loop);
    uint64_t turns = atomic_load_explicit(&watchdog->turns, memory_order_relaxed);
    bool moved = idle_ns != watchdog->idle_ns || turns != watchdog->turns_seen;
    watchdog->idle_ns = idle_ns;
    watchdog->turns_seen = turns;
    return moved;
}

static void look(struct watchdog *watchdog, uint64_t passed_ms) {
    struct crumb crumb;
    bool in_plugin = crumb_read(&supervision()->loop, &crumb);
    uint64_t limit_ms = atomic_load(&watchdog->limit_ms);
    bool counts = in_plugin || atomic_load(&watchdog->looping);
    if (has_moved(watchdog) || !counts) {
        watchdog->still_ms = 0;
        return;
    }
    watchdog->still_ms += passed_ms;
    if (in_plugin) {
        name_slow_call(watchdog, &crumb);
    }
    if (limit_ms != 0 && watchdog->still_ms >= limit_ms) {
        abort_worker(watchdog, in_plugin ? &crumb : NULL);
    }
}

static void *run(void *arg) {
    struct watchdog *watchdog = arg;
    uint64_t looked_ns = uv_hrtime();
    (void)pthread_mutex_lock(&watchdog->mutex);
    while (!watchdog->ending) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        int result = pthread_cond_timedwait(&watchdog->ending_cond, &watchdog->mutex, &until);
        if (result == ETIMEDOUT && !watchdog->ending) {
            uint64_t now_ns = uv_hrtime();
            uint64_t passed_ms = (now_ns - looked_ns) / 1000000;
            looked_ns = now_ns;
            look(watchdog, passed_ms < 2 * LOOK_MS ? passed_ms : 2 * LOOK_MS);
        }
    }
    (void)pthread_mutex_unlock(&watchdog->mutex);
    return NULL;
}

static int create_thread(struct watchdog *watchdog) {
    pthread_condattr_t attributes;
    sigset_t all;
    sigset_t before;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&watchdog->mutex, NULL);
    (void)pthread_cond_init(&watchdog->ending_cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&watchdog->thread, NULL, run, watchdog);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -result;
}

int watchdog_start(uv_loop_t *loop, struct watchdog **ret_watchdog) {
    struct watchdog *watchdog = calloc(1, sizeof *watchdog);
    if (watchdog == NULL) {
        return -ENOMEM;
    }
    watchdog->loop = loop;
    watchdog->loop_thread = pthread_self();
    watchdog->turn.data = watchdog;
    (void)uv_loop_configure(loop, UV_METRICS_IDLE_TIME);
    (void)uv_prepare_init(loop, &watchdog->turn);
    (void)uv_prepare_start(&watchdog->turn, on_turn);
    uv_unref((uv_handle_t *)&watchdog->turn);
    int result = create_thread(watchdog);
    if (result != 0) {
        free(watchdog);
        return result;
    }
    *ret_watchdog = watchdog;
    return 0;
}

void watchdog_set_limit(struct watchdog *watchdog, uint64_t limit_ms) {
    atomic_store(&watchdog->limit_ms, limit_ms);
}

void watchdog_set_looping(struct watchdog *watchdog, bool looping) {
    atomic_store(&watchdog->looping, looping);
}

static void on_closed(uv_handle_t *turn) {
    free(turn->data);
}

void watchdog_stop(struct watchdog *watchdog) {
    if (watchdog == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&watchdog->mutex);
    watchdog->ending = true;
    (void)pthread_cond_signal(&watchdog->ending_cond);
    (void)pthread_mutex_unlock(&watchdog->mutex);
    (void)pthread_join(watchdog->thread, NULL);
    (void)pthread_cond_destroy(&watchdog->ending_cond);
    (void)pthread_mutex_destroy(&watchdog->mutex);
    uv_close((uv_handle_t *)&watchdog->turn, on_closed);
}
