/* SPDX-License-Identifier: MIT */
/* virga inspect: what a plugin file says of itself, read from its ELF tables and its descriptor. */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "cli_text.h"
#include "elf_file.h"
#include "interfaces.h"
#include "plugin.h"

#define LABEL_WIDTH 14

static const char *const config_types[] = {"?", "string", "int", "bool", "enum"};
static const char *const route_kinds[] = {"?", "admin", "target", "rest", "query", "host", "rpc"};

#define WORD_OF(words, index) (words)[(index) < sizeof(words) / sizeof((words)[0]) ? (index) : 0]

/* --- JSON --- */

static struct json_object *list_texts(const char *const *texts, size_t count) {
    struct json_object *array = json_object_new_array();
    for (size_t i = 0; i < count; i++) {
        json_object_array_add(array, json_object_new_string(texts[i]));
    }
    return array;
}

static struct json_object *list_ids(const char *const *ids) {
    size_t count = 0;
    while (ids != NULL && ids[count] != NULL) {
        count++;
    }
    return list_texts(ids, count);
}

static struct json_object *describe_key(const struct virga_plugin *desc, size_t index) {
    struct virga_config_key key = plugin_config_key(desc, index);
    struct json_object *object = json_object_new_object();
    cli_json_text(object, "key", key.key);
    cli_json_text(object, "type", WORD_OF(config_types, key.type));
    cli_json_text(object, "default", key.default_value);
    cli_json_text(object, "choices", key.choices);
    if (key.type == VIRGA_CONFIG_INT && (key.min != 0 || key.max != 0)) {
        json_object_object_add(object, "min", json_object_new_int64(key.min));
        json_object_object_add(object, "max", json_object_new_int64(key.max));
    }
    cli_json_text(object, "help", key.help);
    return object;
}

static struct json_object *describe_route(const struct virga_plugin *desc, size_t index) {
    struct virga_route route = plugin_route(desc, index);
    struct json_object *object = json_object_new_object();
    cli_json_text(object, "kind", WORD_OF(route_kinds, route.kind));
    cli_json_text(object, "method", route.method);
    cli_json_text(object, "pattern", route.pattern);
    cli_json_text(object, "service", route.service);
    json_object_object_add(object, "stream",
                           json_object_new_boolean((route.flags & VIRGA_ROUTE_STREAM) != 0));
    json_object_object_add(object, "localstack",
                           json_object_new_boolean((route.flags & VIRGA_ROUTE_LOCALSTACK) != 0));
    json_object_object_add(
        object, "bodyLimitBytes",
        route.body_limit_bytes > 0 ? json_object_new_int64((int64_t)route.body_limit_bytes) : NULL);
    return object;
}

static void add_version(struct json_object *object, const char *key, unsigned major,
                        unsigned minor) {
    char text[32];
    (void)snprintf(text, sizeof text, "%u.%u", major, minor);
    cli_json_text(object, key, text);
}

static int print_json(const struct plugin *plugin, const struct elf_file *elf) {
    const struct virga_plugin *desc = plugin->desc;
    struct json_object *root = json_object_new_object();
    struct json_object *keys = json_object_new_array();
    struct json_object *routes = json_object_new_array();
    for (size_t i = 0; i < desc->config_keys_count; i++) {
        json_object_array_add(keys, describe_key(desc, i));
    }
    for (size_t i = 0; i < desc->routes_count; i++) {
        json_object_array_add(routes, describe_route(desc, i));
    }
    cli_json_text(root, "file", plugin->path);
    cli_json_text(root, "name", desc->name);
    cli_json_text(root, "version", desc->version);
    cli_json_text(root, "summary", desc->summary);
    add_version(root, "abi", desc->abi_major, desc->abi_minor);
    add_version(root, "hostAbi", VIRGA_ABI_MAJOR, VIRGA_ABI_MINOR);
    cli_json_text(root, "configRoot", desc->config_root);
    json_object_object_add(root, "configKeys", keys);
    json_object_object_add(root, "routes", routes);
    json_object_object_add(root, "needs", list_ids(desc->needs));
    json_object_object_add(root, "wants", list_ids(desc->wants));
    json_object_object_add(root, "provides", list_ids(desc->provides));
    json_object_object_add(root, "exports", list_texts(elf->exports, elf->exports_count));
    json_object_object_add(root, "libraries", list_texts(elf->needed, elf->needed_count));
    cli_json_text(root, "runPath", elf->run_path);
    return cli_print_json(root);
}

