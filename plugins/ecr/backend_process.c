/* SPDX-License-Identifier: MIT */
/* The registry as a child process. */
#include "backend_process.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROBE_TIMEOUT_MS 2000
#define PROBE_PAUSE_MS 25
#define LOG_CHECK_MS 60000

struct backend_process {
    struct ecr *ecr;
    struct registry_files *files;
    void (*on_exit)(void *arg);
    void *on_exit_arg;

    struct virga_process_handle *child;
    struct registry_pid pid; /* of child */
    bool replace;            /* it runs with another configuration: end it, then start anew */
    bool ran_before; /* the start under way found one running; if that ends, a new one is tried */

    /* a start under way */
    void (*on_started)(void *arg, int status, const char *reason);
    void *on_started_arg;
    uint64_t deadline_ns;
    struct virga_timer_handle *timer; /* the next probe, or the next step */
    struct virga_fetch_handle *probe;

    /* a stop under way */
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
    struct virga_timer_handle *kill_timer;
    struct virga_timer_handle *log_timer;
};

static void proceed(void *arg);

static void stop_timer(struct backend_process *process, struct virga_timer_handle **timer) {
    process->ecr->timer->stop(*timer);
    *timer = NULL;
}

static int arm(struct backend_process *process, struct virga_timer_handle **timer, uint64_t ms,
               void (*on_timer)(void *arg)) {
    stop_timer(process, timer);
    return process->ecr->timer->start(process->ecr->host, ms, 0, on_timer, process, timer);
}

int backend_process_create(struct ecr *ecr, struct registry_files *files,
                           void (*on_exit)(void *arg), void *arg,
                           struct backend_process **ret_process) {
    struct backend_process *process = calloc(1, sizeof *process);
    if (process == NULL) {
        return -ENOMEM;
    }
    process->ecr = ecr;
    process->files = files;
    process->on_exit = on_exit;
    process->on_exit_arg = arg;
    *ret_process = process;
    return 0;
}

void backend_process_destroy(struct backend_process *process) {
    if (process == NULL) {
        return;
    }
    stop_timer(process, &process->timer);
    stop_timer(process, &process->kill_timer);
    stop_timer(process, &process->log_timer);
    process->ecr->process->close(process->child);
    free(process);
}

int64_t backend_process_pid(const struct backend_process *process) {
    return process->child != NULL ? process->pid.id.pid : 0;
}

bool backend_process_program(char *buffer, size_t size) {
    static const char *const names[] = {"docker-registry", "registry"};
    const char *path = getenv("PATH");
    if (path == NULL) {
        path = "/usr/local/bin:/usr/bin:/bin";
    }
    for (size_t i = 0; i < 2; i++) {
        for (const char *at = path; *at != '\0';) {
            size_t len = strcspn(at, ":");
            struct stat st;
            int written = snprintf(buffer, size, "%.*s/%s", (int)len, at, names[i]);
            if (len > 0 && written > 0 && (size_t)written < size && stat(buffer, &st) == 0 &&
                S_ISREG(st.st_mode) && access(buffer, X_OK) == 0) {
                return true;
            }
            at += len + (at[len] == ':' ? 1 : 0);
        }
    }
    return false;
}

int backend_command_make(struct backend_command *command, const char *verb, const char *config) {
    static const char prefix[] = "REGISTRY_";
    *command = (struct backend_command){.unset_count = 0};
    if (!backend_process_program(command->program, sizeof command->program)) {
        return -ENOENT;
    }
    size_t count = 0;
    for (char **at = environ; *at != NULL; at++) {
        if (strncmp(*at, prefix, sizeof prefix - 1) != 0 ||
            command->unset_count == BACKEND_PROCESS_UNSET_MAX) {
            continue;
        }
        char *name = strndup(*at, strcspn(*at, "="));
        if (name == NULL) {
            backend_command_finish(command);
            return -ENOMEM;
        }
        if (count == 0) {
            command->argv[count++] = "env";
        }
        command->argv[count++] = "-u";
        command->argv[count++] = command->unset[command->unset_count++] = name;
    }
    command->argv[count++] = command->program;
    command->argv[count++] = verb;
    command->argv[count++] = config;
    command->argv[count] = NULL;
    return 0;
}

void backend_command_finish(struct backend_command *command) {
    while (command->unset_count > 0) {
        free(command->unset[--command->unset_count]);
    }
}

