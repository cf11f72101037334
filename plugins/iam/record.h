/* SPDX-License-Identifier: MIT */
/* Entities in the store: one JSON object each, under account, kind and name in lower case, because
 * names that differ in case only are one. Members of all: Name, Path, Id, Arn, CreateDate
 * (milliseconds since 1970), Tags. Of users, roles and groups: Policies [{Name, Document}],
 * Attached [ARN], Boundary. The rest is told where it is used.
 *
 * Index entries say who uses what, so that it is found without a walk over everybody: under
 * account, 'x', a letter of the relation, the used entity and the user of it; the value is the
 * user's name. */
#ifndef IAM_RECORD_H
#define IAM_RECORD_H

#include "kind.h"

/* Room for an account, the longest policy ARN, a name and what is between them. */
#define KEY_SIZE 1400

struct key {
    char bytes[KEY_SIZE];
    size_t len;
};

/* Relations of the index. */
enum relation {
    RELATION_ATTACHED = 'a', /* a policy's ARN, by kind and name of who it is attached to */
    RELATION_BOUNDARY = 'b', /* the same for permissions boundaries */
    RELATION_MEMBER = 'm',   /* a group's name, by its users */
    RELATION_PROFILE = 'i'   /* a role's name, by its instance profiles */
};

/* The key of an entity; name "" makes the prefix of all of the kind. */
void key_entity(const struct call *call, const struct kind *kind, const char *name,
                struct key *ret_key);
/* The key of an index entry: `used` in lower case, the user's kind and its name. user_kind NULL
 * makes the prefix of all that use it, user "" of all of a kind. */
void key_index(const struct call *call, enum relation relation, const char *used,
               const struct kind *user_kind, const char *user, struct key *ret_key);
/* Any other key of the account: a letter and a text, told where it is used. */
void key_other(const struct call *call, char letter, const char *text, struct key *ret_key);
struct virga_str key_str(const struct key *key);

/* Reads a record. Owns: the caller, until json_object_put(). Errors: -ENOENT, -EIO, -ENOMEM. */
int record_get(const struct iam *iam, const struct key *key, struct json_object **ret_record);
/* Writes a record. Errors: -ENOMEM, and the store's. */
int record_put(const struct iam *iam, const struct key *key, struct json_object *record);
/* Reads an entity by its name as it was given; -ENOENT also when it differs in case. */
int record_read(const struct call *call, const struct kind *kind, const char *name,
                struct json_object **ret_record);
/* Writes an entity under its member Name. */
int record_write(const struct call *call, const struct kind *kind, struct json_object *record);
int record_delete(const struct call *call, const struct kind *kind, struct json_object *record);

/* Adds or removes an index entry; one that is not there to be removed is fine. */
int index_put(const struct call *call, enum relation relation, const char *used,
              const struct kind *user_kind, const char *user);
int index_del(const struct call *call, enum relation relation, const char *used,
              const struct kind *user_kind, const char *user);
/* How many keys begin with a prefix. Errors: the store's. */
int key_count(const struct iam *iam, const struct key *prefix, int64_t *ret_count);

/* Begins a transaction; what is between is chained with `result`. Returns 0, or has answered the
 * call with the failure. */
int call_begin(struct call *call);
/* Commits when `result` is 0, else rolls back. Returns 0, or has answered the call with the
 * failure. */
int call_commit(struct call *call, int result);

/* Members of a record that are texts; NULL when absent. */
const char *record_string(struct json_object *record, const char *member);
/* Sets a text member; ptr NULL deletes it. Errors: -ENOMEM. */
int record_set(struct json_object *record, const char *member, struct virga_str value);
int record_set_int(struct json_object *record, const char *member, int64_t value);
/* An array member, made when it is absent; NULL: out of memory. */
struct json_object *record_array(struct json_object *record, const char *member);
/* Adds to an array. Owns: `value`, also when it fails; NULL counts as out of memory. */
int array_add(struct json_object *array, struct json_object *value);
/* Where a text stands in an array of texts, or of objects with such a `member` (NULL: of texts);
 * -1 when it does not. */
ptrdiff_t array_find(struct json_object *array, const char *member, const char *text);
/* A text element. */
const char *array_string(struct json_object *array, size_t index);

#endif
