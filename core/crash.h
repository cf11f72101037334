/* SPDX-License-Identifier: MIT */
/* What a worker still does when it crashes: says where, and leaves word of what the thread ran. */
#ifndef CORE_CRASH_H
#define CORE_CRASH_H

#include "crumb.h"

/* Handles SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT from now on: a backtrace on stderr, a line in
 * the shared page, then the signal's own effect. The calling thread is the loop's. */
void crash_catch(void);

/* Notes where a plugin's code lies, so that a crash on a thread that it made itself has a name.
 * `path` as it was opened, `name` static text. */
void crash_add_library(const char *path, const char *name);

/* What a thread of the pool runs: stands between these two. Thread: [worker]. */
void crash_enter_work(const char *plugin);
void crash_leave_work(void);

#endif
