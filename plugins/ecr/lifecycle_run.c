/* SPDX-License-Identifier: MIT */
/* Runs: from one repository with a policy to the next. */
#include "lifecycle_impl.h"

#include "backend.h"
#include "meta_preview.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define JOBS_MAX 8
#define BROKEN_MAX 3   /* repositories; then the registry does not work */
#define WALK_STEPS 500 /* rows looked at in one turn of the loop */

struct lifecycle_job {
    struct lifecycle_job *next;
    struct lifecycle *lifecycle;
    struct lifecycle_filter filter;
    struct lifecycle_watcher watcher;
    bool is_interval;
    int64_t as_of_ms;
    uint64_t began_ns;
    struct meta_policy_walk walk;
    struct virga_timer_handle *timer;
    bool asks;    /* waits for the registry's readiness */
    bool settled; /* that was waited for */
    bool at_work; /* on the repository below */
    bool canceled;
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    char *text; /* its policy */
    int64_t evaluated_ms;
    struct lifecycle_scan *scan;
    struct lifecycle_apply *apply;
    struct lifecycle_counts totals;
    size_t repositories;
    unsigned broken; /* repositories whose images could not be deleted, one after the other */
};

static void go_on(struct lifecycle_job *job);

uint64_t lifecycle_delay_ms(struct ecr *ecr) {
    struct lifecycle *lifecycle = ecr->lifecycle;
    uint64_t now_ns = ecr->timer->monotonic_ns(ecr->host);
    if (now_ns - lifecycle->pause_ns < LIFECYCLE_SLICE_NS) {
        return 0;
    }
    lifecycle->pause_ns = now_ns;
    return 1;
}

static void on_timer(void *arg) {
    struct lifecycle_job *job = arg;
    job->lifecycle->ecr->timer->stop(job->timer);
    job->timer = NULL;
    go_on(job);
}

/* Goes on in a turn of the loop of its own. Errors: -ENOMEM. */
static int go_on_later(struct lifecycle_job *job) {
    struct ecr *ecr = job->lifecycle->ecr;
    return job->timer != NULL ? 0
                              : ecr->timer->start(ecr->host, lifecycle_delay_ms(ecr), 0, on_timer,
                                                  job, &job->timer);
}

static bool did_something(const struct lifecycle_counts *counts) {
    return counts->expired + counts->transitioned + counts->failed > 0;
}

static void end(struct lifecycle_job *job, int status, const char *reason) {
    struct lifecycle *lifecycle = job->lifecycle;
    struct ecr *ecr = lifecycle->ecr;
    const struct lifecycle_counts *totals = &job->totals;
    for (struct lifecycle_job **link = &lifecycle->jobs; *link != NULL; link = &(*link)->next) {
        if (*link == job) {
            *link = job->next;
            break;
        }
    }
    lifecycle->jobs_count--;
    lifecycle->interval_runs = lifecycle->interval_runs && !job->is_interval;
    ecr->timer->stop(job->timer);
    if (did_something(totals)) {
        ECR_LOG(ecr, VIRGA_LOG_INFO, NULL,
                "lifecycle: of %" PRIu64 " images in %zu repositories %" PRIu64 " expired, %" PRIu64
                " archived, %" PRIu64 " failed, in %" PRIu64 " ms",
                totals->evaluated, job->repositories, totals->expired, totals->transitioned,
                totals->failed, (ecr->timer->monotonic_ns(ecr->host) - job->began_ns) / 1000000u);
    }
    if (status != 0 && status != -ECANCELED) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL, "lifecycle: the run was broken off: %s", reason);
    }
    if (job->watcher.on_done != NULL) {
        job->watcher.on_done(job->watcher.arg, status, reason, totals, job->repositories);
    }
    free(job);
    lifecycle_check_stopped(lifecycle);
}

/* --- one repository --- */

static void wake_others(struct lifecycle *lifecycle) {
    for (struct lifecycle_job *job = lifecycle->jobs; job != NULL; job = job->next) {
        if (!job->at_work && !job->asks) {
            (void)go_on_later(job);
        }
    }
}

/* Notes that the policy was evaluated, unless it is another one by now. */
static void note_evaluated(struct lifecycle_job *job) {
    struct ecr *ecr = job->lifecycle->ecr;
    struct virga_store_value text = {0};
    struct virga_str name = virga_str_from(job->name);
    int result = meta_text_get(ecr, &job->tenant, name, "lifecycle", &text);
    if (result == 0 && strcmp(text.ptr, job->text) == 0) {
        result = meta_policy_set_evaluated(ecr, &job->tenant, name, job->evaluated_ms);
    }
    ecr->store->release(ecr->host, &text);
    if (result != 0 && result != -ENOENT) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL, "lifecycle: the run cannot be noted: %s",
                strerror(-result));
    }
}

