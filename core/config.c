/* SPDX-License-Identifier: MIT */
/* Collected values on one side, declared keys on the other; declaring a key brings the two
 * together. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config_value.h"
#include "config_yaml.h"
#include "given.h"
#include "nearest.h"

#define ROOT "floci"
#define MAX_ENTRIES 4096

/* A declared key; `pub` is what others see. */
struct entry {
    struct config_entry pub;
    struct virga_config_key decl;
    char *key;
    char *owner;
    char *env_name;
    char *value;
    int64_t number;
};

struct config {
    struct given_list given;
    struct entry **entries;
    size_t entries_count;
    char **roots;
    size_t roots_count;
};

int config_create(struct config **ret_config) {
    struct config *config = calloc(1, sizeof *config);
    if (config == NULL) {
        return -ENOMEM;
    }
    *ret_config = config;
    return 0;
}

static void entry_free(struct entry *entry) {
    if (entry != NULL) {
        free(entry->key);
        free(entry->owner);
        free(entry->env_name);
        free(entry->value);
        free(entry);
    }
}

void config_destroy(struct config *config) {
    if (config == NULL) {
        return;
    }
    given_finish(&config->given);
    for (size_t i = 0; i < config->entries_count; i++) {
        entry_free(config->entries[i]);
    }
    for (size_t i = 0; i < config->roots_count; i++) {
        free(config->roots[i]);
    }
    free(config->entries);
    free(config->roots);
    free(config);
}

int config_read_file(struct config *config, const char *path, struct error *err) {
    return given_read_file(&config->given, path, err);
}

int config_read_text(struct config *config, const char *name, const char *text, size_t len,
                     struct error *err) {
    return given_read_text(&config->given, name, text, len, err);
}

int config_read_env(struct config *config, char *const *environ_list, struct error *err) {
    return given_read_env(&config->given, environ_list, err);
}

int config_read_set(struct config *config, const char *assignment, struct error *err) {
    return given_read_set(&config->given, assignment, err);
}

/* --- declaring --- */

/* The array with room for one more (it doubles at powers of two); NULL when out of memory. */
static void *with_room(void *array, size_t count, size_t size) {
    if (count != 0 && (count & (count - 1)) != 0) {
        return array;
    }
    return realloc(array, (count == 0 ? 1 : count * 2) * size);
}

static struct entry *entry_find(const struct config *config, const char *key) {
    for (size_t i = 0; i < config->entries_count; i++) {
        if (strcmp(config->entries[i]->key, key) == 0) {
            return config->entries[i];
        }
    }
    return NULL;
}

/* "floci.services.ecr.uri-style" -> "FLOCI_SERVICES_ECR_URI_STYLE" */
static char *env_name_of(const char *key) {
    char *name = strdup(key);
    for (char *c = name; c != NULL && *c != '\0'; c++) {
        *c = *c == '.' || *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    }
    return name;
}

static int refuse_taken(const struct config *config, const struct entry *entry, struct error *err) {
    for (size_t i = 0; i < config->entries_count; i++) {
        const struct entry *other = config->entries[i];
        if (strcmp(other->key, entry->key) == 0) {
            return error_set(err, -EEXIST, "%s is declared by %s already", entry->key,
                             other->owner);
        }
        if (strcmp(other->env_name, entry->env_name) == 0) {
            return error_set(err, -EEXIST, "%s and %s (of %s) are the same variable %s", entry->key,
                             other->key, other->owner, entry->env_name);
        }
    }
    return 0;
}

/* A default's text with a leading "${floci.some.key}" replaced. NULL: unset. */
static int expand_default(const struct config *config, const struct entry *entry, char **ret_text,
                          struct error *err) {
    const char *text = entry->decl.default_value;
    const char *end = text != NULL ? strchr(text, '}') : NULL;
    char *expanded = NULL;
    *ret_text = NULL;
    if (text == NULL) {
        return 0;
    }
    if (strncmp(text, "${", 2) == 0 && end != NULL) {
        char key[CONFIG_KEY_MAX + 1];
        (void)snprintf(key, sizeof key, "%.*s", (int)(end - text - 2), text + 2);
        const struct entry *other = entry_find(config, key);
        if (other == NULL) {
            return error_set(err, -ENOENT,
                             "%s: its default \"%s\" names a key that is not declared", entry->key,
                             text);
        }
        if (other->value == NULL) {
            return 0;
        }
        if (asprintf(&expanded, "%s%s", other->value, end + 1) < 0) {
            expanded = NULL;
        }
    } else {
        expanded = strdup(text);
    }
    if (expanded == NULL) {
        return error_set(err, -ENOMEM, "out of memory");
    }
    *ret_text = expanded;
    return 0;
}

