/* SPDX-License-Identifier: MIT */
/* The inputs of the actions that invoke, as far as path and query have them; headers are checked
 * by invoke.c. Source: the API model lambda-2015-03-31. */
#include "actions.h"

/* Names and qualifiers are checked by their own pattern (actions.c). */
static const struct virga_model_shape text = {.type = VIRGA_MODEL_STRING};

static const struct virga_model_member members[] = {
    {.name = "FunctionName", .shape = &text, .required = 1, .shown = "functionName"},
    {.name = "Qualifier", .shape = &text, .shown = "qualifier"},
    {.name = NULL},
};

const struct virga_model_shape model_invoke = {.type = VIRGA_MODEL_STRUCTURE, .members = members};
const struct virga_model_shape model_invoke_async = {.type = VIRGA_MODEL_STRUCTURE,
                                                     .members = members};
const struct virga_model_shape model_invoke_with_response_stream = {.type = VIRGA_MODEL_STRUCTURE,
                                                                    .members = members};
