/* SPDX-License-Identifier: MIT */
/* virga.work/1: blocking work on the host's thread pool. */
#ifndef VIRGA_EXT_WORK_H
#define VIRGA_EXT_WORK_H

#include "../host.h"
#include "../http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_WORK_ID "virga.work/1"

struct virga_work_handle;

struct virga_work {
    uint32_t struct_size;
    uint32_t reserved;

    /* Runs run(arg) on a pool thread [worker], then on_done(arg, status) on the loop [loop].
     * Calls back: on_done exactly once, never inside this call; status 0, or -ECANCELED when run()
     * was never called. The handle is valid until on_done returns; ret_work may be NULL.
     * Errors: -ENOMEM, -EAGAIN too much is waiting. */
    int (*submit)(const struct virga_host *host, void (*run)(void *arg),
                  void (*on_done)(void *arg, int status), void *arg,
                  struct virga_work_handle **ret_work);

    /* Takes work back that has not begun; on_done still comes, with -ECANCELED.
     * Errors: -EBUSY it runs already or is done. Thread: [loop]. */
    int (*cancel)(struct virga_work_handle *work);
};

#ifdef __cplusplus
}
#endif
#endif
