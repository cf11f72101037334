/* SPDX-License-Identifier: MIT */
/* From a checked wish (a call, a change set) to an operation under way. */
#ifndef CFN_CHANGE_H
#define CFN_CHANGE_H

#include "call.h"

/* What a call brings beside its template: parameters (call->parameters), tags, capabilities,
 * notificationArns, roleArn, description; what it does not say is kept from call->stack. Owns: the
 * caller. Errors: -ENOMEM. */
int change_bring(struct call *call, struct json_object **ret_brought);

/* Makes the stack what is brought, with this template, and begins its creation. */
int change_create(struct cfn *cfn, struct json_object *stack, struct json_object *brought,
                  struct virga_str template, const char *token);
/* Begins an update to what is brought. */
int change_update(struct cfn *cfn, struct json_object *stack, struct json_object *brought,
                  struct virga_str template, const char *token);
/* Begins an operation that needs nothing but the stack: its status says which. */
int change_begin(struct cfn *cfn, struct json_object *stack, const char *status, const char *reason,
                 const char *token);

/* Whether the stack is in a state in which it can be updated. */
bool change_is_updatable(struct json_object *stack);

#endif
