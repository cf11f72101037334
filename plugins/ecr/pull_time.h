/* SPDX-License-Identifier: MIT */
/* Principals whose pulls do not change lastRecordedPullTime. */
#ifndef ECR_PULL_TIME_H
#define ECR_PULL_TIME_H

#include "ecr.h"

/* Exclusions of one registry. Source: Amazon ECR user guide, "Pull-time update exclusions". */
#define PULL_TIME_EXCLUSIONS_MAX 100

/* Whether the registry `tenant` excludes the principal: by its own ARN, or, of a session of an
 * assumed role, by the role's. ptr NULL: nobody is known, so nobody is excluded. Thread: [loop]. */
bool pull_time_is_excluded(struct ecr *ecr, const struct tenant *tenant,
                           struct virga_str principal);

#endif
