/* SPDX-License-Identifier: MIT */
/* Blobs that were uploaded and that no manifest names yet. The registry's garbage collector would
 * take them, so gc pins them first. Kept in memory: what a crash forgets, the client uploads again.
 */
#ifndef ECR_PINS_H
#define ECR_PINS_H

#include "ecr.h"

#define PINS_MAX 65536             /* blobs remembered in all */
#define PINS_AGE_MS (24 * 3600000) /* an upload without manifest is given up after this */

struct pins;

int pins_create(struct pins **ret_pins);
void pins_destroy(struct pins *pins);
/* Remembers a blob. Errors: -ENOSPC PINS_MAX young ones are known, -ENOMEM. */
int pins_add(struct pins *pins, const struct tenant *tenant, struct virga_str name,
             struct virga_str digest, int64_t now_ms);
/* Whether the blob is remembered. */
bool pins_has(const struct pins *pins, const struct tenant *tenant, struct virga_str name,
              struct virga_str digest);
/* Forgets a blob: a manifest names it now, or it is not there. */
void pins_drop(struct pins *pins, const struct tenant *tenant, struct virga_str name,
               struct virga_str digest);
/* Forgets a repository's. */
void pins_drop_repository(struct pins *pins, const struct tenant *tenant, struct virga_str name);

/* One repository's blobs. Valid: until the pins change. */
struct pins_batch {
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    size_t count;
};
/* The repositories with pinned blobs, in no order: from *position (0 at first) on. False at the
 * end. Forgets what is too old. */
bool pins_next(struct pins *pins, size_t *position, int64_t now_ms, struct pins_batch *ret_batch);
/* The i-th digest of the batch that pins_next() gave for this position. */
void pins_digest(const struct pins *pins, size_t position, size_t i,
                 char ret_digest[ECR_DIGEST_LEN + 1]);

#endif
