/* SPDX-License-Identifier: MIT */
/* Access keys of users: AccessKeys [{Id, Status, CreateDate}] of the user's record, and an entry
 * under the key's id that leads to the user. Secrets are shown once and kept nowhere, as signatures
 * are not checked. */
#ifndef IAM_ACCESS_KEY_H
#define IAM_ACCESS_KEY_H

#include "record.h"

/* Reads the user that an active access key belongs to. Owns: the caller. Errors: -ENOENT, -EIO,
 * -ENOMEM. */
int access_key_read_user(const struct call *call, const char *id, struct json_object **ret_user);

/* Writes or forgets the entries of all of a user's keys, under its present name. Errors: the
 * store's. */
int access_keys_put(const struct call *call, struct json_object *user);

#endif