/* --- text --- */

static void print_label(const char *label) {
    printf("%s%-*s%s", cli_colour(CLI_BOLD), LABEL_WIDTH, label, cli_colour(CLI_PLAIN));
}

static void print_head(const struct plugin *plugin) {
    const struct virga_plugin *desc = plugin->desc;
    print_label("plugin");
    printf("%s %s\n", desc->name, desc->version);
    print_label("summary");
    cli_wrap(desc->summary != NULL ? desc->summary : "(none)", LABEL_WIDTH, LABEL_WIDTH);
    print_label("file");
    printf("%s\n", plugin->path);
    print_label("ABI");
    printf("%u.%u, this host has %d.%d%s\n", desc->abi_major, desc->abi_minor, VIRGA_ABI_MAJOR,
           VIRGA_ABI_MINOR,
           desc->abi_minor > VIRGA_ABI_MINOR ? ": it may ask for what this host does not have"
                                             : "");
    print_label("functions");
    printf("start%s%s%s%s%s\n", desc->handle != NULL ? ", handle" : "",
           desc->stop != NULL ? ", stop" : "", desc->destroy != NULL ? ", destroy" : "",
           desc->doctor != NULL ? ", doctor" : "", desc->reset != NULL ? ", reset" : "");
}

static void print_ids(const char *label, const char *const *ids, bool judge) {
    print_label(label);
    if (ids == NULL || *ids == NULL) {
        printf("(none)\n");
        return;
    }
    for (size_t i = 0; ids[i] != NULL; i++) {
        printf("%*s%s%s\n", i > 0 ? LABEL_WIDTH : 0, "", ids[i],
               !judge || interfaces_is_host(ids[i])
                   ? ""
                   : " (not of this host: a plugin must provide it)");
    }
}

static void print_keys(const struct virga_plugin *desc) {
    char root[256];
    (void)snprintf(root, sizeof root, "floci.%s%s",
                   desc->config_root != NULL ? desc->config_root : "services.",
                   desc->config_root != NULL ? "" : desc->name);
    printf("\nSettings, below %s:%s\n", root, desc->config_keys_count == 0 ? " none" : "");
    for (size_t i = 0; i < desc->config_keys_count; i++) {
        struct virga_config_key key = plugin_config_key(desc, i);
        printf("  %s%s%s: ", cli_colour(CLI_BOLD), key.key != NULL ? key.key : "(no name)",
               cli_colour(CLI_PLAIN));
        if (key.type == VIRGA_CONFIG_ENUM) {
            printf("%s", key.choices != NULL ? key.choices : "(no choices)");
        } else {
            printf("%s", WORD_OF(config_types, key.type));
        }
        if (key.type == VIRGA_CONFIG_INT && (key.min != 0 || key.max != 0)) {
            printf(" %lld to %lld", (long long)key.min, (long long)key.max);
        }
        printf(key.default_value != NULL ? ", default %s\n" : ", no default\n", key.default_value);
        if (key.help != NULL) {
            printf("      ");
            cli_wrap(key.help, 6, 6);
        }
    }
}

static void print_routes(const struct virga_plugin *desc) {
    printf("\nRoutes:%s\n", desc->routes_count == 0 ? " none" : "");
    for (size_t i = 0; i < desc->routes_count; i++) {
        struct virga_route route = plugin_route(desc, i);
        printf("  %-7s %-7s %s", WORD_OF(route_kinds, route.kind),
               route.method != NULL ? route.method : "any",
               route.pattern != NULL ? route.pattern : "(no pattern)");
        if (route.service != NULL) {
            printf(", service %s", route.service);
        }
        if ((route.flags & VIRGA_ROUTE_STREAM) != 0) {
            printf(", body streams");
        } else if (route.body_limit_bytes > 0) {
            printf(", body up to %llu bytes", (unsigned long long)route.body_limit_bytes);
        }
        printf("%s\n", (route.flags & VIRGA_ROUTE_LOCALSTACK) != 0 ? ", also /_localstack/" : "");
    }
}

