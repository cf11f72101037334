/* SPDX-License-Identifier: MIT */
/* One image brought from one repository to another of the same registry process: its blobs are
 * mounted, so that no byte is stored twice, then its manifest is pushed like any other. Everything
 * is [loop]. */
#ifndef ECR_REPLICATE_COPY_H
#define ECR_REPLICATE_COPY_H

#include "meta.h"

struct replicate_copy_request {
    struct tenant source;
    struct tenant destination;
    struct virga_str name;   /* in both */
    struct virga_str digest; /* an image of the source */
    struct virga_str tag;    /* may be empty */
};

/* How it ended. Valid: for the call. */
struct replicate_copy_result {
    int status; /* 0; -ENOENT the source no longer has the image, -EAGAIN no registry at the moment,
                   -EPERM it cannot be done, -EIO, -ENOMEM it may do another time */
    const char *code;   /* failureCode, when status is not 0 */
    const char *reason; /* in words */
};

/* Begins. Makes the destination's repository where it is missing; the images that an index lists go
 * first. It needs no pass of the gate: it takes one for each manifest, so that gc waits for one
 * manifest at most. Everything is copied. Calls back: once; inside this call only when memory runs
 * out. Errors: -ENOMEM (no call). */
int replicate_copy(struct ecr *ecr, const struct replicate_copy_request *request,
                   void (*on_done)(void *arg, const struct replicate_copy_result *result),
                   void *arg);

#endif
