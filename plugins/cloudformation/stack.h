/* SPDX-License-Identifier: MIT */
/* Stacks' records, their events and resources' records.
 *
 * A stack is an object: name, id (its ARN), uuid, account, region, status, reason, createdMs,
 * updatedMs, deletedMs, description, parameters (a set of parameters.h), tags, capabilities,
 * notificationArns, roleArn, onFailure, disableRollback, timeoutMinutes, protected, outputs,
 * parentId, rootId, changeSetId, policy, events (how many there were), token, next (what an update
 * brings: the same members), retain (of a deletion). */
#ifndef CFN_STACK_H
#define CFN_STACK_H

#include "record.h"

/* How many events of a stack are kept, and how many deleted stacks of an account and region. */
#define STACK_EVENTS_MAX 2000
#define STACK_DELETED_MAX 100

/* Finds a stack by its name or ARN; a deleted one by its ARN only. Owns: the caller, until
 * json_object_put(). Errors: -ENOENT, -EIO, -ENOMEM. */
int stack_find(struct cfn *cfn, const char *account, const char *region, const char *name_or_id,
               struct json_object **ret_stack);

/* Makes the record of a new stack. Owns: the caller. Errors: -ENOMEM. */
int stack_create(struct cfn *cfn, const char *account, const char *region, const char *name,
                 struct json_object **ret_stack);
/* Writes a stack; the caller has a transaction. */
int stack_write(struct cfn *cfn, struct json_object *stack);
/* Writes the index entry of a stack's name, or takes it away. */
int stack_write_name(struct cfn *cfn, struct json_object *stack);
int stack_delete_name(struct cfn *cfn, struct json_object *stack);
/* Removes everything of a stack. */
int stack_erase(struct cfn *cfn, struct json_object *stack);
/* Erases the oldest deleted stacks beyond STACK_DELETED_MAX. */
int stack_prune(struct cfn *cfn, const char *account, const char *region);

/* Sets status and reason (NULL = none), adds the stack's own event and writes the stack. */
int stack_set_status(struct cfn *cfn, struct json_object *stack, const char *status,
                     const char *reason);
/* Adds an event of a resource (or, with logical NULL, of the stack itself). The caller writes the
 * stack afterwards: it counts events. */
int stack_add_event(struct cfn *cfn, struct json_object *stack, const char *logical,
                    const char *physical, const char *type, const char *status, const char *reason,
                    struct json_object *properties);

/* Whether a status ends so. */
bool stack_status_ends(const char *status, const char *end);
bool stack_in_progress(struct json_object *stack);

/* A resource's record: type, logical, physical, status, reason, timeMs, properties, attributes,
 * metadata, deletionPolicy, updateReplacePolicy, waits (logical ids), token (of the operation that
 * touched it last), before (what it was before that operation). */
int resource_write(struct cfn *cfn, struct json_object *stack, struct json_object *resource);
int resource_delete(struct cfn *cfn, struct json_object *stack, const char *logical);
/* All resources of a stack: an object by logical id. Owns: the caller. */
int resource_read_all(struct cfn *cfn, struct json_object *stack,
                      struct json_object **ret_resources);

#endif
