/* SPDX-License-Identifier: MIT */
/* Lifecycle policies at work: runs over the repositories that have one, on a timer or when asked
 * for, and previews. At most one run is at work on a repository at one time. Everything is [loop].
 */
#ifndef ECR_LIFECYCLE_RUN_H
#define ECR_LIFECYCLE_RUN_H

#include "lifecycle_apply.h"

struct lifecycle;

/* Starts the timer, where the setting lifecycle-interval wants one. Errors: -ENOMEM. */
int lifecycle_create(struct ecr *ecr, struct lifecycle **ret_lifecycle);
/* Ends runs and previews; on_stopped when nothing is under way any more, maybe inside the call. */
void lifecycle_stop(struct lifecycle *lifecycle, void (*on_stopped)(void *arg), void *arg);
/* Stopped, or nothing was begun. NULL is fine. */
void lifecycle_destroy(struct lifecycle *lifecycle);

/* --- runs --- */

/* Which repositories; what is "" does not matter. A name comes with account and region. */
struct lifecycle_filter {
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
};

/* Who is told of a run. */
struct lifecycle_watcher {
    void (*on_image)(void *arg, const char *digest, enum lifecycle_outcome outcome,
                     const char *reason);
    /* The images of a repository were told. reason NULL: all went well. */
    void (*on_repository)(void *arg, const struct tenant *tenant, const char *name,
                          const struct lifecycle_counts *counts, const char *reason);
    /* The end. status 0, -ECANCELED, -EIO with a reason: not all repositories were looked at. */
    void (*on_done)(void *arg, int status, const char *reason,
                    const struct lifecycle_counts *totals, size_t repositories);
    void *arg;
};

/* Runs the policies as of that time. Calls back: as the watcher says, never inside this call.
 * Errors: -EBUSY too many runs are under way, -ECANCELED the host is stopping, -ENOMEM. */
int lifecycle_run(struct lifecycle *lifecycle, const struct lifecycle_filter *filter,
                  int64_t as_of_ms, const struct lifecycle_watcher *watcher);

/* Answers POST /_floci/ecr/lifecycle/run (lifecycle_admin.c). */
void lifecycle_handle_run(struct ecr *ecr, struct virga_request *req);

/* --- previews (lifecycle_preview_run.c) --- */

/* Begins a preview and records it. Errors: -EALREADY one of this repository is under way, -EBUSY
 * too many are, -ECANCELED, -EINVAL, -ENOMEM, -EIO. */
int lifecycle_preview_begin(struct lifecycle *lifecycle, const struct tenant *tenant,
                            struct virga_str name, struct virga_str text);
/* Whether one of this repository is under way. */
bool lifecycle_preview_runs(const struct lifecycle *lifecycle, const struct tenant *tenant,
                            struct virga_str name);

#endif
