/* SPDX-License-Identifier: MIT */
/* A virga.timer/1 whose timers fire when the test says so. */
#ifndef TESTS_ECR_TIMER_FIXTURE_H
#define TESTS_ECR_TIMER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ecr.h"

struct virga_timer_handle {
    struct virga_timer_handle *next;
    void (*on_timer)(void *arg);
    void *arg;
    bool fired;
};

static struct virga_timer_handle *timers;

static int timer_fixture_start(const struct virga_host *host, uint64_t delay_ms, uint64_t repeat_ms,
                               void (*on_timer)(void *arg), void *arg,
                               struct virga_timer_handle **ret_timer) {
    (void)host;
    (void)delay_ms;
    (void)repeat_ms;
    struct virga_timer_handle *timer = calloc(1, sizeof *timer);
    assert_non_null(timer);
    *timer = (struct virga_timer_handle){timers, on_timer, arg, false};
    timers = timer;
    *ret_timer = timer;
    return 0;
}

static void timer_fixture_stop(struct virga_timer_handle *timer) {
    for (struct virga_timer_handle **at = &timers; timer != NULL && *at != NULL;
         at = &(*at)->next) {
        if (*at == timer) {
            *at = timer->next;
            free(timer);
            return;
        }
    }
}

/* Fires every timer, those too that are started meanwhile. */
static inline void run_timers(void) {
    for (;;) {
        struct virga_timer_handle *timer = timers;
        while (timer != NULL && timer->fired) {
            timer = timer->next;
        }
        if (timer == NULL) {
            return;
        }
        timer->fired = true;
        timer->on_timer(timer->arg);
    }
}

static const struct virga_timer timer_fixture = {
    .struct_size = sizeof timer_fixture,
    .start = timer_fixture_start,
    .stop = timer_fixture_stop,
};

#endif
