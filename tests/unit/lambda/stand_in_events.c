/* SPDX-License-Identifier: MIT */
/* No asynchronous invocations, for tests that do not look at them, until there are some. */
#include "events.h"

#include <errno.h>

int events_create(struct lambda *lambda, struct events **ret_events) {
    (void)lambda;
    *ret_events = NULL;
    return 0;
}

void events_stop(struct events *events) {
    (void)events;
}

void events_destroy(struct events *events) {
    (void)events;
}

int events_add(struct events *events, const struct invocation *invocation, const char *qualifier) {
    (void)events;
    (void)invocation;
    (void)qualifier;
    return -ENOTSUP;
}

void events_forget(struct events *events, const struct tenant *tenant, const char *name) {
    (void)events;
    (void)tenant;
    (void)name;
}
