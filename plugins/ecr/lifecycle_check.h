/* SPDX-License-Identifier: MIT */
/* Whether a text is a lifecycle policy, and if not, why, in AWS's words. Pure.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
 */
#ifndef ECR_LIFECYCLE_CHECK_H
#define ECR_LIFECYCLE_CHECK_H

#include "call.h"

#define LIFECYCLE_FAULT_MAX 512

/* Checks the text; false: ret_fault says what is wrong first. */
bool lifecycle_check(struct virga_str text, char ret_fault[LIFECYCLE_FAULT_MAX]);
/* The same for a call's lifecyclePolicyText; false: the call has ended with AWS's words. [loop] */
bool lifecycle_check_call(struct call *call, struct virga_str text);

#endif
