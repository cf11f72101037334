/* SPDX-License-Identifier: MIT */
/* Timers for plugins. */
#include "ext_timer.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "host.h"
#include "plugin.h"
#include "resource.h"

struct virga_timer_handle {
    uv_timer_t uv;
    struct resource resource;
    void (*on_timer)(void *arg);
    void *arg;
};

static void on_closed(uv_handle_t *uv) {
    free(uv->data);
}

static void on_fire(uv_timer_t *uv) {
    struct virga_timer_handle *timer = uv->data;
    struct plugin_call call;
    plugin_enter(&call, timer->resource.owner, "on_timer", NULL);
    timer->on_timer(timer->arg);
    plugin_leave(&call);
}

static void stop(struct virga_timer_handle *timer) {
    if (timer == NULL) {
        return;
    }
    resource_remove(&timer->resource);
    uv_close((uv_handle_t *)&timer->uv, on_closed);
}

static void reclaim(struct resource *resource) {
    stop(LIST_ENTRY(resource, struct virga_timer_handle, resource));
}

static int start(const struct virga_host *host, uint64_t delay_ms, uint64_t repeat_ms,
                 void (*on_timer)(void *arg), void *arg, struct virga_timer_handle **ret_timer) {
    struct plugin *plugin = plugin_from(host);
    struct virga_timer_handle *timer = calloc(1, sizeof *timer);
    int rc;
    if (timer == NULL) {
        return -ENOMEM;
    }
    rc = uv_timer_init(plugin->host->loop, &timer->uv);
    if (rc < 0) {
        free(timer);
        return rc;
    }
    timer->uv.data = timer;
    timer->on_timer = on_timer;
    timer->arg = arg;
    resource_add(&timer->resource, plugin, "timer", reclaim);
    /* The loop's clock stands still during a callback: the delay counts from now. */
    uv_update_time(plugin->host->loop);
    rc = uv_timer_start(&timer->uv, on_fire, delay_ms, repeat_ms);
    if (rc < 0) {
        stop(timer);
        return rc;
    }
    *ret_timer = timer;
    return 0;
}

static int64_t now_ms(const struct virga_host *host) {
    struct timespec now;
    (void)host;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t monotonic_ns(const struct virga_host *host) {
    (void)host;
    return uv_hrtime();
}

const struct virga_timer ext_timer = {
    .struct_size = sizeof ext_timer,
    .start = start,
    .stop = stop,
    .now_ms = now_ms,
    .monotonic_ns = monotonic_ns,
};
