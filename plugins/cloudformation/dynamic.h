/* SPDX-License-Identifier: MIT */
/* Dynamic references: {{resolve:ssm:name:version}} in properties. */
#ifndef CFN_DYNAMIC_H
#define CFN_DYNAMIC_H

#include "task.h"

/* The steps that replace a task's references by their values, before those of its type. */
extern const struct task_step dynamic_steps[];

#endif