/* Ends the work on a repository; the next one has a turn of its own. */
static void end_repository(struct lifecycle_job *job, const struct lifecycle_counts *counts,
                           const char *reason) {
    if (reason == NULL) {
        note_evaluated(job);
    }
    job->totals.evaluated += counts->evaluated;
    job->totals.expired += counts->expired;
    job->totals.transitioned += counts->transitioned;
    job->totals.skipped += counts->skipped;
    job->totals.failed += counts->failed;
    job->repositories++;
    if (job->watcher.on_repository != NULL) {
        job->watcher.on_repository(job->watcher.arg, &job->tenant, job->name, counts, reason);
    } else if (reason != NULL) {
        ECR_LOG(job->lifecycle->ecr, VIRGA_LOG_WARN, NULL,
                "lifecycle: the policy of %s (%s, %s) could not be carried out: %s", job->name,
                job->tenant.account, job->tenant.region, reason);
    }
    free(job->text);
    job->text = NULL;
    job->name[0] = '\0';
    job->at_work = false;
    wake_others(job->lifecycle);
    if (go_on_later(job) != 0) {
        end(job, -ENOMEM, strerror(ENOMEM));
    }
}

static void end_repository_early(struct lifecycle_job *job, int error) {
    const struct lifecycle_counts none = {0};
    end_repository(job, &none,
                   error == -EINVAL      ? "its text is not a lifecycle policy"
                   : error == -EOVERFLOW ? "it has too many images"
                   : error == -ENOENT    ? "it is gone"
                                         : strerror(-error));
}

static void on_image(void *arg, const char *digest, enum lifecycle_outcome outcome,
                     const char *reason) {
    struct lifecycle_job *job = arg;
    if (outcome == LIFECYCLE_FAILED) {
        ECR_LOG(job->lifecycle->ecr, VIRGA_LOG_WARN, NULL, "lifecycle: %s@%s: %s", job->name,
                digest, reason);
    }
    if (job->watcher.on_image != NULL) {
        job->watcher.on_image(job->watcher.arg, digest, outcome, reason);
    }
}

static void on_applied(void *arg, int status, const struct lifecycle_counts *counts) {
    struct lifecycle_job *job = arg;
    job->apply = NULL;
    job->broken = status == -EIO ? job->broken + 1 : 0;
    end_repository(job, counts,
                   status == 0            ? NULL
                   : status == -ECANCELED ? "the host is stopping"
                                          : "one image after the other failed");
}

static void on_scanned(void *arg, int status, struct lifecycle_verdicts *verdicts) {
    struct lifecycle_job *job = arg;
    job->scan = NULL;
    if (status == 0 && job->canceled) {
        status = -ECANCELED;
    }
    if (status == 0 && verdicts->set.order_count == 0) {
        const struct lifecycle_counts counts = {.evaluated = verdicts->set.count};
        end_repository(job, &counts, NULL);
        return;
    }
    if (status == 0) {
        status = lifecycle_apply_start(job->lifecycle->ecr, &job->tenant, virga_str_from(job->name),
                                       verdicts, on_image, on_applied, job, &job->apply);
    }
    if (status != 0) {
        end_repository_early(job, status);
    }
}

static void begin_repository(struct lifecycle_job *job) {
    struct ecr *ecr = job->lifecycle->ecr;
    struct virga_store_value text = {0};
    int result = meta_text_get(ecr, &job->tenant, virga_str_from(job->name), "lifecycle", &text);
    if (result == 0) {
        job->text = strndup(text.ptr, text.len);
        result = job->text != NULL ? 0 : -ENOMEM;
    }
    ecr->store->release(ecr->host, &text);
    job->at_work = true;
    job->evaluated_ms = ecr->timer->now_ms(ecr->host);
    if (result == 0) {
        result = lifecycle_scan_start(ecr, &job->tenant, virga_str_from(job->name),
                                      virga_str_from(job->text), job->as_of_ms, on_scanned, job,
                                      &job->scan);
    }
    if (result != 0) {
        end_repository_early(job, result);
    }
}

/* --- from one to the next --- */

