/* SPDX-License-Identifier: MIT */
/* The host's own settings. */
#include "settings.h"

#include <errno.h>

#include "fallback.h"
#include "host.h"
#include "log.h"

#define KEY_MAX 256

#define INT_KEY(name, value, least, most, text)                                                    \
    {                                                                                              \
        .key = name, .type = VIRGA_CONFIG_INT, .default_value = value, .min = least, .max = most,  \
        .help = text                                                                               \
    }
#define STRING_KEY(name, value, text)                                                              \
    { .key = name, .type = VIRGA_CONFIG_STRING, .default_value = value, .help = text }
#define ENUM_KEY(name, value, options, text)                                                       \
    {                                                                                              \
        .key = name, .type = VIRGA_CONFIG_ENUM, .default_value = value, .choices = options,        \
        .help = text                                                                               \
    }

static const struct virga_config_key keys[] = {
    INT_KEY("port", "4566", 0, 65535, "The port of the AWS endpoint; 0 takes a free one."),
    STRING_KEY("bind-address", "127.0.0.1,::1", "The addresses to listen on, separated by commas."),
    STRING_KEY("default-account-id", "000000000000",
               "The account of callers whose access key id is not 12 digits."),
    STRING_KEY("default-region", "us-east-1", "The region of unsigned requests."),
    ENUM_KEY("auth.mode", "open", "open|enforce",
             "Whether services obey policies: open lets every caller do everything, enforce asks "
             "the resource's policies."),
    STRING_KEY(
        "docker.docker-host", NULL,
        "Where the container engine is: unix:///path or tcp://host:port; unset: DOCKER_HOST, "
        "else the usual sockets of Docker and Podman."),
    STRING_KEY("plugin-dir", NULL,
               "Where plugins are loaded from; by default lib/virga/plugins beside the program."),
    STRING_KEY("fallback-endpoint", NULL,
               "Where requests go that no plugin serves, as http://host:port; unset: they are "
               "answered with an error."),
    STRING_KEY("init-hooks.path", NULL,
               "The folder with boot.d, start.d, ready.d and stop.d; unset: ./init if it is "
               "there."),
    STRING_KEY("init-hooks.shell-executable", "/bin/sh", "The shell that runs init scripts."),
    INT_KEY("init-hooks.timeout-seconds", "30", 1, 86400, "How long one init script may run."),
    INT_KEY("init-hooks.shutdown-grace-period-seconds", "5", 0, 3600,
            "How long the scripts of stop.d may run, together."),
    ENUM_KEY("storage.mode", "persistent", "persistent|memory",
             "Whether state survives the process."),
    STRING_KEY("storage.persistent-path", "./data", "The directory that holds all state."),
    ENUM_KEY("log.level", "info", "debug|info|warn|error", "The lowest level that is logged."),
    ENUM_KEY("log.format", "text", "text|json", "How log lines look."),
    INT_KEY("limits.body-bytes", "1048576", 1024, 1 << 30,
            "The largest buffered request body, where a route does not set its own."),
    INT_KEY("limits.header-bytes", "65536", 1024, 1 << 20,
            "The largest request line and headers, together."),
    INT_KEY("limits.header-timeout-ms", "30000", 10, 3600000,
            "From the first byte of a request to the end of its headers."),
    INT_KEY("limits.idle-timeout-ms", "75000", 10, 86400000,
            "How long a keep-alive connection may be idle."),
    INT_KEY("limits.stall-timeout-ms", "120000", 10, 86400000,
            "How long a body or an answer may make no progress."),
    INT_KEY("limits.connections", "16384", 1, 1000000, "Connections at one time, over all ports."),
    INT_KEY("limits.drain-timeout-ms", "10000", 0, 3600000,
            "How long a stop waits for requests under way."),
    INT_KEY("limits.deadline-ms", "960000", 0, 86400000,
            "How long a request may be without the beginning of an answer, then it gets 504; 0 = "
            "for ever. The longest that Lambda runs is 15 minutes."),
    INT_KEY("watchdog.stall-abort-s", "30", 0, 86400,
            "How long the loop may stand still before the worker is aborted and replaced; 0 = for "
            "ever."),
};

