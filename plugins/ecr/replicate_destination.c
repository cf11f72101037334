/* SPDX-License-Identifier: MIT */
/* The destination of a replication, apart from the copying, which needs no more than this of it. */
#include "replicate_destination.h"

#include "authorize.h"
#include "meta.h"
#include "template_apply.h"

int replicate_authorize(struct ecr *ecr, const struct tenant *source,
                        const struct tenant *destination, struct virga_str name) {
    int result = authorize_replication(ecr, source, destination, name);
    if (result == 0 && !meta_repository_exists(ecr, destination, name)) {
        result = authorize_replication_create(ecr, source, destination, name);
    }
    return result;
}

int make_destination_repository(struct ecr *ecr, const struct tenant *destination,
                                struct virga_str name) {
    return template_create_repository(ecr, destination, name, TEMPLATE_REPLICATION);
}
