/* SPDX-License-Identifier: MIT */
/* May they? The decisions by repository and registry policies, where floci.auth.mode is "enforce";
 * in "open" everything is allowed. Within an account everybody may do everything but what a policy
 * denies; from another account nothing but what a policy allows. Everything is [loop]. */
#ifndef ECR_AUTHORIZE_H
#define ECR_AUTHORIZE_H

#include "call.h"
#include "policy_document.h"
#include "principal.h"

/* The kind of registry policies in meta_setting. */
#define AUTHORIZE_REGISTRY_POLICY "registry-policy"
#define AUTHORIZE_MESSAGE_MAX (2 * PRINCIPAL_ARN_MAX)

/* Whether policies are obeyed here. */
bool authorize_enforces(const struct ecr *ecr);

/* Something that somebody wants to do. */
struct authorize_question {
    const struct principal *principal;
    const struct tenant *owner;
    const char *action;    /* "ecr:BatchGetImage" */
    struct virga_str name; /* the repository, which need not exist; ptr NULL: the whole registry */
    const struct virga_request *req;       /* for the client's address; NULL: it has none */
    struct json_object *input;             /* of an API call, for the tags in it; NULL */
    const struct policy_document *instead; /* of the repository's policy; NULL: the stored one */
};

/* Decides. Errors: -EACCES with a sentence for the client, in AWS's words; -EIO, -ENOMEM and others
 * of the store when the policies could not be read. */
int authorize_ask(struct ecr *ecr, const struct authorize_question *question,
                  char ret_message[AUTHORIZE_MESSAGE_MAX]);

/* Whether the source's account may replicate an image into the destination's repository `name`:
 * what the destination's registry policy says of ecr:ReplicateImage. Always within one account.
 * Returns 0; errors: -EACCES, and those of the store when the policy could not be read. */
int authorize_replication(struct ecr *ecr, const struct tenant *source,
                          const struct tenant *destination, struct virga_str name);

/* The same of ecr:CreateRepository, where the destination's repository is not there yet. */
int authorize_replication_create(struct ecr *ecr, const struct tenant *source,
                                 const struct tenant *destination, struct virga_str name);

/* Whether the principal may do `action` ("ecr:BatchImportUpstreamImage", "ecr:CreateRepository",
 * ...) on the repository `name`, which need not exist yet, of `owner`. Returns and errors as
 * authorize_replication(). */
int authorize_registry(struct ecr *ecr, const struct tenant *owner,
                       const struct principal *principal, const char *action,
                       struct virga_str name);

/* An API call: finds out who calls (call->principal; in open mode only for pulls) and asks for
 * every repository that the call names. Calls back: on_allowed once, maybe inside the call, unless
 * the call was refused and has ended. */
void authorize_call(struct call *call, void (*on_allowed)(struct call *call));

#endif
