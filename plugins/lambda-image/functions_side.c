/* SPDX-License-Identifier: MIT */
/* What belongs to functions, and single facts, in the store. */
#include "functions_key.h"

#include <errno.h>
#include <virga/helpers/awsjson.h>

/* --- side records --- */

int side_get(struct lambda *lambda, enum side_kind kind, const struct tenant *tenant,
             const char *name, const char *id, struct json_object **ret_json) {
    struct key key;
    key_make(&key, (char)kind, tenant, name, id);
    return key_get_json(lambda, &key, ret_json);
}

int side_put(struct lambda *lambda, enum side_kind kind, const struct tenant *tenant,
             const char *name, const char *id, struct json_object *json) {
    struct key key;
    key_make(&key, (char)kind, tenant, name, id);
    return key_put_json(lambda, &key, json);
}

int side_delete(struct lambda *lambda, enum side_kind kind, const struct tenant *tenant,
                const char *name, const char *id) {
    struct key key;
    key_make(&key, (char)kind, tenant, name, id);
    return lambda->store->del(lambda->host, key_str(&key));
}

/* The key that `after` stands for. */
static void key_after(struct key *key, enum side_kind kind, const struct tenant *tenant,
                      const char *name, const char *after) {
    char function[LAMBDA_ARN_MAX];
    const char *end = strchr(after, '\n');
    if (name != NULL || end == NULL) {
        key_make(key, (char)kind, tenant, name != NULL ? name : after, name != NULL ? after : "");
        return;
    }
    (void)snprintf(function, sizeof function, "%.*s", (int)(end - after), after);
    key_make(key, (char)kind, tenant, function, end + 1);
}

int side_each(struct lambda *lambda, enum side_kind kind, const struct tenant *tenant,
              const char *name, const char *after,
              bool (*on_side)(void *arg, const char *name, const char *id,
                              struct json_object *json),
              void *arg) {
    struct virga_store_cursor *cursor = NULL;
    struct virga_str row, value;
    struct key prefix, behind;
    bool more = true;
    key_start(&prefix, (char)kind, tenant);
    if (name != NULL) {
        key_add(&prefix, name);
    }
    if (after != NULL) {
        key_after(&behind, kind, tenant, name, after);
    }
    int result = lambda->store->scan(lambda->host, key_str(&prefix),
                                     after != NULL ? key_str(&behind) : (struct virga_str){NULL, 0},
                                     0, &cursor);
    while (result == 0 && more && (result = lambda->store->next(cursor, &row, &value)) == 1) {
        struct json_object *json = NULL;
        char function[LAMBDA_ARN_MAX], id[LAMBDA_ARN_MAX];
        row.ptr++;
        row.len--;
        (void)key_take_part(&row);
        (void)key_take_part(&row);
        (void)snprintf(function, sizeof function, "%s", key_take_part(&row));
        (void)snprintf(id, sizeof id, "%.*s", (int)row.len, row.len > 0 ? row.ptr : "");
        result = virga_awsjson_parse(value, &json);
        if (result == 0) {
            more = on_side(arg, function, id, json);
            json_object_put(json);
        }
    }
    lambda->store->close(cursor);
    return result < 0 ? result : 0;
}

/* --- facts --- */

static void key_fact(struct key *key, const char *name) {
    key->bytes[0] = TABLE_FACT;
    key->len = 1;
    key_add(key, name);
    key->len--;
}

int fact_get(struct lambda *lambda, const char *name, char *buffer, size_t size) {
    struct virga_store_value value = {0};
    struct key key;
    key_fact(&key, name);
    int result = lambda->store->get(lambda->host, key_str(&key), &value);
    if (result != 0) {
        return result;
    }
    result = value.len < size ? 0 : -ENOSPC;
    if (result == 0) {
        memcpy(buffer, value.ptr, value.len);
        buffer[value.len] = '\0';
    }
    lambda->store->release(lambda->host, &value);
    return result;
}

int fact_put(struct lambda *lambda, const char *name, const char *value) {
    struct key key;
    key_fact(&key, name);
    return lambda->store->put(lambda->host, key_str(&key), virga_str_from(value));
}

int fact_delete(struct lambda *lambda, const char *name) {
    struct key key;
    key_fact(&key, name);
    return lambda->store->del(lambda->host, key_str(&key));
}
