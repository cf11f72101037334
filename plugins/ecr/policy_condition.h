/* SPDX-License-Identifier: MIT */
/* One comparison of a policy's Condition. Owns the operators and what absent keys mean; pure.
 * Thread: [any].
 * Source:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
#ifndef ECR_POLICY_CONDITION_H
#define ECR_POLICY_CONDITION_H

#include "policy_context.h"

struct policy_operator;

/* How the values of a key that may have many are taken. */
enum policy_set {
    POLICY_SET_NONE,
    POLICY_SET_ANY, /* ForAnyValue: */
    POLICY_SET_ALL, /* ForAllValues: */
};

struct policy_strings {
    struct virga_str *items;
    size_t count;
};

/* "ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a*"]}. */
struct policy_condition {
    const struct policy_operator *compare;
    enum policy_set set;
    bool if_exists;
    struct virga_str key;
    struct policy_strings values; /* at least one */
};

/* Reads an operator's name into the condition. Errors: -EINVAL there is none of that name. */
int policy_condition_read(struct virga_str name, struct policy_condition *ret_condition);
/* Whether a value can be one of the condition's operator: a number, a date, an address ... */
bool policy_condition_takes(const struct policy_condition *condition, struct virga_str value);

/* Whether the condition holds for the request. `variables`: ${...} in values is replaced. Returns 1
 * or 0; errors: -ENOMEM. */
int policy_condition_holds(const struct policy_condition *condition, bool variables,
                           const struct policy_context *context);

#endif
