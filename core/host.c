/* SPDX-License-Identifier: MIT */
/* Start and stop of the host. */
#include "host.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin.h"
#include "conn.h"
#include "defer.h"
#include "dispatch.h"
#include "ext_fetch.h"
#include "ext_process.h"
#include "listener.h"
#include "log.h"
#include "plugins.h"
#include "process_child.h"
#include "router.h"
#include "settings.h"
#include "store_checkpoint.h"
#include "store_db.h"

#define CONFIG_FILE "application.yml"
#define PLUGINS_STOP_TIMEOUT_MS 15000
#define STOP_POLL_MS 20
#define FINISH_TIMEOUT_MS 2000 /* for work on pool threads that nobody waits for any more */

extern char **environ;

/* ---- configuration ---- */

static int read_config(struct host *host, const struct host_options *options, struct error *err) {
    int result = config_create(&host->config);
    if (result != 0) {
        return error_set(err, result, "out of memory");
    }
    const char *path = options->config_path != NULL ? options->config_path : CONFIG_FILE;
    result = config_read_file(host->config, path, err);
    if (result == -ENOENT && options->config_path == NULL) {
        result = 0;
    }
    if (result == 0) {
        result = config_read_env(host->config, environ, err);
    }
    for (size_t i = 0; result == 0 && i < options->sets_count; i++) {
        result = config_read_set(host->config, options->sets[i], err);
    }
    if (result == 0) {
        result = settings_declare(host, err);
    }
    return result == 0 ? settings_apply(host, err) : result;
}

/* Plugins lie beside the program: <prefix>/bin/virga and <prefix>/lib/virga/plugins. */
static void find_plugin_dir(const struct host *host, const char *program, char *dir, size_t size) {
    const char *set = config_string(host->config, "floci.plugin-dir");
    if (set != NULL) {
        (void)snprintf(dir, size, "%s", set);
        return;
    }
    const char *slash = strrchr(program, '/');
    (void)snprintf(dir, size, "%.*s/../lib/virga/plugins",
                   slash != NULL ? (int)(slash - program) : 1, slash != NULL ? program : ".");
}

/* The settings of every plugin are declared before any is started, so that a mistyped key stops the
 * host before it has done anything. */
static int load_plugins(struct host *host, const struct host_options *options, struct error *err) {
    char dir[4096];
    find_plugin_dir(host, options->program_path, dir, sizeof dir);
    int result = plugins_load(host, dir, err);
    for (size_t i = 0; result == 0 && i < host->plugins_count; i++) {
        result = settings_declare_plugin(host, host->plugins[i], err);
    }
    return result == 0 ? config_check(host->config, err) : result;
}

/* ---- state ---- */

static int make_directory(const char *path, struct error *err) {
    char partial[4096];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof partial) {
        return error_set(err, -ENAMETOOLONG, "the path %s is empty or too long", path);
    }
    for (size_t i = 1; i <= len; i++) {
        if (path[i] == '/' || path[i] == '\0') {
            memcpy(partial, path, i);
            partial[i] = '\0';
            if (mkdir(partial, 0755) != 0 && errno != EEXIST) {
                return error_set(err, -errno, "the directory %s cannot be made: %s", partial,
                                 strerror(errno));
            }
        }
    }
    return 0;
}

static int open_store(struct host *host, struct error *err) {
    const char *mode = config_string(host->config, "floci.storage.mode");
    if (strcmp(mode, "memory") == 0) {
        return store_db_open(NULL, &host->store, err);
    }
    const char *dir = config_string(host->config, "floci.storage.persistent-path");
    char path[4096];
    int result = make_directory(dir != NULL ? dir : "", err);
    if (result != 0) {
        return error_wrap(err, "floci.storage.persistent-path");
    }
    if ((size_t)snprintf(path, sizeof path, "%s/virga.db", dir) >= sizeof path) {
        return error_set(err, -ENAMETOOLONG, "floci.storage.persistent-path is too long");
    }
    result = store_db_open(path, &host->store, err);
    if (result == 0 && store_checkpoint_watch(host->store, host->loop) != 0) {
        result = error_set(err, -ENOMEM, "out of memory");
    }
    return result;
}

/* ---- stop ---- */

/* Order of a stop: no new connections; requests under way get their time; plugins stop, in reverse
 * order of start, and get theirs; then the loop ends. A second signal ends the process at once. */
enum stop_phase { RUNNING, DRAINING, STOPPING_PLUGINS };

struct signal_watch {
    struct host *host;
    uv_signal_t terminate;
    uv_signal_t interrupt;
    enum stop_phase phase;
    uint64_t deadline_ms;
};

static void stop_plugins(struct signal_watch *watch) {
    struct host *host = watch->host;
    watch->phase = STOPPING_PLUGINS;
    watch->deadline_ms = uv_now(host->loop) + PLUGINS_STOP_TIMEOUT_MS;
    plugins_stop(host);
}

static void on_stop_timer(uv_timer_t *timer) {
    struct signal_watch *watch = timer->data;
    struct host *host = watch->host;
    bool late = uv_now(host->loop) >= watch->deadline_ms;
    if (watch->phase == DRAINING) {
        conn_close_idle(host);
        if (host->connections_count > 0 && !late) {
            return;
        }
        if (host->connections_count > 0) {
            log_warn("stopping with %zu connections still busy", host->connections_count);
        }
        stop_plugins(watch);
    }
    if (host->stops_pending == 0 || uv_now(host->loop) >= watch->deadline_ms) {
        uv_timer_stop(timer);
        uv_stop(host->loop);
    }
}

