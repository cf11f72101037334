/* SPDX-License-Identifier: MIT */
/* The command line: commands, their flags, help, and words that nobody knows. Owns the parsing;
 * leaves what a command does to its cli_<command>.c. */
#ifndef CORE_CLI_H
#define CORE_CLI_H

#include <stdbool.h>

#include "host.h"

#define CLI_SETS_MAX 256
#define CLI_WORDS_MAX 16
#define CLI_WIDTH 100 /* columns of what is printed for people */

/* Exit statuses. */
#define CLI_OK 0
#define CLI_FAILED 1
#define CLI_USAGE 2 /* the command line is wrong */

/* What stands behind a command's name. */
struct cli_args {
    struct host_options options;          /* --config, --set, the program's path */
    bool json;                            /* --json */
    bool no_supervisor;                   /* --no-supervisor */
    const char *words[CLI_WORDS_MAX + 1]; /* what is no flag, ended by NULL */
    size_t words_count;
    const char *sets[CLI_SETS_MAX]; /* options.sets */
    char program[4096];             /* options.program_path */
};

/* cli_command.flags */
#define CLI_TAKES_SETTINGS 0x1u /* --config and --set */
#define CLI_TAKES_JSON 0x2u     /* --json */
#define CLI_SUPERVISES 0x4u     /* --no-supervisor */

/* A row of the command table. */
struct cli_command {
    const char *name;
    int (*run)(const struct cli_args *args); /* returns the exit status */
    unsigned flags;                          /* CLI_TAKES_* */
    const char *words;                       /* what is no flag, for the usage line; NULL = none */
    size_t words_min;
    size_t words_max;
    const char *summary; /* one line, for the list of commands */
    const char *help;    /* what `virga help <command>` adds, lines ended by \n; may be NULL */
};

/* Finds the command, parses its flags and runs it; answers --help, help and --version. Returns the
 * exit status. */
int cli_main(const struct cli_command *commands, size_t count, char **argv);

/* Names a word that nobody knows on stderr, with the nearest of `valid`. Returns CLI_USAGE. */
int cli_unknown(const char *what, const char *word, const char *const *valid, size_t count);

/* Prints versions of the program, the ABI and the libraries. */
void cli_version(void);

int cli_config(const struct cli_args *args);
int cli_plugins(const struct cli_args *args);
int cli_inspect(const struct cli_args *args);
int cli_doctor(const struct cli_args *args);
int cli_forward(const struct cli_args *args);

#endif
