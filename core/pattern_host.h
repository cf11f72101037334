/* SPDX-License-Identifier: MIT */
/* Host patterns ("*.lambda-url.*"): labels of a Host header against labels of a pattern. Pure
 * functions. Thread: [any]. */
#ifndef CORE_PATTERN_HOST_H
#define CORE_PATTERN_HOST_H

#include <stdbool.h>
#include <virga/abi.h>

#include "pattern.h"

/* Whether it is labels of letters, digits, '-' and '_' or "*" alone, at least one of them not "*",
 * and there are at most PATTERN_PARAMS_MAX stars. */
bool pattern_host_valid(const char *pattern);

/* Order of specificity: negative when `a` is to be asked before `b`, 0 when they match the same
 * hosts. At the first label in which they differ, a literal goes before "*". */
int pattern_host_compare(const char *a, const char *b);

/* Whether a Host header matches, without its port, a dot at its end and case. "*" is one label, at
 * the pattern's end one or more; ret_params[*ret_count] get what the stars stand for. */
bool pattern_host_match(const char *pattern, struct virga_str host,
                        struct virga_str ret_params[PATTERN_PARAMS_MAX], size_t *ret_count);

#endif
