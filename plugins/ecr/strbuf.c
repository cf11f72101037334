/* SPDX-License-Identifier: MIT */
/* Growing texts. */
#include "strbuf.h"

#include <ctype.h>
#include <stdlib.h>

static bool reserve(struct strbuf *buf, size_t more) {
    if (buf->failed || more > SIZE_MAX / 2 - buf->len) {
        buf->failed = true;
        return false;
    }
    size_t wanted = buf->len + more + 1;
    if (wanted <= buf->size) {
        return true;
    }
    size_t size = buf->size > 0 ? buf->size : 128;
    while (size < wanted) {
        size *= 2;
    }
    char *grown = realloc(buf->ptr, size);
    if (grown == NULL) {
        buf->failed = true;
        return false;
    }
    buf->ptr = grown;
    buf->size = size;
    return true;
}

void strbuf_add(struct strbuf *buf, const char *bytes, size_t len) {
    if (!reserve(buf, len)) {
        return;
    }
    if (len > 0) {
        memcpy(buf->ptr + buf->len, bytes, len);
    }
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void strbuf_add_text(struct strbuf *buf, const char *text) {
    strbuf_add(buf, text, strlen(text));
}

void strbuf_add_str(struct strbuf *buf, struct virga_str text) {
    strbuf_add(buf, text.ptr, text.len);
}

void strbuf_addf(struct strbuf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) {
        buf->failed = true;
    } else if (reserve(buf, (size_t)len)) {
        (void)vsnprintf(buf->ptr + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

/* The length of the UTF-8 sequence at `text`; 0 when it is none. Source: RFC 3629, 4. */
static size_t utf8_length(const unsigned char *text, size_t len) {
    unsigned char c = text[0];
    size_t want = c < 0x80 ? 1 : c >= 0xc2 && c <= 0xdf ? 2 : (c & 0xf0) == 0xe0 ? 3 : 0;
    if (c >= 0xf0 && c <= 0xf4) {
        want = 4;
    }
    if (want == 0 || want > len) {
        return 0;
    }
    for (size_t i = 1; i < want; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((c == 0xe0 && text[1] < 0xa0) || (c == 0xed && text[1] > 0x9f) ||
        (c == 0xf0 && text[1] < 0x90) || (c == 0xf4 && text[1] > 0x8f)) {
        return 0;
    }
    return want;
}

void strbuf_add_json(struct strbuf *buf, struct virga_str text) {
    strbuf_add(buf, "\"", 1);
    for (size_t i = 0; i < text.len;) {
        const unsigned char *at = (const unsigned char *)text.ptr + i;
        size_t len = utf8_length(at, text.len - i);
        if (len == 0) {
            strbuf_add_text(buf, "\xef\xbf\xbd");
            len = 1;
        } else if (*at == '"' || *at == '\\') {
            strbuf_addf(buf, "\\%c", *at);
        } else if (*at < 0x20 || *at == 0x7f) {
            strbuf_addf(buf, "\\u%04x", *at);
        } else {
            strbuf_add(buf, (const char *)at, len);
        }
        i += len;
    }
    strbuf_add(buf, "\"", 1);
}

void strbuf_add_encoded(struct strbuf *buf, struct virga_str text, const char *keep) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c != '\0' && (isalnum(c) || strchr("-._~", c) != NULL || strchr(keep, c) != NULL)) {
            strbuf_add(buf, text.ptr + i, 1);
        } else {
            strbuf_addf(buf, "%%%02X", c);
        }
    }
}

struct virga_str strbuf_str(const struct strbuf *buf) {
    return (struct virga_str){buf->ptr != NULL ? buf->ptr : "", buf->len};
}

void strbuf_finish(struct strbuf *buf) {
    free(buf->ptr);
    *buf = (struct strbuf){0};
}
