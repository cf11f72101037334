/* SPDX-License-Identifier: MIT */
/* What a policy says of a request. Pure. Thread: [any].
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
#ifndef ECR_POLICY_EVAL_H
#define ECR_POLICY_EVAL_H

#include "policy_document.h"

/* In rising order: what a further policy says only counts when it is more. */
enum policy_effect { POLICY_SILENT, POLICY_ALLOW, POLICY_DENY };

struct policy_request {
    const struct principal *principal;
    struct virga_str action;   /* "ecr:BatchGetImage" */
    struct virga_str resource; /* an ARN, or "*" */
    const struct policy_context *context;
};

/* Evaluates all statements: a Deny that applies wins, else an Allow that applies. Errors: -ENOMEM.
 */
int policy_eval(const struct policy_document *document, const struct policy_request *request,
                enum policy_effect *ret_effect);

#endif
