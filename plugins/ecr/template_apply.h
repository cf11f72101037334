/* SPDX-License-Identifier: MIT */
/* Repositories that come about without CreateRepository: which creation template is meant, and the
 * repository with its settings. Everything is [loop] and synchronous.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html
 */
#ifndef ECR_TEMPLATE_APPLY_H
#define ECR_TEMPLATE_APPLY_H

#include "ecr.h"

#include <json-c/json.h>

/* Kind of the registry's settings; the id is the prefix without '/'. */
#define TEMPLATE_KIND "template"
/* The prefix of the template for all other names. */
#define TEMPLATE_ROOT "ROOT"

/* What a repository is created for: the values of appliedFor. */
enum template_use { TEMPLATE_REPLICATION, TEMPLATE_PULL_THROUGH_CACHE, TEMPLATE_CREATE_ON_PUSH };

/* A prefix without the '/' that may end it: "prod/" and "prod" are one. */
struct virga_str template_prefix(struct virga_str prefix);

/* Reads a template by its prefix. Owns: the caller, until json_object_put(). Errors: -ENOENT,
 * -EIO, -ENOMEM. */
int template_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str prefix,
                 struct json_object **ret_template);

/* Finds the template that a new repository of this name gets: of those for this use the one with
 * the longest prefix that the name is below, else ROOT. As template_get(). */
int template_find(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                  enum template_use use, struct json_object **ret_template);

/* Makes sure that the repository is there: creates it with the settings, resource tags, policy and
 * lifecycle policy of its template in one transaction, or joins the caller's. Without a template it
 * gets AWS's defaults, but a push does not create it at all. The caller holds a pass of the gate.
 * Returns 0 also when it was there already. Errors: -ENOENT no template lets a push create it,
 * -EINVAL the name can hold no repository, -ENOMEM, -ENOSPC, -EIO. */
int template_create_repository(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                               enum template_use use);

#endif
