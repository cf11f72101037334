/* SPDX-License-Identifier: MIT */
/* Variables of a function's process. */
#include "environment_vars.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/awsjson.h>

/* Tools that want credentials take any; what names the account is the key's id. */
#define SECRET "virga"

struct list {
    char **items; /* ended by NULL */
    size_t count, size;
    bool failed;
};

/* --- the list --- */

static char **find(struct list *list, const char *name, size_t name_len) {
    for (size_t i = 0; i < list->count; i++) {
        if (strncmp(list->items[i], name, name_len) == 0 && list->items[i][name_len] == '=') {
            return &list->items[i];
        }
    }
    return NULL;
}

static void add(struct list *list, char *item) {
    if (list->count + 2 > list->size) {
        size_t size = list->size == 0 ? 64 : 2 * list->size;
        char **items = realloc(list->items, size * sizeof *items);
        if (items == NULL) {
            list->failed = true;
            free(item);
            return;
        }
        list->items = items;
        list->size = size;
    }
    list->items[list->count++] = item;
    list->items[list->count] = NULL;
}

static void set(struct list *list, const char *name, const char *value) {
    char *item = NULL;
    if (asprintf(&item, "%s=%s", name, value) < 0) {
        list->failed = true;
        return;
    }
    char **at = find(list, name, strlen(name));
    if (at != NULL) {
        free(*at);
        *at = item;
    } else {
        add(list, item);
    }
}

static void set_default(struct list *list, const char *name, const char *value) {
    if (find(list, name, strlen(name)) == NULL) {
        set(list, name, value);
    }
}

static void set_number(struct list *list, const char *name, int64_t value) {
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    set(list, name, text);
}

/* --- where they come from --- */

static struct json_object *image(const struct function *function) {
    return virga_awsjson_member(function->document, "Image");
}

/* An image's Env: "NAME=value"; the last one of a name counts. */
static void add_images(struct list *list, const struct function *function) {
    size_t count = virga_awsjson_length(image(function), "Env");
    for (size_t i = 0; i < count; i++) {
        struct virga_str text =
            virga_awsjson_text(virga_awsjson_element(image(function), "Env", i));
        const char *equal = text.ptr != NULL ? memchr(text.ptr, '=', text.len) : NULL;
        if (equal == NULL || equal == text.ptr) {
            continue;
        }
        char *name = strndup(text.ptr, (size_t)(equal - text.ptr));
        if (name == NULL) {
            list->failed = true;
            return;
        }
        set(list, name, equal + 1);
        free(name);
    }
}

static bool is_images_alone(const char *name) {
    return strcmp(name, "LAMBDA_TASK_ROOT") == 0 || strcmp(name, "LAMBDA_RUNTIME_DIR") == 0;
}

static void add_functions(struct list *list, const struct function *function) {
    struct json_object *variables =
        virga_awsjson_member(virga_awsjson_member(function->document, "Environment"), "Variables");
    if (!json_object_is_type(variables, json_type_object)) {
        return;
    }
    json_object_object_foreach(variables, name, value) {
        const char *text = json_object_get_string(value);
        if (text != NULL && !is_images_alone(name)) {
            set(list, name, text);
        }
    }
}

static const char *logging(const struct function *function, const char *key) {
    return virga_awsjson_str(virga_awsjson_member(function->document, "LoggingConfig"), key).ptr;
}

static void add_log_names(struct list *list, const struct function *function,
                          const char *log_stream) {
    const char *group = logging(function, "LogGroup");
    const char *format = logging(function, "LogFormat");
    const char *level = logging(function, "ApplicationLogLevel");
    char text[LAMBDA_NAME_MAX + 32];
    (void)snprintf(text, sizeof text, "/aws/lambda/%s", function->name);
    set(list, "AWS_LAMBDA_LOG_GROUP_NAME", group != NULL ? group : text);
    set(list, "AWS_LAMBDA_LOG_STREAM_NAME", log_stream);
    set(list, "AWS_LAMBDA_LOG_FORMAT", format != NULL ? format : "Text");
    if (level != NULL) {
        set(list, "AWS_LAMBDA_LOG_LEVEL", level);
    }
}

static void add_reserved(struct list *list, const struct function *function,
                         const struct environment_facts *facts) {
    set(list, "AWS_LAMBDA_FUNCTION_NAME", function->name);
    set(list, "AWS_LAMBDA_FUNCTION_VERSION", function->version);
    set_number(list, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function->memory_mb);
    set(list, "AWS_LAMBDA_INITIALIZATION_TYPE",
        facts->provisioned ? "provisioned-concurrency" : "on-demand");
    set(list, "AWS_LAMBDA_RUNTIME_API", facts->runtime_api);
    add_log_names(list, function, facts->log_stream);
    set(list, "AWS_REGION", function->tenant.region);
    set(list, "AWS_DEFAULT_REGION", function->tenant.region);
    /* Why: virga reads the account of a caller from a key id of 12 digits. */
    set(list, "AWS_ACCESS_KEY_ID", function->tenant.account);
    set(list, "AWS_SECRET_ACCESS_KEY", SECRET);
    set(list, "AWS_SESSION_TOKEN", SECRET);
    set(list, "_HANDLER", environment_vars_handler(function));
    set(list, "TZ", ":UTC");
}

static void add_defaults(struct list *list, const struct environment_facts *facts) {
    set_default(list, "LAMBDA_TASK_ROOT", "/var/task");
    set_default(list, "LAMBDA_RUNTIME_DIR", "/var/runtime");
    set_default(list, "LANG", "en_US.UTF-8");
    set_default(list, "PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin");
    set_default(list, "AWS_ENDPOINT_URL", facts->endpoint_url);
    /* Nobody listens there; datagrams that nobody takes harm nobody. */
    set_default(list, "AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000");
    set_default(list, "AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR");
}

int environment_vars_make(const struct function *function, const struct environment_facts *facts,
                          char ***ret_env) {
    struct list list = {0};
    add_images(&list, function);
    add_functions(&list, function);
    add_reserved(&list, function, facts);
    add_defaults(&list, facts);
    if (list.failed) {
        environment_vars_destroy(list.items);
        return -ENOMEM;
    }
    *ret_env = list.items;
    return 0;
}

void environment_vars_destroy(char **env) {
    for (size_t i = 0; env != NULL && env[i] != NULL; i++) {
        free(env[i]);
    }
    free(env);
}

/* --- the handler --- */

static struct json_object *pick(const struct function *function, const char *own,
                                const char *images) {
    struct json_object *config = virga_awsjson_member(
        virga_awsjson_member(function->document, "ImageConfigResponse"), "ImageConfig");
    struct json_object *list = virga_awsjson_length(config, own) > 0
                                   ? virga_awsjson_member(config, own)
                                   : virga_awsjson_member(image(function), images);
    return json_object_is_type(list, json_type_array) ? list : NULL;
}

const char *environment_vars_handler(const struct function *function) {
    struct json_object *entry = pick(function, "EntryPoint", "EntryPoint");
    struct json_object *command = pick(function, "Command", "Cmd");
    /* Without an entry point the command's first word is the program. */
    size_t at = entry != NULL && json_object_array_length(entry) > 0 ? 0 : 1;
    const char *handler = command != NULL && json_object_array_length(command) > at
                              ? json_object_get_string(json_object_array_get_idx(command, at))
                              : NULL;
    return handler != NULL ? handler : "";
}
