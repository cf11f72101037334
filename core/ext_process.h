/* SPDX-License-Identifier: MIT */
/* virga.process/1 as the host keeps it: children of libuv, and adopted processes behind a pidfd. */
#ifndef CORE_EXT_PROCESS_H
#define CORE_EXT_PROCESS_H

#include <virga/ext/process.h>

struct host;

/* From SIGTERM to SIGKILL for a child whose handle was closed while it ran. */
#define EXT_PROCESS_KILL_MS 5000
/* How often an adopted process is looked at where the kernel has no pidfd. */
#define EXT_PROCESS_POLL_MS 500

extern const struct virga_process ext_process;

/* Waits for the children that were told to end (bounded: SIGKILL comes after EXT_PROCESS_KILL_MS),
 * and lets go of those that outlive the host. After every plugin was destroyed; runs the loop.
 * Thread: [loop]. */
void ext_process_teardown(struct host *host);

#endif
