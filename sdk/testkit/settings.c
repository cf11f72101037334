/* SPDX-License-Identifier: MIT */
/* virga.config/1: the plugin's defaults and what the test set. */
#include <stdlib.h>
#include <strings.h>

#include "kit.h"

static const char host_prefix[] = "floci.";

static struct setting *find(const struct testkit *kit, const char *key) {
    for (size_t i = 0; i < kit->settings_count; i++) {
        if (strcmp(kit->settings[i].key, key) == 0) {
            return &kit->settings[i];
        }
    }
    return NULL;
}

static struct setting *add(struct testkit *kit, const char *key, const char *value) {
    kit->settings = kit_must_grow(kit->settings, kit->settings_count, sizeof *kit->settings);
    struct setting *setting = &kit->settings[kit->settings_count++];
    *setting = (struct setting){.key = kit_must_strdup(key), .value = kit_must_strdup(value)};
    return setting;
}

/* 1 and 0, or -1 for what is no bool. */
static int bool_of(const char *text) {
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return (int)(i % 2);
        }
    }
    return -1;
}

static bool is_choice(const char *choices, const char *text) {
    size_t len = strlen(text);
    while (choices != NULL && *choices != '\0') {
        size_t choice_len = strcspn(choices, "|");
        if (choice_len == len && memcmp(choices, text, len) == 0) {
            return true;
        }
        choices += choice_len + (choices[choice_len] == '|');
    }
    return false;
}

static int check(struct testkit *kit, const struct virga_config_key *decl, const char *text) {
    char *end;
    switch (decl->type) {
    case VIRGA_CONFIG_STRING:
        return 0;
    case VIRGA_CONFIG_INT: {
        errno = 0;
        long long number = strtoll(text, &end, 10);
        if (end == text || *end != '\0' || errno != 0) {
            return kit_fail(kit, -EINVAL, "%s: \"%s\" is no whole number", decl->key, text);
        }
        if ((decl->min != 0 || decl->max != 0) && (number < decl->min || number > decl->max)) {
            return kit_fail(kit, -EINVAL, "%s: %s is not from %lld to %lld", decl->key, text,
                            (long long)decl->min, (long long)decl->max);
        }
        return 0;
    }
    case VIRGA_CONFIG_BOOL:
        return bool_of(text) >= 0
                   ? 0
                   : kit_fail(kit, -EINVAL, "%s: \"%s\" is not true or false", decl->key, text);
    case VIRGA_CONFIG_ENUM:
        return is_choice(decl->choices, text)
                   ? 0
                   : kit_fail(kit, -EINVAL, "%s: \"%s\" is none of %s", decl->key, text,
                              decl->choices != NULL ? decl->choices : "no choices");
    default:
        return kit_fail(kit, -EINVAL, "%s: unknown type %u", decl->key, decl->type);
    }
}

/* What the settings of plugins may rest on. */
static const struct {
    const char *key;
    const char *value;
} of_host[] = {
    {"floci.port", "4566"},
    {"floci.bind-address", "127.0.0.1,::1"},
    {"floci.default-region", "us-east-1"},
    {"floci.default-account-id", "000000000000"},
    {"floci.storage.mode", "persistent"},
    {"floci.storage.persistent-path", "./data"},
};

/* Replaces a leading "${floci.some.key}" of a default by that setting's value, as the host does. */
static int expand(struct testkit *kit, struct setting *setting) {
    const char *end = setting->value != NULL ? strchr(setting->value, '}') : NULL;
    char name[256];
    if (setting->given || end == NULL || strncmp(setting->value, "${", 2) != 0) {
        return 0;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(end - setting->value - 2), setting->value + 2);
    const struct setting *other = find(kit, name);
    if (other == NULL) {
        return kit_fail(kit, -EINVAL, "%s: its default rests on %s: set that one", setting->key,
                        name);
    }
    struct text text = {0};
    if (other->value != NULL) {
        kit_text_printf(&text, "%s%s", other->value, end + 1);
    }
    free(setting->value);
    setting->value = other->value != NULL ? kit_must_strdup(kit_text_get(&text)) : NULL;
    kit_text_free(&text);
    return 0;
}

