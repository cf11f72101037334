/* SPDX-License-Identifier: MIT */
/* Which bucket and key a request names, in the path or in the host's name; what names may be. Pure.
 * Source: S3 User Guide, "Virtual hosting of general purpose buckets", "Bucket naming rules". */
#ifndef S3_ADDRESS_H
#define S3_ADDRESS_H

#include "s3.h"

/* The bucket in a host's name ("bucket.s3.localhost:4566", "bucket.localhost"); ptr NULL: there is
 * none, the path names it. The bucket is what stands before the label "s3" or before "localhost".
 */
struct virga_str address_bucket_of_host(struct virga_str host);

/* Splits a path into what stands before and behind its second slash, as they are encoded. */
void address_split(struct virga_str path, struct virga_str *ret_bucket, struct virga_str *ret_key);

/* Decodes %XX into `buffer` of at least text.len + 1 bytes, with a NUL behind it. Errors: -EINVAL
 * a malformed escape, a NUL, or bytes that are not UTF-8. */
int address_decode(struct virga_str text, char *buffer, size_t *ret_len);

/* Whether a bucket may be made with this name. */
bool address_is_bucket_name(struct virga_str name);

/* Splits "bucket/key", "/bucket/key" or an access point's like (x-amz-copy-source) and a
 * "?versionId=..." behind it, and decodes the key into `buffer` of at least source.len + 1 bytes.
 * Errors: -EINVAL. */
int address_copy_source(struct virga_str source, char *buffer, struct virga_str *ret_bucket,
                        struct virga_str *ret_key, struct virga_str *ret_version);

#endif
