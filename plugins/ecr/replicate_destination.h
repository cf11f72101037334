/* SPDX-License-Identifier: MIT */
/* What replication needs of the registry that it brings images to: its permission, and a repository
 * there. Everything is [loop] and synchronous. */
#ifndef ECR_REPLICATE_DESTINATION_H
#define ECR_REPLICATE_DESTINATION_H

#include "meta.h"

/* Whether `destination` lets `source` replicate into its repository `name`, which need not exist
 * yet. Registries are open to each other: 0. Errors: -EACCES; others of the store. */
int replicate_authorize(struct ecr *ecr, const struct tenant *source,
                        const struct tenant *destination, struct virga_str name);

/* Makes sure that the repository is there, with the settings of the destination's creation template
 * for replication. The caller holds a pass of the gate. Errors: as template_create_repository(). */
int make_destination_repository(struct ecr *ecr, const struct tenant *destination,
                                struct virga_str name);

#endif
