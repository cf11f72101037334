/* SPDX-License-Identifier: MIT */
/* Log lines of plugins. */
#include "ext_log.h"

#include "log.h"
#include "plugin.h"

static void log_plugin_line(const struct virga_host *host, enum virga_log_level level,
                            const struct virga_request *req, struct virga_str text) {
    log_write(level, plugin_from(host)->desc->name, req != NULL ? req->id.ptr : NULL, "%.*s",
              (int)(text.len < 1u << 20 ? text.len : 1u << 20), text.ptr != NULL ? text.ptr : "");
}

static enum virga_log_level level_of_host(const struct virga_host *host) {
    (void)host;
    return log_level();
}

const struct virga_log ext_log = {
    .struct_size = sizeof ext_log,
    .write = log_plugin_line,
    .level = level_of_host,
};
