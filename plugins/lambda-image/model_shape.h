/* SPDX-License-Identifier: MIT */
/* How the tables of the API model's facts are written. */
#ifndef LAMBDA_MODEL_SHAPE_H
#define LAMBDA_MODEL_SHAPE_H

#include <virga/helpers/model.h>

#define SHAPE(shape_name, shape_type, ...)                                                         \
    static const struct virga_model_shape shape_name = {.type = VIRGA_MODEL_##shape_type,          \
                                                        __VA_ARGS__}
#define STRUCTURE(...)                                                                             \
    .members = (const struct virga_model_member[]) {                                               \
        __VA_ARGS__, {                                                                             \
            .name = NULL                                                                           \
        }                                                                                          \
    }
#define INPUT(shape_name, ...)                                                                     \
    const struct virga_model_shape shape_name = {.type = VIRGA_MODEL_STRUCTURE,                    \
                                                 STRUCTURE(__VA_ARGS__)}
#define VALUES(...)                                                                                \
    .values = (const char *const[]) {                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
/* A member: its name in JSON, in messages, and its shape. */
#define MEMBER(json_name, shown_name, shape_name)                                                  \
    { .name = (json_name), .shape = &(shape_name), .shown = (shown_name) }
#define REQUIRED(json_name, shown_name, shape_name)                                                \
    { .name = (json_name), .shape = &(shape_name), .required = 1, .shown = (shown_name) }

#endif
