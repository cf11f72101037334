/* SPDX-License-Identifier: MIT */
/* A host for commands that look at an installation: set up as serve sets it up, nothing started. */
#ifndef CORE_CLI_HOST_H
#define CORE_CLI_HOST_H

#include "cli.h"

/* Reads the configuration and loads the plugins; the log is silent from here on. After a failure
 * the host holds what could be read. Errors: those of serve, in its words. */
int cli_host_init(struct host *host, const struct cli_args *args, struct error *err);
/* Puts the plugins into the order of their start and marks those that serve would not start. */
int cli_host_plan(struct host *host, struct error *err);
void cli_host_finish(struct host *host);

/* Initialises and plans, or says on stderr why not, as serve does, and finishes. */
int cli_host_begin(struct host *host, const struct cli_args *args);

#endif
