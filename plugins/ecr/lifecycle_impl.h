/* SPDX-License-Identifier: MIT */
/* The insides of what runs by lifecycle policies, shared by the files that make it up. */
#ifndef ECR_LIFECYCLE_IMPL_H
#define ECR_LIFECYCLE_IMPL_H

#include "lifecycle_run.h"

struct lifecycle_job;
struct lifecycle_preview;

struct lifecycle {
    struct ecr *ecr;
    struct virga_timer_handle *interval;
    struct lifecycle_job *jobs; /* under way */
    size_t jobs_count;
    bool interval_runs;                 /* the timer's job is among them */
    struct lifecycle_preview *previews; /* under way or waiting, in order */
    size_t previews_count;
    uint64_t pause_ns; /* when others had their turn last */
    bool stopping;
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
};

/* Looks whether stopping is complete. */
void lifecycle_check_stopped(struct lifecycle *lifecycle);
/* Has all previews end soon (lifecycle_preview_run.c). */
void lifecycle_cancel_previews(struct lifecycle *lifecycle);

#endif
