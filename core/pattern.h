/* SPDX-License-Identifier: MIT */
/* Path patterns ("functions/{FunctionName}/code", "{Bucket}/{Key+}") and the little of URL decoding
 * that routing needs. Pure functions. Thread: [any]. */
#ifndef CORE_PATTERN_H
#define CORE_PATTERN_H

#include <stdbool.h>
#include <virga/abi.h>

#define PATTERN_PARAMS_MAX 8

/* Whether every {name} is a whole segment with a name, {name+} is the last one, and there are not
 * too many. */
bool pattern_valid(const char *pattern);

/* Whether the two match the same paths: equal but for the names in braces. */
bool pattern_same_shape(const char *a, const char *b);

/* Order of specificity: negative when `a` is to be asked before `b`. A literal segment goes before
 * {name}, that before {name+}. */
int pattern_compare(const char *a, const char *b);

/* Whether a path (as sent, not decoded) matches; ret_params[*ret_count] get the raw bytes that the
 * braces stand for. {name} takes one segment that is not empty, {name+} all that is left, at least
 * one byte. */
bool pattern_match(const char *pattern, struct virga_str path,
                   struct virga_str ret_params[PATTERN_PARAMS_MAX], size_t *ret_count);

/* Decodes %XX (a malformed one stays as it is) into `to`, which has room for text.len + 1; returns
 * the length. */
size_t pattern_decode(struct virga_str text, char *to);

/* The raw value of a form or query parameter whose name needs no decoding; ptr NULL when absent. */
struct virga_str pattern_form_value(struct virga_str parameters, const char *name);

#endif
