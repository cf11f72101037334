/* SPDX-License-Identifier: MIT */
/* virga.process/1: no process is started; the test says what it writes and when it ends. */
#include <signal.h>
#include <stdlib.h>

#include "kit.h"

#define FIRST_PID 100001

/* Outlives the plugin's handle: the test looks at it afterwards. */
struct process {
    struct link link;
    struct virga_process_handle *watcher; /* NULL: closed */
    struct virga_process_id id;
    char *command;
    bool adopted;
    bool stubborn;
    bool runs;
};

struct virga_process_handle {
    struct handle handle;
    struct task task;
    struct process *process;
    struct virga_process_options options; /* the callbacks */
    struct text output;                   /* not told yet */
    bool ended;
    int64_t status;
    int term_signal;
};

static void close_process(struct virga_process_handle *handle) {
    if (handle == NULL) {
        return;
    }
    struct process *process = handle->process;
    process->watcher = NULL;
    process->runs = process->runs && !handle->ended &&
                    (process->adopted || (handle->options.flags & VIRGA_PROCESS_OUTLIVES) != 0);
    kit_handle_remove(&handle->handle);
    kit_task_disarm(&handle->task);
    kit_text_free(&handle->output);
    free(handle);
}

static void drop(struct handle *handle) {
    close_process(LINK_ENTRY(handle, struct virga_process_handle, handle));
}

static void tell_exit(struct virga_process_handle *handle) {
    struct kit_call call;
    handle->process->runs = false;
    if (handle->options.on_exit != NULL) {
        kit_enter(&call, handle->handle.kit, "process on_exit");
        handle->options.on_exit(handle->options.arg, handle->process->adopted ? -1 : handle->status,
                                handle->term_signal);
        kit_leave(&call);
    }
}

static void tell(struct task *task) {
    struct virga_process_handle *handle = LINK_ENTRY(task, struct virga_process_handle, task);
    struct process *process = handle->process;
    struct kit_call call;
    struct text output = handle->output;
    handle->output = (struct text){0};
    if (output.len > 0 && handle->options.on_output != NULL) {
        kit_enter(&call, handle->handle.kit, "process on_output");
        handle->options.on_output(handle->options.arg, (struct virga_str){output.ptr, output.len});
        kit_leave(&call);
    }
    kit_text_free(&output);
    if (process->watcher != NULL && handle->ended && process->runs) {
        tell_exit(handle);
    }
}

static struct virga_process_handle *watch(struct testkit *kit,
                                          const struct virga_process_options *given,
                                          struct virga_process_id id, char *command) {
    struct process *process = kit_must_alloc(sizeof *process);
    struct virga_process_handle *handle = kit_must_alloc(sizeof *handle);
    memcpy(&handle->options, given,
           given->struct_size < sizeof *given ? given->struct_size : sizeof *given);
    process->watcher = handle;
    process->id = id;
    process->command = command;
    process->runs = true;
    handle->process = process;
    task_init(&handle->task);
    link_append(&kit->processes, &process->link);
    kit->processes_count++;
    kit_handle_add(kit, &handle->handle, "process", drop);
    return handle;
}

static int spawn(const struct virga_host *host, const struct virga_process_options *options,
                 struct virga_process_handle **ret_process) {
    struct testkit *kit = kit_from(host);
    struct text command = {0};
    if (options->argv == NULL || options->argv[0] == NULL ||
        ((options->flags & VIRGA_PROCESS_OUTLIVES) != 0 && options->output_path == NULL)) {
        return -EINVAL;
    }
    if (kit->spawn_error != 0) {
        int error = kit->spawn_error;
        kit->spawn_error = 0;
        return error;
    }
    if (kit_alloc_fails(kit)) {
        return -ENOMEM;
    }
    for (size_t i = 0; options->argv[i] != NULL; i++) {
        kit_text_add(&command, " ", i > 0);
        kit_text_add(&command, options->argv[i], strlen(options->argv[i]));
    }
    struct virga_process_id id = {FIRST_PID + (int64_t)kit->processes_count, 1};
    *ret_process = watch(kit, options, id, kit_must_strdup(kit_text_get(&command)));
    kit_text_free(&command);
    return 0;
}

static int adopt(const struct virga_host *host, struct virga_process_id id,
                 const struct virga_process_options *options,
                 struct virga_process_handle **ret_process) {
    struct testkit *kit = kit_from(host);
    for (size_t i = 0; i < kit->left_count; i++) {
        if (kit->left[i].pid == id.pid && kit->left[i].start_time == id.start_time) {
            if (kit_alloc_fails(kit)) {
                return -ENOMEM;
            }
            *ret_process = watch(kit, options, id, kit_must_strdup(""));
            (*ret_process)->process->adopted = true;
            return 0;
        }
    }
    return -ESRCH;
}

static struct virga_process_id id_of(const struct virga_process_handle *handle) {
    return handle->process->id;
}

static int kill_process(struct virga_process_handle *handle, int signum) {
    if (handle->ended) {
        return -ESRCH;
    }
    if (signum == SIGKILL || (signum == SIGTERM && !handle->process->stubborn)) {
        handle->ended = true;
        handle->term_signal = signum;
        kit_task_arm(handle->handle.kit, &handle->task, tell);
    }
    return 0;
}

/* --- from outside --- */

static struct process *nth(const struct testkit *kit, size_t n) {
    LINK_EACH(at, &kit->processes) {
        if (n-- == 0) {
            return LINK_ENTRY(at, struct process, link);
        }
    }
    return NULL;
}

void testkit_process_fail(struct testkit *kit, int error) {
    kit->spawn_error = error;
}

void testkit_process_leave(struct testkit *kit, struct virga_process_id id) {
    kit->left = kit_must_grow(kit->left, kit->left_count, sizeof id);
    kit->left[kit->left_count++] = id;
}

size_t testkit_processes_count(const struct testkit *kit) {
    return kit->processes_count;
}

const char *testkit_process_command(const struct testkit *kit, size_t n) {
    const struct process *process = nth(kit, n);
    return process != NULL ? process->command : NULL;
}

int testkit_process_runs(const struct testkit *kit, size_t n) {
    const struct process *process = nth(kit, n);
    return process != NULL && process->runs;
}

void testkit_process_stubborn(struct testkit *kit, size_t n) {
    struct process *process = nth(kit, n);
    if (process != NULL) {
        process->stubborn = true;
    }
}

void testkit_process_output(struct testkit *kit, size_t n, const char *text) {
    struct process *process = nth(kit, n);
    if (process != NULL && process->watcher != NULL && !process->watcher->ended) {
        kit_text_add(&process->watcher->output, text, strlen(text));
        kit_task_arm(kit, &process->watcher->task, tell);
    }
}

void testkit_process_exit(struct testkit *kit, size_t n, int exit_status, int term_signal) {
    struct process *process = nth(kit, n);
    if (process == NULL || !process->runs) {
        return;
    }
    if (process->watcher == NULL) {
        process->runs = false;
        return;
    }
    process->watcher->ended = true;
    process->watcher->status = exit_status;
    process->watcher->term_signal = term_signal;
    kit_task_arm(kit, &process->watcher->task, tell);
}

void kit_processes_finish(struct testkit *kit) {
    LINK_EACH(at, &kit->processes) {
        struct process *process = LINK_ENTRY(at, struct process, link);
        free(process->command);
        free(process);
    }
}

const struct virga_process kit_process = {
    .struct_size = sizeof kit_process,
    .spawn = spawn,
    .adopt = adopt,
    .id = id_of,
    .kill = kill_process,
    .close = close_process,
};