/* The value that wins: the latest of the strongest source; NULL when only the default is left. */
static const struct given *strongest(const struct config *config, const struct entry *entry) {
    const struct given *best = NULL;
    for (size_t i = 0; i < config->given.count; i++) {
        const struct given *item = &config->given.items[i];
        const char *name = item->source == CONFIG_ENV ? entry->env_name : entry->key;
        if (item->value != NULL && strcmp(item->key, name) == 0 &&
            (best == NULL || item->source >= best->source)) {
            best = item;
        }
    }
    return best;
}

static int entry_resolve(const struct config *config, struct entry *entry, struct error *err) {
    const struct given *given = strongest(config, entry);
    const char *kept;
    char *fallback;
    int rc = expand_default(config, entry, &fallback, err);
    if (rc < 0) {
        return rc;
    }
    entry->pub.source = given != NULL ? given->source : CONFIG_DEFAULT;
    entry->pub.origin = given != NULL ? given->origin : "default";
    const char *text = given != NULL ? given->value : fallback;
    if (text != NULL) {
        rc = config_value_check(&entry->decl, text, &kept, &entry->number, err);
        if (rc < 0) {
            (void)error_wrap(err, "%s (%s)", entry->key, entry->pub.origin);
        } else {
            entry->value = strdup(kept);
            rc = entry->value != NULL ? 0 : error_set(err, -ENOMEM, "out of memory");
        }
    }
    free(fallback);
    entry->pub.value = entry->value;
    return rc;
}

static int declare_one(struct config *config, const char *owner, const char *root,
                       const struct virga_config_key *decl, struct error *err) {
    struct entry *entry;
    struct entry **entries;
    int rc = config_value_check_decl(decl, err);
    if (rc < 0) {
        return rc;
    }
    if (config->entries_count >= MAX_ENTRIES) {
        return error_set(err, -EINVAL, "more than %d declared keys", MAX_ENTRIES);
    }
    entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return error_set(err, -ENOMEM, "out of memory");
    }
    entry->decl = *decl;
    if (asprintf(&entry->key, "%s.%s", root, decl->key) < 0) {
        entry->key = NULL;
    }
    entry->env_name = entry->key != NULL ? env_name_of(entry->key) : NULL;
    entry->owner = strdup(owner);
    entries = with_room(config->entries, config->entries_count, sizeof(struct entry *));
    if (entries != NULL) {
        config->entries = entries;
    }
    if (entries == NULL || entry->env_name == NULL || entry->owner == NULL) {
        rc = error_set(err, -ENOMEM, "out of memory");
    } else if (strlen(entry->key) > CONFIG_KEY_MAX) {
        rc = error_set(err, -EINVAL, "config key %s: longer than %d bytes in full", decl->key,
                       CONFIG_KEY_MAX);
    } else {
        rc = refuse_taken(config, entry, err);
    }
    if (rc == 0) {
        rc = entry_resolve(config, entry, err);
    }
    if (rc < 0) {
        entry_free(entry);
        return rc;
    }
    entry->pub.key = entry->key;
    entry->pub.owner = entry->owner;
    entry->pub.decl = &entry->decl;
    config->entries[config->entries_count++] = entry;
    return 0;
}

static int add_root(struct config *config, const char *root, struct error *err) {
    for (size_t i = 0; i < config->roots_count; i++) {
        if (strcmp(config->roots[i], root) == 0) {
            return 0;
        }
    }
    char *copy = strdup(root);
    char **roots = with_room(config->roots, config->roots_count, sizeof(char *));
    if (roots != NULL) {
        config->roots = roots;
    }
    if (copy == NULL || roots == NULL) {
        free(copy);
        return error_set(err, -ENOMEM, "out of memory");
    }
    config->roots[config->roots_count++] = copy;
    return 0;
}

int config_declare(struct config *config, const char *owner, const char *root,
                   const struct virga_config_key *keys, size_t count, size_t key_size,
                   struct error *err) {
    size_t before = config->entries_count;
    int rc = 0;
    if (strcmp(root, ROOT) != 0 && strncmp(root, ROOT ".", sizeof ROOT) != 0) {
        return error_set(err, -EINVAL, "config root %s is not below " ROOT, root);
    }
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct virga_config_key decl = {0};
        memcpy(&decl, (const char *)keys + i * key_size,
               key_size < sizeof decl ? key_size : sizeof decl);
        rc = declare_one(config, owner, root, &decl, err);
    }
    if (rc == 0) {
        rc = add_root(config, root, err);
    }
    /* All or none, so that an owner who is left out leaves no keys behind. */
    while (rc < 0 && config->entries_count > before) {
        entry_free(config->entries[--config->entries_count]);
    }
    return rc;
}

/* --- checking --- */

/* Whether `key` stands below `group`: "a.b.c" below "a.b". */
static bool below(const char *key, const char *group) {
    size_t len = strlen(group);
    return strncmp(key, group, len) == 0 && key[len] == '.';
}

