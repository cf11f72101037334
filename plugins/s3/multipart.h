/* SPDX-License-Identifier: MIT */
/* Multipart uploads. Source: S3 User Guide, "Uploading and copying objects using multipart upload".
 */
#ifndef S3_MULTIPART_H
#define S3_MULTIPART_H

#include "object.h"

#define MULTIPART_PARTS_MAX 10000
/* Every part but the last. */
#define MULTIPART_PART_MIN (UINT64_C(5) << 20)
#define MULTIPART_ID_MAX 64

/* A part's record. */
struct part {
    unsigned number;
    char etag[OBJECT_ETAG_SIZE];
    uint64_t size;
    int64_t modified_ms;
    struct virga_str file;
    struct virga_str checksum;
};

void multipart_create(struct call *call);
void multipart_put_part(struct call *call);
void multipart_copy_part(struct call *call);
void multipart_complete(struct call *call);
void multipart_abort(struct call *call);
void multipart_list_parts(struct call *call);
void multipart_list_uploads(struct call *call);

/* Reads the record of the call's upload into the request's memory, as call->record. False: there is
 * none, and the call has ended. */
bool multipart_find(struct call *call);
/* Answers that there is no such upload. */
void multipart_no_such_upload(struct call *call);
/* The algorithm of the checksums of an upload's parts, and whether they are made one. */
enum checksum_algorithm multipart_algorithm(struct virga_str record, bool *ret_full_object);

/* Reads a part's record. Valid: as long as the record. */
void multipart_parse_part(struct virga_str key, struct virga_str record, struct part *ret_part);
/* Begins a walk over an upload's parts behind a number. Errors: of the store. */
int multipart_scan(struct s3 *s3, struct virga_str upload, unsigned after,
                   struct virga_store_cursor **ret_cursor);

/* Deletes an upload and drops its parts, inside a transaction. Errors: -ENOENT; of the store. */
int multipart_drop(struct s3 *s3, struct virga_str bucket, struct virga_str key,
                   struct virga_str upload);
/* The same for all uploads of a bucket. Errors: of the store. */
int multipart_drop_all(struct s3 *s3, struct virga_str bucket);

#endif
