/* SPDX-License-Identifier: MIT */
/* virga.timer/1: one-shot and repeating timers, and the clock. */
#ifndef VIRGA_EXT_TIMER_H
#define VIRGA_EXT_TIMER_H

#include "../host.h"
#include "../http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_TIMER_ID "virga.timer/1"

struct virga_timer_handle;

struct virga_timer {
    uint32_t struct_size;
    uint32_t reserved;

    /* Calls on_timer(arg) after delay_ms, then every repeat_ms (0: once). Calls back: never inside
     * this call, never after stop(). A one-shot timer's handle is still to be stopped.
     * Errors: -ENOMEM. Thread: [loop]. */
    int (*start)(const struct virga_host *host, uint64_t delay_ms, uint64_t repeat_ms,
                 void (*on_timer)(void *arg), void *arg, struct virga_timer_handle **ret_timer);

    /* Ends the timer and frees its handle; NULL is fine, also inside its own callback.
     * Thread: [loop]. */
    void (*stop)(struct virga_timer_handle *timer);

    /* Wall clock, milliseconds since 1970. Thread: [any]. */
    int64_t (*now_ms)(const struct virga_host *host);

    /* Monotonic clock, nanoseconds. Thread: [any]. */
    uint64_t (*monotonic_ns)(const struct virga_host *host);
};

#ifdef __cplusplus
}
#endif
#endif
