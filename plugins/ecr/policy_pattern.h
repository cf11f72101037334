/* SPDX-License-Identifier: MIT */
/* The values of a policy as they are compared: wildcards, and variables such as
 * ${aws:PrincipalAccount}. Pure. Thread: [any].
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html */
#ifndef ECR_POLICY_PATTERN_H
#define ECR_POLICY_PATTERN_H

#include "policy_context.h"

/* How a value of a policy is to be compared. */
#define POLICY_PATTERN_WILDCARDS 0x1u /* '*' is any characters or none, '?' is any one */
#define POLICY_PATTERN_NO_CASE 0x2u
#define POLICY_PATTERN_VARIABLES 0x4u /* ${...} is replaced: policies of version 2012-10-17 */
#define POLICY_PATTERN_ARN 0x8u       /* each of an ARN's six parts by itself */

/* Whether `text` as a whole is what `pattern` says. A variable that the request does not have, and
 * for which there is no default, matches nothing. The cost is at most the product of the lengths.
 * Returns 1 or 0; errors: -ENOMEM. */
int policy_pattern_matches(struct virga_str pattern, unsigned flags,
                           const struct policy_context *context, struct virga_str text);

#endif
