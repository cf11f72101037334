/* SPDX-License-Identifier: MIT */
/* virga.log/1: lines in the host's log, with the plugin's name and the request id. */
#ifndef VIRGA_EXT_LOG_H
#define VIRGA_EXT_LOG_H

#include "../host.h"
#include "../http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_LOG_ID "virga.log/1"

enum virga_log_level {
    VIRGA_LOG_DEBUG = 0,
    VIRGA_LOG_INFO = 1,
    VIRGA_LOG_WARN = 2,
    VIRGA_LOG_ERROR = 3
};

struct virga_log {
    uint32_t struct_size;
    uint32_t reserved;

    /* Writes one line; `req` adds its id and may be NULL. Control characters are escaped. Never put
     * credentials or policy texts in it. Thread: [any] with req NULL, else [loop]. */
    void (*write)(const struct virga_host *host, enum virga_log_level level,
                  const struct virga_request *req, struct virga_str text);

    /* The lowest level that is written: skip costly texts below it. Thread: [any]. */
    enum virga_log_level (*level)(const struct virga_host *host);
};

/* Formats and writes one line, cut at 1,000 bytes. Thread: as write(). */
VIRGA_PRINTF(5, 6)
static inline void virga_log_printf(const struct virga_log *log, const struct virga_host *host,
                                    enum virga_log_level level, const struct virga_request *req,
                                    const char *format, ...) {
    char line[1001];
    va_list args;
    if (log == NULL || level < log->level(host)) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log->write(host, level, req, virga_str_from(line));
}

#ifdef __cplusplus
}
#endif
#endif
