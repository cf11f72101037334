/* SPDX-License-Identifier: MIT */
/* The registry as a child process, whose storage is in this machine's files: backend_process.c has
 * the child's life, registry_files.c the paths. */
#include "backend_process.h"
#include "blob_sizes.h"
#include "reference.h"
#include "registry_runner.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

struct runner_process {
    struct registry_runner base;
    struct registry_files files;
    struct backend_process *process;
    bool trash_busy;
    bool process_stopped;
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
    /* a measurement under way */
    struct blob_sizes *sizes;
    runner_on_done on_measured;
    void *on_measured_arg;
    /* a collection under way */
    struct virga_process_handle *collector;
    void (*on_output)(void *arg, struct virga_str bytes);
    runner_on_done on_collected;
    void *on_collected_arg;
    /* a failure that is to be told soon */
    struct virga_timer_handle *soon;
    runner_on_done on_soon;
    void *on_soon_arg;
    int soon_status;
    char soon_reason[256];
};

static struct runner_process *of(struct registry_runner *runner) {
    return (struct runner_process *)runner;
}

static const struct runner_process *of_const(const struct registry_runner *runner) {
    return (const struct runner_process *)runner;
}

static void destroy(struct registry_runner *base) {
    struct runner_process *runner = of(base);
    base->ecr->timer->stop(runner->soon);
    base->ecr->process->close(runner->collector);
    backend_process_destroy(runner->process);
    registry_files_finish(&runner->files);
    free(runner);
}

static void start(struct registry_runner *base, runner_on_done on_done, void *arg) {
    backend_process_start(of(base)->process, on_done, arg);
}

static void check_stopped(struct runner_process *runner) {
    if (runner->on_stopped != NULL && runner->process_stopped && !runner->trash_busy) {
        void (*on_stopped)(void *) = runner->on_stopped;
        runner->on_stopped = NULL;
        on_stopped(runner->on_stopped_arg);
    }
}

static void on_process_stopped(void *arg) {
    struct runner_process *runner = arg;
    runner->process_stopped = true;
    check_stopped(runner);
}

static void stop(struct registry_runner *base, void (*on_stopped)(void *arg), void *arg) {
    struct runner_process *runner = of(base);
    runner->on_stopped = on_stopped;
    runner->on_stopped_arg = arg;
    backend_process_stop(runner->process, on_process_stopped, runner);
}

static void describe(const struct registry_runner *base, char *buffer, size_t size) {
    int64_t pid = backend_process_pid(of_const(base)->process);
    buffer[0] = '\0';
    if (pid != 0) {
        (void)snprintf(buffer, size, "pid %" PRId64, pid);
    }
}

static void address(const struct registry_runner *base, struct registry_address *ret_address) {
    *ret_address = (struct registry_address){.port = 0};
    (void)snprintf(ret_address->unix_path, sizeof ret_address->unix_path, "%s",
                   of_const(base)->files.socket);
}

static bool may_have_storage(const struct registry_runner *base) {
    return registry_files_has_storage(&of_const(base)->files);
}

/* --- the trash --- */

static void collect_trash(struct runner_process *runner);

static void run_trash(void *arg) {
    struct runner_process *runner = arg;
    registry_files_empty_trash(&runner->files);
}

static void on_trash_done(void *arg, int status) {
    struct runner_process *runner = arg;
    runner->trash_busy = false;
    if (runner->on_stopped != NULL) {
        check_stopped(runner);
    } else if (status == 0) {
        collect_trash(runner);
    }
}

/* Removes in the background what was taken out of the storage. */
static void collect_trash(struct runner_process *runner) {
    struct ecr *ecr = runner->base.ecr;
    if (!runner->trash_busy && registry_files_take_trash(&runner->files)) {
        runner->trash_busy =
            ecr->work->submit(ecr->host, run_trash, on_trash_done, runner, NULL) == 0;
    }
}

/* Its directories are moved away within this call: nobody sees half of it, and the registry need
 * not run. */
static void discard(struct registry_runner *base, const char *upstream_name, runner_on_done on_done,
                    void *arg) {
    struct runner_process *runner = of(base);
    int result = registry_files_discard(&runner->files, upstream_name);
    if (result == 0) {
        collect_trash(runner);
    }
    on_done(arg, result, result == 0 ? "" : strerror(-result));
}

static void discard_all(struct registry_runner *base, runner_on_done on_done, void *arg) {
    struct runner_process *runner = of(base);
    int result = registry_files_discard_all(&runner->files);
    if (result == 0) {
        collect_trash(runner);
    }
    on_done(arg, result, result == 0 ? "" : strerror(-result));
}

