/* SPDX-License-Identifier: MIT */
/* Who signed a request: the owner of the account in its access key, or, for temporary credentials
 * of this host's STS, whom STS says that they stand for. Owns a small cache of its answers.
 * Everything is [loop]. */
#ifndef ECR_CALLER_H
#define ECR_CALLER_H

#include "principal.h"

struct callers;

/* Errors: -ENOMEM. */
int callers_create(struct ecr *ecr, struct callers **ret_callers);
/* Ends the waiting: each on_found comes now, with -ECANCELED. True: on_stopped will come once STS
 * has been let go; false: there is nothing to wait for. */
bool callers_stop(struct callers *callers, void (*on_stopped)(void *arg), void *arg);
/* NULL is fine. */
void callers_destroy(struct callers *callers);

/* Finds who signed. Calls back: once, maybe inside the call. status 0; -ENOKEY there was no
 * signature, -EACCES nobody has such a key, -EKEYEXPIRED it has expired, -EIO or -ETIMEDOUT STS did
 * not answer properly, -ECANCELED at stop, -ENOMEM. Valid: the principal for the call. */
void caller_find(struct ecr *ecr, const struct virga_request *req,
                 void (*on_found)(void *arg, int status, const struct principal *principal),
                 void *arg);

#endif
