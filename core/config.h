/* SPDX-License-Identifier: MIT */
/* The settings: declared keys, and their values from default, file, environment and command line.
 * Owns names, types and precedence; leaves the meaning of a key to who declared it. */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include <virga/plugin.h>

#include "error.h"

struct config;

/* Where a value comes from; a later one beats an earlier one. */
enum config_source { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENV, CONFIG_SET };

/* A declared key as shown to the user. Valid: until config_destroy(). */
struct config_entry {
    const char *key;   /* in full: "floci.services.ecr.registry-base-port" */
    const char *owner; /* "core" or the plugin */
    const struct virga_config_key *decl;
    const char *value; /* text; NULL = unset */
    enum config_source source;
    const char *origin; /* file name and line, variable name, or "--set" */
};

/* An empty configuration. Errors: -ENOMEM. */
int config_create(struct config **ret_config);
/* NULL is fine. */
void config_destroy(struct config *config);

/* Collects the values of a YAML file (scalars below maps; a list becomes "a,b"). A file that is
 * missing is -ENOENT. Errors: -EINVAL not YAML, with line. */
int config_read_file(struct config *config, const char *path, struct error *err);
/* The same from memory, for tests and fuzzing; `name` stands in messages. */
int config_read_text(struct config *config, const char *name, const char *text, size_t len,
                     struct error *err);
/* Collects FLOCI_* variables of a NULL-ended "NAME=value" list. */
int config_read_env(struct config *config, char *const *environ_list, struct error *err);
/* Collects one "key=value" of the command line; "floci." may be left out. */
int config_read_set(struct config *config, const char *assignment, struct error *err);

/* Declares keys below `root` ("floci", "floci.services.ecr"); resolves their values and checks type
 * and bounds. `keys` is an array of `key_size` strides. Errors: -EINVAL naming key, value, origin
 * and what would be right; -EEXIST another owner has the key, -ENOENT a default names a key that is
 * not declared. */
int config_declare(struct config *config, const char *owner, const char *root,
                   const struct virga_config_key *keys, size_t count, size_t key_size,
                   struct error *err);

/* After everything was declared: a collected key below a declared root that nobody declared is
 * -EINVAL naming it, where it stands and the nearest valid key. Keys elsewhere below `floci.` are
 * let pass: the file may be shared with other emulators. */
int config_check(const struct config *config, struct error *err);

/* The entry of a declared key by its full name; NULL when there is none. */
const struct config_entry *config_find(const struct config *config, const char *key);
/* Every declared entry, in the order of declaration. */
size_t config_count(const struct config *config);
const struct config_entry *config_at(const struct config *config, size_t index);

/* The value of a declared key of the right type; NULL / 0 / false when unset. */
const char *config_string(const struct config *config, const char *key);
int64_t config_int(const struct config *config, const char *key);
int config_bool(const struct config *config, const char *key);

#endif
