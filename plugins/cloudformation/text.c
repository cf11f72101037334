/* SPDX-License-Identifier: MIT */
/* A text that grows. */
#include "text.h"

#include <ctype.h>
#include <stdlib.h>

static bool grow(struct text *text, size_t more) {
    if (text->failed || more > TEXT_MAX - text->len) {
        text->failed = true;
        return false;
    }
    size_t want = text->len + more + 1;
    if (want <= text->size) {
        return true;
    }
    size_t size = text->size < 128 ? 256 : text->size * 2;
    size = size < want ? want : size;
    char *ptr = realloc(text->ptr, size);
    if (ptr == NULL) {
        text->failed = true;
        return false;
    }
    text->ptr = ptr;
    text->size = size;
    return true;
}

void text_add(struct text *text, const char *bytes, size_t len) {
    if (grow(text, len)) {
        if (len > 0) {
            memcpy(text->ptr + text->len, bytes, len);
        }
        text->len += len;
        text->ptr[text->len] = '\0';
    }
}

void text_add_string(struct text *text, const char *string) {
    text_add(text, string, strlen(string));
}

void text_add_str(struct text *text, struct virga_str str) {
    text_add(text, str.ptr, str.len);
}

void text_addf(struct text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0 || !grow(text, (size_t)len)) {
        text->failed = true;
        return;
    }
    va_start(args, format);
    (void)vsnprintf(text->ptr + text->len, (size_t)len + 1, format, args);
    va_end(args);
    text->len += (size_t)len;
}

void text_add_encoded(struct text *text, struct virga_str bytes, const char *keep) {
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i];
        if ((isascii(c) && isalnum(c)) || (c != '\0' && strchr("-._~", c) != NULL) ||
            (c != '\0' && strchr(keep, c) != NULL)) {
            text_add(text, &c, 1);
        } else {
            text_addf(text, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
}

void text_add_xml(struct text *text, struct virga_str bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        switch (bytes.ptr[i]) {
        case '<':
            text_add_string(text, "&lt;");
            break;
        case '>':
            text_add_string(text, "&gt;");
            break;
        case '&':
            text_add_string(text, "&amp;");
            break;
        case '"':
            text_add_string(text, "&quot;");
            break;
        default:
            text_add(text, &bytes.ptr[i], 1);
        }
    }
}

struct virga_str text_str(const struct text *text) {
    return (struct virga_str){text->ptr != NULL ? text->ptr : "", text->len};
}

void text_finish(struct text *text) {
    free(text->ptr);
    *text = (struct text){0};
}
