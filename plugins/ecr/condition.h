/* SPDX-License-Identifier: MIT */
/* Headers that make a request depend on something, and ranges. Pure. */
#ifndef ECR_CONDITION_H
#define ECR_CONDITION_H

#include "ecr.h"

/* Whether an If-None-Match (ptr NULL: none) names the content of this digest, whose ETag is the
 * digest in quotes; so that there is nothing new for the client. A digest without quotes counts
 * too, as with distribution. Source: RFC 9110, 13.1.2. */
bool condition_none_match(struct virga_str header, const char *digest);

/* Whether a Range is one that is to be looked at: of bytes, well-formed, not empty. A malformed one
 * is ignored. Source: RFC 9110, 14.2. */
bool condition_is_range(struct virga_str header);

#endif
