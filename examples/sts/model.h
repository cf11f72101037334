/* SPDX-License-Identifier: MIT */
/* The inputs of STS's actions as tables for virga_model_check().
 * Source: the API model sts-2011-06-15. */
#ifndef STS_MODEL_H
#define STS_MODEL_H

#include <virga/helpers/model.h>

extern const struct virga_model_shape model_assume_role;
extern const struct virga_model_shape model_assume_role_with_web_identity;
extern const struct virga_model_shape model_decode_authorization_message;
extern const struct virga_model_shape model_get_access_key_info;
extern const struct virga_model_shape model_get_caller_identity;
extern const struct virga_model_shape model_get_federation_token;
extern const struct virga_model_shape model_get_session_token;

#endif
