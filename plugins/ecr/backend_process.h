/* SPDX-License-Identifier: MIT */
/* The registry as a child process: started, adopted, watched, stopped. Everything is [loop];
 * callbacks never come inside the call. */
#ifndef ECR_BACKEND_PROCESS_H
#define ECR_BACKEND_PROCESS_H

#include "ecr.h"
#include "registry_files.h"

#define BACKEND_PROCESS_START_MS 10000 /* until it must answer */
#define BACKEND_PROCESS_STOP_MS 5000   /* from SIGTERM to SIGKILL */

struct backend_process;

/* on_exit comes whenever a running registry ended unasked. `files` must outlive it. Errors:
 * -ENOMEM. */
int backend_process_create(struct ecr *ecr, struct registry_files *files,
                           void (*on_exit)(void *arg), void *arg,
                           struct backend_process **ret_process);
/* Leaves or ends the child as its flags say, at once. NULL is fine. */
void backend_process_destroy(struct backend_process *process);
/* Sees to it that a registry answers: the one that runs, one that an earlier virga left, or a new
 * one. Calls back: on_started once, status 0 or a negative errno with the reason in words. */
void backend_process_start(struct backend_process *process,
                           void (*on_started)(void *arg, int status, const char *reason),
                           void *arg);
/* Leaves it running or ends it (keep-running-on-shutdown); a start under way is given up, without a
 * call. */
void backend_process_stop(struct backend_process *process, void (*on_stopped)(void *arg),
                          void *arg);
/* Its pid; 0 when none runs. */
int64_t backend_process_pid(const struct backend_process *process);
/* Finds the registry program in PATH: docker-registry (Debian), else registry. False when there is
 * none. */
bool backend_process_program(char *buffer, size_t size);

/* A command line: the registry program with a verb and its configuration. */
#define BACKEND_PROCESS_UNSET_MAX 64
struct backend_command {
    char program[REGISTRY_PATH_MAX];
    char *unset[BACKEND_PROCESS_UNSET_MAX]; /* names of variables */
    size_t unset_count;
    const char *argv[2 * BACKEND_PROCESS_UNSET_MAX + 8];
};
/* Makes the command line. REGISTRY_* variables of the environment are kept from the registry, which
 * would take them for settings. `config` must outlive it. Errors: -ENOENT no program, -ENOMEM. */
int backend_command_make(struct backend_command *command, const char *verb, const char *config);
void backend_command_finish(struct backend_command *command);

#endif