static void revisions(struct registry_runner *base, const char *upstream_name,
                      void (*on_digest)(void *arg, const char *digest), runner_on_done on_done,
                      void *arg) {
    char path[REGISTRY_PATH_MAX];
    DIR *directory = NULL;
    if (registry_files_revisions(&of(base)->files, upstream_name, path) == 0) {
        directory = opendir(path);
    }
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        char digest[sizeof entry->d_name + 8];
        (void)snprintf(digest, sizeof digest, "sha256:%s", entry->d_name);
        if (reference_is_digest(virga_str_from(digest))) {
            on_digest(arg, digest);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
    on_done(arg, 0, "");
}

/* --- what is told later --- */

static void on_soon(void *arg) {
    struct runner_process *runner = arg;
    runner_on_done on_done = runner->on_soon;
    runner->base.ecr->timer->stop(runner->soon);
    runner->soon = NULL;
    on_done(runner->on_soon_arg, runner->soon_status, runner->soon_reason);
}

/* Of measure() and collect(), which never run at one time. */
static void tell_soon(struct runner_process *runner, int status, const char *reason,
                      runner_on_done on_done, void *arg) {
    struct ecr *ecr = runner->base.ecr;
    runner->on_soon = on_done;
    runner->on_soon_arg = arg;
    runner->soon_status = status;
    (void)snprintf(runner->soon_reason, sizeof runner->soon_reason, "%s", reason);
    if (ecr->timer->start(ecr->host, 0, 0, on_soon, runner, &runner->soon) != 0) {
        runner->soon = NULL;
        on_done(arg, status, reason);
    }
}

/* --- the collector --- */

static void run_measure(void *arg) {
    struct runner_process *runner = arg;
    blob_sizes_read(runner->sizes, runner->files.root);
}

static void on_measure_done(void *arg, int status) {
    struct runner_process *runner = arg;
    runner->on_measured(runner->on_measured_arg, status, status == 0 ? "" : "the host is stopping");
}

static void measure(struct registry_runner *base, struct blob_sizes *sizes, runner_on_done on_done,
                    void *arg) {
    struct runner_process *runner = of(base);
    runner->sizes = sizes;
    runner->on_measured = on_done;
    runner->on_measured_arg = arg;
    int result =
        base->ecr->work->submit(base->ecr->host, run_measure, on_measure_done, runner, NULL);
    if (result != 0) {
        tell_soon(runner, result, strerror(-result), on_done, arg);
    }
}

static void on_collector_output(void *arg, struct virga_str bytes) {
    struct runner_process *runner = arg;
    runner->on_output(runner->on_collected_arg, bytes);
}

static void on_collector_exit(void *arg, int64_t exit_status, int term_signal) {
    struct runner_process *runner = arg;
    char reason[128] = "";
    runner->base.ecr->process->close(runner->collector);
    runner->collector = NULL;
    if (exit_status != 0 || term_signal != 0) {
        (void)snprintf(reason, sizeof reason,
                       "garbage-collect failed (status %" PRId64 ", signal %d)", exit_status,
                       term_signal);
    }
    runner->on_collected(runner->on_collected_arg, reason[0] == '\0' ? 0 : -EIO, reason);
}

static void collect(struct registry_runner *base,
                    void (*on_output)(void *arg, struct virga_str bytes), runner_on_done on_done,
                    void *arg) {
    struct runner_process *runner = of(base);
    struct ecr *ecr = base->ecr;
    struct backend_command command;
    runner->on_output = on_output;
    runner->on_collected = on_done;
    runner->on_collected_arg = arg;
    int result = backend_command_make(&command, "garbage-collect", runner->files.config);
    if (result != 0) {
        tell_soon(runner, -ENXIO, "no registry program was found: install docker-registry", on_done,
                  arg);
        return;
    }
    const struct virga_process_options options = {
        .struct_size = sizeof options,
        .argv = command.argv,
        .on_output = on_collector_output,
        .on_exit = on_collector_exit,
        .arg = runner,
    };
    result = ecr->process->spawn(ecr->host, &options, &runner->collector);
    if (result != 0) {
        char reason[REGISTRY_PATH_MAX + 64];
        (void)snprintf(reason, sizeof reason, "%s cannot be started: %s", command.program,
                       strerror(-result));
        tell_soon(runner, -EIO, reason, on_done, arg);
    }
    backend_command_finish(&command);
}

static void cancel_collect(struct registry_runner *base) {
    struct runner_process *runner = of(base);
    if (runner->collector != NULL) {
        (void)base->ecr->process->kill(runner->collector, SIGTERM);
    }
}

static const struct registry_runner_ops ops = {
    .name = "process",
    .destroy = destroy,
    .start = start,
    .stop = stop,
    .describe = describe,
    .address = address,
    .may_have_storage = may_have_storage,
    .discard = discard,
    .discard_all = discard_all,
    .revisions = revisions,
    .measure = measure,
    .collect = collect,
    .cancel_collect = cancel_collect,
};

int runner_process_create(struct ecr *ecr, void (*on_exit)(void *arg), void *arg,
                          struct registry_runner **ret_runner, struct virga_error *err) {
    struct runner_process *runner = calloc(1, sizeof *runner);
    if (runner == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    runner->base = (struct registry_runner){&ops, ecr, on_exit, arg};
    runner->files.lock = -1;
    int result = registry_files_init(&runner->files, ecr->data_path, err);
    if (result == 0) {
        result = backend_process_create(ecr, &runner->files, on_exit, arg, &runner->process);
        if (result != 0) {
            virga_error_set(err, "out of memory");
        }
    }
    if (result != 0) {
        destroy(&runner->base);
        return result;
    }
    *ret_runner = &runner->base;
    return 0;
}
