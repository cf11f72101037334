/* SPDX-License-Identifier: MIT */
/* The inputs of the Parameter Store's actions as tables for virga_model_check().
 * Source: the API model ssm-2014-11-06. */
#ifndef SSM_MODEL_H
#define SSM_MODEL_H

#include <virga/helpers/model.h>

extern const struct virga_model_shape model_add_tags_to_resource;
extern const struct virga_model_shape model_delete_parameter;
extern const struct virga_model_shape model_delete_parameters;
extern const struct virga_model_shape model_describe_parameters;
extern const struct virga_model_shape model_get_parameter;
extern const struct virga_model_shape model_get_parameter_history;
extern const struct virga_model_shape model_get_parameters;
extern const struct virga_model_shape model_get_parameters_by_path;
extern const struct virga_model_shape model_label_parameter_version;
extern const struct virga_model_shape model_list_tags_for_resource;
extern const struct virga_model_shape model_put_parameter;
extern const struct virga_model_shape model_remove_tags_from_resource;
extern const struct virga_model_shape model_unlabel_parameter_version;

#endif
