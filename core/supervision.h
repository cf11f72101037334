/* SPDX-License-Identifier: MIT */
/* What supervisor and worker know together: a page of memory that both have mapped. It outlives
 * every worker. A process without a supervisor has one of its own. */
#ifndef CORE_SUPERVISION_H
#define CORE_SUPERVISION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "crumb.h"
#include "quarantine.h"

/* What a worker is to do when SIGTERM comes. */
enum supervision_wish { SUPERVISION_STOP, SUPERVISION_RESTART };

struct supervision {
    struct crumb_cell loop;      /* what the loop thread runs */
    struct crumb_cell culprit;   /* what the thread ran that crashed */
    _Atomic int crashed_signal;  /* 0 = `culprit` was not written */
    _Atomic uint32_t stalled_ms; /* the watchdog gave the loop up after this time */
    _Atomic int wish;            /* enum supervision_wish */
    _Atomic bool announced;      /* the line on stdout is written */
    _Atomic bool log_known;      /* the next two are set */
    _Atomic int log_level;       /* enum virga_log_level */
    _Atomic int log_format;      /* enum log_format */
    struct quarantine quarantine;
};

/* The exit status of a host whose start was refused (configuration, port, data directory) with a
 * line that says why. As EX_CONFIG of sysexits.h. */
#define SUPERVISION_EXIT_REFUSED 78

/* Maps the page. Thread: the supervisor, before it forks. Errors: the errno of mmap. */
int supervision_map(void);
/* The page. Thread: [any]. */
struct supervision *supervision(void);
/* Forgets what the last worker left, except for the quarantine. */
void supervision_reset(void);

/* A page beside it for a process that looks at a new configuration while the worker serves; it
 * knows the present quarantine. Thread: the supervisor, before it forks that process. */
struct supervision *supervision_prepare_check(void);
/* Makes that page the process's own. Thread: the only one of that process. */
void supervision_become_check(void);

/* Says that this process is a worker of `supervisor`. */
void supervision_set_supervisor(pid_t supervisor);
/* Whether this process was forked by a supervisor. */
bool supervision_has_supervisor(void);
/* Whether it was, and the supervisor is gone. */
bool supervision_is_orphan(void);

#endif
