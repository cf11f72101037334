/* SPDX-License-Identifier: MIT */
/* What follows when an image has come or was pulled: the one place that tells the other parts.
 * Everything is [loop]; nothing here waits or fails: what a part begins, it goes on with by itself.
 */
#ifndef ECR_IMAGE_EVENTS_H
#define ECR_IMAGE_EVENTS_H

#include "meta.h"

/* How an image came into a repository. */
enum image_origin {
    IMAGE_PUSHED,     /* a client's push, over the wire or by PutImage */
    IMAGE_REPLICATED, /* by a replication rule; is not replicated again */
    IMAGE_CACHED,     /* through a pull-through cache rule */
};

/* The image was recorded, under `tag` where its ptr is not NULL. Valid: the arguments for the call.
 * Not called inside a store transaction. */
void image_came(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                const struct meta_image *image, struct virga_str tag, enum image_origin origin);
/* The image's manifest was given to a client. `principal` is the ARN of who asked; ptr NULL: not
 * known. */
void image_pulled(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                  struct virga_str digest, struct virga_str principal);

#endif
