/* SPDX-License-Identifier: MIT */
/* The resource types: those of AWS that this plugin makes itself, and those that other plugins add.
 */
#ifndef CFN_TYPES_H
#define CFN_TYPES_H

#include "task.h"

/* A type by its name; NULL when nobody provides it. Valid: until the loop goes on. */
const struct resource_type *types_find(struct cfn *cfn, const char *name);
/* Whether a type has an attribute: 1, 0, or negative when that is not known. For template_parse();
 * arg is the plugin. */
int types_has_attribute(void *arg, const char *type, struct virga_str attribute);
/* Whether a change of this property needs a new resource. */
bool types_replaces(const struct resource_type *type, const char *property);

/* virga.resource-types/1. */
void types_table(struct cfn *cfn, struct virga_resource_types *ret_table);
/* Hands a task to the plugin that has the type. */
void types_call_added(struct task *task);
/* Forgets a task that was handed over: done() for it has no effect any more. */
void types_forget_added(struct task *task);
/* Frees what was not taken back. */
void types_finish(struct cfn *cfn);

/* The types by service, each ended by one without a name. */
extern const struct resource_type types_s3[];
extern const struct resource_type types_ecr[];
extern const struct resource_type types_iam[];
extern const struct resource_type types_ssm[];
extern const struct resource_type types_lambda[];
extern const struct resource_type types_kept[]; /* that exist in the stack only */

#endif
