/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <ctype.h>
#include <errno.h>

/* Adds a part and the NUL that ends it; in lower case when asked. */
static void key_add(struct key *key, const char *part, int lower, int ended) {
    for (; *part != '\0' && key->len < KEY_SIZE - 1; part++) {
        key->bytes[key->len++] = (char)(lower ? tolower((unsigned char)*part) : *part);
    }
    if (ended && key->len < KEY_SIZE) {
        key->bytes[key->len++] = '\0';
    }
}

static void key_begin(const struct call *call, char letter, struct key *ret_key) {
    const char text[] = {letter, '\0'};
    ret_key->len = 0;
    key_add(ret_key, call->req->account.ptr, 0, 1);
    key_add(ret_key, text, 0, 1);
}

void key_entity(const struct call *call, const struct kind *kind, const char *name,
                struct key *ret_key) {
    key_begin(call, kind->letter, ret_key);
    key_add(ret_key, name, 1, 0);
}

void key_index(const struct call *call, enum relation relation, const char *used,
               const struct kind *user_kind, const char *user, struct key *ret_key) {
    const char letter[] = {(char)relation, '\0'};
    key_begin(call, 'x', ret_key);
    key_add(ret_key, letter, 0, 1);
    key_add(ret_key, used, 1, 1);
    if (user_kind != NULL) {
        const char kind[] = {user_kind->letter, '\0'};
        key_add(ret_key, kind, 0, 1);
        key_add(ret_key, user, 1, 0);
    }
}

void key_other(const struct call *call, char letter, const char *text, struct key *ret_key) {
    key_begin(call, letter, ret_key);
    key_add(ret_key, text, 0, 0);
}

struct virga_str key_str(const struct key *key) {
    return (struct virga_str){key->bytes, key->len};
}

int record_get(const struct iam *iam, const struct key *key, struct json_object **ret_record) {
    struct virga_store_value value;
    int result = iam->store->get(iam->host, key_str(key), &value);
    if (result != 0) {
        return result;
    }
    result = virga_awsjson_parse((struct virga_str){value.ptr, value.len}, ret_record);
    iam->store->release(iam->host, &value);
    return result == -EBADMSG ? -EIO : result;
}

int record_put(const struct iam *iam, const struct key *key, struct json_object *record) {
    const char *text = json_object_to_json_string_ext(record, JSON_C_TO_STRING_PLAIN |
                                                                  JSON_C_TO_STRING_NOSLASHESCAPE);
    return text != NULL ? iam->store->put(iam->host, key_str(key), virga_str_from(text)) : -ENOMEM;
}

int record_read(const struct call *call, const struct kind *kind, const char *name,
                struct json_object **ret_record) {
    struct key key;
    struct json_object *record = NULL;
    key_entity(call, kind, name, &key);
    int result = record_get(call->iam, &key, &record);
    if (result == 0 && strcmp(record_string(record, "Name"), name) != 0) {
        result = -ENOENT;
    }
    if (result != 0) {
        json_object_put(record);
        return result;
    }
    *ret_record = record;
    return 0;
}

int record_write(const struct call *call, const struct kind *kind, struct json_object *record) {
    struct key key;
    key_entity(call, kind, record_string(record, "Name"), &key);
    return record_put(call->iam, &key, record);
}

int record_delete(const struct call *call, const struct kind *kind, struct json_object *record) {
    struct key key;
    key_entity(call, kind, record_string(record, "Name"), &key);
    return call->iam->store->del(call->iam->host, key_str(&key));
}

int index_put(const struct call *call, enum relation relation, const char *used,
              const struct kind *user_kind, const char *user) {
    struct key key;
    key_index(call, relation, used, user_kind, user, &key);
    return call->iam->store->put(call->iam->host, key_str(&key), virga_str_from(user));
}

int index_del(const struct call *call, enum relation relation, const char *used,
              const struct kind *user_kind, const char *user) {
    struct key key;
    key_index(call, relation, used, user_kind, user, &key);
    int result = call->iam->store->del(call->iam->host, key_str(&key));
    return result == -ENOENT ? 0 : result;
}

int key_count(const struct iam *iam, const struct key *prefix, int64_t *ret_count) {
    struct virga_store_cursor *cursor;
    struct virga_str key, value;
    int64_t count = 0;
    int result = iam->store->scan(iam->host, key_str(prefix), (struct virga_str){NULL, 0},
                                  VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = iam->store->next(cursor, &key, &value)) == 1) {
        count++;
    }
    iam->store->close(cursor);
    *ret_count = count;
    return result;
}

int call_begin(struct call *call) {
    int result = call->iam->store->begin(call->iam->host);
    if (result != 0) {
        call_fail_internally(call, result);
    }
    return result;
}

int call_commit(struct call *call, int result) {
    if (result == 0) {
        result = call->iam->store->commit(call->iam->host);
    } else {
        call->iam->store->rollback(call->iam->host);
    }
    if (result != 0) {
        call_fail_internally(call, result);
    }
    return result;
}

const char *record_string(struct json_object *record, const char *member) {
    return virga_awsjson_str(record, member).ptr;
}

static int set(struct json_object *record, const char *member, struct json_object *value) {
    if (value == NULL) {
        return -ENOMEM;
    }
    if (json_object_object_add(record, member, value) != 0) {
        json_object_put(value);
        return -ENOMEM;
    }
    return 0;
}

int record_set(struct json_object *record, const char *member, struct virga_str value) {
    if (value.ptr == NULL) {
        json_object_object_del(record, member);
        return 0;
    }
    return set(record, member, json_object_new_string_len(value.ptr, (int)value.len));
}

int record_set_int(struct json_object *record, const char *member, int64_t value) {
    return set(record, member, json_object_new_int64(value));
}

struct json_object *record_array(struct json_object *record, const char *member) {
    struct json_object *array = virga_awsjson_member(record, member);
    if (array == NULL) {
        array = json_object_new_array();
        if (set(record, member, array) != 0) {
            return NULL;
        }
    }
    return array;
}

int array_add(struct json_object *array, struct json_object *value) {
    if (value == NULL || json_object_array_add(array, value) != 0) {
        json_object_put(value);
        return -ENOMEM;
    }
    return 0;
}

ptrdiff_t array_find(struct json_object *array, const char *member, const char *text) {
    size_t count = array != NULL ? json_object_array_length(array) : 0;
    for (size_t i = 0; i < count; i++) {
        struct json_object *element = json_object_array_get_idx(array, i);
        struct virga_str found =
            member != NULL ? virga_awsjson_str(element, member) : virga_awsjson_text(element);
        if (found.ptr != NULL && strcmp(found.ptr, text) == 0) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

const char *array_string(struct json_object *array, size_t index) {
    return virga_awsjson_text(json_object_array_get_idx(array, index)).ptr;
}
