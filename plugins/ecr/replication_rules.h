/* SPDX-License-Identifier: MIT */
/* A registry's replication configuration: what it may say, and whom it means. Pure but for the
 * reading of a stored one. Source: Amazon ECR user guide, "Private image replication". */
#ifndef ECR_REPLICATION_RULES_H
#define ECR_REPLICATION_RULES_H

#include "ecr.h"

#include <virga/helpers/awsjson.h>

#define REPLICATION_KIND "replication"  /* of the registry's setting; its id is "" */
#define REPLICATION_DESTINATIONS_MAX 25 /* different ones in all rules of a configuration */

struct replication_targets {
    struct tenant tenants[REPLICATION_DESTINATIONS_MAX];
    size_t count;
};

/* Checks a configuration that fits the model, as the registry `here` is given it. Returns NULL, or
 * what is wrong with it as the text of a constraint. */
const char *replication_rules_check(struct json_object *configuration, const struct tenant *here);

/* Collects the destinations of an image pushed to repository `name`, each once. */
void replication_rules_match(struct json_object *configuration, struct virga_str name,
                             struct replication_targets *ret_targets);

/* The same by the configuration that the registry `here` keeps; no configuration: none.
 * Thread: [loop]. Errors: -ENOMEM, -EIO. */
int replication_rules_find(struct ecr *ecr, const struct tenant *here, struct virga_str name,
                           struct replication_targets *ret_targets);

#endif
