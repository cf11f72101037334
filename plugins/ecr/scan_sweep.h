/* SPDX-License-Identifier: MIT */
/* Continuous scanning: has images scanned that were there before a rule meant them, and again when
 * their last scan is old. Looks at a few images at a time. Everything is [loop]. */
#ifndef ECR_SCAN_SWEEP_H
#define ECR_SCAN_SWEEP_H

#include "meta.h"

struct scan_sweep;

/* `interval_ms`: the age at which a scan is made again; 0 = never. Begins soon. Errors: -ENOMEM. */
int scan_sweep_create(struct ecr *ecr, int64_t interval_ms, struct scan_sweep **ret_sweep);
/* NULL is fine. */
void scan_sweep_destroy(struct scan_sweep *sweep);
/* Has it look soon: a rule has changed, or the store was emptied. */
void scan_sweep_soon(struct scan_sweep *sweep);

#endif
