/* SPDX-License-Identifier: MIT */
/* How the plugin writes keys and values into the store. A key is a table letter and NUL-separated
 * parts; a value is a row of fields, each one letter, text, NUL. Letters that a reader does not
 * know are skipped, so that fields can be added. */
#ifndef S3_RECORD_H
#define S3_RECORD_H

#include "s3.h"

/* The tables. */
#define RECORD_BUCKET 'b'  /* bucket */
#define RECORD_SETTING 's' /* bucket, setting */
#define RECORD_OBJECT 'o'  /* bucket, key */
#define RECORD_UPLOAD 'u'  /* bucket, key, upload */
#define RECORD_PART 'p'    /* upload, number in five digits */
#define RECORD_FILE 'f'    /* file: it belongs to no record yet, or no more */

/* The longest key: table, bucket, key and upload id with their separators. */
#define RECORD_KEY_MAX (1 + 1 + S3_BUCKET_MAX + 1 + S3_KEY_MAX + 1 + 64 + 1)

struct record_key {
    char bytes[RECORD_KEY_MAX];
    size_t len;
    bool bad; /* a part was too long or held a NUL: no such key can exist */
};

/* Starts a key with its table. */
void record_key_start(struct record_key *key, char table);
/* Starts a key with its table and first part. */
void record_key_in(struct record_key *key, char table, struct virga_str part);
/* Adds a separator and a part. */
void record_key_add(struct record_key *key, struct virga_str part);
/* The key as a string. Valid: as long as the key is not changed. */
static inline struct virga_str record_key_str(const struct record_key *key) {
    return (struct virga_str){key->bytes, key->len};
}

/* A value being written; zero it first. Owns: ptr, until record_finish(). */
struct record_writer {
    char *ptr;
    size_t len;
    size_t capacity;
    bool failed; /* out of memory */
};

/* Adds a field if the value is not absent; it holds no NUL. */
void record_put(struct record_writer *writer, char letter, struct virga_str value);
/* Adds a field if the text is not NULL. */
void record_put_string(struct record_writer *writer, char letter, const char *value);
/* Adds a number. */
void record_put_int(struct record_writer *writer, char letter, int64_t value);
/* Frees what was written. */
void record_finish(struct record_writer *writer);

/* Takes the next field off `record`. Returns false at the end or where the record is cut. */
bool record_next(struct virga_str *record, char *ret_letter, struct virga_str *ret_value);
/* A number that record_put_int() wrote. */
int64_t record_int(struct virga_str value);

#endif
