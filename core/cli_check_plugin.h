/* SPDX-License-Identifier: MIT */
/* virga check-plugin: is this file a good plugin? */
#ifndef CORE_CLI_CHECK_PLUGIN_H
#define CORE_CLI_CHECK_PLUGIN_H

#include "cli.h"

/* Checks args->words[0] with the settings ("key=value") behind it; prints one line or more for each
 * check. CLI_OK when nothing FAILs. */
int cli_check_plugin(const struct cli_args *args);

#endif