static const struct virga_config_key enabled_key = {
    .key = "enabled",
    .type = VIRGA_CONFIG_BOOL,
    .default_value = "true",
    .help = "Whether the plugin is started.",
};

/* Writes "floci.<root>" and `tail`. */
static void plugin_key(const struct plugin *plugin, const char *tail, char key[KEY_MAX]) {
    const struct virga_plugin *desc = plugin->desc;
    if (desc->config_root != NULL) {
        (void)snprintf(key, KEY_MAX, "floci.%s%s", desc->config_root, tail);
    } else {
        (void)snprintf(key, KEY_MAX, "floci.services.%s%s", desc->name, tail);
    }
}

int settings_declare(struct host *host, struct error *err) {
    return config_declare(host->config, "core", "floci", keys, sizeof keys / sizeof keys[0],
                          sizeof keys[0], err);
}

int settings_declare_plugin(struct host *host, const struct plugin *plugin, struct error *err) {
    char root[KEY_MAX];
    plugin_key(plugin, "", root);
    int result = config_declare(host->config, plugin->desc->name, root, &enabled_key, 1,
                                sizeof enabled_key, err);
    if (result == 0 && plugin->desc->config_keys_count > 0) {
        result =
            config_declare(host->config, plugin->desc->name, root, plugin->desc->config_keys,
                           plugin->desc->config_keys_count, plugin->desc->config_key_size, err);
    }
    return result;
}

int settings_plugin_enabled(const struct host *host, const struct plugin *plugin) {
    char key[KEY_MAX];
    plugin_key(plugin, ".enabled", key);
    return config_bool(host->config, key);
}

const char *settings_shown(const struct config_entry *entry) {
    static const char *const words[] = {"secret", "password", "token"};
    for (size_t i = 0; entry->value != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (strstr(entry->key, words[i]) != NULL) {
            return "********";
        }
    }
    return entry->value;
}

static int check_account(const char *account, struct error *err) {
    if (strlen(account) != 12 || strspn(account, "0123456789") != 12) {
        return error_set(err, -EINVAL, "floci.default-account-id: \"%s\" is not 12 digits",
                         account);
    }
    return 0;
}

static int check_region(const char *region, struct error *err) {
    size_t len = strlen(region);
    if (len == 0 || len > 32 || strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != len) {
        return error_set(err, -EINVAL,
                         "floci.default-region: \"%s\" is not a region (1 to 32 of [a-z0-9-])",
                         region);
    }
    return 0;
}

static enum virga_log_level level_of(const char *name) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(names[i], name) == 0) {
            return (enum virga_log_level)i;
        }
    }
    return VIRGA_LOG_INFO;
}

int settings_apply(struct host *host, struct error *err) {
    const struct config *config = host->config;
    const char *account = config_string(config, "floci.default-account-id");
    const char *region = config_string(config, "floci.default-region");
    int result = check_account(account != NULL ? account : "", err);
    if (result == 0) {
        result = check_region(region != NULL ? region : "", err);
    }
    const char *endpoint = config_string(config, "floci.fallback-endpoint");
    if (result == 0 && endpoint != NULL) {
        struct fallback_endpoint unused;
        result = fallback_parse(endpoint, &unused, err);
    }
    if (result != 0) {
        return result;
    }
    (void)snprintf(host->default_account, sizeof host->default_account, "%s", account);
    (void)snprintf(host->default_region, sizeof host->default_region, "%s", region);
    host->body_limit_bytes = (uint64_t)config_int(config, "floci.limits.body-bytes");
    host->header_limit_bytes = (uint32_t)config_int(config, "floci.limits.header-bytes");
    host->header_timeout_ms = (uint32_t)config_int(config, "floci.limits.header-timeout-ms");
    host->idle_timeout_ms = (uint32_t)config_int(config, "floci.limits.idle-timeout-ms");
    host->stall_timeout_ms = (uint32_t)config_int(config, "floci.limits.stall-timeout-ms");
    host->max_connections = (uint32_t)config_int(config, "floci.limits.connections");
    log_setup(level_of(config_string(config, "floci.log.level")),
              strcmp(config_string(config, "floci.log.format"), "json") == 0 ? LOG_JSON : LOG_TEXT);
    return 0;
}
