/* SPDX-License-Identifier: MIT */
/* Writes a version as the API shows it: a FunctionConfiguration. */
#ifndef LAMBDA_FUNCTION_WRITE_H
#define LAMBDA_FUNCTION_WRITE_H

#include "function.h"

#include <virga/helpers/json_writer.h>

/* As an entry of a list: without states. Source: AWS-recorded answers. */
#define FUNCTION_WRITE_LISTED 0x1u

/* Writes the configuration as member `key` (NULL: as the whole). `qualifier`: what its ARN ends
 * with; NULL or "": nothing. */
void function_write(struct virga_json_writer *writer, const char *key,
                    const struct function *function, const char *qualifier, unsigned flags);
/* Writes the members of GetFunction's Code. */
void function_write_code(struct virga_json_writer *writer, const struct function *function);

#endif
