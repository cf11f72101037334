/* SPDX-License-Identifier: MIT */
/* Writes compact JSON into a growing buffer. Running out of memory is remembered, so that only the
 * end needs a check. Thread: [any], one thread at a time for one writer. */
#ifndef VIRGA_HELPERS_JSON_WRITER_H
#define VIRGA_HELPERS_JSON_WRITER_H

#include "../abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero it before the first use. Owns: `ptr`, until virga_json_finish(). */
struct virga_json_writer {
    char *ptr; /* what was written, without a NUL */
    size_t len;
    size_t capacity;
    int comma;  /* the next value needs one before it */
    int failed; /* out of memory: what was written is incomplete */
};

/* In all of these `key` is the member's name inside an object, and NULL inside an array or at the
 * top. */
void virga_json_begin_object(struct virga_json_writer *writer, const char *key);
void virga_json_end_object(struct virga_json_writer *writer);
void virga_json_begin_array(struct virga_json_writer *writer, const char *key);
void virga_json_end_array(struct virga_json_writer *writer);
/* Writes text; a byte that is not UTF-8 becomes U+FFFD. */
void virga_json_str(struct virga_json_writer *writer, const char *key, struct virga_str value);
/* Writes text that ends with NUL; nothing at all when `value` is NULL (AWS omits what is absent).
 */
void virga_json_string(struct virga_json_writer *writer, const char *key, const char *value);
void virga_json_int(struct virga_json_writer *writer, const char *key, int64_t value);
void virga_json_bool(struct virga_json_writer *writer, const char *key, int value);
/* Writes milliseconds since 1970 as AWS's JSON protocols do: seconds, a number with a fraction. */
void virga_json_time(struct virga_json_writer *writer, const char *key, int64_t time_ms);
/* Writes `json` as it is: it must be one JSON value. */
void virga_json_raw(struct virga_json_writer *writer, const char *key, struct virga_str json);
/* Frees the buffer and zeroes the writer. */
void virga_json_finish(struct virga_json_writer *writer);

/* Length of the UTF-8 character that `text` begins with; 0 when it is malformed or empty. */
size_t virga_utf8_char(struct virga_str text);

#ifdef __cplusplus
}
#endif
#endif
