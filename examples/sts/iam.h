/* SPDX-License-Identifier: MIT */
/* What IAM knows, asked through the host (virga.dispatch/1) as any client would: who a user's
 * access key belongs to, and whether a role is there. A host without an IAM, or without the
 * interface, is one where keys stand for accounts and every role may be assumed. */
#ifndef STS_IAM_H
#define STS_IAM_H

#include "sessions.h"

/* What came back. */
struct iam_answer {
    int status;           /* 0: there is nobody to ask */
    struct virga_str xml; /* valid for the call */
};

/* Asks IAM an action of an account, signed with an access key (ptr NULL: the account's), and goes
 * on with `on_answer`, which answers the call: later, or at once when nobody can be asked. Owns:
 * the call is copied, its input referred to. */
void iam_ask(const struct call *call, const char *account, struct virga_str access_key,
             const char *form,
             void (*on_answer)(struct call *call, const struct iam_answer *answer));

/* Answers that IAM could not be asked, with a line in the log; -ENOMEM: status 500 alone. */
void iam_fail(struct call *call, int error);

/* The text of the first <name>; 0 when there is none or it does not fit. */
int iam_read(const struct iam_answer *answer, const char *name, char *buffer, size_t size);

/* Stops waiting for answers. Returns 0, or -EINPROGRESS: host->stopped() is called soon. */
int iam_stop(struct sts *sts);

#endif
