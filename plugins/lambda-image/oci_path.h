/* SPDX-License-Identifier: MIT */
/* Files below a folder that others have filled: an image's file system. No name in it, no symbolic
 * link and no "..", leads out of that folder. Everything is [any]; nothing is kept. */
#ifndef LAMBDA_OCI_PATH_H
#define LAMBDA_OCI_PATH_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Opens `path` as a process sees it whose root folder is `root`; symbolic links are followed inside
 * of it, O_NOFOLLOW stops at a last one. O_CLOEXEC is added. Returns a file descriptor. Errors:
 * those of openat2(2). */
int oci_path_open(int root, const char *path, int flags, mode_t mode);

/* Where a name is to be made or removed. */
struct oci_path_at {
    int folder;       /* to be closed */
    const char *name; /* its last part, in the caller's text */
};
/* Opens the folder of `path`, which has neither empty parts nor ".", "..", nor slashes at its ends;
 * with `make` folders that are missing are made, mode 0755. `buffer` holds what is before the name.
 * Errors: those of openat2(2) and mkdirat(2), -ENAMETOOLONG. */
int oci_path_parent(int root, const char *path, bool make, char *buffer, size_t size,
                    struct oci_path_at *ret_at);

/* Says which of what is removed stays. */
typedef bool oci_path_keep(void *arg, const struct stat *info);

/* Removes `name` in `folder` with all that is below, following no link. What keep() wants stays,
 * and the folders above it; NULL: nothing. A name that is not there is fine. Errors: those of
 * unlinkat(2) and openat(2); -ELOOP too deep. */
int oci_path_remove(int folder, const char *name, oci_path_keep *keep, void *arg);
/* Removes what is in a folder, the same way. Owns: `folder` is closed. */
int oci_path_empty(int folder, oci_path_keep *keep, void *arg);

/* The first name in a folder of the host that begins with `prefix`, as a path of at most PATH_MAX
 * bytes with the NUL. */
bool oci_path_find(const char *folder, const char *prefix, char *path);

/* Removes a path of the host with all that is below; one that is not there is fine. */
int oci_path_remove_all(const char *path);

#endif
