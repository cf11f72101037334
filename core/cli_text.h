/* SPDX-License-Identifier: MIT */
/* Text for people on stdout: colours on a terminal, lines that end in time. */
#ifndef CORE_CLI_TEXT_H
#define CORE_CLI_TEXT_H

#include <stddef.h>

enum cli_colour { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_GREEN, CLI_YELLOW, CLI_RED };

/* What switches a colour on, and all of them off (CLI_PLAIN); "" unless stdout is a terminal and
 * NO_COLOR is unset. Source: https://no-color.org */
const char *cli_colour(enum cli_colour colour);

/* Prints words up to the line's end, broken at spaces before column CLI_WIDTH; further lines begin
 * at column `indent`. `column` is where the cursor stands. */
void cli_wrap(const char *text, size_t column, size_t indent);

struct json_object;

/* Prints a document and frees it; NULL (out of memory) is a failure. Returns the exit status. */
int cli_print_json(struct json_object *root);
/* Adds a member that is a string, or null for NULL. */
void cli_json_text(struct json_object *object, const char *key, const char *text);

#endif
