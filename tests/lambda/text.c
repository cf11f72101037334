/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(struct text *text, size_t more) {
    size_t wanted = text->len + more + 1;
    if (wanted > text->size) {
        text->size = wanted * 2;
        text->ptr = realloc(text->ptr, text->size);
        if (text->ptr == NULL) {
            exit(99);
        }
    }
}

void text_add(struct text *text, const char *bytes, size_t len) {
    need(text, len);
    if (len > 0) {
        memcpy(text->ptr + text->len, bytes, len);
    }
    text->len += len;
    text->ptr[text->len] = '\0';
}

void text_printf(struct text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    need(text, (size_t)len);
    va_start(args, format);
    (void)vsnprintf(text->ptr + text->len, (size_t)len + 1, format, args);
    va_end(args);
    text->len += (size_t)len;
}

void text_json(struct text *text, const char *value) {
    if (value == NULL) {
        text_add(text, "null", 4);
        return;
    }
    text_add(text, "\"", 1);
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;
        if (c == '"' || c == '\\') {
            text_printf(text, "\\%c", c);
        } else if (c < 0x20) {
            text_printf(text, "\\u%04x", c);
        } else {
            text_add(text, value, 1);
        }
    }
    text_add(text, "\"", 1);
}

void text_clear(struct text *text) {
    text->len = 0;
    need(text, 0);
    text->ptr[0] = '\0';
}

int json_find(const char *json, const char *key, struct text *ret_value) {
    char quoted[64];
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", key);
    const char *at = strstr(json, quoted);
    if (at == NULL) {
        return 0;
    }
    at += strlen(quoted);
    at += strspn(at, " \t\r\n:");
    if (*at != '"') {
        return 0;
    }
    text_clear(ret_value);
    for (at++; *at != '"' && *at != '\0'; at++) {
        char c = *at;
        if (c == '\\') {
            c = *++at;
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
            if (c == 'u') {
                char hex[5] = {0};
                memcpy(hex, at + 1, strnlen(at + 1, 4));
                c = (char)strtol(hex, NULL, 16);
                at += strlen(hex);
            }
        }
        text_add(ret_value, &c, 1);
    }
    return 1;
}
