/* SPDX-License-Identifier: MIT */
/* Pull-through cache rules as they are kept, which one a repository's name means, and what it is
 * called upstream. Everything is [loop] and synchronous.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html */
#ifndef ECR_CACHE_RULES_H
#define ECR_CACHE_RULES_H

#include "ecr.h"
#include "upstream.h"

#include <json-c/json.h>

#define CACHE_RULE_KIND "cache-rule" /* of the registry's settings; id: the prefix without '/' */
#define CACHE_RULE_ROOT "ROOT"

/* Reads a rule by its prefix. Owns: the caller, until json_object_put(). Errors: -ENOENT, -EIO,
 * -ENOMEM. */
int cache_rule_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str prefix,
                   struct json_object **ret_rule);

/* Finds the rule for a repository: the one with the longest prefix that the name is below, else
 * that of ROOT. As cache_rule_get(). */
int cache_rule_find(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    struct json_object **ret_rule);

/* Says where a rule leads: host, base and, for a repository's name (ptr NULL: the registry as a
 * whole), the repository; without credentials. `ret_place` is zeroed first. Errors: -EINVAL the
 * rule's registry is none, or the name has nothing behind the prefix; -EMSGSIZE. */
int cache_rule_place(struct ecr *ecr, struct json_object *rule, struct virga_str name,
                     struct upstream_place *ret_place);

#endif
