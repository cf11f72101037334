/* SPDX-License-Identifier: MIT */
/* virga.work/1 as the host keeps it: libuv's thread pool, with a cap on what waits. */
#ifndef CORE_EXT_WORK_H
#define CORE_EXT_WORK_H

#include <virga/ext/work.h>

/* Jobs of all plugins that were submitted and are not done; beyond it submit() returns -EAGAIN. */
#define EXT_WORK_MAX 1024

extern const struct virga_work ext_work;

#endif
