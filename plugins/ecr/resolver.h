/* SPDX-License-Identifier: MIT */
/* Asks once at start whether this machine finds the registry's hostnames, and says what to do where
 * it does not: a first push must not end in "no such host". */
#ifndef ECR_RESOLVER_H
#define ECR_RESOLVER_H

#include "ecr.h"

/* What the machine's resolver says of a name. */
struct resolver_answer {
    char name[128];
    int error;          /* of getaddrinfo() */
    char elsewhere[64]; /* an address that is not loopback; empty when there is none */
};

#define RESOLVER_REMEDY                                                                            \
    "Install libnss-myhostname (Debian, Ubuntu), or set floci.services.ecr.uri-style: path"

/* The name of the default tenant's registry. Needs ecr->config. */
void resolver_name(const struct ecr *ecr, char *name, size_t size);
/* Looks answer->name up and fills the rest. Blocks. Thread: [any]. */
void resolver_look_up(struct resolver_answer *answer);

/* Begins the question about the default tenant's hostname on a pool thread; the answer is at most a
 * line in the log. Calls back: on_done once, unless an error is returned. Errors: -ENOMEM, -EAGAIN.
 */
int resolver_ask(struct ecr *ecr, void (*on_done)(void *arg), void *arg);

#endif
