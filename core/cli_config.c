/* SPDX-License-Identifier: MIT */
/* virga config: every setting with its value and where that comes from. */
#include <json-c/json.h>
#include <stdlib.h>

#include "cli_host.h"
#include "cli_text.h"
#include "nearest.h"

#define ROOT "floci."
/* Columns: a longer key or value pushes what follows to the right. */
#define KEY_WIDTH 43
#define VALUE_WIDTH 20

static const char *source_word(enum config_source source) {
    static const char *const words[] = {"default", "file", "environment", "command line"};
    return words[source];
}

static const char *type_word(uint32_t type) {
    static const char *const words[] = {"", "string", "int", "bool", "enum"};
    return words[type < sizeof words / sizeof words[0] ? type : 0];
}

/* Whether the entry is the wanted one, or one of the wanted group or owner. */
static bool wanted(const struct config_entry *entry, const char *word) {
    if (word == NULL || strcmp(word, entry->owner) == 0) {
        return true;
    }
    const char *key = entry->key;
    const char *name = strncmp(word, ROOT, sizeof ROOT - 1) == 0 ? key : key + sizeof ROOT - 1;
    size_t len = strlen(word);
    return strcmp(word, "floci") == 0 ||
           (strncmp(name, word, len) == 0 && (name[len] == '\0' || name[len] == '.'));
}

static int unknown_key(const struct config *config, const char *word) {
    struct nearest nearest;
    size_t skip = strncmp(word, ROOT, sizeof ROOT - 1) == 0 ? 0 : sizeof ROOT - 1;
    nearest_init(&nearest, word, nearest_hint_limit(word));
    for (size_t i = 0; i < config_count(config); i++) {
        nearest_offer(&nearest, config_at(config, i)->key + skip);
        nearest_offer(&nearest, config_at(config, i)->owner);
    }
    (void)fprintf(stderr, "virga: no setting is called %s", word);
    if (nearest.best != NULL) {
        (void)fprintf(stderr, "; did you mean %s?", nearest.best);
    }
    (void)fprintf(stderr, "\nvirga config shows all of them.\n");
    return CLI_USAGE;
}

static struct json_object *describe(const struct config_entry *entry) {
    const struct virga_config_key *decl = entry->decl;
    struct json_object *object = json_object_new_object();
    bool bounded = decl->type == VIRGA_CONFIG_INT && (decl->min != 0 || decl->max != 0);
    cli_json_text(object, "key", entry->key);
    cli_json_text(object, "owner", entry->owner);
    if (entry->value == NULL || decl->type == VIRGA_CONFIG_STRING ||
        decl->type == VIRGA_CONFIG_ENUM) {
        cli_json_text(object, "value", entry->value);
    } else if (decl->type == VIRGA_CONFIG_BOOL) {
        json_object_object_add(object, "value",
                               json_object_new_boolean(strcmp(entry->value, "true") == 0));
    } else {
        json_object_object_add(object, "value",
                               json_object_new_int64(strtoll(entry->value, NULL, 10)));
    }
    cli_json_text(object, "source", source_word(entry->source));
    cli_json_text(object, "origin", entry->source == CONFIG_DEFAULT ? NULL : entry->origin);
    cli_json_text(object, "type", type_word(decl->type));
    cli_json_text(object, "default", decl->default_value);
    if (decl->type == VIRGA_CONFIG_ENUM) {
        cli_json_text(object, "choices", decl->choices);
    }
    if (bounded) {
        json_object_object_add(object, "min", json_object_new_int64(decl->min));
        json_object_object_add(object, "max", json_object_new_int64(decl->max));
    }
    cli_json_text(object, "help", decl->help);
    return object;
}

static int print_json(const struct config *config, const char *word) {
    struct json_object *root = json_object_new_object();
    struct json_object *settings = json_object_new_array();
    for (size_t i = 0; i < config_count(config); i++) {
        if (wanted(config_at(config, i), word)) {
            json_object_array_add(settings, describe(config_at(config, i)));
        }
    }
    json_object_object_add(root, "settings", settings);
    return cli_print_json(root);
}

static void print_entry(const struct config_entry *entry) {
    const char *value = entry->value != NULL ? entry->value : "(unset)";
    const char *from = entry->origin;
    size_t column = 2 + (strlen(entry->key) > KEY_WIDTH ? strlen(entry->key) : KEY_WIDTH) + 1 +
                    (strlen(value) > VALUE_WIDTH ? strlen(value) : VALUE_WIDTH) + 1;
    printf("  %s%-*s%s ", cli_colour(CLI_BOLD), KEY_WIDTH, entry->key, cli_colour(CLI_PLAIN));
    /* What does not fit beside a long value stands below it, under the column of values. */
    if (column + strlen(from) > CLI_WIDTH) {
        printf("%s\n%*s%s\n", value, 2 + KEY_WIDTH + 1, "", from);
    } else {
        printf("%-*s %s\n", VALUE_WIDTH, value, from);
    }
    if (entry->decl->help != NULL) {
        printf("%s      ", cli_colour(CLI_DIM));
        cli_wrap(entry->decl->help, 6, 6);
        printf("%s", cli_colour(CLI_PLAIN));
    }
}

static void print_text(const struct config *config, const char *word) {
    const char *owner = NULL;
    for (size_t i = 0; i < config_count(config); i++) {
        const struct config_entry *entry = config_at(config, i);
        if (!wanted(entry, word)) {
            continue;
        }
        if (owner == NULL || strcmp(owner, entry->owner) != 0) {
            printf("%s%s%s\n", owner == NULL ? "" : "\n", entry->owner,
                   strcmp(entry->owner, "core") == 0 ? " (the host)" : " (plugin)");
            owner = entry->owner;
        }
        print_entry(entry);
    }
}

int cli_config(const struct cli_args *args) {
    struct host host;
    const char *word = args->words[0];
    int status = CLI_USAGE;
    if (cli_host_begin(&host, args) != 0) {
        return CLI_FAILED;
    }
    for (size_t i = 0; i < config_count(host.config) && status != CLI_OK; i++) {
        status = wanted(config_at(host.config, i), word) ? CLI_OK : CLI_USAGE;
    }
    if (status != CLI_OK) {
        status = unknown_key(host.config, word);
    } else if (args->json) {
        status = print_json(host.config, word);
    } else {
        print_text(host.config, word);
    }
    cli_host_finish(&host);
    return status;
}
