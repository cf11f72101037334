/* SPDX-License-Identifier: MIT */
/* The Range header, HTTP dates, and the conditions of reads and writes. Pure. Source: RFC 9110,
 * sections 5.6.7, 13 and 14; S3 answers one range only, and the whole object for several. */
#ifndef S3_RANGE_H
#define S3_RANGE_H

#include "s3.h"

enum range_result {
    RANGE_WHOLE,  /* no range, or one that is not understood */
    RANGE_PART,   /* 206 */
    RANGE_OUTSIDE /* 416 */
};

/* Reads a Range header (ptr NULL: none) for an object of `size` bytes. */
enum range_result range_parse(struct virga_str header, uint64_t size, uint64_t *ret_offset,
                              uint64_t *ret_length);

/* Room for an HTTP date. */
#define HTTP_DATE_SIZE 32
/* Writes "Sun, 06 Nov 1994 08:49:37 GMT"; milliseconds are dropped. */
void http_date_format(int64_t time_ms, char ret_text[HTTP_DATE_SIZE]);
/* Reads such a date, or one in ISO 8601. Errors: -EINVAL. */
int http_date_parse(struct virga_str text, int64_t *ret_time_ms);

/* The headers If-..., or x-amz-copy-source-if-...; ptr NULL: absent. */
struct conditions {
    struct virga_str if_match;
    struct virga_str if_none_match;
    struct virga_str if_modified_since;
    struct virga_str if_unmodified_since;
};

/* 0: go on; 304 or 412. `etag` is without quotes. */
int conditions_check(const struct conditions *conditions, const char *etag, int64_t modified_ms);

#endif
