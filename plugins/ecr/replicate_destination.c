/* SPDX-License-Identifier: MIT */
/* The destination of a replication, apart from the copying, which needs no more than this of it. */
#include "replicate_destination.h"

#include "authorize.h"

#include <errno.h>
#include <stdlib.h>

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
    struct meta_repository repository = {.mutability = META_MUTABLE};
    if (meta_repository_exists(ecr, destination, name)) {
        return 0;
    }
    (void)snprintf(repository.name, sizeof repository.name, "%.*s", (int)name.len, name.ptr);
    repository.encryption_type = strdup("AES256");
    int result = repository.encryption_type != NULL
                     ? meta_repository_create(ecr, destination, &repository)
                     : -ENOMEM;
    meta_repository_finish(&repository);
    return result == -EEXIST ? 0 : result;
}
