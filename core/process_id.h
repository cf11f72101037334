/* SPDX-License-Identifier: MIT */
/* Other processes as the kernel shows them: who they are for ever, and where a program is found. */
#ifndef CORE_PROCESS_ID_H
#define CORE_PROCESS_ID_H

#include <stdbool.h>
#include <stdint.h>

/* Start time of a process in clock ticks since boot. Errors: -ESRCH none has the pid.
 * *ret_ended (may be NULL): it has ended and only waits to be reaped. Source: proc(5),
 * /proc/<pid>/stat. */
int process_id_start_time(int64_t pid, uint64_t *ret_start_time, bool *ret_ended);

/* Whether the process of that pid and start time still runs. */
bool process_id_runs(int64_t pid, uint64_t start_time);

/* A descriptor that becomes readable when the process ends. Errors: -ENOSYS, -EPERM, -ESRCH. */
int process_id_open(int64_t pid);

/* The program that `name` means: itself when it has a slash (relative to cwd, if not NULL), else
 * the first in `path`, a list as PATH. Owns: *ret_program is the caller's, to free(). Errors:
 * -ENOENT, -EACCES, -ENOMEM. */
int process_id_find_program(const char *name, const char *path, const char *cwd,
                            char **ret_program);

#endif
