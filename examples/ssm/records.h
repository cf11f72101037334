/* SPDX-License-Identifier: MIT */
/* Parameters in the store, per account and region. Keys are a table's letter and parts with a NUL
 * between: "p" has the current version, "v" those before it, "t" the tags, "l" the labels. Values
 * are JSON. */
#ifndef SSM_RECORDS_H
#define SSM_RECORDS_H

#include "names.h"

/* A letter, account, region, name, version. */
#define RECORD_KEY_MAX (2 + 13 + 33 + NAME_ARN_SIZE + 12)
/* Versions that are kept. */
#define RECORD_VERSIONS_MAX 100

struct record_key {
    char bytes[RECORD_KEY_MAX];
    size_t len;
};

/* The key of a parameter in a table; name.len 0: what all of them begin with. */
struct virga_str record_key(const struct call *call, char table, struct virga_str name,
                            struct record_key *buffer);

/* A version of a parameter. Owns: `json`, to which the strings point, until record_finish(). */
struct record {
    struct json_object *json;
    struct virga_str type;
    struct virga_str value;
    struct virga_str tier;
    struct virga_str data_type;
    struct virga_str description; /* ptr NULL: none; so also the two below */
    struct virga_str allowed_pattern;
    struct virga_str key_id;
    struct virga_str user; /* who wrote it */
    int64_t version;
    int64_t modified_ms;
};

/* Reads the current version. Errors: -ENOENT, -EIO, -ENOMEM. */
int record_read(const struct call *call, struct virga_str name, struct record *ret_record);
/* Reads any version that is kept; as record_read(). */
int record_read_version(const struct call *call, struct virga_str name, int64_t version,
                        struct record *ret_record);
/* Takes a value of the store apart. Errors: -EIO, -ENOMEM. */
int record_parse(struct virga_str text, struct record *ret_record);
/* Writes the current version, moves the one before it (NULL: none) to the versions and sets the
 * tags (NULL: leaves them): all or nothing. Errors: as the store's. */
int record_write(const struct call *call, struct virga_str name, const struct record *record,
                 const struct record *before, struct json_object *tags);
/* Deletes a parameter with versions and tags. Errors: -ENOENT, and as the store's. */
int record_delete(const struct call *call, struct virga_str name);
void record_finish(struct record *record);

/* The tags of a parameter as one JSON object, empty when it has none. Owns: the caller. Errors:
 * as record_read(), but not -ENOENT. */
int record_read_tags(const struct call *call, struct virga_str name, struct json_object **ret_tags);
int record_write_tags(const struct call *call, struct virga_str name, struct json_object *tags);

/* Writes <key>: {...} of a parameter as GetParameter answers it; key NULL inside an array. */
void record_answer(const struct call *call, struct virga_json_writer *writer, const char *key,
                   struct virga_str name, const struct record *record, struct virga_str selector);

/* The value as it is told: of a SecureString only WithDecryption as it is. Writes the member
 * "Value". */
void record_answer_value(const struct call *call, struct virga_json_writer *writer,
                         const struct record *record);

#endif
