/* SPDX-License-Identifier: MIT */
/* What is asked of an engine: a function's container, credentials of a registry. Pure. */
#ifndef LAMBDA_DOCKER_BODY_H
#define LAMBDA_DOCKER_BODY_H

#include "docker_reach.h"
#include "executor.h"

#include <virga/helpers/json_writer.h>

/* Labels of what virga makes. */
#define DOCKER_LABEL_HOST "virga.lambda.host"         /* whose it is */
#define DOCKER_LABEL_FUNCTION "virga.lambda.function" /* for people */

#define DOCKER_PIDS_MAX                                                                            \
    1024 /* processes and threads of an environment. Source: Lambda's quotas                       \
          */

/* Writes the body of POST /containers/create. Check writer->failed. */
void docker_body_container(const struct executor_spec *spec, const char *image, const char *host_id,
                           const struct docker_reach *reach, struct virga_json_writer *writer);

/* Makes the value of X-Registry-Auth. Owns: the caller, free(). NULL: out of memory. */
char *docker_body_auth(const struct executor_image *image);

#endif
