/* SPDX-License-Identifier: MIT */
/* Which runtime is used on this machine and how: a choice, and the command line that it makes. */
#ifndef LAMBDA_OCI_HOW_H
#define LAMBDA_OCI_HOW_H

#include <limits.h>
#include <stdbool.h>

#include "oci_cgroup.h"

#define OCI_HOW_ARGS_MAX 40

struct oci_how {
    char runtime[PATH_MAX];   /* the program */
    bool crun;                /* else runc */
    bool rootless;            /* in a user namespace of our own */
    struct oci_cgroup cgroup; /* parent "" = no memory limits */
};

/* A command. Owns nothing that is not in it, but argv points to the how and the texts given. Keep
 * it where it is. */
struct oci_command {
    const char *argv[OCI_HOW_ARGS_MAX];
    char door[OCI_CGROUP_PATH_MAX];
    char state[PATH_MAX], log[PATH_MAX], pid[PATH_MAX];
};

/* Looks for a program in PATH. */
bool oci_how_find(const char *name, char path[PATH_MAX]);

/* Makes the command that runs the bundle in `folder` in the foreground. All processes of it die
 * with the first of them: unshare makes a pid namespace whose first process is the runtime, and has
 * that killed when it ends itself; setpriv has unshare killed when virga ends, even by kill -9. In
 * the folder the runtime keeps "state", "log" (JSON lines) and, once the container is made, "pid".
 */
void oci_how_command(const struct oci_how *how, const char *folder, const char *id,
                     struct oci_command *ret_command);

/* "crun with memory limits". */
void oci_how_describe(const struct oci_how *how, char *buffer, size_t size);

#endif
