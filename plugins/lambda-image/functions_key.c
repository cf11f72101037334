/* SPDX-License-Identifier: MIT */
/* Keys of functions in the store, and JSON behind them. */
#include "functions_key.h"

#include <errno.h>
#include <virga/helpers/awsjson.h>

void key_add(struct key *key, const char *text) {
    size_t len = strlen(text) + 1;
    if (key->len + len <= sizeof key->bytes) {
        memcpy(key->bytes + key->len, text, len);
        key->len += len;
    }
}

void key_start(struct key *key, char table, const struct tenant *tenant) {
    key->bytes[0] = table;
    key->len = 1;
    key_add(key, tenant->account);
    key_add(key, tenant->region);
}

void key_make(struct key *key, char table, const struct tenant *tenant, const char *name,
              const char *id) {
    key_start(key, table, tenant);
    key_add(key, name);
    if (id[0] != '\0') {
        key_add(key, id);
        key->len--;
    }
}

struct virga_str key_str(const struct key *key) {
    return (struct virga_str){key->bytes, key->len};
}

void key_version(struct key *key, const struct tenant *tenant, const char *name,
                 const char *version) {
    char id[64];
    if (strcmp(version, FUNCTIONS_LATEST) == 0) {
        key_make(key, TABLE_LATEST, tenant, name, "");
        return;
    }
    (void)snprintf(id, sizeof id, "%02zu%.50s", strlen(version) % 100, version);
    key_make(key, TABLE_VERSION, tenant, name, id);
}

const char *key_take_part(struct virga_str *key) {
    const char *part = key->len > 0 ? key->ptr : "";
    size_t len = strnlen(part, key->len);
    size_t used = len < key->len ? len + 1 : len;
    key->ptr += used;
    key->len -= used;
    return part;
}

int key_put_json(struct lambda *lambda, const struct key *key, struct json_object *json) {
    size_t len = 0;
    const char *text = json_object_to_json_string_length(
        json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    return text == NULL
               ? -ENOMEM
               : lambda->store->put(lambda->host, key_str(key), (struct virga_str){text, len});
}

int key_get_json(struct lambda *lambda, const struct key *key, struct json_object **ret_json) {
    struct virga_store_value value = {0};
    int result = lambda->store->get(lambda->host, key_str(key), &value);
    if (result == 0) {
        result = virga_awsjson_parse((struct virga_str){value.ptr, value.len}, ret_json);
        lambda->store->release(lambda->host, &value);
    }
    return result;
}
