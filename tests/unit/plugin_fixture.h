/* SPDX-License-Identifier: MIT */
/* A host with a loop and one plugin that is linked in, for tests of what plugins get from the host.
 */
#ifndef TESTS_PLUGIN_FIXTURE_H
#define TESTS_PLUGIN_FIXTURE_H

#include <signal.h>
#include <stdlib.h>

#include "defer.h"
#include "host.h"
#include "resource.h"

struct fixture {
    uv_loop_t loop;
    struct host host;
    struct virga_plugin desc;
    struct plugin plugin;
};

static inline void fixture_init(struct fixture *fixture) {
    memset(fixture, 0, sizeof *fixture);
    (void)signal(SIGPIPE, SIG_IGN);
    if (uv_loop_init(&fixture->loop) != 0) {
        abort();
    }
    fixture->host.loop = &fixture->loop;
    list_init(&fixture->host.connections);
    if (defer_setup(&fixture->host) != 0) {
        abort();
    }
    fixture->desc.name = "test";
    fixture->plugin.host = &fixture->host;
    fixture->plugin.desc = &fixture->desc;
    fixture->plugin.state = PLUGIN_RUNNING;
    list_init(&fixture->plugin.resources);
}

/* As when the plugin is destroyed: takes back what it holds. */
static inline void fixture_reclaim(struct fixture *fixture) {
    while (!list_empty(&fixture->plugin.resources)) {
        struct resource *left = LIST_ENTRY(fixture->plugin.resources.next, struct resource, node);
        left->reclaim(left);
    }
}

/* Ends the loop. Whether nothing was left open. */
static inline bool fixture_finish(struct fixture *fixture) {
    fixture_reclaim(fixture);
    defer_teardown(&fixture->host);
    for (int turn = 0; turn < 100 && uv_run(&fixture->loop, UV_RUN_NOWAIT) != 0; turn++) {
    }
    return uv_loop_close(&fixture->loop) == 0;
}

static inline void fixture_on_tick(uv_timer_t *timer) {
    (void)timer;
}

/* Turns the loop until the flag is set. False: not within the time. */
static inline bool fixture_run_until(struct fixture *fixture, const bool *flag,
                                     uint64_t timeout_ms) {
    uv_timer_t timer;
    uv_update_time(&fixture->loop);
    uint64_t end_ms = uv_now(&fixture->loop) + timeout_ms;
    (void)uv_timer_init(&fixture->loop, &timer);
    /* A turn runs its timers before it waits: what they have set is seen after a tick. */
    (void)uv_timer_start(&timer, fixture_on_tick, 2, 2);
    while (!*flag && uv_now(&fixture->loop) < end_ms) {
        (void)uv_run(&fixture->loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    (void)uv_run(&fixture->loop, UV_RUN_NOWAIT);
    return *flag;
}

/* Turns the loop for a while. */
static inline void fixture_run_for(struct fixture *fixture, uint64_t time_ms) {
    bool never = false;
    (void)fixture_run_until(fixture, &never, time_ms);
}

#endif
