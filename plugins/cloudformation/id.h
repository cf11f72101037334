/* SPDX-License-Identifier: MIT */
/* Names and ids that CloudFormation makes up. */
#ifndef CFN_ID_H
#define CFN_ID_H

#include "cfn.h"

/* A random UUID. */
void id_uuid(char ret_uuid[CFN_UUID_SIZE]);
/* So many random characters of this alphabet, and a NUL. */
void id_random(const char *alphabet, char *ret_text, size_t len);

/* arn:aws:cloudformation:<region>:<account>:<kind>/<name>/<uuid>; kind is "stack" or "changeSet".
 */
void id_arn(const char *region, const char *account, const char *kind, const char *name,
            const char *uuid, char ret_arn[CFN_ARN_SIZE]);

/* How a physical name is made. */
struct id_rule {
    size_t max;            /* characters */
    bool lower;            /* no capital letters */
    const char *separator; /* NULL = "-" */
};
/* "<stack>-<logical>-<random>", with stack and logical cut where it would be too long. */
void id_physical(const struct id_rule *rule, const char *stack_name, const char *logical,
                 char *ret_name, size_t size);

#endif
