/* SPDX-License-Identifier: MIT */
/* virga.process/1: start, watch, adopt and stop child processes. */
#ifndef VIRGA_EXT_PROCESS_H
#define VIRGA_EXT_PROCESS_H

#include "../host.h"
#include "../http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_PROCESS_ID "virga.process/1"

struct virga_process_handle;

/* options.flags */
#define VIRGA_PROCESS_OUTLIVES 0x1u /* own session; lives on when the host ends, even by kill -9.
                                       Without it the child gets SIGTERM when the host dies. */

struct virga_process_options {
    uint32_t struct_size;
    uint32_t flags;          /* VIRGA_PROCESS_* */
    const char *const *argv; /* ended by NULL; argv[0] is looked up in PATH */
    const char *const *env;  /* "NAME=value", ended by NULL, added to the host's environment; NULL */
    const char *cwd;         /* NULL = the host's */
    /* stdout and stderr go to this file (appended, created 0600), or to on_output, or to the log as
     * lines when both are NULL. OUTLIVES wants the file. */
    const char *output_path;
    /* Calls back: as output comes, never after on_exit. Valid: for the call. */
    void (*on_output)(void *arg, struct virga_str bytes);
    /* Calls back: once, never inside spawn() or adopt(). exit_status is -1 when it was adopted (the
     * status of another's child cannot be had); term_signal is 0 or the signal. Output is complete. */
    void (*on_exit)(void *arg, int64_t exit_status, int term_signal);
    void *arg;
};

/* Names one process for ever: the pid alone may be reused. */
struct virga_process_id {
    int64_t pid;
    uint64_t start_time; /* clock ticks since boot, field 22 of /proc/<pid>/stat */
};

struct virga_process {
    uint32_t struct_size;
    uint32_t reserved;

    /* Starts a child, in a session of its own, with nothing on stdin. Errors: -ENOENT no such program,
     * -EACCES, -EAGAIN, -ENOMEM, -EINVAL no argv, or OUTLIVES without output_path. Thread: [loop]. */
    int (*spawn)(const struct virga_host *host, const struct virga_process_options *options,
                 struct virga_process_handle **ret_process);

    /* Watches a process that an earlier run left. Only on_exit and arg of `options` are used.
     * Errors: -ESRCH it is gone or another process has its pid. */
    int (*adopt)(const struct virga_host *host, struct virga_process_id id,
                 const struct virga_process_options *options,
                 struct virga_process_handle **ret_process);

    /* Who it is, to be written down for adopt(). */
    struct virga_process_id (*id)(const struct virga_process_handle *process);

    /* Sends a signal. Errors: -ESRCH it has ended. */
    int (*kill)(struct virga_process_handle *process, int signum);

    /* Stops watching and frees the handle; on_exit does not come any more. A process that still runs
     * is left alone if it OUTLIVES or was adopted, else it gets SIGTERM, and SIGKILL 5 s later.
     * NULL is fine, also inside on_exit. */
    void (*close)(struct virga_process_handle *process);
};

#ifdef __cplusplus
}
#endif
#endif
