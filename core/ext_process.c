/* SPDX-License-Identifier: MIT */
/* Child processes of plugins.
 * A child whose handle is closed while it runs stays in `background` until it ends: somebody must
 * reap it. */
#include "ext_process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include "host.h"
#include "log.h"
#include "plugin.h"
#include "process_child.h"
#include "process_command.h"
#include "process_id.h"
#include "process_output.h"
#include "resource.h"

enum watch { WATCH_CHILD, WATCH_PIDFD, WATCH_POLL };

struct virga_process_handle {
    struct resource resource; /* owner NULL: closed, nobody is told any more */
    struct list background;
    enum watch watch;
    union {
        uv_handle_t any;
        uv_process_t child;
        uv_poll_t pidfd;
        uv_timer_t timer;
    } uv;
    uv_timer_t kill_timer;
    struct process_output output;
    struct process_lines lines;
    struct virga_process_id id;
    char name[64];
    int pidfd;
    unsigned open_handles;
    bool outlives;
    bool ended;
    bool closed;
    bool has_output;
    void (*on_output)(void *arg, struct virga_str bytes);
    void (*on_exit)(void *arg, int64_t exit_status, int term_signal);
    void *arg;
};

/* Closed handles of running children. Thread: [loop]. */
static struct list background = {&background, &background};

/* --- the end of a handle --- */

static void on_handle_closed(uv_handle_t *uv) {
    struct virga_process_handle *process = uv->data;
    if (--process->open_handles == 0) {
        list_remove(&process->background);
        free(process);
    }
}

/* The output's handle points to the output, which libuv's callback cannot tell from the process. */
static void on_output_closed(uv_handle_t *uv) {
    struct process_output *output = uv->data;
    uv->data = output->arg;
    on_handle_closed(uv);
}

/* Closes every uv handle; the last of them frees the process. */
static void dispose(struct virga_process_handle *process) {
    if (process->has_output) {
        process_output_close(&process->output, on_output_closed);
    }
    if (process->kill_timer.data != NULL) {
        uv_close((uv_handle_t *)&process->kill_timer, on_handle_closed);
    }
    uv_close(&process->uv.any, on_handle_closed);
    if (process->pidfd >= 0) {
        (void)close(process->pidfd);
    }
}

/* --- output --- */

static void on_line(void *arg, const char *line) {
    const struct virga_process_handle *process = arg;
    log_write(VIRGA_LOG_INFO, process->resource.owner->desc->name, NULL, "%s[%" PRId64 "]: %s",
              process->name, process->id.pid, line);
}

static void on_bytes(void *arg, struct virga_str bytes) {
    struct virga_process_handle *process = arg;
    struct plugin_call call;
    if (process->closed) {
        return;
    }
    if (process->on_output == NULL) {
        process_lines_feed(&process->lines, bytes, on_line, process);
        return;
    }
    plugin_enter(&call, process->resource.owner, "on_output", NULL);
    process->on_output(process->arg, bytes);
    plugin_leave(&call);
}

/* --- the end of a process --- */

static void end(struct virga_process_handle *process, int64_t exit_status, int term_signal) {
    struct plugin_call call;
    process->ended = true;
    if (process->closed) {
        dispose(process);
        return;
    }
    if (process->has_output) {
        process_output_drain(&process->output);
    }
    /* on_output may have closed the handle. */
    if (process->closed) {
        return;
    }
    process_lines_flush(&process->lines, on_line, process);
    if (process->on_exit != NULL) {
        plugin_enter(&call, process->resource.owner, "on_exit", NULL);
        process->on_exit(process->arg, exit_status, term_signal);
        plugin_leave(&call);
    }
}

static void on_child_exit(uv_process_t *child, int64_t exit_status, int term_signal) {
    end(child->data, exit_status, term_signal);
}

static void on_pidfd(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    (void)uv_poll_stop(poll);
    end(poll->data, -1, 0);
}

static void on_look(uv_timer_t *timer) {
    struct virga_process_handle *process = timer->data;
    if (!process_id_runs(process->id.pid, process->id.start_time)) {
        (void)uv_timer_stop(timer);
        end(process, -1, 0);
    }
}

/* --- starting --- */

/* The caller's options, those that its ABI minor lacks being zero. */
static struct virga_process_options options_copy(const struct virga_process_options *given) {
    struct virga_process_options copy = {0};
    memcpy(&copy, given, given->struct_size < sizeof copy ? given->struct_size : sizeof copy);
    return copy;
}

