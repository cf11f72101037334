/* SPDX-License-Identifier: MIT */
/* What a lifecycle policy does with the images of a repository. Pure: images in, verdicts out; the
 * same code serves runs and previews. Thread: [any], one at a time for one set.
 *
 * The rules (AWS's guide, "Lifecycle policy evaluation rules"):
 * - A rule sees every image that it selects, also those that a rule before it marked; it may mark
 *   only those that no rule before it selects.
 * - An image that an index lists is deleted after the index, or not at all; it is archived after
 *   the index was archived or deleted.
 * - A reference artifact goes where its subject goes; while that is there, an untagged one is no
 *   rule's business. One whose subject is gone goes within 24 hours.
 * - An image that came out of the archive counts as pushed when it did.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html */
#ifndef ECR_LIFECYCLE_EVAL_H
#define ECR_LIFECYCLE_EVAL_H

#include "lifecycle_policy.h"

#define LIFECYCLE_IMAGES_MAX 2000000    /* of one repository */
#define LIFECYCLE_RELATIONS_MAX 8000000 /* children and subjects of all of them */
#define LIFECYCLE_NO_RULE (-1)          /* it follows another image */

struct lifecycle_image {
    char digest[ECR_DIGEST_LEN + 1];
    bool tagged;
    bool exempt;      /* an artifact that no rule counts */
    bool follows;     /* the verdict is its subject's, not a rule's */
    signed char rule; /* that the verdict is from: an index, or LIFECYCLE_NO_RULE */
    enum meta_status status;
    enum lifecycle_action action; /* the verdict */
    uint32_t step;                /* verdicts of a later step rest on those of earlier ones */
    int64_t pushed_ms;            /* or when it was restored */
    int64_t pulled_ms;            /* or pushed, when it never was */
    int64_t archived_ms;
    uint64_t selects; /* lifecycle_policy_selects() */
};

/* That an index lists a child, or an artifact refers to a subject. */
struct lifecycle_relation {
    uint32_t from; /* index of an image */
    bool subject;
    char digest[ECR_DIGEST_LEN + 1]; /* of the child or the subject */
};

/* Zero it before the first use. Owns: its arrays, until lifecycle_set_finish(). */
struct lifecycle_set {
    struct lifecycle_image *images; /* in the order in which they were added */
    size_t count;
    size_t capacity;
    struct lifecycle_relation *relations;
    size_t relations_count;
    size_t relations_capacity;
    uint32_t *order; /* images whose verdict is not to keep them, in the order to act */
    size_t order_count;
};

/* Adds an image. Errors: -ENOMEM, -EOVERFLOW too many. */
int lifecycle_set_add(struct lifecycle_set *set, const struct lifecycle_policy *policy,
                      const struct meta_image *image);
/* Decides on all images of the set, as of that time. Errors: -ENOMEM. */
int lifecycle_set_decide(struct lifecycle_set *set, const struct lifecycle_policy *policy,
                         int64_t as_of_ms);
void lifecycle_set_finish(struct lifecycle_set *set);

/* Whether a verdict still stands for the image as it is now: nothing that it rests on has changed,
 * but for other images. */
bool lifecycle_image_unchanged(const struct lifecycle_image *verdict,
                               const struct lifecycle_policy *policy, const struct meta_image *now);

#endif
