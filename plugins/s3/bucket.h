/* SPDX-License-Identifier: MIT */
/* A bucket's record, and operations on buckets as such. */
#ifndef S3_BUCKET_H
#define S3_BUCKET_H

#include "s3.h"

struct call;

struct bucket {
    char owner[S3_ACCOUNT_LEN + 1];
    char region[S3_REGION_MAX + 1];
    int64_t created_ms;
};

/* Reads a bucket's record. Errors: -ENOENT, -EIO, -ENOMEM. */
int bucket_load(struct s3 *s3, struct virga_str name, struct bucket *ret_bucket);

/* Source: the operations' pages of the S3 API Reference. */
void bucket_create(struct call *call);
void bucket_head(struct call *call);
void bucket_delete(struct call *call);
void bucket_list(struct call *call);
void bucket_location(struct call *call);

#endif
