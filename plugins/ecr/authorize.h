/* SPDX-License-Identifier: MIT */
/* May they? The decisions by repository and registry policies, where floci.auth.mode is "enforce";
 * in "open" everything is allowed. Within an account everybody may do everything but what a policy
 * denies; from another account nothing but what a policy allows. Everything is [loop]. */
#ifndef ECR_AUTHORIZE_H
#define ECR_AUTHORIZE_H

#include "call.h"
#include "principal.h"

/* Whether policies are obeyed here. */
bool authorize_enforces(const struct ecr *ecr);

/* Whether the source's account may replicate an image into the destination's repository `name`:
 * what the destination's registry policy says of ecr:ReplicateImage. Always within one account.
 * Returns 0; errors: -EACCES, and -EIO or -ENOMEM when the policy could not be read. */
int authorize_replication(struct ecr *ecr, const struct tenant *source,
                          const struct tenant *destination, struct virga_str name);

/* Whether the principal may do `action` ("ecr:BatchImportUpstreamImage", "ecr:CreateRepository",
 * ...) on the repository `name`, which need not exist yet, by the registry policy of `owner`.
 * Returns and errors as authorize_replication(). */
int authorize_registry(struct ecr *ecr, const struct tenant *owner,
                       const struct principal *principal, const char *action,
                       struct virga_str name);

#endif
