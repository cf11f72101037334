/* SPDX-License-Identifier: MIT */
/* Carries the verdicts on one repository's images out, one image after the other, each with a pass
 * of the gate of its own. An image that has changed since it was looked at is left for the next
 * time. Everything is [loop]. */
#ifndef ECR_LIFECYCLE_APPLY_H
#define ECR_LIFECYCLE_APPLY_H

#include "lifecycle_scan.h"

enum lifecycle_outcome {
    LIFECYCLE_EXPIRED,
    LIFECYCLE_TRANSITIONED,
    LIFECYCLE_SKIPPED, /* it has changed, or is gone */
    LIFECYCLE_FAILED
};

struct lifecycle_counts {
    uint64_t evaluated;
    uint64_t expired;
    uint64_t transitioned;
    uint64_t skipped;
    uint64_t failed;
};

struct lifecycle_apply;

/* Begins, and takes the verdicts over. Calls back: on_image for each image (reason NULL: none),
 * then on_done once; neither inside this call. status 0, -ECANCELED, or -EIO: one image after the
 * other failed, and the rest was not tried. Errors: -ENOMEM. */
int lifecycle_apply_start(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                          struct lifecycle_verdicts *verdicts,
                          void (*on_image)(void *arg, const char *digest,
                                           enum lifecycle_outcome outcome, const char *reason),
                          void (*on_done)(void *arg, int status,
                                          const struct lifecycle_counts *counts),
                          void *arg, struct lifecycle_apply **ret_apply);
/* Has it end soon, with -ECANCELED; an image that is being deleted is waited for. */
void lifecycle_apply_cancel(struct lifecycle_apply *apply);

#endif
