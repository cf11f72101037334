/* SPDX-License-Identifier: MIT */
/* A bucket's settings: stored as they came, and echoed. None of them changes what the other
 * operations do, but for encryption, which objects echo. */
#ifndef S3_SETTING_H
#define S3_SETTING_H

#include "call.h"

struct setting;

/* The setting that the query names; NULL: none. */
const struct setting *setting_find(const struct call *call);

void setting_get(struct call *call);
void setting_put(struct call *call);
void setting_delete(struct call *call);
void setting_policy_status(struct call *call);

/* Reads a setting as it is stored, by its parameter's name. Owns: the caller, until
 * store->release(). Errors: -ENOENT, -EIO, -ENOMEM. */
int setting_load(struct s3 *s3, struct virga_str bucket, const char *param,
                 struct virga_store_value *ret_value);
/* Writes one. Errors: as virga_store.put(). */
int setting_save(struct s3 *s3, struct virga_str bucket, const char *param, struct virga_str value);
/* Writes those that a new bucket has. Errors: as virga_store.put(). */
int setting_save_first(struct s3 *s3, struct virga_str bucket);

#endif
