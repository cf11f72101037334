/* SPDX-License-Identifier: MIT */
/* How far the replication of an image is: one status for each destination, kept as a text about the
 * source image. Everything is [loop] and synchronous; errors as in meta.h. */
#ifndef ECR_REPLICATION_STATUS_H
#define ECR_REPLICATION_STATUS_H

#include "meta.h"

#include <virga/helpers/json_writer.h>

/* Destinations remembered for one image. More than a configuration can hold: it may change between
 * two pushes. The oldest one gives way. */
#define REPLICATION_STATUSES_MAX 100

/* The image it is about. */
struct replication_subject {
    const struct tenant *tenant;
    struct virga_str name;
    struct virga_str digest;
};

/* Notes that the image is on its way to a destination: once for each row of the queue. An earlier
 * failure is forgotten. Joins a transaction that is open. */
int replication_status_begin(struct ecr *ecr, const struct replication_subject *subject,
                             const struct tenant *destination);
/* Notes that one of these has ended; failure NULL: well. Nothing happens when the image is gone.
 * Joins a transaction that is open. */
int replication_status_end(struct ecr *ecr, const struct replication_subject *subject,
                           const struct tenant *destination, const char *failure);
/* Writes the array "replicationStatuses". */
int replication_status_write(struct ecr *ecr, const struct replication_subject *subject,
                             struct virga_json_writer *writer);

#endif
