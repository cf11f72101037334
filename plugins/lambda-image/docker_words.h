/* SPDX-License-Identifier: MIT */
/* What an engine's words for a failure mean: engines tell kinds of failures apart in prose only.
 * Pure. */
#ifndef LAMBDA_DOCKER_WORDS_H
#define LAMBDA_DOCKER_WORDS_H

#include "executor.h"

/* Why an image could not be pulled, as executor.pull() has it: -EBADMSG, -EACCES, -ENOENT, -ENOSPC,
 * -ECONNREFUSED; -EIO it is none of them. */
int docker_words_pull(const char *message);

/* Why a container did not start. ret_reason gets "fork/exec /app: no such file or directory" for
 * EXECUTOR_ENTRYPOINT, else the message. */
enum executor_end docker_words_start(const char *message, const char *argv0, char *ret_reason,
                                     size_t size);

/* Whether a process that exited at once did so since it could not be executed: `output` is all that
 * came from it. Then ret_reason gets the reason as above. */
bool docker_words_is_exec(int status, struct virga_str output, const char *argv0, char *ret_reason,
                          size_t size);

#endif