int kit_settings_init(struct testkit *kit) {
    const struct virga_plugin *plugin = &kit->plugin;
    for (size_t i = 0; i < plugin->config_keys_count; i++) {
        struct virga_config_key decl = {0};
        size_t size = plugin->config_key_size;
        memcpy(&decl, (const char *)plugin->config_keys + i * size,
               size < sizeof decl ? size : sizeof decl);
        if (decl.key != NULL) {
            struct setting *setting = add(kit, decl.key, decl.default_value);
            setting->declared = true;
            setting->decl = decl;
        }
    }
    for (size_t i = 0; i < sizeof of_host / sizeof of_host[0]; i++) {
        (void)add(kit, of_host[i].key, of_host[i].value);
    }
    return 0;
}

int kit_settings_check(struct testkit *kit) {
    for (size_t i = 0; i < kit->settings_count; i++) {
        struct setting *setting = &kit->settings[i];
        int result = expand(kit, setting);
        if (result != 0) {
            return result;
        }
        result = setting->declared && setting->value != NULL
                     ? check(kit, &setting->decl, setting->value)
                     : 0;
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

void kit_settings_finish(struct testkit *kit) {
    for (size_t i = 0; i < kit->settings_count; i++) {
        free(kit->settings[i].key);
        free(kit->settings[i].value);
    }
    free(kit->settings);
}

int testkit_set(struct testkit *kit, const char *key, const char *value) {
    struct setting *setting = find(kit, key);
    bool is_hosts = strncmp(key, host_prefix, sizeof host_prefix - 1) == 0;
    if (kit->state != KIT_IDLE) {
        return kit_fail(kit, -EBUSY, "settings are read at start: the plugin runs already");
    }
    if (setting == NULL && !is_hosts) {
        return kit_fail(kit, -ENOENT, "the plugin has no setting %s", key);
    }
    if (setting != NULL && setting->declared) {
        int result = check(kit, &setting->decl, value);
        if (result != 0) {
            return result;
        }
    }
    if (setting == NULL) {
        setting = add(kit, key, NULL);
    }
    free(setting->value);
    setting->value = kit_must_strdup(value);
    setting->given = true;
    return 0;
}

/* --- the interface --- */

static const struct setting *look_up(const struct virga_host *host, const char *key) {
    struct testkit *kit = kit_from(host);
    const struct setting *setting = find(kit, key);
    if (setting == NULL && strncmp(key, host_prefix, sizeof host_prefix - 1) != 0) {
        kit_problem(kit, "the plugin asks for the setting \"%s\", which its descriptor lacks", key);
    }
    return setting;
}

static struct virga_str get_string(const struct virga_host *host, const char *key) {
    const struct setting *setting = look_up(host, key);
    if (setting != NULL && setting->value != NULL && setting->decl.type == VIRGA_CONFIG_BOOL) {
        return virga_str_from(bool_of(setting->value) == 1 ? "true" : "false");
    }
    return virga_str_from(setting != NULL ? setting->value : NULL);
}

static int64_t get_int(const struct virga_host *host, const char *key) {
    const struct setting *setting = look_up(host, key);
    return setting != NULL && setting->value != NULL ? strtoll(setting->value, NULL, 10) : 0;
}

static int get_bool(const struct virga_host *host, const char *key) {
    const struct setting *setting = look_up(host, key);
    return setting != NULL && setting->value != NULL && bool_of(setting->value) == 1;
}

static int is_set(const struct virga_host *host, const char *key) {
    const struct setting *setting = look_up(host, key);
    return setting != NULL && setting->given;
}

const struct virga_config kit_config = {
    .struct_size = sizeof kit_config,
    .get_string = get_string,
    .get_int = get_int,
    .get_bool = get_bool,
    .is_set = is_set,
};
