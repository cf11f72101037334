/* SPDX-License-Identifier: MIT */
/* How the ecr plugin writes keys and values into the store.
 * A key is a table letter and NUL-separated parts; a value is a row of fields, each one letter,
 * text, NUL. Letters that a reader does not know are skipped, so that fields can be added. */
#ifndef ECR_RECORD_H
#define ECR_RECORD_H

#include "ecr.h"

/* The longest key: table, account, region, name and two digests with their separators. */
#define RECORD_KEY_MAX                                                                             \
    (1 + 1 + ECR_ACCOUNT_LEN + 1 + ECR_REGION_MAX + 1 + ECR_NAME_MAX + 2 * (1 + 128) + 2)

struct record_key {
    char bytes[RECORD_KEY_MAX];
    size_t len;
    bool bad; /* a part was too long or held a NUL: no such key can exist */
};

/* Starts a key with its table. */
void record_key_start(struct record_key *key, char table);
/* Starts the key of something that belongs to a repository. */
void record_key_in(struct record_key *key, char table, const struct tenant *tenant,
                   struct virga_str name);
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

/* Adds a field; `value` holds no NUL. */
void record_put_text(struct record_writer *writer, char letter, struct virga_str value);
/* Adds a field if `value` is not NULL. */
void record_put_string(struct record_writer *writer, char letter, const char *value);
void record_put_int(struct record_writer *writer, char letter, int64_t value);
void record_finish(struct record_writer *writer);

/* Takes the next field off `record`. Returns false at the end or where the record is cut. */
bool record_next(struct virga_str *record, char *ret_letter, struct virga_str *ret_value);
int64_t record_int(struct virga_str value);

#endif
