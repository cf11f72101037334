/* SPDX-License-Identifier: MIT */
/* The supervisor: forks the worker, keeps its sockets, and replaces it when it dies. It uses libc
 * alone and reads no configuration, so that every worker begins as the first did. */
#ifndef CORE_SUPERVISOR_H
#define CORE_SUPERVISOR_H

struct host_options;

/* A worker that died is replaced at once the first time, then after FIRST, which doubles up to
 * LAST; one that has served for HEALTHY ends the series. */
#define SUPERVISOR_DELAY_FIRST_MS 100
#define SUPERVISOR_DELAY_LAST_MS 5000
#define SUPERVISOR_HEALTHY_MS 30000
/* How long the check of a new configuration may take. */
#define SUPERVISOR_CHECK_MS 30000

/* Runs hosts until it is told to stop. SIGTERM, SIGINT: stops the worker, returns 0; a second one:
 * kills it, returns 1. SIGHUP: a new worker, if the configuration is in order. Returns the exit
 * status of the process, of the supervisor or (in the worker) of host_run(). Thread: the only one.
 */
int supervisor_run(const struct host_options *options);

#endif
