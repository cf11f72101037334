/* SPDX-License-Identifier: MIT */
/* The host's log: one line per event on stderr. Owns level and format; knows no request and no plugin
 * beyond their names. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <virga/ext/log.h>

enum log_format { LOG_TEXT, LOG_JSON };

/* Sets what is written and how. Thread: [loop], before others run. */
void log_setup(enum virga_log_level level, enum log_format format);

/* Writes nothing any more: for commands that say on stdout what they find. Thread: as log_setup().
 */
void log_mute(void);

/* The lowest level that is written. Thread: [any]. */
enum virga_log_level log_level(void);

/* Writes one line. `source` names the part ("core", or a plugin), `request_id` may be NULL or "".
 * Control characters are escaped; one write(2) per line. Thread: [any]. */
VIRGA_PRINTF(4, 5)
void log_write(enum virga_log_level level, const char *source, const char *request_id,
               const char *format, ...);

#define log_debug(...) log_write(VIRGA_LOG_DEBUG, "core", NULL, __VA_ARGS__)
#define log_info(...) log_write(VIRGA_LOG_INFO, "core", NULL, __VA_ARGS__)
#define log_warn(...) log_write(VIRGA_LOG_WARN, "core", NULL, __VA_ARGS__)
#define log_error(...) log_write(VIRGA_LOG_ERROR, "core", NULL, __VA_ARGS__)

#endif
