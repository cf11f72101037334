/* SPDX-License-Identifier: MIT */
/* The YAML side of the settings: text in, keys and values out. Knows no declared key. */
#ifndef CORE_CONFIG_YAML_H
#define CORE_CONFIG_YAML_H

#include <stddef.h>

#include "error.h"

#define CONFIG_YAML_MAX_BYTES (1024u * 1024u)
#define CONFIG_YAML_MAX_DEPTH 16  /* maps in maps */
#define CONFIG_YAML_MAX_KEYS 4096 /* below floci:, maps included */
#define CONFIG_KEY_MAX 256        /* bytes of a key in full */

/* One value. `value` is NULL for null; line counts from 1. What it returns other than 0 ends the
 * reading. */
typedef int (*config_yaml_on_value)(void *arg, const char *key, const char *value, size_t line,
                                    struct error *err);

/* Reads the map below the top-level key `floci` and reports each scalar with its key in full; other
 * top-level keys are left alone. A list of scalars is reported as one text with commas. Aliases
 * stand for what they name; merge keys are refused. `name` stands in messages. Errors: -EINVAL with
 * the line, -ENOMEM, what on_value returned. */
int config_yaml_read(const char *name, const char *text, size_t len, config_yaml_on_value on_value,
                     void *arg, struct error *err);

#endif
