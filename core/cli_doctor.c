/* SPDX-License-Identifier: MIT */
/* virga doctor: all checks, and their report. */
#include <json-c/json.h>

#include "cli_host.h"
#include "cli_text.h"
#include "config.h"
#include "doctor.h"
#include "plugins.h"

#define VERDICT_WIDTH 6
#define CHECK_WIDTH 23

static const char *const verdict_words[] = {"ok", "note", "warn", "FAIL"};

static void check_config(struct doctor *doctor, const struct cli_args *args, const char *failure) {
    const struct config *config = doctor->host->config;
    size_t set = 0;
    if (failure != NULL) {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "configuration", "Mend or remove what is named.",
                   "%s", failure);
        return;
    }
    for (size_t i = 0; i < config_count(config); i++) {
        set += config_at(config, i)->source != CONFIG_DEFAULT;
    }
    doctor_say(doctor, VIRGA_DOCTOR_OK, "configuration", NULL, "%zu of %zu settings are set%s%s",
               set, config_count(config), args->options.config_path != NULL ? ", with " : "",
               args->options.config_path != NULL ? args->options.config_path : "");
}

static void check_plugins(struct doctor *doctor) {
    const struct host *host = doctor->host;
    char names[1024] = "";
    size_t len = 0;
    for (size_t i = 0; i < host->left_out_count; i++) {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "plugin", "Build it again, or remove the file.",
                   "%s is left out: %s", host->left_out[i].path, host->left_out[i].reason);
    }
    for (size_t i = 0; i < host->plugins_count; i++) {
        const struct plugin *plugin = host->plugins[i];
        if (plugin->state == PLUGIN_FAILED) {
            doctor_say(doctor, VIRGA_DOCTOR_FAIL, "plugin", NULL, "%s is left out: %s",
                       plugin->desc->name, plugin->failure);
        } else if (len < sizeof names) {
            len += (size_t)snprintf(names + len, sizeof names - len, "%s%s %s%s",
                                    len > 0 ? ", " : "", plugin->desc->name, plugin->desc->version,
                                    plugin->state == PLUGIN_DISABLED ? " (disabled)" : "");
        }
    }
    if (len > 0) {
        doctor_say(doctor, VIRGA_DOCTOR_OK, "plugins", NULL, "%s", names);
    } else if (host->plugins_count + host->left_out_count == 0) {
        doctor_say(doctor, VIRGA_DOCTOR_WARN, "plugins",
                   "Install plugins beside the program, or set floci.plugin-dir.",
                   "none: virga would serve nothing");
    }
}

static void check_all(struct doctor *doctor, const struct cli_args *args) {
    struct host *host = doctor->host;
    struct error err = {0};
    int result = cli_host_init(host, args, &err);
    if (result == 0) {
        result = cli_host_plan(host, &err);
    }
    check_config(doctor, args, result != 0 ? err.text : NULL);
    /* A file that cannot be parsed leaves no values to check anything with. */
    if (config_find(host->config, "floci.port") != NULL) {
        doctor_check_host(doctor);
    }
    if (result == 0) {
        check_plugins(doctor);
    }
    for (size_t i = 0; result == 0 && i < host->plugins_count; i++) {
        if (host->plugins[i]->state == PLUGIN_LOADED) {
            doctor_check_plugin(doctor, host->plugins[i]);
        }
    }
    doctor_check_engines(doctor);
    doctor_check_programs(doctor);
}

/* --- the report --- */

static int print_json(const struct doctor *doctor, const char *worst) {
    struct json_object *root = json_object_new_object();
    struct json_object *checks = json_object_new_array();
    for (size_t i = 0; i < doctor->count; i++) {
        const struct doctor_finding *finding = &doctor->findings[i];
        struct json_object *object = json_object_new_object();
        cli_json_text(object, "verdict", verdict_words[finding->verdict]);
        cli_json_text(object, "owner", finding->owner);
        cli_json_text(object, "check", finding->check);
        cli_json_text(object, "found", finding->found);
        cli_json_text(object, "remedy", finding->remedy);
        json_object_array_add(checks, object);
    }
    cli_json_text(root, "verdict", worst);
    json_object_object_add(root, "checks", checks);
    return cli_print_json(root);
}

static void print_finding(const struct doctor_finding *finding) {
    static const enum cli_colour colours[] = {CLI_GREEN, CLI_DIM, CLI_YELLOW, CLI_RED};
    const size_t indent = VERDICT_WIDTH + CHECK_WIDTH;
    char check[128];
    bool own = strcmp(finding->owner, DOCTOR_OWN) == 0;
    (void)snprintf(check, sizeof check, "%s%s%s", own ? "" : finding->owner, own ? "" : ": ",
                   finding->check);
    printf("%s%-*s%s%-*s", cli_colour(colours[finding->verdict]), VERDICT_WIDTH,
           verdict_words[finding->verdict], cli_colour(CLI_PLAIN), CHECK_WIDTH, check);
    if (strlen(check) >= CHECK_WIDTH) {
        printf("\n%*s", (int)indent, "");
    }
    cli_wrap(finding->found, indent, indent);
    if (finding->remedy != NULL) {
        printf("%*s-> ", (int)indent, "");
        cli_wrap(finding->remedy, indent + 3, indent + 3);
    }
}

static void print_text(const struct doctor *doctor) {
    size_t counts[VIRGA_DOCTOR_FAIL + 1] = {0};
    for (size_t i = 0; i < doctor->count; i++) {
        print_finding(&doctor->findings[i]);
        counts[doctor->findings[i].verdict]++;
    }
    printf("\n%zu checks: %zu FAIL, %zu warn\n", doctor->count, counts[VIRGA_DOCTOR_FAIL],
           counts[VIRGA_DOCTOR_WARN]);
}

int cli_doctor(const struct cli_args *args) {
    struct host host;
    struct doctor doctor;
    enum virga_doctor_verdict worst = VIRGA_DOCTOR_OK;
    int status = CLI_OK;
    doctor_init(&doctor, &host);
    check_all(&doctor, args);
    for (size_t i = 0; i < doctor.count; i++) {
        worst = doctor.findings[i].verdict > worst ? doctor.findings[i].verdict : worst;
    }
    if (args->json) {
        status = print_json(&doctor, verdict_words[worst]);
    } else {
        print_text(&doctor);
    }
    doctor_finish(&doctor);
    cli_host_finish(&host);
    return worst == VIRGA_DOCTOR_FAIL ? CLI_FAILED : status;
}
