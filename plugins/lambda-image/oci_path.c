/* SPDX-License-Identifier: MIT */
/* openat2(2) with RESOLVE_IN_ROOT, and removal by file descriptors. */
#include "oci_path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Folders in folders: each takes a file descriptor while it is emptied. Linux itself ends a path at
 * 4,096 bytes, which others can go beyond step by step. */
#define DEPTH_MAX 200
/* The kernel may say -EAGAIN when something was renamed meanwhile. */
#define TRIES_MAX 16

int oci_path_open(int root, const char *path, int flags, mode_t mode) {
    const struct open_how how = {
        .flags = (unsigned)flags | O_CLOEXEC,
        .mode = mode,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    for (int i = 0; i < TRIES_MAX; i++) {
        long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0) {
            return (int)fd;
        }
        if (errno != EAGAIN && errno != EINTR) {
            break;
        }
    }
    return -errno;
}

/* Goes one folder down. `path` is the whole so far, so that links are followed from the root. */
static int make_folder(int root, int parent, const char *path, const char *name) {
    if (mkdirat(parent, name, 0755) != 0 && errno != EEXIST) {
        return -errno;
    }
    return oci_path_open(root, path, O_RDONLY | O_DIRECTORY, 0);
}

static int make_folders(int root, char *path) {
    int folder = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *name = path;
    if (folder < 0) {
        return -errno;
    }
    for (;;) {
        char *end = strchr(name, '/');
        if (end != NULL) {
            *end = '\0';
        }
        int next = oci_path_open(root, path, O_RDONLY | O_DIRECTORY, 0);
        if (next == -ENOENT) {
            next = make_folder(root, folder, path, name);
        }
        (void)close(folder);
        if (next < 0 || end == NULL) {
            return next;
        }
        folder = next;
        *end = '/';
        name = end + 1;
    }
}

int oci_path_parent(int root, const char *path, bool make, char *buffer, size_t size,
                    struct oci_path_at *ret_at) {
    const char *slash = strrchr(path, '/');
    size_t len = slash != NULL ? (size_t)(slash - path) : 0;
    int folder;
    if (len >= size) {
        return -ENAMETOOLONG;
    }
    memcpy(buffer, path, len);
    buffer[len] = '\0';
    if (len == 0) {
        folder = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        folder = folder < 0 ? -errno : folder;
    } else {
        folder = oci_path_open(root, buffer, O_RDONLY | O_DIRECTORY, 0);
        if (folder == -ENOENT && make) {
            folder = make_folders(root, buffer);
        }
    }
    if (folder < 0) {
        return folder;
    }
    *ret_at = (struct oci_path_at){folder, slash != NULL ? slash + 1 : path};
    return 0;
}

static int empty_folder(int folder, oci_path_keep *keep, void *arg, int depth);

static int remove_one(int folder, const char *name, oci_path_keep *keep, void *arg, int depth) {
    struct stat info;
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    bool kept = keep != NULL && keep(arg, &info);
    if (!S_ISDIR(info.st_mode)) {
        return kept || unlinkat(folder, name, 0) == 0 || errno == ENOENT ? 0 : -errno;
    }
    if (depth == 0) {
        return -ELOOP;
    }
    int below = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0 && errno == EACCES && geteuid() != 0) {
        /* An image's folder that even its owner may not read. */
        (void)fchmodat(folder, name, 0700, 0);
        below = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (below < 0) {
        return -errno;
    }
    if ((info.st_mode & 0300) != 0300 && geteuid() != 0) {
        (void)fchmod(below, 0700);
    }
    int result = empty_folder(below, keep, arg, depth - 1);
    if (result != 0 || kept || unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
        return result;
    }
    /* Something in it is kept. */
    return keep != NULL && (errno == ENOTEMPTY || errno == EEXIST) ? 0 : -errno;
}

static int empty_folder(int folder, oci_path_keep *keep, void *arg, int depth) {
    DIR *list = fdopendir(folder);
    int first = 0;
    if (list == NULL) {
        int result = -errno;
        (void)close(folder);
        return result;
    }
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        int result = remove_one(folder, entry->d_name, keep, arg, depth);
        first = first == 0 ? result : first;
    }
    (void)closedir(list);
    return first;
}

int oci_path_remove(int folder, const char *name, oci_path_keep *keep, void *arg) {
    return remove_one(folder, name, keep, arg, DEPTH_MAX);
}

int oci_path_empty(int folder, oci_path_keep *keep, void *arg) {
    return empty_folder(folder, keep, arg, DEPTH_MAX);
}

int oci_path_remove_all(const char *path) {
    return remove_one(AT_FDCWD, path, NULL, NULL, DEPTH_MAX);
}

bool oci_path_find(const char *folder, const char *prefix, char *path) {
    DIR *list = opendir(folder);
    bool found = false;
    for (struct dirent *entry; list != NULL && !found && (entry = readdir(list)) != NULL;) {
        found = strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
        if (found) {
            (void)snprintf(path, PATH_MAX, "%.3800s/%s", folder, entry->d_name);
        }
    }
    if (list != NULL) {
        (void)closedir(list);
    }
    return found;
}
