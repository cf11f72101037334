/* SPDX-License-Identifier: MIT */
/* Scanning on push: which images can be scanned, and which are when they come. Everything is
 * [loop]. */
#ifndef ECR_SCAN_PUSH_H
#define ECR_SCAN_PUSH_H

#include "meta.h"

/* Whether images of this kind can be scanned: those that have a container's configuration. */
bool scan_push_can_scan(const struct meta_image *image);
/* Scans an image that was pushed, where the repository or the registry says so. */
void scan_push_image_came(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                          const struct meta_image *image);

#endif
