/* SPDX-License-Identifier: MIT */
/* Lines on stderr, as text or as JSON. A line is built on the stack and written at once, so threads
 * need no lock and lines never mix. */
#include "log.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

/* A pipe takes this much in one piece: lines of several processes on one pipe do not mix either. */
#define LOG_LINE_MAX 4096
_Static_assert(LOG_LINE_MAX <= PIPE_BUF, "a log line must be atomic on a pipe");

/* What follows the message: the mark of a cut message, the end of the JSON object, the newline. */
#define LOG_TAIL_MAX 8
#define LOG_CUT "..."

static _Atomic int current_level = VIRGA_LOG_INFO;
static _Atomic int current_format = LOG_TEXT;

struct line {
    char text[LOG_LINE_MAX];
    size_t len;
    bool json;
    bool cut; /* something did not fit; nothing more is taken */
};

void log_setup(enum virga_log_level level, enum log_format format) {
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
    atomic_store_explicit(&current_format, (int)format, memory_order_relaxed);
}

void log_mute(void) {
    atomic_store_explicit(&current_level, VIRGA_LOG_ERROR + 1, memory_order_relaxed);
}

enum virga_log_level log_level(void) {
    return (enum virga_log_level)atomic_load_explicit(&current_level, memory_order_relaxed);
}

static void line_put(struct line *line, const char *bytes, size_t len) {
    if (line->cut || len > sizeof line->text - LOG_TAIL_MAX - line->len) {
        line->cut = true;
        return;
    }
    memcpy(line->text + line->len, bytes, len);
    line->len += len;
}

static void line_put_text(struct line *line, const char *text) {
    line_put(line, text, strlen(text));
}

/* The length of the UTF-8 sequence at `s`; 0 when it is not one, or is a C1 control character,
 * which terminals obey. */
static size_t utf8_len(const unsigned char *s, size_t left) {
    size_t len;
    uint32_t point;
    uint32_t least;
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        len = 2, point = s[0] & 0x1fu, least = 0xa0;
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        len = 3, point = s[0] & 0x0fu, least = 0x800;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        len = 4, point = s[0] & 0x07u, least = 0x10000;
    } else {
        return 0;
    }
    if (len > left) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0u) != 0x80u) {
            return 0;
        }
        point = point << 6 | (s[i] & 0x3fu);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
        return 0;
    }
    return len;
}

static void line_put_escaped(struct line *line, const char *text, size_t len) {
    static const char hex[] = "0123456789abcdef";
    const unsigned char *s = (const unsigned char *)text;
    for (size_t i = 0; i < len && !line->cut;) {
        size_t take = s[i] < 0x80 ? 1 : utf8_len(s + i, len - i);
        if (take == 0 || s[i] < 0x20 || s[i] == 0x7f) {
            char escape[] = "\\\\x00";
            escape[3] = hex[s[i] >> 4];
            escape[4] = hex[s[i] & 0xf];
            /* JSON writes the backslash twice, so that its reader sees what the text format shows.
             */
            line_put_text(line, line->json ? escape : escape + 1);
            i++;
            continue;
        }
        if (line->json && (s[i] == '"' || s[i] == '\\')) {
            char escape[] = {'\\', text[i], '\0'};
            line_put_text(line, escape);
        } else {
            line_put(line, text + i, take);
        }
        i += take;
    }
}

static void line_put_time(struct line *line) {
    struct timespec now;
    struct tm utc;
    char text[40];
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + len, sizeof text - len, ".%03dZ", (int)(now.tv_nsec / 1000000) % 1000);
    line_put_text(line, text);
}

static void line_begin_text(struct line *line, enum virga_log_level level, const char *source,
                            const char *request_id) {
    static const char *const names[] = {" DEBUG ", " INFO  ", " WARN  ", " ERROR "};
    line_put_time(line);
    line_put_text(line, names[level]);
    line_put_escaped(line, source, strlen(source));
    if (request_id != NULL && request_id[0] != '\0') {
        line_put_text(line, " [");
        line_put_escaped(line, request_id, strlen(request_id));
        line_put_text(line, "]");
    }
    line_put_text(line, " ");
}

static void line_begin_json(struct line *line, enum virga_log_level level, const char *source,
                            const char *request_id) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    line_put_text(line, "{\"time\":\"");
    line_put_time(line);
    line_put_text(line, "\",\"level\":\"");
    line_put_text(line, names[level]);
    line_put_text(line, "\",\"source\":\"");
    line_put_escaped(line, source, strlen(source));
    if (request_id != NULL && request_id[0] != '\0') {
        line_put_text(line, "\",\"request_id\":\"");
        line_put_escaped(line, request_id, strlen(request_id));
    }
    line_put_text(line, "\",\"message\":\"");
}

static void line_end(struct line *line) {
    const char *ends = line->json ? "\"}\n" : "\n";
    /* line_put() has kept LOG_TAIL_MAX bytes free for this. */
    if (line->cut) {
        memcpy(line->text + line->len, LOG_CUT, sizeof LOG_CUT - 1);
        line->len += sizeof LOG_CUT - 1;
    }
    memcpy(line->text + line->len, ends, strlen(ends));
    line->len += strlen(ends);
}

void log_write(enum virga_log_level level, const char *source, const char *request_id,
               const char *format, ...) {
    struct line line;
    char message[LOG_LINE_MAX];
    va_list args;
    int len;
    if (level < log_level()) {
        return;
    }
    if (level > VIRGA_LOG_ERROR) {
        level = VIRGA_LOG_ERROR;
    }
    line.len = 0;
    line.cut = false;
    line.json = atomic_load_explicit(&current_format, memory_order_relaxed) == LOG_JSON;
    va_start(args, format);
    len = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (len < 0) {
        return;
    }
    if (line.json) {
        line_begin_json(&line, level, source, request_id);
    } else {
        line_begin_text(&line, level, source, request_id);
    }
    line_put_escaped(&line, message, strlen(message));
    line_end(&line);
    /* Nobody is left to be told of a failed write. */
    while (write(STDERR_FILENO, line.text, line.len) < 0 && errno == EINTR) {
    }
}
