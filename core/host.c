/* SPDX-License-Identifier: MIT */
/* Start and stop of the host. */
#include "host.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin.h"
#include "admin_release.h"
#include "config_copy.h"
#include "conn.h"
#include "crash.h"
#include "defer.h"
#include "dispatch.h"
#include "ext_fetch.h"
#include "ext_process.h"
#include "fallback.h"
#include "fdstore.h"
#include "hooks.h"
#include "host_metrics.h"
#include "host_stop.h"
#include "listener.h"
#include "log.h"
#include "plugins.h"
#include "process_child.h"
#include "router.h"
#include "settings.h"
#include "store_checkpoint.h"
#include "store_db.h"
#include "supervision.h"
#include "watchdog.h"

#define HOOKS_DIRECTORY "init"
#define READY_MAX 2048
#define FINISH_TIMEOUT_MS 2000 /* for work on pool threads that nobody waits for any more */

extern char **environ;

/* ---- configuration ---- */

int host_read_config(struct host *host, const struct host_options *options, struct error *err) {
    int result = config_create(&host->config);
    if (result != 0) {
        return error_set(err, result, "out of memory");
    }
    const char *path = options->config_path != NULL ? options->config_path : HOST_CONFIG_FILE;
    const struct config_copy *copy = options->config_copy;
    if (copy != NULL && copy->state == CONFIG_COPY_TAKEN) {
        result = config_read_text(host->config, path, copy->text, copy->len, err);
    } else if (copy != NULL && copy->state == CONFIG_COPY_ABSENT) {
        result = error_set(err, -ENOENT, "%s: %s", path, error_text(-ENOENT));
    } else {
        result = config_read_file(host->config, path, err);
    }
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
void host_plugin_dir(const struct host *host, const struct host_options *options, char *dir,
                     size_t size) {
    const char *program = options->program_path;
    const char *set = config_string(host->config, "floci.plugin-dir");
    if (set != NULL) {
        (void)snprintf(dir, size, "%s", set);
        return;
    }
    const char *slash = strrchr(program, '/');
    const char *bin = slash != NULL ? memrchr(program, '/', (size_t)(slash - program)) : NULL;
    (void)snprintf(dir, size, "%.*s/lib/virga/plugins", bin != NULL ? (int)(bin - program) : 2,
                   bin != NULL ? program : "..");
}

/* The settings of every plugin are declared before any is started, so that a mistyped key stops the
 * host before it has done anything. */
int host_load_plugins(struct host *host, const struct host_options *options, struct error *err) {
    char dir[4096];
    host_plugin_dir(host, options, dir, sizeof dir);
    int result = plugins_load(host, dir, err);
    for (size_t i = 0; result == 0 && i < host->plugins_count; i++) {
        result = settings_declare_plugin(host, host->plugins[i], err);
        if (result == -EEXIST || result == -ENOENT) {
            /* Not the user's fault but the plugin's: its keys are another's, or a default names
             * none. */
            plugins_leave_out(host->plugins[i], err->text);
            result = 0;
        }
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

/* ---- run ---- */

static struct listener_options listener_of(struct host *host) {
    uint16_t port = (uint16_t)config_int(host->config, "floci.port");
    return (struct listener_options){
        .addresses = config_string(host->config, "floci.bind-address"),
        .port_first = port,
        .port_last = port,
        .deadline_ms = (uint64_t)config_int(host->config, "floci.limits.deadline-ms"),
        .on_head = dispatch_head,
        .on_request = dispatch_request,
        .arg = host,
    };
}

/* The line on stdout is for whoever waits for the start: a worker that replaces another logs. */
static void announce(const struct host *host) {
    char text[READY_MAX];
    size_t len = (size_t)snprintf(text, sizeof text,
                                  "virga %s ready on http://localhost:%u (plugins:", HOST_VERSION,
                                  listener_port(host->listener));
    size_t running = 0;
    for (size_t i = 0; i < host->plugins_count; i++) {
        if (host->plugins[i]->state == PLUGIN_RUNNING && len < sizeof text) {
            running++;
            len += (size_t)snprintf(text + len, sizeof text - len, " %s",
                                    host->plugins[i]->desc->name);
        }
    }
    const char *end = running == 0 ? " none)" : ")";
    if (atomic_exchange(&supervision()->announced, true)) {
        log_info("%s%s", text, end);
    } else {
        printf("%s%s\n", text, end);
        (void)fflush(stdout);
    }
}

/* What the supervisor and the watchdog go by. */
static void share_settings(const struct host *host) {
    struct supervision *page = supervision();
    bool json = strcmp(config_string(host->config, "floci.log.format"), "json") == 0;
    uint64_t limit_s = (uint64_t)config_int(host->config, "floci.watchdog.stall-abort-s");
    atomic_store(&page->log_level, (int)log_level());
    atomic_store(&page->log_format, json ? LOG_JSON : LOG_TEXT);
    atomic_store(&page->log_known, true);
    watchdog_set_limit(host->watchdog, limit_s * 1000);
}

/* Init scripts are run by the first worker, not by one that takes over from another. */
static int set_up_hooks(struct host *host, struct error *err) {
    const char *set = config_string(host->config, "floci.init-hooks.path");
    int result = hooks_create(host, set != NULL ? set : HOOKS_DIRECTORY, &host->hooks, err);
    if (result == -ENOENT && set == NULL) {
        err->code = 0;
        return 0;
    }
    if (atomic_load(&supervision()->announced)) {
        hooks_skip_start(host->hooks);
    }
    return result;
}

/* Turns the loop until the scripts of a stage are through: what they ask of the host is answered.
 */
static void run_hooks(struct host *host, enum hooks_stage stage) {
    if (!hooks_is_done(host->hooks, stage)) {
        hooks_begin(host->hooks, stage);
    }
    while (!host->ended && (host->stopping || !hooks_is_done(host->hooks, stage))) {
        (void)uv_run(host->loop, UV_RUN_ONCE);
    }
}

static int set_up_fallback(struct host *host, struct error *err) {
    const char *endpoint = config_string(host->config, "floci.fallback-endpoint");
    return endpoint == NULL ? 0 : fallback_create(host, endpoint, &host->fallback, err);
}

/* The host may be told to stop while its scripts run: then it has ended without an error. */
static int start(struct host *host, const struct host_options *options, struct error *err) {
    int result = host_read_config(host, options, err);
    if (result == 0) {
        share_settings(host);
        result = set_up_hooks(host, err);
    }
    if (result == 0) {
        run_hooks(host, HOOKS_BOOT);
        if (host->ended) {
            return 0;
        }
        result = set_up_fallback(host, err);
    }
    if (result == 0) {
        result = host_load_plugins(host, options, err);
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
    if (result == 0) {
        result = admin_release_add_route(host->router, err);
    }
    if (result == 0) {
        result = host_metrics_setup(host, err);
    }
    /* The port is taken before the plugins start: a host that cannot have it must not have started
     * a registry. */
    if (result == 0) {
        const struct listener_options port = listener_of(host);
        result = listener_open(host, &port, &host->listener, err);
    }
    if (result == 0) {
        plugins_order(host);
        plugins_start(host);
        fdstore_settle();
        run_hooks(host, HOOKS_START);
    }
    return result;
}

static void on_leftover(uv_handle_t *handle, void *arg) {
    (void)arg;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

/* Returns whether everything has ended. */
static bool finish(struct host *host) {
    listener_close(host->listener);
    /* Why: what an answer lends to the kernel is given back to a plugin that is still there. Who
     * has no answer yet gets one when its plugin is gone. */
    conn_abort_answers(host);
    (void)uv_run(host->loop, UV_RUN_NOWAIT);
    plugins_destroy(host);
    fallback_stop(host->fallback);
    hooks_destroy(host->hooks);
    host->hooks = NULL;
    watchdog_stop(host->watchdog);
    ext_process_teardown(host);
    conn_abort_all(host);
    ext_fetch_teardown(host);
    host_metrics_teardown(host);
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
    fallback_destroy(host->fallback);
    plugins_free(host);
    router_destroy(host->router);
    config_destroy(host->config);
    return uv_loop_close(host->loop) == 0;
}

int host_run(const struct host_options *options) {
    uv_loop_t loop;
    struct host_stop stop;
    struct host host = {.loop = &loop, .started_ns = uv_hrtime()};
    struct error err = {0};
    list_init(&host.connections);
    crash_catch();
    (void)signal(SIGPIPE, SIG_IGN);
    process_child_use("/proc/self/exe");
    /* Why: a child must not keep open what our caller happened to leave open for us. */
    uv_disable_stdio_inheritance();
    if (uv_loop_init(&loop) != 0 || watchdog_start(&loop, &host.watchdog) != 0 ||
        defer_setup(&host) != 0 || host_stop_watch(&stop, &host) != 0) {
        (void)fprintf(stderr, "virga: the event loop cannot be set up\n");
        return 1;
    }
    int result = start(&host, options, &err);
    if (result != 0) {
        (void)fprintf(stderr, "virga: %s\n", err.text);
        /* The next worker may do better: the sockets are not given up for this one. */
        host.restarting = supervision_has_supervisor();
    } else if (!host.ended) {
        announce(&host);
        if (!hooks_is_done(host.hooks, HOOKS_READY)) {
            hooks_begin(host.hooks, HOOKS_READY);
        }
        watchdog_set_looping(host.watchdog, true);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        watchdog_set_looping(host.watchdog, false);
    }
    bool ended = finish(&host);
    int status = result == 0 ? 0 : SUPERVISION_EXIT_REFUSED;
    if (result == 0) {
        log_info("stopped");
    }
    if (!ended) {
        /* Why: exit() would wait for the thread pool, and so for work that may never end. */
        log_warn("work still runs on a thread; it ends with the process");
        (void)fflush(NULL);
        _exit(status);
    }
    return status;
}

int host_check(const struct host_options *options) {
    struct host host = {.started_ns = uv_hrtime()};
    struct error err = {0};
    crash_catch();
    int result = host_read_config(&host, options, &err);
    if (result == 0) {
        result = host_load_plugins(&host, options, &err);
    }
    if (result == 0) {
        const struct listener_options port = listener_of(&host);
        /* A port that the supervisor holds is there for the next worker. */
        result = fdstore_has_port(port.port_first) ? 0 : listener_check(&port, &err);
    }
    if (result != 0) {
        log_error("the new configuration is not taken, the present one stays: %s", err.text);
    }
    plugins_free(&host);
    config_destroy(host.config);
    return result == 0 ? 0 : SUPERVISION_EXIT_REFUSED;
}