static struct virga_process_handle *process_new(const struct virga_process_options *options) {
    struct virga_process_handle *process = calloc(1, sizeof *process);
    if (process != NULL) {
        list_init(&process->background);
        process->pidfd = -1;
        process->on_output = options->on_output;
        process->on_exit = options->on_exit;
        process->arg = options->arg;
    }
    return process;
}

/* Where stdout and stderr go: *ret_child_fd is for the child, *ret_read_fd the other end of a pipe
 * or -1. */
static int output_open(const char *path, int *ret_child_fd, int *ret_read_fd) {
    int fds[2] = {-1, -1};
    if (path != NULL) {
        fds[1] = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (fds[1] < 0) {
            return -errno;
        }
    } else if (pipe2(fds, O_CLOEXEC) != 0) {
        return -errno;
    }
    *ret_read_fd = fds[0];
    *ret_child_fd = fds[1];
    return 0;
}

/* Starts the child with everything prepared. On failure the handle frees itself. */
static int launch(struct virga_process_handle *process, uv_loop_t *loop,
                  const struct virga_process_options *options,
                  const struct process_command *command, int child_fd) {
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
    stdio[1].flags = UV_INHERIT_FD;
    stdio[1].data.fd = child_fd;
    stdio[2] = stdio[1];
    const uv_process_options_t uv_options = {
        .exit_cb = on_child_exit,
        .file = command->argv[0],
        .args = command->argv,
        .env = command->env,
        .cwd = options->cwd,
        /* A session of its own: a Ctrl-C at the terminal is for the host, which stops its children
           in order. */
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = 3,
        .stdio = stdio,
    };
    process->watch = WATCH_CHILD;
    process->open_handles = 1;
    int rc = uv_spawn(loop, &process->uv.child, &uv_options);
    process->uv.child.data = process;
    if (rc < 0) {
        process->ended = true;
        dispose(process);
        return rc;
    }
    process->id.pid = process->uv.child.pid;
    /* The child cannot vanish before the loop has reaped it. */
    (void)process_id_start_time(process->id.pid, &process->id.start_time, NULL);
    return 0;
}

static void reclaim(struct resource *resource);

static int spawn_with(struct plugin *plugin, const struct virga_process_options *options,
                      const struct process_command *command,
                      struct virga_process_handle **ret_process) {
    struct virga_process_handle *process = process_new(options);
    const char *slash = strrchr(options->argv[0], '/');
    int child_fd = -1;
    int read_fd = -1;
    int rc;
    if (process == NULL) {
        return -ENOMEM;
    }
    process->outlives = (options->flags & VIRGA_PROCESS_OUTLIVES) != 0;
    (void)snprintf(process->name, sizeof process->name, "%s",
                   slash != NULL ? slash + 1 : options->argv[0]);
    rc = output_open(options->output_path, &child_fd, &read_fd);
    if (rc < 0) {
        free(process);
        return rc;
    }
    rc = launch(process, plugin->host->loop, options, command, child_fd);
    (void)close(child_fd);
    if (rc < 0) {
        if (read_fd >= 0) {
            (void)close(read_fd);
        }
        return rc;
    }
    resource_add(&process->resource, plugin, "process", reclaim);
    if (read_fd >= 0) {
        rc = process_output_start(&process->output, plugin->host->loop, read_fd, on_bytes, process);
        if (rc < 0) {
            (void)close(read_fd);
            ext_process.close(process);
            return rc;
        }
        process->has_output = true;
        process->open_handles++;
    }
    *ret_process = process;
    return 0;
}

static int spawn(const struct virga_host *host, const struct virga_process_options *given,
                 struct virga_process_handle **ret_process) {
    struct virga_process_options options = options_copy(given);
    bool outlives = (options.flags & VIRGA_PROCESS_OUTLIVES) != 0;
    struct process_command command;
    /* A pipe's reader dies with the host, and its writer by the next line that it writes. */
    if (options.argv == NULL || options.argv[0] == NULL ||
        (outlives && options.output_path == NULL)) {
        return -EINVAL;
    }
    int rc = process_command_make(&command, outlives ? NULL : process_child_program(), &options);
    if (rc == 0) {
        rc = spawn_with(plugin_from(host), &options, &command, ret_process);
    }
    process_command_finish(&command);
    return rc;
}

