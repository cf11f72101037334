/* SPDX-License-Identifier: MIT */
/* The processes of an environment, found in /proc: the guard (unshare) is virga's child, the
 * runtime its child and the first of a pid namespace, and all others of that namespace are the
 * environment's. */
#ifndef LAMBDA_OCI_PROCESSES_H
#define LAMBDA_OCI_PROCESSES_H

#include <stdint.h>
#include <sys/types.h>

/* The guard's child; 0: none. Thread: [any]. */
pid_t oci_processes_runtime(pid_t guard);

/* The child of the runtime that has the number `inside` in its namespace; 0: none, it has ended.
 * Thread: [any]. */
pid_t oci_processes_main(pid_t runtime, pid_t inside);

/* When it was started, as virga.process/1 has it; 0: it is gone. Thread: [any]. */
uint64_t oci_processes_start_time(pid_t pid);

/* Waits up to a second for a process's end; one that nobody has reaped yet has ended. When the
 * first process of a namespace has ended, so have all. Thread: [worker]. */
void oci_processes_wait(pid_t pid);

/* Sends a signal to all processes of the namespace whose first process is `runtime`, but not to
 * itself. Returns how many there were. Thread: [worker]. */
int oci_processes_signal(pid_t runtime, int signum);

/* Bytes of memory that the runtime's children have had at most, taken together; -1: not known.
 * Thread: [any]. */
int64_t oci_processes_peak(pid_t runtime);

/* Kills the guards and runtimes of environments whose folder's path begins with `folders`, known by
 * their arguments, and waits for their end: for what was killed halfway, before unshare had its
 * child bound to itself. Thread: [worker]. */
void oci_processes_end_of(const char *folders);

#endif
