/* SPDX-License-Identifier: MIT */
/* AWS::CloudFormation::Stack: a stack of this very plugin, made by its API. */
#ifndef CFN_NESTED_STACK_H
#define CFN_NESTED_STACK_H

#include "types.h"

extern const struct task_step nested_stack_create[];
extern const struct task_step nested_stack_update[];
extern const struct task_step nested_stack_remove[];

#endif