void host_plugin_stopped(struct host *host) {
    if (host->stops_pending > 0) {
        host->stops_pending--;
    }
}

static void on_signal(uv_signal_t *signal, int signum) {
    struct signal_watch *watch = signal->data;
    struct host *host = watch->host;
    if (watch->phase != RUNNING) {
        log_warn("second signal: ending now");
        _exit(1);
    }
    log_info("signal %d: stopping", signum);
    host->stopping = true;
    watch->phase = DRAINING;
    watch->deadline_ms =
        uv_now(host->loop) + (uint64_t)config_int(host->config, "floci.limits.drain-timeout-ms");
    listener_close(host->listener);
    host->listener = NULL;
    uv_timer_start(&host->stop_timer, on_stop_timer, 0, STOP_POLL_MS);
}

static int watch_signals(struct host *host, struct signal_watch *watch) {
    *watch = (struct signal_watch){.host = host};
    host->signals = watch;
    int result = uv_signal_init(host->loop, &watch->terminate);
    result = result == 0 ? uv_signal_init(host->loop, &watch->interrupt) : result;
    watch->terminate.data = watch;
    watch->interrupt.data = watch;
    result = result == 0 ? uv_signal_start(&watch->terminate, on_signal, SIGTERM) : result;
    return result == 0 ? uv_signal_start(&watch->interrupt, on_signal, SIGINT) : result;
}

/* ---- run ---- */

static int open_listener(struct host *host, struct error *err) {
    uint16_t port = (uint16_t)config_int(host->config, "floci.port");
    const struct listener_options options = {
        .addresses = config_string(host->config, "floci.bind-address"),
        .port_first = port,
        .port_last = port,
        .on_head = dispatch_head,
        .on_request = dispatch_request,
        .arg = host,
    };
    return listener_open(host, &options, &host->listener, err);
}

static void announce(const struct host *host) {
    size_t running = 0;
    for (size_t i = 0; i < host->plugins_count; i++) {
        running += host->plugins[i]->state == PLUGIN_RUNNING;
    }
    printf("virga %s ready on http://localhost:%u", HOST_VERSION, listener_port(host->listener));
    printf(" (plugins:");
    for (size_t i = 0; i < host->plugins_count; i++) {
        if (host->plugins[i]->state == PLUGIN_RUNNING) {
            printf(" %s", host->plugins[i]->desc->name);
        }
    }
    printf("%s)\n", running == 0 ? " none" : "");
    (void)fflush(stdout);
}

static int start(struct host *host, const struct host_options *options, struct error *err) {
    int result = read_config(host, options, err);
    if (result == 0) {
        result = load_plugins(host, options, err);
    }
    if (result == 0) {
        result = open_store(host, err);
    }
    if (result == 0 && router_create(&host->router) != 0) {
        result = error_set(err, -ENOMEM, "out of memory");
    }
    if (result == 0) {
        result = admin_add_routes(host->router, err);
    }
    /* The port is taken before the plugins start: a host that cannot have it must not have started
     * a registry. */
    if (result == 0) {
        result = open_listener(host, err);
    }
    if (result == 0) {
        plugins_order(host);
        plugins_start(host);
    }
    return result;
}

static void on_leftover(uv_handle_t *handle, void *arg) {
    (void)arg;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void finish(struct host *host) {
    listener_close(host->listener);
    /* Why: what an answer still lends to the kernel is given back to a plugin that is still there.
     */
    conn_abort_all(host);
    (void)uv_run(host->loop, UV_RUN_NOWAIT);
    plugins_destroy(host);
    ext_process_teardown(host);
    conn_abort_all(host);
    ext_fetch_teardown(host);
    store_db_close(host->store);
    host->store = NULL;
    /* The turns of the loop that close callbacks need; what is still open afterwards is ours and
     * static. */
    (void)uv_run(host->loop, UV_RUN_NOWAIT);
    defer_teardown(host);
    uv_walk(host->loop, on_leftover, NULL);
    uint64_t deadline_ns = uv_hrtime() + FINISH_TIMEOUT_MS * UINT64_C(1000000);
    while (uv_run(host->loop, UV_RUN_NOWAIT) != 0 && uv_hrtime() < deadline_ns) {
        uv_sleep(1);
    }
    for (size_t i = 0; i < host->plugins_count; i++) {
        plugin_free(host->plugins[i]);
    }
    free(host->plugins);
    router_destroy(host->router);
    config_destroy(host->config);
    (void)uv_loop_close(host->loop);
}

int host_run(const struct host_options *options) {
    uv_loop_t loop;
    struct signal_watch watch;
    struct host host = {.loop = &loop, .started_ns = uv_hrtime()};
    struct error err = {0};
    list_init(&host.connections);
    (void)signal(SIGPIPE, SIG_IGN);
    process_child_use("/proc/self/exe");
    /* Why: a child must not keep open what our caller happened to leave open for us. */
    uv_disable_stdio_inheritance();
    if (uv_loop_init(&loop) != 0 || defer_setup(&host) != 0 ||
        uv_timer_init(&loop, &host.stop_timer) != 0 || watch_signals(&host, &watch) != 0) {
        (void)fprintf(stderr, "virga: the event loop cannot be set up\n");
        return 1;
    }
    host.stop_timer.data = &watch;
    int result = start(&host, options, &err);
    if (result != 0) {
        (void)fprintf(stderr, "virga: %s\n", err.text);
    } else {
        announce(&host);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
    }
    finish(&host);
    if (result == 0) {
        log_info("stopped");
    }
    return result == 0 ? 0 : 1;
}
