/* SPDX-License-Identifier: MIT */
/* One setting's text against its declaration: type, bounds, choices. */
#ifndef CORE_CONFIG_VALUE_H
#define CORE_CONFIG_VALUE_H

#include <virga/plugin.h>

#include "error.h"

/* Whether a declaration makes sense by itself. Errors: -EINVAL. */
int config_value_check_decl(const struct virga_config_key *decl, struct error *err);

/* Checks `text`. *ret_text becomes what is kept (static, or `text` itself): "true" or "false" of a
 * bool; *ret_number the number of an int, 1 or 0 of a bool, else 0. Errors: -EINVAL saying what is
 * wrong and what would be right. */
int config_value_check(const struct virga_config_key *decl, const char *text, const char **ret_text,
                       int64_t *ret_number, struct error *err);

#endif