static bool is_busy(const struct lifecycle_job *job) {
    for (const struct lifecycle_job *other = job->lifecycle->jobs; other != NULL;
         other = other->next) {
        if (other != job && other->at_work && strcmp(other->name, job->name) == 0 &&
            strcmp(other->tenant.account, job->tenant.account) == 0 &&
            strcmp(other->tenant.region, job->tenant.region) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_wanted(const struct lifecycle_job *job) {
    const struct lifecycle_filter *filter = &job->filter;
    return (filter->tenant.account[0] == '\0' ||
            strcmp(filter->tenant.account, job->tenant.account) == 0) &&
           (filter->tenant.region[0] == '\0' ||
            strcmp(filter->tenant.region, job->tenant.region) == 0);
}

/* Finds the next repository; 1 found, 0 the end, -EAGAIN in another turn. */
static int find_next(struct lifecycle_job *job) {
    struct ecr *ecr = job->lifecycle->ecr;
    if (job->filter.name[0] != '\0') {
        bool first = job->repositories == 0;
        job->tenant = job->filter.tenant;
        memcpy(job->name, job->filter.name, sizeof job->name);
        return first ? 1 : 0;
    }
    if (job->name[0] != '\0') {
        return 1; /* found before, and waited for */
    }
    int result = 1;
    for (int i = 0; i < WALK_STEPS && result == 1; i++) {
        result = meta_policy_next(ecr, &job->walk, WALK_STEPS, &job->tenant, job->name);
        if (result == 1 && is_wanted(job)) {
            return 1;
        }
    }
    result = result == 1 ? -EAGAIN : result;
    job->name[0] = '\0';
    return result;
}

static void on_ready(void *arg, int status, const char *reason) {
    struct lifecycle_job *job = arg;
    job->asks = false;
    job->settled = true;
    if (status != 0) {
        end(job, job->canceled ? -ECANCELED : -EIO, reason);
        return;
    }
    go_on(job);
}

static void go_on(struct lifecycle_job *job) {
    struct ecr *ecr = job->lifecycle->ecr;
    if (job->canceled) {
        end(job, -ECANCELED, "the host is stopping");
        return;
    }
    if (job->broken >= BROKEN_MAX) {
        end(job, -EIO, "images could not be deleted in one repository after the other");
        return;
    }
    int result = find_next(job);
    if (result == -EAGAIN) {
        result = go_on_later(job);
        if (result == 0) {
            return;
        }
    }
    if (result != 1) {
        end(job, result == 0 ? 0 : -EIO, result == 0 ? NULL : strerror(-result));
        return;
    }
    if (!job->settled && !backend_is_settled(ecr->backend)) {
        /* What a crash cut in two may still take effect. */
        job->asks = true;
        backend_ready(ecr->backend, on_ready, job);
        return;
    }
    if (is_busy(job)) {
        return; /* woken when the other run is done there */
    }
    begin_repository(job);
}

int lifecycle_run(struct lifecycle *lifecycle, const struct lifecycle_filter *filter,
                  int64_t as_of_ms, const struct lifecycle_watcher *watcher) {
    struct ecr *ecr = lifecycle->ecr;
    if (lifecycle->stopping) {
        return -ECANCELED;
    }
    if (lifecycle->jobs_count >= JOBS_MAX) {
        return -EBUSY;
    }
    struct lifecycle_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return -ENOMEM;
    }
    job->lifecycle = lifecycle;
    job->filter = *filter;
    job->watcher = *watcher;
    job->as_of_ms = as_of_ms;
    job->began_ns = ecr->timer->monotonic_ns(ecr->host);
    if (go_on_later(job) != 0) {
        free(job);
        return -ENOMEM;
    }
    job->next = lifecycle->jobs;
    lifecycle->jobs = job;
    lifecycle->jobs_count++;
    return 0;
}

/* --- the timer, and the end --- */

static void on_interval(void *arg) {
    struct lifecycle *lifecycle = arg;
    const struct lifecycle_filter all = {0};
    const struct lifecycle_watcher nobody = {0};
    struct ecr *ecr = lifecycle->ecr;
    if (!lifecycle->interval_runs &&
        lifecycle_run(lifecycle, &all, ecr->timer->now_ms(ecr->host), &nobody) == 0) {
        lifecycle->jobs->is_interval = true;
        lifecycle->interval_runs = true;
    }
}

int lifecycle_create(struct ecr *ecr, struct lifecycle **ret_lifecycle) {
    struct lifecycle *lifecycle = calloc(1, sizeof *lifecycle);
    if (lifecycle == NULL) {
        return -ENOMEM;
    }
    lifecycle->ecr = ecr;
    uint64_t interval_ms = (uint64_t)ecr->lifecycle_seconds * 1000;
    if (interval_ms > 0 && ecr->timer->start(ecr->host, interval_ms, interval_ms, on_interval,
                                             lifecycle, &lifecycle->interval) != 0) {
        free(lifecycle);
        return -ENOMEM;
    }
    *ret_lifecycle = lifecycle;
    return 0;
}

void lifecycle_check_stopped(struct lifecycle *lifecycle) {
    if (lifecycle->on_stopped == NULL || lifecycle->jobs != NULL || lifecycle->previews != NULL) {
        return;
    }
    void (*on_stopped)(void *) = lifecycle->on_stopped;
    lifecycle->on_stopped = NULL;
    on_stopped(lifecycle->on_stopped_arg);
}

void lifecycle_stop(struct lifecycle *lifecycle, void (*on_stopped)(void *arg), void *arg) {
    lifecycle->stopping = true;
    lifecycle->ecr->timer->stop(lifecycle->interval);
    lifecycle->interval = NULL;
    lifecycle->on_stopped = on_stopped;
    lifecycle->on_stopped_arg = arg;
    struct lifecycle_job *next = NULL;
    for (struct lifecycle_job *job = lifecycle->jobs; job != NULL; job = next) {
        next = job->next;
        job->canceled = true;
        if (job->scan != NULL) {
            lifecycle_scan_cancel(job->scan);
        } else if (job->apply != NULL) {
            lifecycle_apply_cancel(job->apply);
        } else if (!job->asks) {
            (void)go_on_later(job);
        }
    }
    lifecycle_cancel_previews(lifecycle);
    lifecycle_check_stopped(lifecycle);
}

void lifecycle_destroy(struct lifecycle *lifecycle) {
    if (lifecycle == NULL) {
        return;
    }
    lifecycle->ecr->timer->stop(lifecycle->interval);
    free(lifecycle);
}
