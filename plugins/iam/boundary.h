/* SPDX-License-Identifier: MIT */
/* Permissions boundaries of roles and users: kept, shown, counted, obeyed by nobody. */
#ifndef IAM_BOUNDARY_H
#define IAM_BOUNDARY_H

#include "iam.h"

struct kind;

/* Whether there is such a policy. Returns 0, or has answered the call. */
int boundary_check(struct call *call, const char *arn);

/* Sets the boundary in the record and the index, NULL takes it away; the caller writes the record,
 * in the same transaction. Errors: -ENOMEM, and the store's. */
int boundary_set(struct call *call, const struct kind *kind, struct json_object *record,
                 const char *arn);

#endif
