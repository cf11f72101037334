/* SPDX-License-Identifier: MIT */
/* The variables that a function's process is started with. Pure. Source: the developer guide,
 * "Defined runtime environment variables", and AWS-recorded environments. */
#ifndef LAMBDA_ENVIRONMENT_VARS_H
#define LAMBDA_ENVIRONMENT_VARS_H

#include "function.h"

/* What the function's record does not say. */
struct environment_facts {
    const char *runtime_api;  /* "127.0.0.1:40123" */
    const char *endpoint_url; /* virga's AWS port, as the process reaches it */
    const char *log_stream;   /* "2026/11/25/[$LATEST]<hex>" */
    bool provisioned;
};

/* Makes the list "NAME=value", ended by NULL. Of several values for a name counts, from the
 * strongest: what Lambda reserves, the function's Environment, the image's Env, defaults.
 * LAMBDA_TASK_ROOT and LAMBDA_RUNTIME_DIR are the image's if it has them, never the function's.
 * Owns: the caller, until environment_vars_destroy(). Errors: -ENOMEM. */
int environment_vars_make(const struct function *function, const struct environment_facts *facts,
                          char ***ret_env);
/* NULL is fine. */
void environment_vars_destroy(char **env);

/* What Lambda calls the handler: the first word of the command behind the entry point; "" when
 * there is none. Valid: as long as the function. */
const char *environment_vars_handler(const struct function *function);

#endif
