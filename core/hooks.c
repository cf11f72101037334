/* SPDX-License-Identifier: MIT */
/* Finding and running init scripts. */
#include "hooks.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "ext_process.h"
#include "ext_timer.h"
#include "host.h"
#include "listener.h"
#include "log.h"
#include "process_output.h"

#define PATH_SIZE 4096
#define ENV_MAX 16
#define ENV_SIZE 512

static const char *const folders[HOOKS_STAGES] = {"boot.d", "start.d", "ready.d", "stop.d"};

struct hooks {
    struct host *host;
    struct plugin *plugin; /* the host's own, to use processes and timers with */
    char *directory;
    struct hooks_script *scripts;
    size_t count;
    bool done[HOOKS_STAGES];
    /* what runs */
    struct hooks_script *script; /* NULL: nothing */
    struct virga_process_handle *process;
    struct virga_timer_handle *timer;
    struct process_lines lines;
    uint64_t stop_deadline_ms;
};

/* ---- finding ---- */

static int is_script(const struct dirent *entry) {
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 3 && strcmp(entry->d_name + len - 3, ".sh") == 0;
}

static int add_script(struct hooks *hooks, enum hooks_stage stage, const char *name) {
    if (hooks->count == HOOKS_SCRIPTS_MAX) {
        log_warn("init script %s/%s is left out: there are %d already", folders[stage], name,
                 HOOKS_SCRIPTS_MAX);
        return 0;
    }
    char *copy = strdup(name);
    void *grown = realloc(hooks->scripts, (hooks->count + 1) * sizeof *hooks->scripts);
    if (copy == NULL || grown == NULL) {
        hooks->scripts = grown != NULL ? grown : hooks->scripts;
        free(copy);
        return -ENOMEM;
    }
    hooks->scripts = grown;
    hooks->scripts[hooks->count++] =
        (struct hooks_script){.stage = stage, .state = HOOKS_UNKNOWN, .name = copy};
    return 0;
}

static int path_of(const struct hooks *hooks, enum hooks_stage stage, const char *name,
                   char path[PATH_SIZE]) {
    int len = snprintf(path, PATH_SIZE, "%s/%s%s%s", hooks->directory, folders[stage],
                       name != NULL ? "/" : "", name != NULL ? name : "");
    return len > 0 && len < PATH_SIZE ? 0 : -ENAMETOOLONG;
}

static bool may_run(const struct hooks *hooks, enum hooks_stage stage, const char *name) {
    char path[PATH_SIZE];
    struct stat st;
    if (path_of(hooks, stage, name, path) != 0 || stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        return false;
    }
    if (access(path, X_OK) != 0) {
        log_warn("init script %s is not executable and does not run", path);
        return false;
    }
    return true;
}

