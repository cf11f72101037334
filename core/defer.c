/* SPDX-License-Identifier: MIT */
/* Deferred calls, run by an idle handle that is active only while one is armed. */
#include "defer.h"

#include "host.h"

static void on_idle(uv_idle_t *idle) {
    struct host *host = idle->data;
    /* Only what was armed before this turn: what a call arms comes in the next one, so that sockets
     * get their share. */
    struct list turn;
    list_init(&turn);
    if (!list_empty(&host->deferred)) {
        turn = host->deferred;
        turn.next->prev = &turn;
        turn.prev->next = &turn;
        list_init(&host->deferred);
    }
    while (!list_empty(&turn)) {
        struct defer *defer = LIST_ENTRY(turn.next, struct defer, node);
        list_remove(&defer->node);
        defer->run(defer);
    }
    if (list_empty(&host->deferred)) {
        (void)uv_idle_stop(idle);
    }
}

int defer_setup(struct host *host) {
    list_init(&host->deferred);
    host->deferred_idle.data = host;
    return uv_idle_init(host->loop, &host->deferred_idle);
}

void defer_teardown(struct host *host) {
    while (!list_empty(&host->deferred)) {
        list_remove(host->deferred.next);
    }
    if (!uv_is_closing((uv_handle_t *)&host->deferred_idle)) {
        uv_close((uv_handle_t *)&host->deferred_idle, NULL);
    }
}

void defer_init(struct defer *defer, void (*run)(struct defer *defer)) {
    list_init(&defer->node);
    defer->run = run;
}

void defer_arm(struct host *host, struct defer *defer) {
    if (!list_empty(&defer->node)) {
        return;
    }
    list_append(&host->deferred, &defer->node);
    if (!uv_is_closing((uv_handle_t *)&host->deferred_idle)) {
        (void)uv_idle_start(&host->deferred_idle, on_idle);
    }
}

void defer_cancel(struct defer *defer) {
    list_remove(&defer->node);
}
