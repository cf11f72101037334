/* SPDX-License-Identifier: MIT */
/* The ground the whole SDK stands on: ABI version, exported symbol, byte strings, struct sizes.
 * Owns the rules of growth (sdk/ABI.md); every other header includes this one. */
#ifndef VIRGA_ABI_H
#define VIRGA_ABI_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define VIRGA_ABI_MAJOR 1
#define VIRGA_ABI_MINOR 3

#if defined(__GNUC__)
#define VIRGA_EXPORT __attribute__((visibility("default")))
#define VIRGA_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define VIRGA_EXPORT
#define VIRGA_PRINTF(fmt, args)
#endif

/* Whether `object` (a pointer to a struct that starts with struct_size) is new enough to have `member`.
 * Ask before touching a member that a later ABI minor added. */
#define VIRGA_HAS(type, object, member)                                                            \
    ((object) != NULL &&                                                                           \
     (object)->struct_size >= offsetof(type, member) + sizeof((object)->member))

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes with a length; the host also puts a NUL behind every string that it hands out.
 * Absent is ptr == NULL; empty is ptr != NULL with len == 0. */
struct virga_str {
    const char *ptr;
    size_t len;
};

/* A load or start failure in words; the host shows the text to its user. */
struct virga_error {
    uint32_t struct_size;
    uint32_t reserved;
    char text[504];
};

/* The string as a virga_str. Valid: as long as `text`. */
static inline struct virga_str virga_str_from(const char *text) {
    struct virga_str s;
    s.ptr = text;
    s.len = text != NULL ? strlen(text) : 0;
    return s;
}

/* Whether the two hold the same bytes. */
static inline int virga_str_equal(struct virga_str a, struct virga_str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Writes the reason of a failure into `err`, cut at its size; does nothing when err is NULL. */
VIRGA_PRINTF(2, 3)
static inline void virga_error_set(struct virga_error *err, const char *format, ...) {
    va_list args;
    if (err == NULL) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
}

#ifdef __cplusplus
}
#endif
#endif