static int find_scripts(struct hooks *hooks, enum hooks_stage stage) {
    char path[PATH_SIZE];
    struct dirent **entries = NULL;
    int result = path_of(hooks, stage, NULL, path);
    int count = result == 0 ? scandir(path, &entries, is_script, alphasort) : 0;
    if (count < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    for (int i = 0; i < count; i++) {
        if (result == 0 && may_run(hooks, stage, entries[i]->d_name)) {
            result = add_script(hooks, stage, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    return result;
}

/* ---- running ---- */

static void run_next(struct hooks *hooks, enum hooks_stage stage);

static const char *folder_of(const struct hooks_script *script) {
    return folders[script->stage];
}

static void on_line(void *arg, const char *line) {
    const struct hooks *hooks = arg;
    log_write(VIRGA_LOG_INFO, "init", NULL, "%s/%s: %s", folder_of(hooks->script),
              hooks->script->name, line);
}

static void on_output(void *arg, struct virga_str bytes) {
    struct hooks *hooks = arg;
    process_lines_feed(&hooks->lines, bytes, on_line, hooks);
}

/* Forgets the script that ran. */
static void let_go(struct hooks *hooks, enum hooks_state state) {
    process_lines_flush(&hooks->lines, on_line, hooks);
    ext_timer.stop(hooks->timer);
    ext_process.close(hooks->process);
    hooks->timer = NULL;
    hooks->process = NULL;
    hooks->script->state = state;
    hooks->script = NULL;
}

static void on_exit_of(void *arg, int64_t exit_status, int term_signal) {
    struct hooks *hooks = arg;
    const struct hooks_script *script = hooks->script;
    enum hooks_stage stage = script->stage;
    if (term_signal != 0) {
        log_error("init script %s/%s was ended by signal %d", folder_of(script), script->name,
                  term_signal);
    } else if (exit_status != 0) {
        log_error("init script %s/%s ended with status %lld", folder_of(script), script->name,
                  (long long)exit_status);
    }
    let_go(hooks, term_signal == 0 && exit_status == 0 ? HOOKS_SUCCESSFUL : HOOKS_ERROR);
    run_next(hooks, stage);
}

/* Ends the script with all that it has started: it leads a process group of its own, whose number
 * cannot be anybody else's before the loop has reaped it. */
static void kill_running(struct hooks *hooks, int signum) {
    int64_t pid = ext_process.id(hooks->process).pid;
    if (pid > 1) {
        (void)kill(-(pid_t)pid, signum);
    }
}

static void on_timeout(void *arg) {
    struct hooks *hooks = arg;
    const struct hooks_script *script = hooks->script;
    enum hooks_stage stage = script->stage;
    log_error("init script %s/%s took too long and is ended", folder_of(script), script->name);
    kill_running(hooks, SIGKILL);
    let_go(hooks, HOOKS_ERROR);
    run_next(hooks, stage);
}

static uint64_t seconds_ms(const struct hooks *hooks, const char *key) {
    return (uint64_t)config_int(hooks->host->config, key) * 1000;
}

static uint64_t time_for(const struct hooks *hooks, const struct hooks_script *script) {
    uint64_t now_ms = uv_now(hooks->host->loop);
    if (script->stage != HOOKS_STOP) {
        return seconds_ms(hooks, "floci.init-hooks.timeout-seconds");
    }
    return hooks->stop_deadline_ms > now_ms ? hooks->stop_deadline_ms - now_ms : 0;
}

/* The environment that a script has beside the host's own. */
struct environment {
    char text[ENV_MAX][ENV_SIZE];
    const char *list[ENV_MAX + 1];
    size_t count;
};

VIRGA_PRINTF(2, 3) static void set(struct environment *env, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(env->text[env->count], ENV_SIZE, format, args);
    va_end(args);
    env->list[env->count] = env->text[env->count];
    env->list[++env->count] = NULL;
}

static void fill_environment(const struct hooks *hooks, struct environment *env) {
    const struct host *host = hooks->host;
    unsigned port = host->listener != NULL ? listener_port(host->listener)
                                           : (unsigned)config_int(host->config, "floci.port");
    env->count = 0;
    set(env, "AWS_ENDPOINT_URL=http://localhost:%u", port);
    set(env, "FLOCI_PORT=%u", port);
    set(env, "AWS_DEFAULT_REGION=%s", host->default_region);
    set(env, "AWS_REGION=%s", host->default_region);
    set(env, "AWS_ACCESS_KEY_ID=test");
    set(env, "AWS_SECRET_ACCESS_KEY=test");
}

static int launch(struct hooks *hooks, struct hooks_script *script) {
    char path[PATH_SIZE];
    struct environment env;
    int result = path_of(hooks, script->stage, script->name, path);
    const char *argv[] = {config_string(hooks->host->config, "floci.init-hooks.shell-executable"),
                          path, NULL};
    fill_environment(hooks, &env);
    const struct virga_process_options options = {
        .struct_size = sizeof options,
        .argv = argv,
        .env = env.list,
        .on_output = on_output,
        .on_exit = on_exit_of,
        .arg = hooks,
    };
    hooks->lines = (struct process_lines){.len = 0};
    if (result == 0) {
        result = ext_process.spawn(&hooks->plugin->api, &options, &hooks->process);
    }
    if (result != 0) {
        return result;
    }
    hooks->script = script;
    script->state = HOOKS_RUNNING;
    result = ext_timer.start(&hooks->plugin->api, time_for(hooks, script), 0, on_timeout, hooks,
                             &hooks->timer);
    if (result != 0) {
        kill_running(hooks, SIGKILL);
        let_go(hooks, HOOKS_ERROR);
    }
    return result;
}

static void run_next(struct hooks *hooks, enum hooks_stage stage) {
    for (size_t i = 0; i < hooks->count; i++) {
        struct hooks_script *script = &hooks->scripts[i];
        if (script->stage != stage || script->state != HOOKS_UNKNOWN) {
            continue;
        }
        log_info("init script %s/%s runs", folder_of(script), script->name);
        int result = launch(hooks, script);
        if (result == 0) {
            return;
        }
        log_error("init script %s/%s could not be started: %s", folder_of(script), script->name,
                  error_text(result));
        script->state = HOOKS_ERROR;
    }
    hooks->done[stage] = true;
}

void hooks_begin(struct hooks *hooks, enum hooks_stage stage) {
    if (hooks == NULL) {
        return;
    }
    if (hooks->script != NULL) {
        log_warn("init script %s/%s still ran and is ended", folder_of(hooks->script),
                 hooks->script->name);
        kill_running(hooks, SIGTERM);
        let_go(hooks, HOOKS_ERROR);
    }
    uv_update_time(hooks->host->loop);
    hooks->stop_deadline_ms = uv_now(hooks->host->loop) +
                              seconds_ms(hooks, "floci.init-hooks.shutdown-grace-period-seconds");
    run_next(hooks, stage);
}

bool hooks_is_done(const struct hooks *hooks, enum hooks_stage stage) {
    return hooks == NULL || hooks->done[stage];
}

void hooks_skip_start(struct hooks *hooks) {
    for (int stage = HOOKS_BOOT; hooks != NULL && stage < HOOKS_STOP; stage++) {
        hooks->done[stage] = true;
    }
}

size_t hooks_count(const struct hooks *hooks) {
    return hooks != NULL ? hooks->count : 0;
}

const struct hooks_script *hooks_at(const struct hooks *hooks, size_t index) {
    return &hooks->scripts[index];
}

/* ---- life ---- */

static int own_start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    (void)host;
    (void)ret_self;
    (void)err;
    return 0;
}

int hooks_create(struct host *host, const char *directory, struct hooks **ret_hooks,
                 struct error *err) {
    static const struct virga_plugin desc = {VIRGA_PLUGIN_HEAD, .name = "init",
                                             .version = HOST_VERSION, .start = own_start};
    struct stat st;
    if (stat(directory, &st) != 0) {
        return error_set(err, -errno, "floci.init-hooks.path: %s: %s", directory, strerror(errno));
    }
    if (!S_ISDIR(st.st_mode)) {
        return error_set(err, -ENOTDIR, "floci.init-hooks.path: %s is no directory", directory);
    }
    struct hooks *hooks = calloc(1, sizeof *hooks);
    if (hooks == NULL) {
        return error_set(err, -ENOMEM, "out of memory");
    }
    hooks->host = host;
    hooks->directory = realpath(directory, NULL);
    int result = hooks->directory == NULL ? -errno : plugin_adopt(host, &desc, &hooks->plugin, err);
    for (int stage = 0; result == 0 && stage < HOOKS_STAGES; stage++) {
        result = find_scripts(hooks, (enum hooks_stage)stage);
    }
    if (result != 0) {
        hooks_destroy(hooks);
        return error_set(err, result, "floci.init-hooks.path: %s: %s", directory,
                         error_text(result));
    }
    hooks->plugin->state = PLUGIN_RUNNING;
    *ret_hooks = hooks;
    return 0;
}

void hooks_destroy(struct hooks *hooks) {
    if (hooks == NULL) {
        return;
    }
    if (hooks->script != NULL) {
        kill_running(hooks, SIGTERM);
        let_go(hooks, HOOKS_ERROR);
    }
    if (hooks->plugin != NULL) {
        plugin_destroy(hooks->plugin);
        plugin_free(hooks->plugin);
    }
    for (size_t i = 0; i < hooks->count; i++) {
        free(hooks->scripts[i].name);
    }
    free(hooks->scripts);
    free(hooks->directory);
    free(hooks);
}
