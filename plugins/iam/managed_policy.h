/* SPDX-License-Identifier: MIT */
/* AWS's own policies, "arn:aws:iam::aws:policy/...". Every one exists that has such an ARN; a few
 * have AWS's document, all others one that allows nothing. */
#ifndef IAM_MANAGED_POLICY_H
#define IAM_MANAGED_POLICY_H

#include "iam.h"

/* Whether an ARN is that of a policy of AWS's. */
int managed_policy_is(const char *arn);

/* Makes the record that such a policy would have. Owns: the caller. Errors: -ENOMEM. */
int managed_policy_read(const struct call *call, const char *arn, struct json_object **ret_record);

/* How many are listed, and the ARN of the n-th of them in the call's partition. */
size_t managed_policies_count(void);
void managed_policy_arn(const struct call *call, size_t index, char *buffer, size_t size);

#endif
