/* SPDX-License-Identifier: MIT */
/* The store as this plugin keeps it. */
#include "record.h"

#include <errno.h>

static struct virga_str make_key(char buffer[RECORD_KEY_SIZE], const char *format, va_list args) {
    int len = vsnprintf(buffer, RECORD_KEY_SIZE, format, args);
    return (struct virga_str){buffer, len > 0 && len < RECORD_KEY_SIZE ? (size_t)len : 0};
}

#define KEY(buffer, key, format)                                                                   \
    char buffer[RECORD_KEY_SIZE];                                                                  \
    va_list args;                                                                                  \
    va_start(args, format);                                                                        \
    struct virga_str key = make_key(buffer, format, args);                                         \
    va_end(args)

int record_get(struct cfn *cfn, struct json_object **ret_object, const char *key_format, ...) {
    struct virga_store_value value;
    KEY(buffer, key, key_format);
    if (key.len == 0) {
        return -ENOENT;
    }
    int result = cfn->store->get(cfn->host, key, &value);
    if (result == 0) {
        result = value_parse((struct virga_str){value.ptr, value.len}, ret_object, NULL);
        cfn->store->release(cfn->host, &value);
    }
    return result == -EBADMSG ? -EIO : result;
}

int record_put(struct cfn *cfn, struct json_object *object, const char *key_format, ...) {
    const char *json = value_json(object);
    KEY(buffer, key, key_format);
    if (json == NULL) {
        return -ENOMEM;
    }
    return key.len == 0 ? -EINVAL : cfn->store->put(cfn->host, key, virga_str_from(json));
}

int record_get_text(struct cfn *cfn, struct text *ret_text, const char *key_format, ...) {
    struct virga_store_value value;
    KEY(buffer, key, key_format);
    int result = key.len == 0 ? -ENOENT : cfn->store->get(cfn->host, key, &value);
    if (result != 0) {
        return result;
    }
    struct text text = {0};
    text_add(&text, value.ptr, value.len);
    cfn->store->release(cfn->host, &value);
    if (text.failed) {
        text_finish(&text);
        return -ENOMEM;
    }
    *ret_text = text;
    return 0;
}

int record_put_text(struct cfn *cfn, struct virga_str bytes, const char *key_format, ...) {
    KEY(buffer, key, key_format);
    return key.len == 0 ? -EINVAL : cfn->store->put(cfn->host, key, bytes);
}

int record_delete(struct cfn *cfn, const char *key_format, ...) {
    KEY(buffer, key, key_format);
    int result = key.len == 0 ? 0 : cfn->store->del(cfn->host, key);
    return result == -ENOENT ? 0 : result;
}

int record_delete_all(struct cfn *cfn, const char *prefix_format, ...) {
    KEY(buffer, key, prefix_format);
    return key.len == 0 ? 0 : cfn->store->del_prefix(cfn->host, key, NULL);
}

int record_each(struct cfn *cfn, const char *prefix, const char *after, bool reverse,
                int (*on_object)(void *arg, const char *rest, struct json_object *object),
                void *arg) {
    char from[RECORD_KEY_SIZE];
    struct virga_store_cursor *cursor;
    struct virga_str key;
    struct virga_str value;
    struct virga_str start = {NULL, 0};
    size_t prefix_len = strlen(prefix);
    if (*after != '\0') {
        (void)snprintf(from, sizeof from, "%s%s", prefix, after);
        start = virga_str_from(from);
    }
    int result = cfn->store->scan(cfn->host, virga_str_from(prefix), start,
                                  reverse ? VIRGA_STORE_REVERSE : 0, &cursor);
    if (result != 0) {
        return result;
    }
    while (result == 0) {
        char rest[RECORD_KEY_SIZE];
        struct json_object *object = NULL;
        int more = cfn->store->next(cursor, &key, &value);
        if (more <= 0) {
            result = more;
            break;
        }
        (void)snprintf(rest, sizeof rest, "%.*s", (int)(key.len - prefix_len),
                       key.ptr + prefix_len);
        result = value_parse(value, &object, NULL);
        result = result == -EBADMSG ? -EIO : result;
        if (result == 0) {
            result = on_object(arg, rest, object);
        }
        json_object_put(object);
    }
    cfn->store->close(cursor);
    return result;
}

int record_begin(struct cfn *cfn) {
    return cfn->store->begin(cfn->host);
}

int record_end(struct cfn *cfn, int result) {
    if (result == 0) {
        return cfn->store->commit(cfn->host);
    }
    cfn->store->rollback(cfn->host);
    return result;
}
