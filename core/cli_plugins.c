/* SPDX-License-Identifier: MIT */
/* virga plugins: what serve would load, in the order of start, and what it would leave out. */
#include <json-c/json.h>

#include "cli_host.h"
#include "cli_text.h"
#include "plugins.h"

#define LABEL_WIDTH 16

static const char *plan_word(const struct plugin *plugin) {
    switch (plugin->state) {
    case PLUGIN_DISABLED:
        return "disabled";
    case PLUGIN_FAILED:
        return "left out";
    default:
        return "started";
    }
}

static struct json_object *list_ids(const char *const *ids) {
    struct json_object *array = json_object_new_array();
    for (; ids != NULL && *ids != NULL; ids++) {
        json_object_array_add(array, json_object_new_string(*ids));
    }
    return array;
}

static struct json_object *describe(const struct plugin *plugin, int place) {
    const struct virga_plugin *desc = plugin->desc;
    struct json_object *object = json_object_new_object();
    char abi[32];
    (void)snprintf(abi, sizeof abi, "%u.%u", desc->abi_major, desc->abi_minor);
    cli_json_text(object, "name", desc->name);
    cli_json_text(object, "version", desc->version);
    cli_json_text(object, "summary", desc->summary);
    cli_json_text(object, "abi", abi);
    cli_json_text(object, "file", plugin->path);
    cli_json_text(object, "plan", plan_word(plugin));
    json_object_object_add(object, "enabled",
                           json_object_new_boolean(plugin->state != PLUGIN_DISABLED));
    json_object_object_add(object, "order", place > 0 ? json_object_new_int(place) : NULL);
    cli_json_text(object, "problem", plugin->state == PLUGIN_FAILED ? plugin->failure : NULL);
    json_object_object_add(object, "routes", json_object_new_int64((int64_t)desc->routes_count));
    json_object_object_add(object, "needs", list_ids(desc->needs));
    json_object_object_add(object, "wants", list_ids(desc->wants));
    json_object_object_add(object, "provides", list_ids(desc->provides));
    return object;
}

static int print_json(const struct host *host, const char *dir) {
    struct json_object *root = json_object_new_object();
    struct json_object *plugins = json_object_new_array();
    struct json_object *left_out = json_object_new_array();
    int place = 0;
    for (size_t i = 0; i < host->plugins_count; i++) {
        bool starts = host->plugins[i]->state == PLUGIN_LOADED;
        place += starts;
        json_object_array_add(plugins, describe(host->plugins[i], starts ? place : 0));
    }
    for (size_t i = 0; i < host->left_out_count; i++) {
        struct json_object *file = json_object_new_object();
        cli_json_text(file, "file", host->left_out[i].path);
        cli_json_text(file, "problem", host->left_out[i].reason);
        json_object_array_add(left_out, file);
    }
    cli_json_text(root, "directory", dir);
    json_object_object_add(root, "plugins", plugins);
    json_object_object_add(root, "leftOut", left_out);
    return cli_print_json(root);
}

static void print_ids(const char *label, const char *const *ids) {
    if (ids == NULL || *ids == NULL) {
        return;
    }
    size_t column = LABEL_WIDTH;
    printf("     %-*s", LABEL_WIDTH - 5, label);
    for (; *ids != NULL; ids++) {
        size_t len = strlen(*ids);
        if (column > LABEL_WIDTH && column + 1 + len > CLI_WIDTH) {
            printf("\n%*s", LABEL_WIDTH, "");
            column = LABEL_WIDTH;
        }
        printf("%s%s", column > LABEL_WIDTH ? " " : "", *ids);
        column += len + (column > LABEL_WIDTH ? 1 : 0);
    }
    printf("\n");
}

static void print_plugin(const struct plugin *plugin, int place) {
    const struct virga_plugin *desc = plugin->desc;
    if (place > 0) {
        printf("%3d  ", place);
    } else {
        printf("  -  ");
    }
    printf("%s%s %s%s", cli_colour(CLI_BOLD), desc->name, desc->version, cli_colour(CLI_PLAIN));
    if (plugin->state == PLUGIN_DISABLED) {
        printf(" (disabled)");
    }
    printf("%s%s\n", desc->summary != NULL ? ": " : "", desc->summary != NULL ? desc->summary : "");
    printf("     %-*s%s\n", LABEL_WIDTH - 5, "file", plugin->path != NULL ? plugin->path : "");
    printf("     %-*s%u.%u\n", LABEL_WIDTH - 5, "ABI", desc->abi_major, desc->abi_minor);
    printf("     %-*s%zu\n", LABEL_WIDTH - 5, "routes", desc->routes_count);
    print_ids("needs", desc->needs);
    print_ids("wants", desc->wants);
    print_ids("provides", desc->provides);
    if (plugin->state == PLUGIN_FAILED) {
        printf("     %s%-*s", cli_colour(CLI_RED), LABEL_WIDTH - 5, "left out");
        cli_wrap(plugin->failure, LABEL_WIDTH, LABEL_WIDTH);
        printf("%s", cli_colour(CLI_PLAIN));
    }
}

static void print_text(const struct host *host, const char *dir) {
    int place = 0;
    printf("Plugins in %s%s\n", dir,
           host->plugins_count + host->left_out_count == 0 ? ": none" : ", in order of start:");
    for (size_t i = 0; i < host->plugins_count; i++) {
        if (host->plugins[i]->state == PLUGIN_LOADED) {
            printf("\n");
            print_plugin(host->plugins[i], ++place);
        }
    }
    for (size_t i = 0; i < host->plugins_count; i++) {
        if (host->plugins[i]->state != PLUGIN_LOADED) {
            printf("\n");
            print_plugin(host->plugins[i], 0);
        }
    }
    for (size_t i = 0; i < host->left_out_count; i++) {
        printf("\n  -  %s\n     %s%-*s", host->left_out[i].path, cli_colour(CLI_RED),
               LABEL_WIDTH - 5, "left out");
        cli_wrap(host->left_out[i].reason, LABEL_WIDTH, LABEL_WIDTH);
        printf("%s", cli_colour(CLI_PLAIN));
    }
}

int cli_plugins(const struct cli_args *args) {
    struct host host;
    char dir[4096];
    int status = CLI_OK;
    if (cli_host_begin(&host, args) != 0) {
        return CLI_FAILED;
    }
    host_plugin_dir(&host, &args->options, dir, sizeof dir);
    if (args->json) {
        status = print_json(&host, dir);
    } else {
        print_text(&host, dir);
    }
    cli_host_finish(&host);
    return status;
}
