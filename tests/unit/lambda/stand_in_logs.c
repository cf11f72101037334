/* SPDX-License-Identifier: MIT */
/* No logs, for tests that do not look at them, until there are some. */
#include "logs.h"

int logs_create(struct lambda *lambda, struct logs **ret_logs) {
    (void)lambda;
    *ret_logs = NULL;
    return 0;
}

void logs_stop(struct logs *logs) {
    (void)logs;
}

void logs_destroy(struct logs *logs) {
    (void)logs;
}

void logs_add(struct logs *logs, const struct tenant *tenant, const char *name, const char *stream,
              struct virga_str bytes) {
    (void)logs;
    (void)tenant;
    (void)name;
    (void)stream;
    (void)bytes;
}

void logs_forget(struct logs *logs, const struct tenant *tenant, const char *name) {
    (void)logs;
    (void)tenant;
    (void)name;
}

void logs_handle(struct logs *logs, struct virga_request *req) {
    (void)logs;
    req->http->abort(req);
}