/* The longest declared root above the key; NULL when there is none. */
static const char *root_of(const struct config *config, const char *key) {
    const char *best = NULL;
    for (size_t i = 0; i < config->roots_count; i++) {
        if (below(key, config->roots[i]) &&
            (best == NULL || strlen(config->roots[i]) > strlen(best))) {
            best = config->roots[i];
        }
    }
    return best;
}

/* Names an unknown key and its nearest neighbour among the keys of `root` (NULL: all of them). */
static int refuse_unknown(const struct given *item, const char *nearest, struct error *err) {
    if (nearest == NULL) {
        return error_set(err, -EINVAL, "%s (%s): no such key", item->key, item->origin);
    }
    return error_set(err, -EINVAL, "%s (%s): no such key; did you mean %s?", item->key,
                     item->origin, nearest);
}

/* The key of `root` that is nearest to `key`, without the root; NULL when none is within the limit.
 */
static const char *nearest_below(const struct config *config, const char *root, const char *key,
                                 size_t (*limit_of)(const char *word)) {
    struct nearest nearest;
    const char *word = key + strlen(root) + 1;
    nearest_init(&nearest, word, limit_of(word));
    for (size_t i = 0; i < config->entries_count; i++) {
        if (below(config->entries[i]->key, root)) {
            nearest_offer(&nearest, config->entries[i]->key + strlen(root) + 1);
        }
    }
    return nearest.best;
}

static int check_key(const struct config *config, const struct given *item, struct error *err) {
    const char *root = root_of(config, item->key);
    const char *near;
    if (entry_find(config, item->key) != NULL) {
        return 0;
    }
    for (size_t i = 0; i < config->entries_count; i++) {
        const char *declared = config->entries[i]->key;
        if (below(item->key, declared)) {
            return error_set(err, -EINVAL, "%s (%s): %s takes a single value, not a map", item->key,
                             item->origin, declared);
        }
        if (below(declared, item->key)) {
            /* "ecr:" with nothing behind it sets nothing. */
            return item->value == NULL
                       ? 0
                       : error_set(err, -EINVAL, "%s (%s): this is a group of keys, such as %s",
                                   item->key, item->origin, declared);
        }
    }
    if (root != NULL && strcmp(root, ROOT) != 0) {
        return refuse_unknown(item, nearest_below(config, root, item->key, nearest_hint_limit),
                              err);
    }
    /* The command line is ours alone; the file may also speak to other emulators. */
    if (item->source == CONFIG_SET) {
        return refuse_unknown(item, nearest_below(config, ROOT, item->key, nearest_hint_limit),
                              err);
    }
    near = root != NULL ? nearest_below(config, root, item->key, nearest_typo_limit) : NULL;
    return near != NULL ? refuse_unknown(item, near, err) : 0;
}

static int check_variable(const struct config *config, const struct given *item,
                          struct error *err) {
    struct nearest nearest;
    bool ours = false;
    nearest_init(&nearest, item->key, nearest_hint_limit(item->key));
    for (size_t i = 0; i < config->entries_count; i++) {
        if (strcmp(config->entries[i]->env_name, item->key) == 0) {
            return 0;
        }
        nearest_offer(&nearest, config->entries[i]->env_name);
    }
    for (size_t i = 0; i < config->roots_count && !ours; i++) {
        char *prefix = env_name_of(config->roots[i]);
        if (prefix == NULL) {
            return error_set(err, -ENOMEM, "out of memory");
        }
        size_t len = strlen(prefix);
        ours = strcmp(config->roots[i], ROOT) != 0 && strncmp(item->key, prefix, len) == 0 &&
               item->key[len] == '_';
        free(prefix);
    }
    if (!ours) {
        return 0;
    }
    if (nearest.best == NULL) {
        return error_set(err, -EINVAL, "%s (environment): no such key", item->key);
    }
    return error_set(err, -EINVAL, "%s (environment): no such key; did you mean %s?", item->key,
                     nearest.best);
}

int config_check(const struct config *config, struct error *err) {
    for (size_t i = 0; i < config->given.count; i++) {
        const struct given *item = &config->given.items[i];
        int rc = item->source == CONFIG_ENV ? check_variable(config, item, err)
                                            : check_key(config, item, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* --- looking up --- */

const struct config_entry *config_find(const struct config *config, const char *key) {
    const struct entry *entry = entry_find(config, key);
    return entry != NULL ? &entry->pub : NULL;
}

size_t config_count(const struct config *config) {
    return config->entries_count;
}

const struct config_entry *config_at(const struct config *config, size_t index) {
    return index < config->entries_count ? &config->entries[index]->pub : NULL;
}

const char *config_string(const struct config *config, const char *key) {
    const struct entry *entry = entry_find(config, key);
    return entry != NULL ? entry->value : NULL;
}

int64_t config_int(const struct config *config, const char *key) {
    const struct entry *entry = entry_find(config, key);
    return entry != NULL ? entry->number : 0;
}

int config_bool(const struct config *config, const char *key) {
    return config_int(config, key) != 0;
}
