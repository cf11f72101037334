/* SPDX-License-Identifier: MIT */
/* The settings of a function that CreateFunction and UpdateFunctionConfiguration have in common:
 * what the model does not check, and how they go into a document. */
#ifndef LAMBDA_FUNCTION_SETTINGS_H
#define LAMBDA_FUNCTION_SETTINGS_H

#include "call.h"

/* Whether the call asks for nothing that would be needed and is not here: durable functions,
 * capacity providers, isolated tenants. If it does, the call has ended with a word about it. */
bool function_settings_supported(struct call *call);
/* Checks role, environment, memory and what images cannot have; if something is wrong, the call has
 * ended and false. */
bool function_settings_check(struct call *call);
/* Puts those that the call gives into the document. Errors: -ENOMEM. */
int function_settings_apply(const struct call *call, struct json_object *document);
/* Those that every new function has. Errors: -ENOMEM. */
int function_settings_default(const char *name, struct json_object *document);

#endif
