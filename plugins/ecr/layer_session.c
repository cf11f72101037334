/* SPDX-License-Identifier: MIT */
/* Records of uploads: key q account region name uploadId. */
#include "layer_session.h"

#include "record.h"

#include <errno.h>

void layer_session_id(struct virga_str text, char ret_id[LAYER_UPLOAD_ID_LEN + 1]) {
    size_t len = text.len < LAYER_UPLOAD_ID_LEN ? text.len : LAYER_UPLOAD_ID_LEN;
    for (size_t i = 0; i < len; i++) {
        char c = text.ptr[i];
        ret_id[i] = (char)(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
    }
    ret_id[len] = '\0';
}

static bool session_key(struct record_key *key, const struct tenant *tenant, struct virga_str name,
                        const char *id) {
    record_key_in(key, 'q', tenant, name);
    record_key_add(key, virga_str_from(id));
    return !key->bad;
}

static void copy_text(char *buffer, size_t size, struct virga_str text) {
    size_t len = text.len < size ? text.len : size - 1;
    memcpy(buffer, text.ptr, len);
    buffer[len] = '\0';
}

static void decode(struct layer_session *session, struct virga_str record) {
    char letter;
    struct virga_str value;
    while (record_next(&record, &letter, &value)) {
        switch (letter) {
        case 'u':
            copy_text(session->uid, sizeof session->uid, value);
            break;
        case 'l':
            copy_text(session->address, sizeof session->address, value);
            break;
        case 'r':
            session->received = (uint64_t)record_int(value);
            break;
        case 'p':
            session->parts = (uint64_t)record_int(value);
            break;
        case 's':
            session->last_small = record_int(value) != 0;
            break;
        case 'x':
            session->small = record_int(value) != 0;
            break;
        case 't':
            session->used_ms = record_int(value);
            break;
        default:
            break;
        }
    }
}

int layer_session_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                      const char *id, struct layer_session *ret_session) {
    struct record_key key;
    struct virga_store_value value = {0};
    if (!session_key(&key, tenant, name, id)) {
        return -ENOENT;
    }
    int result = ecr->store->get(ecr->host, record_key_str(&key), &value);
    if (result == 0) {
        *ret_session = (struct layer_session){0};
        copy_text(ret_session->id, sizeof ret_session->id, virga_str_from(id));
        decode(ret_session, (struct virga_str){value.ptr, value.len});
        ecr->store->release(ecr->host, &value);
    }
    return result;
}

int layer_session_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                      const struct layer_session *session) {
    struct record_key key;
    struct record_writer writer = {0};
    if (!session_key(&key, tenant, name, session->id)) {
        return -EINVAL;
    }
    record_put_string(&writer, 'u', session->uid);
    record_put_string(&writer, 'l', session->address);
    record_put_int(&writer, 'r', (int64_t)session->received);
    record_put_int(&writer, 'p', (int64_t)session->parts);
    record_put_int(&writer, 's', session->last_small);
    record_put_int(&writer, 'x', session->small);
    record_put_int(&writer, 't', session->used_ms);
    int result = writer.failed ? -ENOMEM
                               : ecr->store->put(ecr->host, record_key_str(&key),
                                                 (struct virga_str){writer.ptr, writer.len});
    record_finish(&writer);
    return result;
}

int layer_session_delete(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         const char *id) {
    struct record_key key;
    return session_key(&key, tenant, name, id) ? ecr->store->del(ecr->host, record_key_str(&key))
                                               : -ENOENT;
}

/* Takes the part of a key that ends before the next NUL. */
static struct virga_str take_part(struct virga_str *key) {
    const char *end = key->len > 0 ? memchr(key->ptr, '\0', key->len) : NULL;
    struct virga_str part = {key->ptr, end != NULL ? (size_t)(end - key->ptr) : key->len};
    size_t used = end != NULL ? part.len + 1 : part.len;
    key->ptr += used;
    key->len -= used;
    return part;
}

int layer_session_each(struct ecr *ecr, const struct tenant *tenant,
                       int (*on_each)(void *arg, const struct tenant *tenant, struct virga_str name,
                                      const struct layer_session *session),
                       void *arg) {
    struct record_key prefix;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    record_key_start(&prefix, 'q');
    if (tenant != NULL) {
        record_key_add(&prefix, virga_str_from(tenant->account));
        record_key_add(&prefix, virga_str_from(tenant->region));
    }
    record_key_add(&prefix, virga_str_from(""));
    int result =
        ecr->store->scan(ecr->host, record_key_str(&prefix), (struct virga_str){0}, 0, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = ecr->store->next(cursor, &key, &value)) == 1) {
        struct tenant whose;
        struct layer_session session = {0};
        (void)take_part(&key);
        copy_text(whose.account, sizeof whose.account, take_part(&key));
        copy_text(whose.region, sizeof whose.region, take_part(&key));
        struct virga_str name = take_part(&key);
        copy_text(session.id, sizeof session.id, key);
        decode(&session, value);
        result = on_each(arg, &whose, name, &session);
        if (result != 0) {
            break;
        }
    }
    ecr->store->close(cursor);
    return result;
}

void layer_session_accept(struct layer_session *session, uint64_t end, int64_t now_ms) {
    session->small = session->small || session->last_small;
    session->last_small = end - session->received < LAYER_PART_MIN;
    session->received = end;
    session->parts++;
    session->used_ms = now_ms;
}
