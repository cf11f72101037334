/* SPDX-License-Identifier: MIT */
/* One scan on its way: has the scanner's command run, or looks for the image's findings file, and
 * reads the report. Knows no queue and writes no record. Everything is [loop]. */
#ifndef ECR_SCAN_JOB_H
#define ECR_SCAN_JOB_H

#include "scan_command.h"
#include "scan_record.h"

#define SCAN_DESCRIPTION_LEN 400 /* of an outcome, in bytes */

struct scan_job;

/* Where findings come from; neither command nor findings: from nowhere. */
struct scan_settings {
    bool has_command;
    struct scan_command command;
    char *findings;     /* a report, or a folder of reports; NULL */
    char *folder;       /* for the command's files */
    int64_t timeout_ms; /* of the command */
};

struct scan_outcome {
    int status; /* 0; -EINVAL it failed, description says why; -ECANCELED */
    char description[SCAN_DESCRIPTION_LEN + 1]; /* what is worth saying besides; may be empty */
    struct scan_report report;                  /* when status is 0 */
};

/* Starts it. `settings` outlives the job. Calls back: once, never inside this call; the job is gone
 * then, and the outcome's report with it. Errors: -ENOMEM (no call). */
int scan_job_start(struct ecr *ecr, const struct scan_settings *settings,
                   const struct image_order *order, bool enhanced,
                   void (*on_done)(void *arg, struct scan_outcome *outcome), void *arg,
                   struct scan_job **ret_job);
/* Has it end soon, with -ECANCELED. */
void scan_job_cancel(struct scan_job *job);

#endif
