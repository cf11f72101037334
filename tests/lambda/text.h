/* SPDX-License-Identifier: MIT */
/* Text that grows, and the little JSON that the test function needs. Out of memory ends it. */
#ifndef TEST_LAMBDA_TEXT_H
#define TEST_LAMBDA_TEXT_H

#include <stddef.h>

struct text {
    char *ptr; /* ends with a NUL that `len` does not count */
    size_t len, size;
};

/* Appends bytes. */
void text_add(struct text *text, const char *bytes, size_t len);
/* Appends as printf does. */
__attribute__((format(printf, 2, 3))) void text_printf(struct text *text, const char *format, ...);
/* Appends a JSON string of `value`, quotes included; NULL: null. */
void text_json(struct text *text, const char *value);
/* Forgets what is in it and keeps the memory. */
void text_clear(struct text *text);

/* The string behind the first "key" in a JSON document, wherever that stands, with its escapes
 * undone. Returns 0 when there is none. */
int json_find(const char *json, const char *key, struct text *ret_value);

#endif
