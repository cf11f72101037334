/* SPDX-License-Identifier: MIT */
/* Parsing of the command line and its help. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "nearest.h"

struct table {
    const struct cli_command *commands;
    size_t count;
};

int cli_unknown(const char *what, const char *word, const char *const *valid, size_t count) {
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
    return CLI_USAGE;
}

/* --- help --- */

static void print_usage(const struct cli_command *command) {
    printf("virga %s", command->name);
    if ((command->flags & CLI_TAKES_SETTINGS) != 0) {
        printf(" [--config FILE] [--set KEY=VALUE]...");
    }
    if ((command->flags & CLI_TAKES_JSON) != 0) {
        printf(" [--json]");
    }
    if ((command->flags & CLI_SUPERVISES) != 0) {
        printf(" [--no-supervisor]");
    }
    if (command->words != NULL) {
        printf(command->words_min > 0 ? " %s" : " [%s]", command->words);
    }
    printf("\n");
}

static void print_help(const struct table *table) {
    printf("virga: AWS APIs on this machine, by the plugins in lib/virga/plugins\n\n");
    for (size_t i = 0; i < table->count; i++) {
        printf("%s", i == 0 ? "Usage: " : "       ");
        print_usage(&table->commands[i]);
    }
    printf("       virga help [COMMAND]\n"
           "       virga --version | --help\n\n"
           "Commands:\n");
    for (size_t i = 0; i < table->count; i++) {
        printf("  %-14s%s\n", table->commands[i].name, table->commands[i].summary);
    }
    printf(
        "\n"
        "Settings come from, the later one wins: defaults; ./application.yml, or --config FILE;\n"
        "FLOCI_* variables; --set KEY=VALUE (floci. may be left out of the key).\n");
}

static void print_command_help(const struct cli_command *command) {
    printf("Usage: ");
    print_usage(command);
    printf("\n%s\n", command->summary);
    if (command->help != NULL) {
        printf("\n%s", command->help);
    }
    if ((command->flags & (CLI_TAKES_SETTINGS | CLI_TAKES_JSON)) != 0) {
        printf("\n");
    }
    if ((command->flags & CLI_TAKES_SETTINGS) != 0) {
        printf("  --config FILE    settings in YAML (default: ./application.yml if there is one)\n"
               "  --set KEY=VALUE  one setting, such as --set floci.port=4577; beats FLOCI_*\n"
               "                   variables, which beat the file\n");
    }
    if ((command->flags & CLI_TAKES_JSON) != 0) {
        printf("  --json           the same as one JSON document\n");
    }
    if ((command->flags & CLI_SUPERVISES) != 0) {
        printf(
            "  --no-supervisor  one process, for a debugger: nobody replaces it when it crashes\n");
    }
}

/* --- parsing --- */

static const struct cli_command *find_command(const struct table *table, const char *name) {
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->commands[i].name, name) == 0) {
            return &table->commands[i];
        }
    }
    return NULL;
}

static int unknown_command(const struct table *table, const char *word) {
    const char *names[64] = {"help", "--help", "--version"};
    size_t count = 3;
    for (size_t i = 0; i < table->count && count < sizeof names / sizeof names[0]; i++) {
        names[count++] = table->commands[i].name;
    }
    return cli_unknown("command", word, names, count);
}

static int unknown_flag(const struct cli_command *command, const char *word) {
    const char *flags[5] = {"--help"};
    char name[64];
    size_t count = 1;
    if ((command->flags & CLI_TAKES_SETTINGS) != 0) {
        flags[count++] = "--config";
        flags[count++] = "--set";
    }
    if ((command->flags & CLI_TAKES_JSON) != 0) {
        flags[count++] = "--json";
    }
    if ((command->flags & CLI_SUPERVISES) != 0) {
        flags[count++] = "--no-supervisor";
    }
    /* "--cofnig=x": what follows '=' would only make every flag look far away. */
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    return cli_unknown("flag", name, flags, count);
}

/* Whether *at is the flag "--name VALUE" or "--name=VALUE", and its value: NULL when it lacks one.
 */
static bool takes_value(const char *name, char ***at, const char **ret_value) {
    size_t len = strlen(name);
    if (strncmp(**at, name, len) != 0 || ((**at)[len] != '=' && (**at)[len] != '\0')) {
        return false;
    }
    if ((**at)[len] == '=') {
        *ret_value = **at + len + 1;
        return true;
    }
    *ret_value = *(*at + 1);
    if (*ret_value != NULL) {
        ++*at;
    } else {
        (void)fprintf(stderr, "virga: %s needs a value\n", name);
    }
    return true;
}

