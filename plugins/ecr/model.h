/* SPDX-License-Identifier: MIT */
/* The inputs of ECR's operations as tables for virga_model_check().
 * Source: the API model ecr-2015-09-21. */
#ifndef ECR_MODEL_H
#define ECR_MODEL_H

#include <virga/helpers/model.h>

extern const struct virga_model_shape model_batch_delete_image;
extern const struct virga_model_shape model_batch_get_image;
extern const struct virga_model_shape model_create_repository;
extern const struct virga_model_shape model_delete_lifecycle_policy;
extern const struct virga_model_shape model_delete_repository;
extern const struct virga_model_shape model_delete_repository_policy;
extern const struct virga_model_shape model_describe_images;
extern const struct virga_model_shape model_describe_repositories;
extern const struct virga_model_shape model_get_authorization_token;
extern const struct virga_model_shape model_get_lifecycle_policy;
extern const struct virga_model_shape model_get_repository_policy;
extern const struct virga_model_shape model_list_images;
extern const struct virga_model_shape model_list_tags_for_resource;
extern const struct virga_model_shape model_put_image_scanning_configuration;
extern const struct virga_model_shape model_put_image_tag_mutability;
extern const struct virga_model_shape model_put_lifecycle_policy;
extern const struct virga_model_shape model_set_repository_policy;
extern const struct virga_model_shape model_tag_resource;
extern const struct virga_model_shape model_untag_resource;

/* The patterns of identifiers of images, which are answered as failures and not as exceptions. */
#define MODEL_DIGEST_PATTERN "[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+"
#define MODEL_TAG_PATTERN "[a-zA-Z0-9-_.]+"
int model_is_digest(struct virga_str text);
int model_is_tag(struct virga_str text);
/* A repository's name, by its pattern alone. */
int model_is_repository_name(struct virga_str text);

#endif
