/* SPDX-License-Identifier: MIT */
/* A failure on a load or configuration path: an errno and words, with context wrapped outward. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include <virga/abi.h>

#define ERROR_TEXT_MAX 1024

struct error {
    int code; /* negative errno; 0 = none */
    char text[ERROR_TEXT_MAX];
};

/* Sets code and text and returns the code; err may be NULL. */
VIRGA_PRINTF(3, 4) int error_set(struct error *err, int code, const char *format, ...);

/* Puts "context: " before the text and returns the code. */
VIRGA_PRINTF(2, 3) int error_wrap(struct error *err, const char *format, ...);

/* The text of a negative errno. Thread: [loop]. Valid: until the next call. */
const char *error_text(int code);

#endif