/* Ends a start that is under way. */
static void finish_start(struct backend_process *process, int status, const char *reason) {
    stop_timer(process, &process->timer);
    void (*on_started)(void *, int, const char *) = process->on_started;
    process->on_started = NULL;
    if (on_started != NULL) {
        on_started(process->on_started_arg, status, reason);
    }
}

static void on_log_timer(void *arg) {
    struct backend_process *process = arg;
    registry_files_cap_log(process->files);
}

/* Says that stopping is complete once nothing can call back any more. */
static void check_stopped(struct backend_process *process) {
    void (*on_stopped)(void *) = process->on_stopped;
    if (on_stopped != NULL && process->child == NULL && process->probe == NULL) {
        process->on_stopped = NULL;
        on_stopped(process->on_stopped_arg);
    }
}

static void on_child_exit(void *arg, int64_t exit_status, int term_signal) {
    struct backend_process *process = arg;
    struct ecr *ecr = process->ecr;
    ecr->process->close(process->child);
    process->child = NULL;
    stop_timer(process, &process->kill_timer);
    stop_timer(process, &process->log_timer);
    registry_files_remove_pid(process->files);
    if (process->on_stopped != NULL) {
        check_stopped(process);
        return;
    }
    if (process->replace) {
        process->replace = false;
        (void)arm(process, &process->timer, 0, proceed);
        return;
    }
    char line[256];
    registry_files_last_line(process->files, line, sizeof line);
    char how[64];
    if (term_signal != 0) {
        (void)snprintf(how, sizeof how, "by signal %d", term_signal);
    } else if (exit_status >= 0) {
        (void)snprintf(how, sizeof how, "with status %" PRId64, exit_status);
    } else {
        how[0] = '\0';
    }
    if (process->on_started == NULL || process->ran_before) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL,
                "the registry (pid %" PRId64 ") ended %s; it is started again when it is needed",
                process->pid.id.pid, how);
        if (process->on_started != NULL) {
            process->ran_before = false;
            (void)arm(process, &process->timer, 0, proceed);
        }
    } else {
        char reason[400];
        (void)snprintf(reason, sizeof reason, "the registry ended %s while starting%s%s", how,
                       line[0] != '\0' ? ": " : "", line);
        finish_start(process, -EIO, reason);
    }
    process->on_exit(process->on_exit_arg);
}

static void on_kill_timer(void *arg) {
    struct backend_process *process = arg;
    stop_timer(process, &process->kill_timer);
    if (process->child != NULL) {
        (void)process->ecr->process->kill(process->child, SIGKILL);
    }
}

/* Asks the child to end, and makes it end a little later. */
static void terminate(struct backend_process *process) {
    (void)process->ecr->process->kill(process->child, SIGTERM);
    if (arm(process, &process->kill_timer, BACKEND_PROCESS_STOP_MS, on_kill_timer) != 0) {
        (void)process->ecr->process->kill(process->child, SIGKILL);
    }
}

static void on_probed(void *arg, const struct virga_fetch_response *res) {
    struct backend_process *process = arg;
    process->probe = NULL;
    if (process->on_started == NULL || process->replace) {
        check_stopped(process);
        return;
    }
    if (res->status == 200 && process->child != NULL) {
        finish_start(process, 0, "");
        return;
    }
    if (process->ecr->timer->monotonic_ns(process->ecr->host) < process->deadline_ns) {
        if (process->timer == NULL && arm(process, &process->timer, PROBE_PAUSE_MS, proceed) != 0) {
            finish_start(process, -ENOMEM, "out of memory");
        }
        return;
    }
    char reason[400];
    if (res->status != 0) {
        (void)snprintf(reason, sizeof reason, "the registry answers with status %d", res->status);
    } else {
        (void)snprintf(reason, sizeof reason, "the registry does not answer within %d s: %s",
                       BACKEND_PROCESS_START_MS / 1000, res->error_text);
    }
    if (process->child != NULL) {
        terminate(process);
    }
    finish_start(process, -ETIMEDOUT, reason);
}

static int probe(struct backend_process *process) {
    const struct virga_fetch_request request = {
        .struct_size = sizeof request,
        .url = "http://localhost/v2/",
        .unix_path = process->files->socket,
        .timeout_ms = PROBE_TIMEOUT_MS,
        .on_done = on_probed,
        .arg = process,
    };
    return process->ecr->fetch->start(process->ecr->host, &request, &process->probe);
}

