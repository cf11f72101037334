/* SPDX-License-Identifier: MIT */
/* The end of a host: signals, the drain, the plugins' stop. */
#ifndef CORE_HOST_STOP_H
#define CORE_HOST_STOP_H

#include <stdint.h>
#include <uv.h>

struct host;

/* Order of a stop: the scripts of stop.d, to which the host is still all there; no new connections;
 * requests under way get their time; plugins stop, in reverse order of start, and get theirs; then
 * the loop ends. */
enum host_stop_phase { HOST_RUNS, HOST_RUNS_HOOKS, HOST_DRAINS, HOST_STOPS_PLUGINS };

/* Embedded by who runs the host. */
struct host_stop {
    struct host *host;
    uv_signal_t terminate;
    uv_signal_t interrupt;
    uv_timer_t timer;
    enum host_stop_phase phase;
    uint64_t began_ms;
    uint64_t deadline_ms;
};

/* Makes SIGTERM end the host's loop, and SIGINT where no supervisor takes care of that; a second
 * one ends a process without a supervisor at once. Errors: of libuv. Thread: [loop]. */
int host_stop_watch(struct host_stop *stop, struct host *host);

#endif
