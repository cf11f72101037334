/* SPDX-License-Identifier: MIT */
/* Replication at work: what was pushed is queued for every destination that a rule names, and
 * brought there in the background. The queue is in the store, so that what was acknowledged to a
 * pusher is replicated even when virga is killed in between. Everything is [loop]. */
#ifndef ECR_REPLICATE_H
#define ECR_REPLICATE_H

#include "image_events.h"

/* Rows of the queue in all; what does not fit is told as FAILED. */
#define REPLICATE_QUEUE_MAX 100000
/* Destination repositories served at one time. */
#define REPLICATE_PARALLEL 4
/* How often one image is tried for one destination while the registry answers. */
#define REPLICATE_TRIES_MAX 8

struct replicator;

/* Reads how much an earlier run left, and goes on with it. Errors: -ENOMEM, -EIO. */
int replicate_create(struct ecr *ecr, struct replicator **ret_replicator);
/* Begins nothing more. True: something is under way, and on_idle is called once when it has ended.
 */
bool replicate_stop(struct replicator *replicator, void (*on_idle)(void *arg), void *arg);
/* Stopped before, or never begun. NULL is fine. */
void replicate_destroy(struct replicator *replicator);

/* Queues an image that came into `name`, under `tag` where its ptr is not NULL, for the
 * destinations of the rules of now. Images that came by replication go no further; those of a
 * pull-through cache do. Outside of a transaction. */
void replicate_image(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                     const struct meta_image *image, struct virga_str tag,
                     enum image_origin origin);

#endif