static int adopt(const struct virga_host *host, struct virga_process_id id,
                 const struct virga_process_options *given,
                 struct virga_process_handle **ret_process) {
    struct plugin *plugin = plugin_from(host);
    struct virga_process_options options = options_copy(given);
    struct virga_process_handle *process;
    int rc;
    if (id.pid <= 0) {
        return -ESRCH;
    }
    process = process_new(&options);
    if (process == NULL) {
        return -ENOMEM;
    }
    process->id = id;
    process->outlives = true;
    (void)snprintf(process->name, sizeof process->name, "pid");
    /* Opened before the look at its start time: what was looked at is what is watched. */
    process->pidfd = process_id_open(id.pid);
    if (!process_id_runs(id.pid, id.start_time)) {
        rc = -ESRCH;
        goto fail;
    }
    process->open_handles = 1;
    if (process->pidfd >= 0) {
        process->watch = WATCH_PIDFD;
        rc = uv_poll_init(plugin->host->loop, &process->uv.pidfd, process->pidfd);
    } else {
        process->watch = WATCH_POLL;
        rc = uv_timer_init(plugin->host->loop, &process->uv.timer);
    }
    if (rc < 0) {
        goto fail;
    }
    process->uv.any.data = process;
    if (process->watch == WATCH_PIDFD) {
        (void)uv_poll_start(&process->uv.pidfd, UV_READABLE, on_pidfd);
    } else {
        (void)uv_timer_start(&process->uv.timer, on_look, EXT_PROCESS_POLL_MS, EXT_PROCESS_POLL_MS);
    }
    resource_add(&process->resource, plugin, "process", reclaim);
    *ret_process = process;
    return 0;
fail:
    if (process->pidfd >= 0) {
        (void)close(process->pidfd);
    }
    free(process);
    return rc;
}

/* --- watching and stopping --- */

static struct virga_process_id id_of(const struct virga_process_handle *process) {
    return process->id;
}

static int send_signal(struct virga_process_handle *process, int signum) {
    if (process->ended) {
        return -ESRCH;
    }
    if (process->watch == WATCH_CHILD) {
        return uv_process_kill(&process->uv.child, signum);
    }
#ifdef SYS_pidfd_send_signal
    if (process->pidfd >= 0) {
        return syscall(SYS_pidfd_send_signal, process->pidfd, signum, NULL, 0u) == 0 ? 0 : -errno;
    }
#endif
    if (!process_id_runs(process->id.pid, process->id.start_time)) {
        return -ESRCH;
    }
    return kill((pid_t)process->id.pid, signum) == 0 ? 0 : -errno;
}

static void on_kill_timer(uv_timer_t *timer) {
    struct virga_process_handle *process = timer->data;
    log_warn("%s[%" PRId64 "] did not end within %d ms of SIGTERM: killed", process->name,
             process->id.pid, EXT_PROCESS_KILL_MS);
    (void)send_signal(process, SIGKILL);
}

static void close_process(struct virga_process_handle *process) {
    if (process == NULL || process->closed) {
        return;
    }
    process->closed = true;
    resource_remove(&process->resource);
    if (process->ended || process->watch != WATCH_CHILD) {
        dispose(process);
        return;
    }
    list_append(&background, &process->background);
    if (process->outlives) {
        uv_unref(&process->uv.any);
        return;
    }
    (void)send_signal(process, SIGTERM);
    /* Its output is read on and thrown away: a full pipe must not keep it from ending. */
    if (uv_timer_init(process->uv.any.loop, &process->kill_timer) == 0) {
        process->kill_timer.data = process;
        process->open_handles++;
        (void)uv_timer_start(&process->kill_timer, on_kill_timer, EXT_PROCESS_KILL_MS, 0);
    }
}

static void reclaim(struct resource *resource) {
    close_process(LIST_ENTRY(resource, struct virga_process_handle, resource));
}

static bool any_dying(const struct host *host) {
    LIST_EACH (node, &background) {
        const struct virga_process_handle *process =
            LIST_ENTRY(node, struct virga_process_handle, background);
        if (process->uv.any.loop == host->loop && !process->outlives) {
            return true;
        }
    }
    return false;
}

void ext_process_teardown(struct host *host) {
    /* One second more than SIGKILL needs; a process that even this does not end is the kernel's. */
    uint64_t give_up_ns = uv_hrtime() + (EXT_PROCESS_KILL_MS + 1000) * UINT64_C(1000000);
    while (any_dying(host) && uv_hrtime() < give_up_ns) {
        (void)uv_run(host->loop, UV_RUN_ONCE);
    }
    LIST_EACH_SAFE (node, &background) {
        struct virga_process_handle *process =
            LIST_ENTRY(node, struct virga_process_handle, background);
        if (process->uv.any.loop == host->loop && !process->ended) {
            process->ended = true;
            dispose(process);
        }
    }
}

const struct virga_process ext_process = {
    .struct_size = sizeof ext_process,
    .spawn = spawn,
    .adopt = adopt,
    .id = id_of,
    .kill = send_signal,
    .close = close_process,
};
