/* SPDX-License-Identifier: MIT */
/* What a template would change of a stack: the changes of a change set. */
#ifndef CFN_DIFF_H
#define CFN_DIFF_H

#include "call.h"
#include "scope.h"

struct diff {
    /* Objects: action (Add, Modify, Remove), logical, physical, type, replacement (True, False),
     * policyAction, scope (texts), details (property, recreation), before, after (properties). */
    struct json_object *changes;
    bool changed; /* there are changes, or outputs or tags differ */
};

/* Compares call->root with call->parameters and these tags against call->stack. Owns: the caller,
 * changes. Errors: -EINVAL with call->fault, -EIO, -ENOMEM. */
int diff_make(struct call *call, struct json_object *tags, struct diff *ret_diff);

#endif
