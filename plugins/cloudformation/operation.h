/* SPDX-License-Identifier: MIT */
/* Operations on stacks: creating, updating, deleting, rolling back. One is under way for a stack at
 * a time, on the loop, with several resources at once. What it has done stands in the store at
 * every moment, so that one which is cut off by a crash goes on at the next start. */
#ifndef CFN_OPERATION_H
#define CFN_OPERATION_H

#include "stack.h"

/* How many resources of one operation are worked on at a time. */
#define OPERATION_PARALLEL 8

/* Begins what a stack's status says (written before): CREATE_IN_PROGRESS, UPDATE_IN_PROGRESS,
 * DELETE_IN_PROGRESS, ... Nothing happens inside the call. Errors: -ENOMEM. */
int operation_begin(struct cfn *cfn, struct json_object *stack);
/* Takes up every operation that an earlier run left unfinished. */
void operation_resume_all(struct cfn *cfn);
/* Lets an update fail, as a user wishes. Returns false when none is under way. */
bool operation_cancel(struct cfn *cfn, struct json_object *stack);
/* The same for a creation, after which the stack is deleted. */
bool operation_cancel_to_delete(struct cfn *cfn, struct json_object *stack);
/* Breaks all off, to be taken up by the next run. host->stopped() is called when they have ended
 * and stop_pending is set. */
void operation_stop_all(struct cfn *cfn);

#endif
