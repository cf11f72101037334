/* SPDX-License-Identifier: MIT */
/* The patterns of the API model ecr-2015-09-21. Each says whether the whole text matches; lengths
 * are the tables' business unless a pattern has them. Pure. Thread: [any]. */
#ifndef ECR_MODEL_GRAMMAR_H
#define ECR_MODEL_GRAMMAR_H

#include <virga/abi.h>

/* The patterns of identifiers of images, which are answered as failures and not as exceptions. */
#define MODEL_DIGEST_PATTERN "[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+"
#define MODEL_TAG_PATTERN "[a-zA-Z0-9-_.]+"
int model_is_digest(struct virga_str text);
int model_is_tag(struct virga_str text);
/* A repository's name, by its pattern alone. */
int model_is_repository_name(struct virga_str text);

int model_is_registry_id(struct virga_str text);
int model_is_region(struct virga_str text);
int model_is_upload_id(struct virga_str text);
int model_is_exclusion_filter(struct virga_str text);
/* A prefix of a creation template or of a pull-through cache rule: a name that may end with '/', or
 * ROOT. */
int model_is_prefix(struct virga_str text);
int model_is_credential_arn(struct virga_str text);
int model_is_principal_arn(struct virga_str text);
int model_is_signing_profile_arn(struct virga_str text);
int model_is_template_kms_key(struct virga_str text);
int model_is_replication_filter(struct virga_str text);
int model_is_scanning_filter(struct virga_str text);
int model_is_signing_filter(struct virga_str text);

#endif
