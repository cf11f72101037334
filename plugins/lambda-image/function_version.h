/* SPDX-License-Identifier: MIT */
/* Published versions of functions: numbers, and when there is nothing new to publish. */
#ifndef LAMBDA_FUNCTION_VERSION_H
#define LAMBDA_FUNCTION_VERSION_H

#include "functions.h"

/* Publishes $LATEST, within the caller's functions_begin() and functions_end(): the last version
 * that was published where code and configuration are the same, else a new one with the next
 * number; $LATEST then gets a new RevisionId. `description` may be NULL: as $LATEST has it. The
 * version has $LATEST's states. Owns: *ret_version and *ret_latest are references for the caller.
 * Errors: -ENOMEM and those of the store. */
int function_version_publish(struct lambda *lambda, struct function *latest,
                             const char *description, struct function **ret_version,
                             struct function **ret_latest);

#endif