static int add_set(struct cli_args *args, const char *value) {
    if (args->options.sets_count == CLI_SETS_MAX) {
        (void)fprintf(stderr, "virga: more than %d --set\n", CLI_SETS_MAX);
        return CLI_USAGE;
    }
    args->sets[args->options.sets_count++] = value;
    return CLI_OK;
}

static int add_word(const struct cli_command *command, struct cli_args *args, const char *word) {
    if (command->words_max == 0) {
        (void)fprintf(stderr, "virga: %s takes no argument %s\nTry virga help %s.\n", command->name,
                      word, command->name);
        return CLI_USAGE;
    }
    if (args->words_count == command->words_max || args->words_count == CLI_WORDS_MAX) {
        (void)fprintf(stderr, "virga: one argument too many: %s\nTry virga help %s.\n", word,
                      command->name);
        return CLI_USAGE;
    }
    args->words[args->words_count++] = word;
    return CLI_OK;
}

static int parse(const struct cli_command *command, char **argv, struct cli_args *args) {
    bool settings = (command->flags & CLI_TAKES_SETTINGS) != 0;
    bool flags_end = false;
    int result = CLI_OK;
    for (; *argv != NULL && result == CLI_OK; argv++) {
        const char *value = NULL;
        if (flags_end || (*argv)[0] != '-' || (*argv)[1] == '\0') {
            result = add_word(command, args, *argv);
        } else if (strcmp(*argv, "--") == 0) {
            flags_end = true;
        } else if (settings && takes_value("--config", &argv, &value)) {
            args->options.config_path = value;
            result = value != NULL ? CLI_OK : CLI_USAGE;
        } else if (settings && takes_value("--set", &argv, &value)) {
            result = value != NULL ? add_set(args, value) : CLI_USAGE;
        } else if ((command->flags & CLI_TAKES_JSON) != 0 && strcmp(*argv, "--json") == 0) {
            args->json = true;
        } else if ((command->flags & CLI_SUPERVISES) != 0 &&
                   strcmp(*argv, "--no-supervisor") == 0) {
            args->no_supervisor = true;
        } else {
            result = unknown_flag(command, *argv);
        }
    }
    if (result == CLI_OK && args->words_count < command->words_min) {
        (void)fprintf(stderr, "virga: %s needs %s\nTry virga help %s.\n", command->name,
                      command->words, command->name);
        result = CLI_USAGE;
    }
    return result;
}

static bool asks_for_help(char **argv) {
    for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++) {
        if (strcmp(*argv, "--help") == 0 || strcmp(*argv, "-h") == 0) {
            return true;
        }
    }
    return false;
}

static int run(const struct cli_command *command, char **argv) {
    struct cli_args args = {.json = false};
    ssize_t len = readlink("/proc/self/exe", args.program, sizeof args.program - 1);
    args.program[len > 0 ? len : 0] = '\0';
    args.options.sets = args.sets;
    args.options.program_path = args.program;
    if (asks_for_help(argv)) {
        print_command_help(command);
        return CLI_OK;
    }
    int result = parse(command, argv, &args);
    return result == CLI_OK ? command->run(&args) : result;
}

static int help(const struct table *table, const char *name) {
    if (name == NULL) {
        print_help(table);
        return CLI_OK;
    }
    const struct cli_command *command = find_command(table, name);
    if (command == NULL) {
        return unknown_command(table, name);
    }
    print_command_help(command);
    return CLI_OK;
}

int cli_main(const struct cli_command *commands, size_t count, char **argv) {
    const struct table table = {commands, count};
    const char *name = argv[0] != NULL ? argv[1] : NULL;
    if (name == NULL) {
        (void)fprintf(stderr, "virga: which command?\nTry virga --help.\n");
        return CLI_USAGE;
    }
    if (strcmp(name, "--version") == 0) {
        cli_version();
        return CLI_OK;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        return help(&table, NULL);
    }
    if (strcmp(name, "help") == 0) {
        return help(&table, argv[2]);
    }
    const struct cli_command *command = find_command(&table, name);
    return command != NULL ? run(command, argv + 2) : unknown_command(&table, name);
}
