/* SPDX-License-Identifier: MIT */
/* virga.image-resolver/1 for the other plugins: which image a URI means, whether a service may have
 * it, and what it is made of. Owns the questions under way; records, policies and bytes are other
 * parts'. Everything is [loop]. */
#ifndef ECR_IMAGE_RESOLVER_H
#define ECR_IMAGE_RESOLVER_H

#include "ecr.h"

#include <virga/service/image_resolver.h>

/* The largest config that is handed out. */
#define IMAGE_RESOLVER_CONFIG_MAX (4u << 20)

struct image_resolver;

/* Errors: -ENOMEM. */
int image_resolver_create(struct ecr *ecr, struct image_resolver **ret_resolver);
/* The interface, for host->provide(). Valid: until image_resolver_destroy(). */
const struct virga_image_resolver *image_resolver_table(const struct image_resolver *resolver);
/* Ends every question with VIRGA_IMAGE_CANCELLED; backend_stop() and cache_stop() have to be called
 * too. Calls back: once, maybe inside the call, when none is left. */
void image_resolver_stop(struct image_resolver *resolver, void (*on_stopped)(void *arg), void *arg);
/* NULL is fine. */
void image_resolver_destroy(struct image_resolver *resolver);

#endif
