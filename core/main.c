/* SPDX-License-Identifier: MIT */
/* The command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "nearest.h"
#include "process_child.h"

#define SETS_MAX 256

static const char usage[] =
    "Usage: virga serve [--config FILE] [--set KEY=VALUE]...\n"
    "       virga --version | --help\n"
    "\n"
    "Serves AWS APIs on this machine by the plugins in lib/virga/plugins.\n"
    "\n"
    "  --config FILE     settings in YAML (default: ./application.yml if there is one)\n"
    "  --set KEY=VALUE   one setting, for example --set floci.port=4577; beats FLOCI_* variables,\n"
    "                    which beat the file\n";

static int unknown(const char *what, const char *word, const char *const *valid, size_t count) {
    struct nearest nearest;
    nearest_init(&nearest, word, nearest_hint_limit(word));
    for (size_t i = 0; i < count; i++) {
        nearest_offer(&nearest, valid[i]);
    }
    (void)fprintf(stderr, "virga: unknown %s %s", what, word);
    if (nearest.best != NULL) {
        (void)fprintf(stderr, "; did you mean %s?", nearest.best);
    }
    (void)fprintf(stderr, "\nTry virga --help.\n");
    return 2;
}

/* The value of "--name VALUE" or "--name=VALUE"; NULL when argv[*at] is another flag. */
static const char *flag_value(const char *name, char **argv, int *at) {
    size_t len = strlen(name);
    if (strncmp(argv[*at], name, len) != 0) {
        return NULL;
    }
    if (argv[*at][len] == '=') {
        return argv[*at] + len + 1;
    }
    if (argv[*at][len] != '\0') {
        return NULL;
    }
    if (argv[*at + 1] == NULL) {
        (void)fprintf(stderr, "virga: %s needs a value\n", name);
        exit(2);
    }
    return argv[++*at];
}

static int serve(char **argv) {
    static const char *const flags[] = {"--config", "--set", "--help"};
    const char *sets[SETS_MAX];
    char program[4096];
    struct host_options options = {.sets = sets, .program_path = program};
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = '\0';
    for (int i = 0; argv[i] != NULL; i++) {
        const char *value = flag_value("--config", argv, &i);
        if (value != NULL) {
            options.config_path = value;
            continue;
        }
        value = flag_value("--set", argv, &i);
        if (value != NULL) {
            if (options.sets_count == SETS_MAX) {
                (void)fprintf(stderr, "virga: more than %d --set\n", SETS_MAX);
                return 2;
            }
            sets[options.sets_count++] = value;
            continue;
        }
        if (strcmp(argv[i], "--help") == 0) {
            (void)fputs(usage, stdout);
            return 0;
        }
        return unknown("argument", argv[i], flags, sizeof flags / sizeof flags[0]);
    }
    return host_run(&options);
}

int main(int argc, char **argv) {
    static const char *const commands[] = {"serve", "--version", "--help"};
    if (argc < 2) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if (strcmp(argv[1], "serve") == 0) {
        return serve(argv + 2);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("virga %s (plugin ABI %d.%d)\n", HOST_VERSION, VIRGA_ABI_MAJOR, VIRGA_ABI_MINOR);
        return 0;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        (void)fputs(usage, stdout);
        return 0;
    }
    if (strcmp(argv[1], PROCESS_CHILD_COMMAND) == 0) {
        return process_child_main(argc, argv);
    }
    return unknown("command", argv[1], commands, sizeof commands / sizeof commands[0]);
}
