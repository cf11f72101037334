/* SPDX-License-Identifier: MIT */
/* Splitting the scanner's command line, and its placeholders. */
#include "scan_command.h"
#include "strbuf.h"

#include <errno.h>
#include <stdlib.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes one argument off the text. Returns 1, 0 at the end, or a negative errno. */
static int take_argument(struct virga_str *text, struct strbuf *argument, struct virga_error *err) {
    char quote = '\0';
    while (text->len > 0 && is_blank(text->ptr[0])) {
        text->ptr++;
        text->len--;
    }
    if (text->len == 0) {
        return 0;
    }
    /* An empty pair of quotes is an argument too. */
    strbuf_add(argument, "", 0);
    while (text->len > 0 && (quote != '\0' || !is_blank(text->ptr[0]))) {
        char c = text->ptr[0];
        text->ptr++;
        text->len--;
        if (c == '\\' && quote != '\'') {
            if (text->len == 0) {
                virga_error_set(err, "it ends with a backslash");
                return -EINVAL;
            }
            c = text->ptr[0];
            text->ptr++;
            text->len--;
            strbuf_add(argument, &c, 1);
        } else if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
        } else if (c == quote) {
            quote = '\0';
        } else {
            strbuf_add(argument, &c, 1);
        }
    }
    if (quote != '\0') {
        virga_error_set(err, "a %c is not closed", quote);
        return -EINVAL;
    }
    return argument->failed ? -ENOMEM : 1;
}

int scan_command_parse(struct virga_str text, struct scan_command *ret_command,
                       struct virga_error *err) {
    struct scan_command command = {0};
    int result = 0;
    if (text.len > SCAN_COMMAND_TEXT_MAX || (text.len > 0 && memchr(text.ptr, 0, text.len))) {
        virga_error_set(err, "it is longer than %u bytes, or holds a NUL", SCAN_COMMAND_TEXT_MAX);
        return -EINVAL;
    }
    command.argv = calloc(SCAN_COMMAND_ARGS_MAX + 1, sizeof *command.argv);
    if (command.argv == NULL) {
        return -ENOMEM;
    }
    for (;;) {
        struct strbuf argument = {0};
        result = take_argument(&text, &argument, err);
        if (result == 1 && command.argc == SCAN_COMMAND_ARGS_MAX) {
            virga_error_set(err, "it has more than %d arguments", SCAN_COMMAND_ARGS_MAX);
            result = -EINVAL;
        }
        if (result == 1) {
            char *copy = strdup(strbuf_str(&argument).ptr != NULL ? strbuf_str(&argument).ptr : "");
            command.argv[command.argc] = copy;
            if (copy == NULL) {
                result = -ENOMEM;
            } else {
                command.argc++;
                command.writes_output = command.writes_output || strstr(copy, "{output}") != NULL;
            }
        }
        strbuf_finish(&argument);
        if (result != 1) {
            break;
        }
    }
    if (result == 0 && (command.argc == 0 || command.argv[0][0] == '\0')) {
        virga_error_set(err, "it names no program");
        result = -EINVAL;
    }
    if (result != 0) {
        scan_command_finish(&command);
        return result;
    }
    *ret_command = command;
    return 0;
}

void scan_command_finish(struct scan_command *command) {
    scan_command_free_argv(command->argv);
    *command = (struct scan_command){0};
}

void scan_command_free_argv(char **argv) {
    for (size_t i = 0; argv != NULL && argv[i] != NULL; i++) {
        free(argv[i]);
    }
    free(argv);
}

static char *expand(const char *text, const struct scan_command_values *values) {
    const struct {
        const char *name;
        const char *value;
    } placeholders[] = {
        {"{image}", values->image},     {"{digest}", values->digest},
        {"{output}", values->output},   {"{repository}", values->repository},
        {"{account}", values->account}, {"{region}", values->region},
    };
    struct strbuf out = {0};
    strbuf_add(&out, "", 0);
    while (*text != '\0') {
        size_t taken = 0;
        for (size_t i = 0; i < sizeof placeholders / sizeof placeholders[0]; i++) {
            size_t len = strlen(placeholders[i].name);
            if (strncmp(text, placeholders[i].name, len) == 0) {
                strbuf_add_text(&out, placeholders[i].value);
                taken = len;
                break;
            }
        }
        if (taken == 0) {
            strbuf_add(&out, text, 1);
            taken = 1;
        }
        text += taken;
    }
    char *copy =
        out.failed ? NULL : strdup(strbuf_str(&out).ptr != NULL ? strbuf_str(&out).ptr : "");
    strbuf_finish(&out);
    return copy;
}

char **scan_command_expand(const struct scan_command *command,
                           const struct scan_command_values *values) {
    char **argv = calloc(command->argc + 1, sizeof *argv);
    for (size_t i = 0; argv != NULL && i < command->argc; i++) {
        argv[i] = expand(command->argv[i], values);
        if (argv[i] == NULL) {
            scan_command_free_argv(argv);
            return NULL;
        }
    }
    return argv;
}
