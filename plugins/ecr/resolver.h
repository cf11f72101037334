/* SPDX-License-Identifier: MIT */
/* Asks once at start whether this machine finds the registry's hostnames, and says what to do where
 * it does not: a first push must not end in "no such host". */
#ifndef ECR_RESOLVER_H
#define ECR_RESOLVER_H

#include "ecr.h"

/* Begins the question about the default tenant's hostname on a pool thread; the answer is at most a
 * line in the log. Calls back: on_done once, unless an error is returned. Errors: -ENOMEM, -EAGAIN.
 */
int resolver_ask(struct ecr *ecr, void (*on_done)(void *arg), void *arg);

#endif
