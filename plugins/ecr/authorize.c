/* SPDX-License-Identifier: MIT */
/* Decisions by policies. */
#include "authorize.h"

#include <errno.h>

bool authorize_enforces(const struct ecr *ecr) {
    return ecr->enforce;
}

int authorize_registry(struct ecr *ecr, const struct tenant *owner,
                       const struct principal *principal, const char *action,
                       struct virga_str name) {
    (void)action;
    (void)name;
    return !ecr->enforce || strcmp(owner->account, principal->account) == 0 ? 0 : -EACCES;
}

int authorize_replication(struct ecr *ecr, const struct tenant *source,
                          const struct tenant *destination, struct virga_str name) {
    struct principal principal;
    if (!ecr->enforce || strcmp(source->account, destination->account) == 0) {
        return 0;
    }
    principal_root(virga_str_from(source->account), virga_str_from(source->region), &principal);
    return authorize_registry(ecr, destination, &principal, "ecr:ReplicateImage", name);
}