static int spawn(struct backend_process *process) {
    struct ecr *ecr = process->ecr;
    struct backend_command command;
    int result = backend_command_make(&command, "serve", process->files->config);
    if (result != 0) {
        return result;
    }
    const struct virga_process_options options = {
        .struct_size = sizeof options,
        .flags = ecr->keep_running ? VIRGA_PROCESS_OUTLIVES : 0,
        .argv = command.argv,
        .cwd = "/",
        .output_path = process->files->log,
        .on_exit = on_child_exit,
        .arg = process,
    };
    result = ecr->process->spawn(ecr->host, &options, &process->child);
    backend_command_finish(&command);
    if (result != 0) {
        return result;
    }
    process->pid.id = ecr->process->id(process->child);
    result = registry_files_write_pid(process->files, &process->pid);
    if (result != 0) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL, "cannot write the registry's pid file: %s",
                strerror(-result));
    }
    ECR_LOG(ecr, VIRGA_LOG_INFO, NULL, "registry started, pid %" PRId64, process->pid.id.pid);
    return 0;
}

/* Looks for a registry that an earlier virga left. */
static void adopt(struct backend_process *process) {
    struct ecr *ecr = process->ecr;
    struct registry_pid pid;
    const struct virga_process_options options = {
        .struct_size = sizeof options,
        .on_exit = on_child_exit,
        .arg = process,
    };
    if (registry_files_read_pid(process->files, &pid) != 0) {
        return;
    }
    if (ecr->process->adopt(ecr->host, pid.id, &options, &process->child) != 0) {
        process->child = NULL;
        registry_files_remove_pid(process->files);
        return;
    }
    bool same = strcmp(pid.config_digest, process->pid.config_digest) == 0;
    process->pid.id = pid.id;
    process->ran_before = true;
    process->replace = !same;
    ECR_LOG(ecr, VIRGA_LOG_INFO, NULL, "registry adopted, pid %" PRId64 "%s", pid.id.pid,
            same ? "" : "; its configuration is outdated, so it is replaced");
}

/* The next step of a start: make sure that there is a child, then ask it. */
static void proceed(void *arg) {
    struct backend_process *process = arg;
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    stop_timer(process, &process->timer);
    if (process->on_started == NULL) {
        return;
    }
    if (process->child == NULL) {
        char program[REGISTRY_PATH_MAX];
        if (!backend_process_program(program, sizeof program)) {
            finish_start(process, -ENOENT,
                         "no registry program was found: install docker-registry (Debian: apt-get "
                         "install docker-registry)");
            return;
        }
        int result = registry_files_prepare(process->files, process->pid.config_digest, &err);
        if (result != 0) {
            finish_start(process, result, err.text);
            return;
        }
        adopt(process);
        if (process->replace) {
            terminate(process);
            return;
        }
        if (process->child == NULL) {
            result = spawn(process);
            if (result != 0) {
                virga_error_set(&err, "%s cannot be started: %s", program, strerror(-result));
                finish_start(process, result, err.text);
                return;
            }
        }
        (void)process->ecr->timer->start(process->ecr->host, LOG_CHECK_MS, LOG_CHECK_MS,
                                         on_log_timer, process, &process->log_timer);
    }
    if (process->probe == NULL && probe(process) != 0) {
        finish_start(process, -ENOMEM, "out of memory");
    }
}

void backend_process_start(struct backend_process *process,
                           void (*on_started)(void *arg, int status, const char *reason),
                           void *arg) {
    process->on_started = on_started;
    process->on_started_arg = arg;
    process->ran_before = process->child != NULL;
    process->deadline_ns = process->ecr->timer->monotonic_ns(process->ecr->host) +
                           (uint64_t)BACKEND_PROCESS_START_MS * 1000000u;
    if (arm(process, &process->timer, 0, proceed) != 0) {
        finish_start(process, -ENOMEM, "out of memory");
    }
}

static void on_left(void *arg) {
    struct backend_process *process = arg;
    stop_timer(process, &process->kill_timer);
    check_stopped(process);
}

void backend_process_stop(struct backend_process *process, void (*on_stopped)(void *arg),
                          void *arg) {
    process->on_started = NULL;
    process->replace = false;
    stop_timer(process, &process->timer);
    process->on_stopped = on_stopped;
    process->on_stopped_arg = arg;
    if (process->probe != NULL) {
        process->ecr->fetch->cancel(process->probe);
    }
    if (process->child != NULL && !process->ecr->keep_running) {
        terminate(process);
        return;
    }
    process->ecr->process->close(process->child);
    process->child = NULL;
    if (arm(process, &process->kill_timer, 0, on_left) != 0) {
        on_left(process);
    }
}
