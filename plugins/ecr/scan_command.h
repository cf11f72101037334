/* SPDX-License-Identifier: MIT */
/* The scanner's command line, as the setting scanner-command has it. Owns its syntax; pure.
 *
 * Blanks separate arguments. 'single quotes' keep everything as it is; "double quotes" keep blanks,
 * and a backslash in them takes the next character as it is, as it does outside of quotes. No shell
 * looks at it: no variables, no globs, no pipes. Afterwards, inside each argument, {image} {digest}
 * {output} {repository} {account} {region} are replaced; any other text in braces stays. */
#ifndef ECR_SCAN_COMMAND_H
#define ECR_SCAN_COMMAND_H

#include "ecr.h"

#define SCAN_COMMAND_ARGS_MAX 128
#define SCAN_COMMAND_TEXT_MAX (16u << 10) /* the setting */

/* Owns: argv; free with scan_command_finish(). */
struct scan_command {
    char **argv; /* ended by NULL */
    size_t argc;
    bool writes_output; /* {output} occurs: the report is in that file, not on stdout */
};

/* What the placeholders stand for. */
struct scan_command_values {
    const char *image;
    const char *digest;
    const char *output;
    const char *repository;
    const char *account;
    const char *region;
};

/* Errors: -EINVAL with the reason in err, -ENOMEM. */
int scan_command_parse(struct virga_str text, struct scan_command *ret_command,
                       struct virga_error *err);
void scan_command_finish(struct scan_command *command);

/* Replaces the placeholders. Owns: the caller, until scan_command_free_argv(). NULL: out of memory.
 */
char **scan_command_expand(const struct scan_command *command,
                           const struct scan_command_values *values);
void scan_command_free_argv(char **argv);

#endif
