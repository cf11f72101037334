/* SPDX-License-Identifier: MIT */
/* What the types of the iam service share. */
#ifndef CFN_TYPES_IAM_H
#define CFN_TYPES_IAM_H

#include "types.h"

/* An action of the IAM API; empties the form. */
enum task_verdict iam_call(struct task *task, const char *action, struct text *form);
/* A policy document, which may be written as text. Valid: as value_json(). */
const char *iam_document(struct json_object *document);
/* Begins a form with the name of an entity: kind "Role" is "RoleName". */
void iam_name(struct text *form, const char *kind, const char *name);
/* For steps that go through a list. */
enum task_verdict iam_repeat(struct task *task, const struct answer *answer);

/* iam_policy.c */
extern const struct task_step iam_policy_create[];
extern const struct task_step iam_policy_update[];
extern const struct task_step iam_policy_remove[];
extern const struct task_step iam_managed_create[];
extern const struct task_step iam_managed_update[];
extern const struct task_step iam_managed_remove[];

#endif
