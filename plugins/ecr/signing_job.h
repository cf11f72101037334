/* SPDX-License-Identifier: MIT */
/* One signature on its way: the profile's key, the envelope, its blobs and its manifest at the
 * registry. Knows no queue; writes no status but which manifest is about to be pushed. Everything
 * is [loop]. */
#ifndef ECR_SIGNING_JOB_H
#define ECR_SIGNING_JOB_H

#include "signing_record.h"

struct signing_job;

struct signing_outcome {
    int status; /* 0; -ENOENT image or order are gone; -EINVAL it failed, code and reason say why;
                   -ECANCELED */
    char signature[ECR_DIGEST_LEN + 1]; /* its manifest, when status is 0 */
    char code[64];
    char reason[400];
};

/* Starts it; order->detail is the profile. Calls back: once, never inside this call; the job is
 * gone then. Errors: -ENOMEM (no call). */
int signing_job_start(struct ecr *ecr, const struct image_order *order,
                      void (*on_done)(void *arg, const struct signing_outcome *outcome), void *arg,
                      struct signing_job **ret_job);
/* Has it end with -ECANCELED when it can: what the registry already does is waited for. Calls back:
 * maybe inside this call. */
void signing_job_cancel(struct signing_job *job);

/* The status that an order's outcome begins from. */
struct signing_status signing_status_of(const struct image_order *order, enum signing_state state);

#endif
