/* SPDX-License-Identifier: MIT */
/* The inputs of the actions as tables for virga_query_object() and virga_model_check().
 * Source: the API model cloudformation-2010-05-15. */
#ifndef CFN_MODEL_H
#define CFN_MODEL_H

#include <virga/helpers/model.h>

extern const struct virga_model_shape model_stack_input; /* CreateStack, UpdateStack */
extern const struct virga_model_shape model_named_stack; /* the actions on a stack that is there */
extern const struct virga_model_shape model_any_stack;   /* the same, StackName may be absent */
extern const struct virga_model_shape model_create_change_set;
extern const struct virga_model_shape model_change_set; /* the actions on a change set */
extern const struct virga_model_shape model_template;   /* ValidateTemplate ... */
extern const struct virga_model_shape model_protection;
extern const struct virga_model_shape model_resource; /* DescribeStackResource */
extern const struct virga_model_shape model_list;     /* ListStacks, ListExports */
extern const struct virga_model_shape model_list_imports;

#endif
