/* SPDX-License-Identifier: MIT */
/* No executor, for tests that do not look at one, until there is some. */
#include "executors.h"

#include <errno.h>

int executors_create(struct lambda *lambda, struct executors **ret_executors) {
    (void)lambda;
    *ret_executors = NULL;
    return 0;
}

void executors_destroy(struct executors *executors) {
    (void)executors;
}

struct executor *executors_current(struct executors *executors) {
    (void)executors;
    return NULL;
}

void executors_need(struct executors *executors,
                    void (*on_chosen)(void *arg, struct executor *executor, int error,
                                      const char *reason),
                    void *arg) {
    (void)executors;
    on_chosen(arg, NULL, -ENOTSUP, "there is no executor here");
}

void executors_stop(struct executors *executors, void (*on_stopped)(void *arg), void *arg) {
    (void)executors;
    on_stopped(arg);
}
