/* SPDX-License-Identifier: MIT */
/* Keys of functions in the store, and JSON behind them: for functions.c and functions_side.c only.
 * Keys are
 *   <table> account NUL region NUL name NUL id
 * Tables: 'f' $LATEST of a function (id ""), 'w' published versions (id: two digits of length, then
 * the number, so that they are in order), a side record's kind, and 'x' for single facts (the key
 * itself behind the letter). Everything is [loop]. */
#ifndef LAMBDA_FUNCTIONS_KEY_H
#define LAMBDA_FUNCTIONS_KEY_H

#include "functions.h"

#define TABLE_LATEST 'f'
#define TABLE_VERSION 'w'
#define TABLE_FACT 'x'

struct key {
    char bytes[2000];
    size_t len;
};

/* Adds a part and the NUL that ends it; what does not fit is left out. */
void key_add(struct key *key, const char *text);
/* Begins the key of a table's rows of a tenant. */
void key_start(struct key *key, char table, const struct tenant *tenant);
/* The id is not ended, so that the key of an empty one is the prefix of all. */
void key_make(struct key *key, char table, const struct tenant *tenant, const char *name,
              const char *id);
/* The key of a version, $LATEST included. */
void key_version(struct key *key, const struct tenant *tenant, const char *name,
                 const char *version);
/* The key's bytes. Valid: as long as the key. */
struct virga_str key_str(const struct key *key);
/* Takes the part of a key that ends before the next NUL. Keys that were handed out end with NUL. */
const char *key_take_part(struct virga_str *key);

/* Writes JSON. Errors: -ENOMEM and those of the store. */
int key_put_json(struct lambda *lambda, const struct key *key, struct json_object *json);
/* Reads JSON. Owns: the caller. Errors: -ENOENT, -EBADMSG, -ENOMEM and those of the store. */
int key_get_json(struct lambda *lambda, const struct key *key, struct json_object **ret_json);

#endif
