/* SPDX-License-Identifier: MIT */
/* Takes a request's body into a new file and computes its digests, in bounded memory: while one
 * buffer is written and hashed by a worker, the other is filled; when both are full the client
 * waits. */
#ifndef S3_RECEIVER_H
#define S3_RECEIVER_H

#include "call.h"
#include "digests.h"
#include "files.h"

/* Each upload has two at most; a small one has one of its size. */
#define RECEIVER_BUFFER_SIZE (256u << 10)

struct received {
    struct file_id id; /* empty: no bytes */
    uint64_t size;
    struct digests digests;
};

/* Begins. on_done comes when the bytes are in the file and their digests are right: the file is the
 * callee's to keep (files_keep) or to give up (files_abandon). In any other case the call is
 * answered here. Calls back: at most once, never inside this call. */
void receiver_start(struct call *call, const struct digests_wanted *wanted,
                    void (*on_done)(struct call *call, const struct received *received));

#endif
