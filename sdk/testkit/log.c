/* SPDX-License-Identifier: MIT */
/* virga.log/1: lines are kept. */
#include <stdlib.h>

#include "kit.h"

static void write_line(const struct virga_host *host, enum virga_log_level level,
                       const struct virga_request *req, struct virga_str text) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct testkit *kit = kit_from(host);
    const char *name = (unsigned)level < 4 ? names[level] : "?";
    (void)req;
    (void)pthread_mutex_lock(&kit->log_lock);
    kit_text_printf(&kit->log, "%s: ", name);
    kit_text_add(&kit->log, text.ptr, text.len);
    kit_text_add(&kit->log, "\n", 1);
    if (getenv("VIRGA_TESTKIT_LOG") != NULL) {
        (void)fprintf(stderr, "%s: %.*s\n", name, (int)text.len, text.ptr);
    }
    (void)pthread_mutex_unlock(&kit->log_lock);
}

static enum virga_log_level level(const struct virga_host *host) {
    (void)host;
    return VIRGA_LOG_DEBUG;
}

const char *testkit_log(const struct testkit *kit) {
    return kit_text_get(&kit->log);
}

const struct virga_log kit_log = {
    .struct_size = sizeof kit_log,
    .write = write_line,
    .level = level,
};
