/* SPDX-License-Identifier: MIT */
/* Argument lists and environments of children. */
#include "process_command.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "process_child.h"
#include "process_id.h"

extern char **environ;

static bool same_variable(const char *a, const char *b) {
    size_t len = strcspn(a, "=");
    return strncmp(a, b, len) == 0 && b[len] == '=';
}

/* The host's environment with `added` over it. Owns: the array is the caller's, the texts are not.
 */
static char **environment_with(const char *const *added) {
    size_t inherited = 0;
    size_t more = 0;
    size_t count = 0;
    while (environ[inherited] != NULL) {
        inherited++;
    }
    while (added != NULL && added[more] != NULL) {
        more++;
    }
    char **env = calloc(inherited + more + 1, sizeof *env);
    if (env == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < inherited; i++) {
        size_t j = 0;
        while (j < more && !same_variable(added[j], environ[i])) {
            j++;
        }
        if (j == more) {
            env[count++] = environ[i];
        }
    }
    for (size_t j = 0; j < more; j++) {
        env[count++] = (char *)(uintptr_t)added[j];
    }
    return env;
}

static const char *path_of(char *const *env) {
    for (; *env != NULL; env++) {
        if (strncmp(*env, "PATH=", 5) == 0) {
            return *env + 5;
        }
    }
    return NULL;
}

/* argv in the options' order, `command->program` for argv[0], behind the wrapper's own arguments.
 */
static int make_argv(struct process_command *command, const char *wrapper,
                     const char *const *argv) {
    static char child_command[] = PROCESS_CHILD_COMMAND;
    static char separator[] = "--";
    size_t count = 0;
    size_t given = 0;
    while (argv[given] != NULL) {
        given++;
    }
    command->argv = calloc(given + 6, sizeof(char *));
    if (command->argv == NULL) {
        return -ENOMEM;
    }
    if (wrapper != NULL) {
        (void)snprintf(command->numbers[0], sizeof command->numbers[0], "%d", SIGTERM);
        (void)snprintf(command->numbers[1], sizeof command->numbers[1], "%d", (int)getpid());
        command->argv[count++] = (char *)(uintptr_t)wrapper;
        command->argv[count++] = child_command;
        command->argv[count++] = command->numbers[0];
        command->argv[count++] = command->numbers[1];
        command->argv[count++] = separator;
    }
    command->argv[count++] = command->program;
    for (size_t i = 1; i < given; i++) {
        command->argv[count++] = (char *)(uintptr_t)argv[i];
    }
    return 0;
}

int process_command_make(struct process_command *command, const char *wrapper,
                         const struct virga_process_options *options) {
    *command = (struct process_command){.env = environment_with(options->env)};
    if (command->env == NULL) {
        return -ENOMEM;
    }
    int rc = process_id_find_program(options->argv[0], path_of(command->env), options->cwd,
                                     &command->program);
    return rc < 0 ? rc : make_argv(command, wrapper, options->argv);
}

void process_command_finish(struct process_command *command) {
    free(command->argv);
    free(command->env);
    free(command->program);
    *command = (struct process_command){0};
}
