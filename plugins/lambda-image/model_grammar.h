/* SPDX-License-Identifier: MIT */
/* The API model's patterns of functions' settings that POSIX expressions do not take. Pure
 * functions: 1 it matches as a whole, 0 it does not. */
#ifndef LAMBDA_MODEL_GRAMMAR_H
#define LAMBDA_MODEL_GRAMMAR_H

#include <virga/abi.h>

/* arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+ */
int model_is_role(struct virga_str text);
/* [^\s]+ */
int model_is_handler(struct virga_str text);
/* (arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|() */
int model_is_arn_or_empty(struct virga_str text);
/* [0-9A-Za-z\.\-_]*(?<!\.) */
int model_is_bucket(struct virga_str text);
/* [a-zA-Z]([a-zA-Z0-9_])+ */
int model_is_variable(struct virga_str text);
/* [\.\-_/#A-Za-z0-9]+ */
int model_is_log_group(struct virga_str text);
/* /mnt/[a-zA-Z0-9-_.]+ */
int model_is_mount_path(struct virga_str text);
/* arn:aws[a-zA-Z-]*:elasticfilesystem:...:access-point/fsap-..., or an S3 file system's. */
int model_is_file_system(struct virga_str text);
/* arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+ */
int model_is_layer_version(struct virga_str text);
/* A layer's ARN without a version, or its name. */
int model_is_layer(struct virga_str text);
/* (\$LATEST\.PUBLISHED|[0-9]+) */
int model_is_published(struct virga_str text);
/* ALL|[a-z]{2}(-gov)?-[a-z]+-\d{1} */
int model_is_master_region(struct virga_str text);
/* arn:...:lambda:...:code-signing-config:csc-[a-z0-9]{17} */
int model_is_signing_config(struct virga_str text);

#endif
