/* SPDX-License-Identifier: MIT */
/* Patterns of ECR's filters. Pure. Thread: [any]. */
#ifndef ECR_WILDCARD_H
#define ECR_WILDCARD_H

#include <stdbool.h>

/* Whether `text` as a whole matches a pattern whose only special character is '*': any characters,
 * or none. The cost is at most the product of the lengths. */
bool wildcard_matches(const char *pattern, const char *text);

#endif
