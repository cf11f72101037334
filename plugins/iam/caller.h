/* SPDX-License-Identifier: MIT */
/* Who calls, as far as IAM knows it: one of its users, by an access key, or the account's root. */
#ifndef IAM_CALLER_H
#define IAM_CALLER_H

#include "record.h"

/* The user that the input's UserName names, or, without one, who calls. NULL: the call has been
 * answered. Owns: the caller. */
struct json_object *caller_user(struct call *call);

#endif
