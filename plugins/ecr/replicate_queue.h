/* SPDX-License-Identifier: MIT */
/* The durable queue of replication: one row for each image, tag and destination that is still to be
 * served. The rows of one destination repository are a lane, in the order of the pushes.
 * Owns table `o` of the store (meta.c lists the tables). Everything is [loop] and synchronous;
 * errors as in meta.h. */
#ifndef ECR_REPLICATE_QUEUE_H
#define ECR_REPLICATE_QUEUE_H

#include "ecr.h"

struct replicate_row {
    uint64_t id; /* increasing within its lane */
    struct tenant source;
    struct tenant destination;
    char name[ECR_NAME_MAX + 1]; /* in both */
    char digest[ECR_DIGEST_LEN + 1];
    char tag[ECR_TAG_MAX + 1]; /* may be empty */
    unsigned tries;            /* that failed */
    int64_t not_before_ms;     /* wall clock; 0 = at once */
};

/* Appends the row to its lane and sets its id. Joins a transaction that is open. */
int replicate_queue_add(struct ecr *ecr, struct replicate_row *row);
/* Writes a row that is there anew. */
int replicate_queue_update(struct ecr *ecr, const struct replicate_row *row);
/* Joins a transaction that is open. */
int replicate_queue_delete(struct ecr *ecr, const struct replicate_row *row);
/* The first row of the lane that follows the one of `after`; NULL: of the first lane. Returns 1, 0
 * when there is none. The cost does not depend on the number of rows. */
int replicate_queue_next(struct ecr *ecr, const struct replicate_row *after,
                         struct replicate_row *ret_row);
/* How many rows there are. */
int replicate_queue_count(struct ecr *ecr, size_t *ret_count);
/* Whether both are rows of one lane. */
bool replicate_queue_same_lane(const struct replicate_row *a, const struct replicate_row *b);

#endif
