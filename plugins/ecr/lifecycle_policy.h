/* SPDX-License-Identifier: MIT */
/* A lifecycle policy, read: its rules in the order of their priorities, and which images they
 * select. Pure; a policy that was read is not changed. Thread: [any].
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
 */
#ifndef ECR_LIFECYCLE_POLICY_H
#define ECR_LIFECYCLE_POLICY_H

#include "meta.h"

#define LIFECYCLE_RULES_MAX 50

enum lifecycle_count {
    LIFECYCLE_COUNT_MORE_THAN,
    LIFECYCLE_SINCE_PUSHED,
    LIFECYCLE_SINCE_PULLED,
    LIFECYCLE_SINCE_TRANSITIONED
};

/* Each does more than the one before. */
enum lifecycle_action { LIFECYCLE_KEEP, LIFECYCLE_TRANSITION, LIFECYCLE_EXPIRE };

struct lifecycle_rule {
    int64_t priority;
    bool tagged;   /* selects tagged images: those that `entries` says, or with `untagged` all */
    bool untagged; /* selects untagged images */
    bool prefixes; /* the entries are prefixes, not patterns */
    char **entries;
    size_t entries_count;
    enum meta_status status; /* of the images that it selects */
    enum lifecycle_count count;
    int64_t number; /* of images or days */
    enum lifecycle_action action;
};

struct lifecycle_policy {
    struct lifecycle_rule rules[LIFECYCLE_RULES_MAX]; /* the first is applied first */
    size_t count;
};

/* Reads a text that lifecycle_check() found good. Owns: the caller, until
 * lifecycle_policy_destroy(). Errors: -EINVAL it is not good, -ENOMEM. */
int lifecycle_policy_read(struct virga_str text, struct lifecycle_policy **ret_policy);
void lifecycle_policy_destroy(struct lifecycle_policy *policy);

/* Which rules select the image: bit i stands for rules[i]. Its tags and status are looked at. */
uint64_t lifecycle_policy_selects(const struct lifecycle_policy *policy,
                                  const struct meta_image *image);

#endif
