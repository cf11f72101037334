/* SPDX-License-Identifier: MIT */
/* The testkit's own memory, growing text, and header lines. */
#include <stdlib.h>
#include <strings.h>

#include "kit.h"

static void *must(void *memory) {
    if (memory == NULL) {
        (void)fputs("testkit: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *kit_must_alloc(size_t size) {
    return must(calloc(1, size > 0 ? size : 1));
}

void *kit_must_grow(void *array, size_t count, size_t size) {
    /* Arrays grow by doubling: there is room whenever count is no power of two. */
    if (count != 0 && (count & (count - 1)) != 0) {
        return array;
    }
    return must(realloc(array, (count == 0 ? 1 : 2 * count) * size));
}

char *kit_must_copy(const char *bytes, size_t len) {
    char *copy = kit_must_alloc(len + 1);
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

char *kit_must_strdup(const char *text) {
    return text != NULL ? kit_must_copy(text, strlen(text)) : NULL;
}

void kit_text_add(struct text *text, const char *bytes, size_t len) {
    if (text->len + len + 1 > text->size) {
        size_t size = 2 * text->size > text->len + len + 1 ? 2 * text->size : text->len + len + 1;
        text->ptr = must(realloc(text->ptr, size));
        text->size = size;
    }
    if (len > 0) {
        memcpy(text->ptr + text->len, bytes, len);
    }
    text->len += len;
    text->ptr[text->len] = '\0';
}

void kit_text_printf(struct text *text, const char *format, ...) {
    char line[2048];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len > 0) {
        kit_text_add(text, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
    }
}

const char *kit_text_get(const struct text *text) {
    return text->ptr != NULL ? text->ptr : "";
}

void kit_text_free(struct text *text) {
    free(text->ptr);
    *text = (struct text){0};
}

/* --- header lines --- */

struct virga_header *kit_headers_parse(const char *lines, size_t *ret_count) {
    size_t most = 1;
    size_t count = 0;
    size_t len = lines != NULL ? strlen(lines) : 0;
    for (size_t i = 0; i < len; i++) {
        most += lines[i] == '\n';
    }
    struct virga_header *headers = kit_must_alloc(most * sizeof *headers + len + 1);
    char *at = (char *)(headers + most);
    if (len > 0) {
        memcpy(at, lines, len);
    }
    for (char *line = strtok_r(at, "\r\n", &at); line != NULL; line = strtok_r(NULL, "\r\n", &at)) {
        char *colon = strchr(line, ':');
        if (colon == NULL || count == most) {
            continue;
        }
        *colon = '\0';
        headers[count++] = (struct virga_header){
            virga_str_from(line), virga_str_from(colon + 1 + strspn(colon + 1, " \t"))};
    }
    *ret_count = count;
    return headers;
}

void kit_headers_format(struct text *to, const struct virga_header *headers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        kit_text_add(to, headers[i].name.ptr, headers[i].name.len);
        kit_text_add(to, ": ", 2);
        kit_text_add(to, headers[i].value.ptr, headers[i].value.len);
        kit_text_add(to, "\n", 1);
    }
}

struct virga_str kit_headers_find(const struct virga_header *headers, size_t count,
                                  const char *name) {
    size_t len = strlen(name);
    for (size_t i = 0; i < count; i++) {
        if (headers[i].name.len == len && strncasecmp(headers[i].name.ptr, name, len) == 0) {
            return headers[i].value;
        }
    }
    return (struct virga_str){NULL, 0};
}
