/* SPDX-License-Identifier: MIT */
/* A command run in a container, with its output. Everything is [loop]. */
#ifndef ECR_DOCKER_EXEC_H
#define ECR_DOCKER_EXEC_H

#include "ecr.h"

#include <virga/helpers/engine.h>

struct docker_exec;

/* How it ended: status 0 it ran and exited with exit_code, else a negative errno with the reason.
 */
typedef void (*docker_exec_on_done)(void *arg, int status, int64_t exit_code, const char *reason);

/* Runs argv (ended by NULL) in the container. on_output gets stdout (1) and stderr (2) as they
 * come; NULL is fine. Everything is copied. Calls back: on_done once, never inside this call.
 * timeout_ms is of the whole. Errors: -ENOMEM. */
int docker_exec_start(struct ecr *ecr, const struct virga_engine_address *engine,
                      const char *container, const char *const *argv, uint32_t timeout_ms,
                      void (*on_output)(void *arg, int stream, struct virga_str bytes),
                      docker_exec_on_done on_done, void *arg, struct docker_exec **ret_exec);
/* Stops listening: on_done comes soon, with -ECANCELED. The command may go on in the container. */
void docker_exec_cancel(struct docker_exec *exec);

#endif
