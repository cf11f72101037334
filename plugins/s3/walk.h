/* SPDX-License-Identifier: MIT */
/* A walk over the names in a bucket, in order, in which those that share a prefix up to a delimiter
 * are one. Source: S3 User Guide, "Organizing objects using prefixes". */
#ifndef S3_WALK_H
#define S3_WALK_H

#include "record.h"

struct walk {
    struct s3 *s3;
    struct virga_str prefix;
    struct virga_str delimiter; /* empty: none */
    struct record_key table;    /* of the bucket's names */
    struct virga_store_cursor *cursor;
    char after[S3_KEY_MAX + 80]; /* the walk goes on behind it */
    size_t after_len;
    char common[S3_KEY_MAX + 1]; /* the prefix that was given out last */
    size_t common_len;
    bool skips; /* the cursor is still within it */
};

/* Begins behind `after` (empty: at the start; may hold a NUL and what follows the name in its key)
 * in the table of a bucket; a name that ends with the delimiter stands for all that begin so.
 * `prefix` and `delimiter` are borrowed. Errors: -EINVAL a name is too long; of the store. */
int walk_begin(struct walk *walk, struct s3 *s3, char table, struct virga_str bucket,
               struct virga_str prefix, struct virga_str delimiter, struct virga_str after);
/* The next name: 1, and `*ret_common` says whether it is a common prefix; or 0 at the end. Valid:
 * until the next call. `ret_rest` is what follows the name in its key (the upload's id). Errors: of
 * the store. */
int walk_next(struct walk *walk, struct virga_str *ret_name, struct virga_str *ret_record,
              struct virga_str *ret_rest, bool *ret_common);
/* Ends it, within the same callback. */
void walk_end(struct walk *walk);

#endif
