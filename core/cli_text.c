/* SPDX-License-Identifier: MIT */
/* What the commands print with. */
#include "cli_text.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

const char *cli_colour(enum cli_colour colour) {
    static const char *const codes[] = {"\033[0m",  "\033[1m",  "\033[2m",
                                        "\033[32m", "\033[33m", "\033[31m"};
    const char *wish = getenv("NO_COLOR");
    bool wanted = (wish == NULL || wish[0] == '\0') && isatty(STDOUT_FILENO) == 1;
    return wanted ? codes[colour] : "";
}

void cli_wrap(const char *text, size_t column, size_t indent) {
    while (*text != '\0') {
        size_t len = strcspn(text, " \n");
        if (column > indent && column + 1 + len > CLI_WIDTH) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            (void)putchar(' ');
            column++;
        }
        printf("%.*s", (int)len, text);
        column += len;
        text += len;
        text += strspn(text, " \n");
    }
    (void)putchar('\n');
}

int cli_print_json(struct json_object *root) {
    const char *text = root != NULL
                           ? json_object_to_json_string_ext(
                                 root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE)
                           : NULL;
    if (text == NULL) {
        (void)fprintf(stderr, "virga: out of memory\n");
    } else {
        (void)puts(text);
    }
    json_object_put(root);
    return text != NULL ? CLI_OK : CLI_FAILED;
}

void cli_json_text(struct json_object *object, const char *key, const char *text) {
    json_object_object_add(object, key, text != NULL ? json_object_new_string(text) : NULL);
}
