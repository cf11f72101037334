/* SPDX-License-Identifier: MIT */
/* What a request is known by when a policy is evaluated: its condition keys. A key that is not here
 * is absent from the request. Pure. Thread: [any].
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
#ifndef ECR_POLICY_CONTEXT_H
#define ECR_POLICY_CONTEXT_H

#include "meta.h"
#include "principal.h"

#include <virga/helpers/time.h>

/* The global keys, and tags of the repository and of the request. */
#define POLICY_CONTEXT_MAX (32 + 2 * META_TAGS_MAX)

/* One key; its name is "<prefix><name>" and is compared without case. */
struct policy_context_key {
    const char *prefix;
    struct virga_str name;
    struct virga_str value; /* of aws:TagKeys: not here but in tag_keys */
};

struct policy_context {
    struct policy_context_key keys[POLICY_CONTEXT_MAX];
    size_t count;
    struct virga_str tag_keys[META_TAGS_MAX]; /* aws:TagKeys */
    size_t tag_keys_count;
    char time[VIRGA_TIME_SIZE];
    char epoch[24];
    char ip[64];
    char principal_arn[PRINCIPAL_ARN_MAX + 1];
};

/* Begins with what is known of every request: who asks (aws:PrincipalArn, aws:PrincipalAccount,
 * aws:PrincipalType, aws:userid, aws:username, aws:SourceArn, ...), the time, and that there is no
 * TLS. Valid: as long as the principal. */
void policy_context_start(struct policy_context *context, const struct principal *principal,
                          int64_t now_ms);
/* Adds a key with one value; ptr NULL: nothing is added. Valid: `name` and `value` as long as the
 * context. What is more than POLICY_CONTEXT_MAX is left out. */
void policy_context_add(struct policy_context *context, const char *name, struct virga_str value);
/* Adds the client's address (aws:SourceIp), given as virga_request.peer has it; none that is not an
 * internet address. */
void policy_context_add_peer(struct policy_context *context, struct virga_str peer);
/* Adds a tag of the repository: aws:ResourceTag/<key> and ecr:ResourceTag/<key>. */
void policy_context_add_resource_tag(struct policy_context *context, struct virga_str key,
                                     struct virga_str value);
/* Adds a tag of the request: aws:RequestTag/<key>, and the key to aws:TagKeys. `value` may be
 * absent: only the key is known, as when tags are removed. */
void policy_context_add_request_tag(struct policy_context *context, struct virga_str key,
                                    struct virga_str value);

/* Finds a key's values; false: it is absent. Valid: as long as the context. */
bool policy_context_find(const struct policy_context *context, struct virga_str key,
                         const struct virga_str **ret_values, size_t *ret_count);

#endif
