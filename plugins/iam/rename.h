/* SPDX-License-Identifier: MIT */
/* New names and paths of users and groups. */
#ifndef IAM_RENAME_H
#define IAM_RENAME_H

#include "record.h"

/* Sets Name, Path and Arn by the input's `name_member` and NewPath, and copies the old name.
 * Returns 0, or has answered the call. */
int entity_set_name(struct call *call, const struct kind *kind, struct json_object *record,
                    const char *name_member, char ret_before[ARN_SIZE]);

/* Moves the record and the index entries of its policies away from the old name. Errors: the
 * store's. */
int entity_rename(struct call *call, const struct kind *kind, struct json_object *record,
                  const char *before);

#endif
