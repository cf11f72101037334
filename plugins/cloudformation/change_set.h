/* SPDX-License-Identifier: MIT */
/* Change sets' records: name, id (ARN), type, status, reason, execution, createdMs, description,
 * onFailure, nested, changes (those of diff.h), brought (what change_bring() made). */
#ifndef CFN_CHANGE_SET_H
#define CFN_CHANGE_SET_H

#include "call.h"

/* Finds the change set that ChangeSetName and StackName name, with its stack in call->stack. Owns:
 * the caller. Errors: -ENOENT no such change set (call->stack may be NULL), -ESRCH no such stack,
 * -EIO, -ENOMEM. */
int change_set_find(struct call *call, struct json_object **ret_change_set);

/* Writes and deletes one of call->stack. */
int change_set_write(struct call *call, struct json_object *change_set);
int change_set_delete(struct call *call, const char *name);

#endif