static void print_elf(const struct elf_file *elf) {
    printf("\nExports:");
    for (size_t i = 0; i < elf->exports_count; i++) {
        bool descriptor = strcmp(elf->exports[i], VIRGA_PLUGIN_SYMBOL) == 0;
        printf("\n  %s%s", elf->exports[i],
               descriptor ? "" : " (a plugin should export " VIRGA_PLUGIN_SYMBOL " only)");
    }
    printf("\n\nShared libraries that it needs:%s", elf->needed_count == 0 ? " none" : "");
    for (size_t i = 0; i < elf->needed_count; i++) {
        printf("\n  %s", elf->needed[i]);
    }
    printf("\n");
    if (elf->run_path != NULL) {
        printf("looked for first in %s\n", elf->run_path);
    }
}

static void print_text(const struct plugin *plugin, const struct elf_file *elf) {
    print_head(plugin);
    print_ids("needs", plugin->desc->needs, true);
    print_ids("wants", plugin->desc->wants, false);
    print_ids("provides", plugin->desc->provides, false);
    print_keys(plugin->desc);
    print_routes(plugin->desc);
    print_elf(elf);
}

/* --- the child --- */

static int look(const struct cli_args *args, const char *path, const struct elf_file *elf) {
    struct host host = {.loop = NULL};
    struct plugin *plugin = NULL;
    struct error err = {0};
    int status = CLI_OK;
    if (plugin_load(&host, path, &plugin, &err) != 0) {
        (void)fprintf(stderr, "virga: %s cannot be used as a plugin: %s\n", path, err.text);
        return CLI_FAILED;
    }
    if (args->json) {
        status = print_json(plugin, elf);
    } else {
        print_text(plugin, elf);
    }
    plugin_free(plugin);
    return status;
}

static int wait_for(pid_t pid, const char *path) {
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return CLI_FAILED;
        }
    }
    if (WIFSIGNALED(status)) {
        (void)fprintf(
            stderr,
            "virga: %s crashed while it was loaded or its descriptor was read (signal "
            "%d, %s): look at its constructors, and for wild pointers in " VIRGA_PLUGIN_SYMBOL "\n",
            path, WTERMSIG(status), strsignal(WTERMSIG(status)));
        return CLI_FAILED;
    }
    return WEXITSTATUS(status);
}

int cli_inspect(const struct cli_args *args) {
    struct elf_file elf;
    struct error err = {0};
    char path[PATH_MAX];
    /* dlopen() would look for a name without a slash elsewhere. */
    if (realpath(args->words[0], path) == NULL) {
        (void)fprintf(stderr, "virga: %s: %s\n", args->words[0], strerror(errno));
        return CLI_FAILED;
    }
    if (elf_file_read(path, &elf, &err) != 0) {
        (void)fprintf(stderr, "virga: %s\n", err.text);
        return CLI_FAILED;
    }
    if (!elf_file_has_export(&elf, VIRGA_PLUGIN_SYMBOL)) {
        (void)fprintf(stderr,
                      "virga: %s is a shared library but no virga plugin: it does not "
                      "export " VIRGA_PLUGIN_SYMBOL "\n",
                      path);
        elf_file_finish(&elf);
        return CLI_FAILED;
    }
    /* Why: a constructor may crash, and a descriptor may point anywhere. */
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int status = look(args, path, &elf);
        elf_file_finish(&elf);
        exit(status);
    }
    int status = CLI_FAILED;
    if (pid > 0) {
        status = wait_for(pid, path);
    } else {
        (void)fprintf(stderr, "virga: no process can be made: %s\n", strerror(errno));
    }
    elf_file_finish(&elf);
    return status;
}
