/* SPDX-License-Identifier: MIT */
/* Whether an image's entry point can be executed, said as execve(2) would say it, before any
 * runtime is asked: each runtime has other words for it. [any] */
#ifndef LAMBDA_OCI_ENTRY_H
#define LAMBDA_OCI_ENTRY_H

#include <stdbool.h>

#include "oci_user.h"

#define OCI_ENTRY_PATH_MAX 4096

struct oci_entry {
    int root;            /* the image's file system */
    const char *program; /* argv[0] */
    const char *const *env;
    const char *cwd;
    const struct oci_user *user;
    /* Folders that are mounted over the image's: there is nothing of the image in them. */
    const char *const *hidden; /* "/tmp", ended by NULL */
};

/* Finds argv[0] as execvp(3) does. Errors: -ENOENT, -EACCES, -ENOEXEC (no program of this machine's
 * architecture, or neither ELF nor "#!"), -ELOOP, -ENAMETOOLONG, ... `ret_path` is the path that
 * was meant, also then. */
int oci_entry_check(const struct oci_entry *entry, char ret_path[OCI_ENTRY_PATH_MAX]);

/* Whether the working directory is there and may be entered. Errors: -ENOENT, -ENOTDIR, -EACCES,
 * -ELOOP, -EINVAL it is not absolute. */
int oci_entry_check_cwd(const struct oci_entry *entry);

#endif
