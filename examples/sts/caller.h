/* SPDX-License-Identifier: MIT */
/* Who makes a call: the user of credentials that were issued here, a user of IAM by one of its
 * access keys, or the root user of an account. */
#ifndef STS_CALLER_H
#define STS_CALLER_H

#include "sessions.h"

struct caller {
    char account[VIRGA_ACCOUNT_LEN + 1];
    int is_session;         /* has credentials of ours */
    struct session session; /* kind only when is_session; arn and user_id always */
};

/* Runs the call's action, after IAM was asked whose the access key is, where it is a user's. */
void caller_run(struct call *call);

/* Finds out who calls; 0, or it has answered the call: the credentials expired, or nobody has
 * them. */
int caller_find(struct call *call, struct caller *ret_caller);

#endif
