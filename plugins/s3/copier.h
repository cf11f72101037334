/* SPDX-License-Identifier: MIT */
/* Makes a new file of the bytes of others, in the background: by a link where a file is taken as a
 * whole, else by copying inside the kernel; with digests where they are wanted. */
#ifndef S3_COPIER_H
#define S3_COPIER_H

#include "call.h"
#include "digests.h"
#include "files.h"

struct copier_source {
    struct virga_str file; /* its id */
    uint64_t offset;
    uint64_t length;
};

struct copier_options {
    const struct copier_source *sources; /* in the request's memory */
    size_t count;
    bool whole;   /* the one source is a whole file */
    bool digests; /* compute them: MD5 and `algorithm` */
    enum checksum_algorithm algorithm;
};

struct copied {
    struct file_id id; /* empty: no bytes */
    uint64_t size;
    struct digests digests; /* if they were wanted */
};

/* Begins. on_done comes when the file is there: it is the callee's to keep (files_keep) or to give
 * up (files_abandon). In any other case the call is answered here. Calls back: at most once, never
 * inside this call. */
void copier_start(struct call *call, const struct copier_options *options,
                  void (*on_done)(struct call *call, const struct copied *copied));

#endif
