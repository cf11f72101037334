/* SPDX-License-Identifier: MIT */
/* flock(2) on a file with a pid in it. */
#include "store_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_NAME "virga.lock"
/* How long a taken lock is waited for: a virga that was just killed holds it until its last thread,
 * and a child on its way to become another program, are gone. */
#define LOCK_TRIES 40
#define LOCK_PAUSE_US 50000

static int refuse_held(int fd, const char *dir, struct error *err) {
    char holder[32] = "";
    ssize_t len = pread(fd, holder, sizeof holder - 1, 0);
    long pid = len > 0 ? strtol(holder, NULL, 10) : 0;
    if (pid > 0) {
        return error_set(
            err, -EBUSY,
            "the data directory %s is in use by another virga (process %ld): stop that one, "
            "or set floci.storage.persistent-path",
            dir, pid);
    }
    return error_set(err, -EBUSY, "the data directory %s is in use by another virga", dir);
}

int store_lock_take(const char *path, int *ret_fd, struct error *err) {
    char copy[PATH_MAX];
    char lock[PATH_MAX + sizeof LOCK_NAME];
    char pid[32];
    if ((size_t)snprintf(copy, sizeof copy, "%s", path) >= sizeof copy) {
        return error_set(err, -ENAMETOOLONG, "%s: the path is too long", path);
    }
    const char *dir = dirname(copy);
    (void)snprintf(lock, sizeof lock, "%s/" LOCK_NAME, dir);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        int rc = -errno;
        return error_set(err, rc, "%s cannot be opened: %s", lock, error_text(rc));
    }
    int locked = flock(fd, LOCK_EX | LOCK_NB);
    for (int i = 0; locked != 0 && errno == EWOULDBLOCK && i < LOCK_TRIES; i++) {
        (void)usleep(LOCK_PAUSE_US);
        locked = flock(fd, LOCK_EX | LOCK_NB);
    }
    if (locked != 0) {
        int rc = -errno;
        rc = rc == -EWOULDBLOCK
                 ? refuse_held(fd, dir, err)
                 : error_set(err, rc, "%s cannot be locked: %s", lock, error_text(rc));
        (void)close(fd);
        return rc;
    }
    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    /* The pid is for messages only: the lock holds without it (a full disk). */
    if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)len, 0) != len) {
        (void)ftruncate(fd, 0);
    }
    *ret_fd = fd;
    return 0;
}

int store_lock_probe(const char *dir, struct error *err) {
    char lock[PATH_MAX + sizeof LOCK_NAME];
    (void)snprintf(lock, sizeof lock, "%s/" LOCK_NAME, dir);
    int fd = open(lock, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int rc = -errno;
        return error_set(err, rc, "%s cannot be opened: %s", lock, error_text(rc));
    }
    int rc = 0;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
        rc = errno == EWOULDBLOCK ? refuse_held(fd, dir, err)
                                  : error_set(err, -errno, "%s cannot be locked", lock);
    }
    (void)close(fd);
    return rc;
}

void store_lock_drop(int fd) {
    if (fd >= 0) {
        (void)close(fd);
    }
}
