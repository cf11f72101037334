/* SPDX-License-Identifier: MIT */
/* Stopping a host. */
#include "host_stop.h"

#include <signal.h>
#include <unistd.h>

#include "config.h"
#include "conn.h"
#include "hooks.h"
#include "host.h"
#include "listener.h"
#include "log.h"
#include "plugins.h"
#include "supervision.h"

#define PLUGINS_STOP_TIMEOUT_MS 15000
#define STOP_POLL_MS 20
/* After this time the rest of a request's head is not waited for any more. */
#define DRAIN_HEAD_MS 1000

static void stop_plugins(struct host_stop *stop) {
    struct host *host = stop->host;
    stop->phase = HOST_STOPS_PLUGINS;
    stop->deadline_ms = uv_now(host->loop) + PLUGINS_STOP_TIMEOUT_MS;
    plugins_stop(host);
}

static void drain(struct host_stop *stop, bool restarts) {
    struct host *host = stop->host;
    uint64_t drain_ms = (uint64_t)config_int(host->config, "floci.limits.drain-timeout-ms");
    host->stopping = true;
    host->restarting = restarts;
    stop->phase = HOST_DRAINS;
    stop->began_ms = uv_now(host->loop);
    stop->deadline_ms = stop->began_ms + drain_ms;
    if (host->listener == NULL) {
        return; /* scripts of boot.d ran */
    }
    if (restarts) {
        /* Clients wait in the kernel for the next worker. */
        listener_pause_kept(host);
    } else {
        listener_withdraw(host->listener);
    }
}

static void on_timer(uv_timer_t *timer) {
    struct host_stop *stop = timer->data;
    struct host *host = stop->host;
    uint64_t now_ms = uv_now(host->loop);
    if (stop->phase == HOST_RUNS_HOOKS) {
        if (hooks_is_done(host->hooks, HOOKS_STOP)) {
            drain(stop, false);
        }
        return;
    }
    if (stop->phase == HOST_DRAINS) {
        size_t busy = conn_drain(host, now_ms - stop->began_ms >= DRAIN_HEAD_MS);
        if (busy > 0 && now_ms < stop->deadline_ms) {
            return;
        }
        if (busy > 0) {
            log_warn("stopping although connections are still busy: %zu", busy);
        }
        stop_plugins(stop);
    }
    if (host->stops_pending == 0 || uv_now(host->loop) >= stop->deadline_ms) {
        uv_timer_stop(timer);
        host->ended = true;
        uv_stop(host->loop);
    }
}

void host_plugin_stopped(struct host *host) {
    if (host->stops_pending > 0) {
        host->stops_pending--;
    }
}

static void begin(struct host_stop *stop, bool restarts) {
    struct host *host = stop->host;
    /* A worker that makes room for another is no stop, nor is one of a host that was not there yet.
     */
    if (!restarts && host->hooks != NULL && hooks_is_done(host->hooks, HOOKS_START)) {
        stop->phase = HOST_RUNS_HOOKS;
        hooks_begin(host->hooks, HOOKS_STOP);
    } else {
        drain(stop, restarts);
    }
    (void)uv_timer_start(&stop->timer, on_timer, 0, STOP_POLL_MS);
}

static void on_signal(uv_signal_t *signal, int signum) {
    struct host_stop *stop = signal->data;
    struct host *host = stop->host;
    bool orphan = supervision_is_orphan();
    bool restarts = supervision_has_supervisor() && !orphan &&
                    atomic_load(&supervision()->wish) == SUPERVISION_RESTART;
    if (stop->phase == HOST_RUNS) {
        log_info(restarts ? "signal %d: making room for a new worker" : "signal %d: stopping",
                 signum);
        begin(stop, restarts);
    } else if (!supervision_has_supervisor()) {
        log_warn("second signal: ending now");
        _exit(1);
    } else if (host->restarting && !restarts) {
        log_info("signal %d: stopping", signum);
        host->restarting = false;
        listener_withdraw(host->listener);
    }
    if (orphan && stop->phase == HOST_DRAINS) {
        /* Whoever starts virga anew wants the ports and the data directory now. */
        log_warn("the supervisor is gone: ending without waiting for requests under way");
        stop->deadline_ms = stop->began_ms;
    }
}

int host_stop_watch(struct host_stop *stop, struct host *host) {
    *stop = (struct host_stop){.host = host};
    int result = uv_signal_init(host->loop, &stop->terminate);
    result = result == 0 ? uv_signal_init(host->loop, &stop->interrupt) : result;
    result = result == 0 ? uv_timer_init(host->loop, &stop->timer) : result;
    stop->terminate.data = stop->interrupt.data = stop->timer.data = stop;
    result = result == 0 ? uv_signal_start(&stop->terminate, on_signal, SIGTERM) : result;
    if (supervision_has_supervisor()) {
        /* A terminal sends these to every process of the job; the supervisor says what to do. */
        (void)signal(SIGINT, SIG_IGN);
        (void)signal(SIGHUP, SIG_IGN);
        return result;
    }
    return result == 0 ? uv_signal_start(&stop->interrupt, on_signal, SIGINT) : result;
}
