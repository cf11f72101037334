/* SPDX-License-Identifier: MIT */
/* AllowedPattern: a Java expression, as far as it can be told in POSIX's. */
#ifndef CFN_PATTERN_H
#define CFN_PATTERN_H

#include <virga/abi.h>

/* Whether the whole value matches: 1 or 0. Errors: -EINVAL no expression, or one that has what
 * POSIX has not (look-around, lazy quantifiers, back references); -ENOMEM. Thread: [any]. */
int pattern_matches(const char *pattern, const char *value);

#endif
