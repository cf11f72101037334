/* SPDX-License-Identifier: MIT */
/* What is handed to the kernel to start a child: argument list and environment. */
#ifndef CORE_PROCESS_COMMAND_H
#define CORE_PROCESS_COMMAND_H

#include <virga/ext/process.h>

struct process_command {
    char **argv; /* argv[0] is the file to run */
    char **env;
    char *program;
    char numbers[2][16]; /* texts that argv points to */
};

/* Makes it from argv, env and cwd of the options, which must outlive it. `wrapper` is the virga
 * that becomes the program (see process_child.h), or NULL. Errors: -ENOENT, -EACCES the program,
 * -ENOMEM. */
int process_command_make(struct process_command *command, const char *wrapper,
                         const struct virga_process_options *options);
/* Frees what it holds; fine after a failed make, and for zeroes. */
void process_command_finish(struct process_command *command);

#endif
