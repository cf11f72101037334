/* SPDX-License-Identifier: MIT */
/* The configuration file in memory. The supervisor takes a copy and every worker reads that one:
 * what was checked is what is used, and a file that is being edited disturbs no worker that
 * replaces a crashed one. */
#ifndef CORE_CONFIG_COPY_H
#define CORE_CONFIG_COPY_H

#include <stddef.h>

enum config_copy_state {
    CONFIG_COPY_NONE,   /* not taken, or unreadable: who needs it reads the file and says why */
    CONFIG_COPY_TAKEN,  /* `text` is the file */
    CONFIG_COPY_ABSENT, /* there is no file */
};

struct config_copy {
    enum config_copy_state state;
    char *text;
    size_t len;
};

/* Reads the file. Uses libc alone. */
void config_copy_take(struct config_copy *copy, const char *path);
/* Frees the text; the copy is NONE then. */
void config_copy_drop(struct config_copy *copy);

#endif
