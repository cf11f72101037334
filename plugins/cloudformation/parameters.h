/* SPDX-License-Identifier: MIT */
/* The values of a template's parameters: given, kept or default, checked by their constraints.
 *
 * A set of them is an object: {"Env": {"type": "String", "value": "dev", "noEcho": false,
 * "resolved": ...}}; `resolved` is there for AWS::SSM::Parameter::Value<...> once it was asked for.
 * Source: "Parameters" of the user guide. */
#ifndef CFN_PARAMETERS_H
#define CFN_PARAMETERS_H

#include "fault.h"
#include "value.h"

/* Makes the set for a template. `given` is a list of {ParameterKey, ParameterValue,
 * UsePreviousValue} and may be NULL; `previous` is the stack's set so far, or NULL. Owns: the
 * caller, until json_object_put(). Errors: -EINVAL, -ENOMEM. */
int parameters_make(struct json_object *root, struct json_object *given,
                    struct json_object *previous, struct json_object **ret_set,
                    struct fault *fault);

/* The name in the parameter store that a parameter of a set still waits for; NULL when none does,
 * or all are resolved. `*at` is 0 at first and goes on behind the one that was found. Valid: as
 * long as the set. */
const char *parameters_unresolved(struct json_object *set, size_t *at, const char **ret_name);

/* What Ref gives for a parameter of a set: text, or a list of texts. Owns: the caller. Errors:
 * -ENOENT the set has no such parameter, -ENOMEM. */
int parameters_ref(struct json_object *set, const char *name, struct json_object **ret_value);

#endif
