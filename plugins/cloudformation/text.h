/* SPDX-License-Identifier: MIT */
/* A text that grows. Running out of memory, or growing beyond TEXT_MAX, is remembered in `failed`,
 * so that callers ask once at the end. */
#ifndef CFN_TEXT_H
#define CFN_TEXT_H

#include <stdbool.h>
#include <virga/abi.h>

/* The longest text: what a template can make of itself is bounded by it. */
#define TEXT_MAX ((size_t)8 * 1024 * 1024)

/* Zero-initialised is empty. */
struct text {
    char *ptr; /* NUL-terminated once something was added */
    size_t len;
    size_t size;
    bool failed;
};

void text_add(struct text *text, const char *bytes, size_t len);
void text_add_string(struct text *text, const char *string);
void text_add_str(struct text *text, struct virga_str str);
VIRGA_PRINTF(2, 3)
void text_addf(struct text *text, const char *format, ...);
/* Adds the bytes with everything but unreserved characters and those of `keep` percent-encoded. */
void text_add_encoded(struct text *text, struct virga_str bytes, const char *keep);
/* Adds the bytes with XML's markup escaped. */
void text_add_xml(struct text *text, struct virga_str bytes);
/* What was added, "" at first. Valid: until the text changes. */
struct virga_str text_str(const struct text *text);
/* Frees it; it is empty afterwards. */
void text_finish(struct text *text);

#endif
