/* SPDX-License-Identifier: MIT */
/* One virga for one data directory: a lock file that names its holder. */
#ifndef CORE_STORE_LOCK_H
#define CORE_STORE_LOCK_H

#include "error.h"

/* Takes `virga.lock` in the directory of `path`; the kernel drops it with the process. *ret_fd is
 * the lock. Errors: -EBUSY another process has it, whose pid err names; -EACCES and others, in
 * words. */
int store_lock_take(const char *path, int *ret_fd, struct error *err);
/* Whether it could be taken now, without making anything; it is held for that moment. `dir` is the
 * data directory. Errors: as store_lock_take(), -ENOENT nothing was ever kept there. */
int store_lock_probe(const char *dir, struct error *err);
/* Gives it back; -1 is fine. */
void store_lock_drop(int fd);

#endif
