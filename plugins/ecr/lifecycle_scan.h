/* SPDX-License-Identifier: MIT */
/* Evaluates a lifecycle policy on one repository without holding the loop: the images are read in
 * slices, and the verdicts of many are found by a worker. Everything is [loop]. */
#ifndef ECR_LIFECYCLE_SCAN_H
#define ECR_LIFECYCLE_SCAN_H

#include "lifecycle_eval.h"

/* How long one slice of reading or writing may take, and how many images it has at most. */
#define LIFECYCLE_SLICE_NS 4000000u
#define LIFECYCLE_SLICE_IMAGES 256

/* How long whoever works on lifecycle policies waits before the next slice: not at all, as long as
 * the slices since the last pause are short together. (Timers without a delay come before the loop
 * looks at anything else.) */
uint64_t lifecycle_delay_ms(struct ecr *ecr);

/* What was read and decided. Owns: its members; free with lifecycle_verdicts_finish(). */
struct lifecycle_verdicts {
    struct lifecycle_policy *policy;
    struct lifecycle_set set;
};
void lifecycle_verdicts_finish(struct lifecycle_verdicts *verdicts);

struct lifecycle_scan;

/* Begins. Calls back: on_done once, never inside this call; status 0 with the verdicts, which the
 * callee may take over by zeroing them, -EOVERFLOW too many images,
 * -ECANCELED, -ENOMEM, -EIO. The scan is gone then. Errors: -EINVAL the text is no policy,
 * -ENOMEM. */
int lifecycle_scan_start(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         struct virga_str text, int64_t as_of_ms,
                         void (*on_done)(void *arg, int status,
                                         struct lifecycle_verdicts *verdicts),
                         void *arg, struct lifecycle_scan **ret_scan);
/* Has it end soon, with -ECANCELED. */
void lifecycle_scan_cancel(struct lifecycle_scan *scan);

#endif
