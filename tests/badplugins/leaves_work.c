/* SPDX-License-Identifier: MIT */
/* Says that it has stopped while work of it is still running. */
#include <time.h>

#include "bad.h"

static void run(void *arg) {
    const struct timespec pause = {.tv_nsec = 300000000};
    (void)arg;
    (void)nanosleep(&pause, NULL);
}

static void on_done(void *arg, int status) {
    (void)arg;
    (void)status;
}

static int stop(void *self) {
    const struct virga_work *work = bad_host->get_interface(bad_host, VIRGA_WORK_ID);
    (void)self;
    (void)work->submit(bad_host, run, on_done, NULL, NULL);
    return 0;
}

static const struct virga_route routes[] = BAD_ROUTES("/leaves-work");

const struct virga_plugin virga_plugin_v1 = {VIRGA_PLUGIN_HEAD, .name = "leaves-work",
                                             VIRGA_ROUTES(routes), .stop = stop, BAD_PARTS};
