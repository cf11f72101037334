/* SPDX-License-Identifier: MIT */
/* Timestamps as XML and REST answers have them: ISO 8601 in UTC. (AWS's JSON protocols write
 * numbers: virga_json_time().) Thread: [any]. */
#ifndef VIRGA_HELPERS_TIME_H
#define VIRGA_HELPERS_TIME_H

#include "../abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Room for a timestamp of the years -9999 to 9999 with its NUL. */
#define VIRGA_TIME_SIZE 32

/* Writes milliseconds since 1970 as "2026-11-23T15:06:19Z"; "2026-11-23T15:06:19.250Z" when they
 * are not whole seconds. Source: RFC 3339. */
void virga_time_format(int64_t time_ms, char ret_text[VIRGA_TIME_SIZE]);

/* Reads such a timestamp, with "Z" or an offset ("+01:00"); digits below milliseconds are dropped.
 * Errors: -EINVAL it is none, or no such day. */
int virga_time_parse(struct virga_str text, int64_t *ret_time_ms);

#ifdef __cplusplus
}
#endif
#endif
