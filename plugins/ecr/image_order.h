/* SPDX-License-Identifier: MIT */
/* Work on an image that is to be done and outlives a restart: scans, signatures. Everything is
 * [loop]; functions return as those of meta.h and join a transaction that is open. */
#ifndef ECR_IMAGE_ORDER_H
#define ECR_IMAGE_ORDER_H

#include "meta.h"

#define IMAGE_ORDER_SCAN "scan"
#define IMAGE_ORDER_SIGN "sign"
#define IMAGE_ORDER_DETAIL_MAX 200

struct image_order {
    uint64_t id; /* increasing among those of a kind */
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    char digest[ECR_DIGEST_LEN + 1];
    char detail[IMAGE_ORDER_DETAIL_MAX + 1]; /* whatever its kind needs; may be empty */
};

/* Fills it in but for the detail; its id is above `last_id` also when the clock was set back.
 * Errors: -EINVAL a name or digest that is too long. */
int image_order_init(struct image_order *order, struct ecr *ecr, uint64_t last_id,
                     const struct tenant *tenant, struct virga_str name, struct virga_str digest);
int image_order_put(struct ecr *ecr, const char *kind, const struct image_order *order);
/* Ends it; one that is not there is fine. */
int image_order_delete(struct ecr *ecr, const char *kind, uint64_t id);
/* Walks them by id; as meta_repository_each(). */
int image_order_each(struct ecr *ecr, const char *kind,
                     int (*on_each)(void *arg, const struct image_order *order), void *arg);

#endif
