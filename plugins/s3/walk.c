/* SPDX-License-Identifier: MIT */
/* Walks over names. */
#include "walk.h"

#include <errno.h>

/* Names are UTF-8, so that no name that begins with a prefix is behind it and this. */
#define BEHIND_ALL "\xff"

static bool ends_with(struct virga_str text, struct virga_str with) {
    return with.len > 0 && text.len >= with.len &&
           memcmp(text.ptr + text.len - with.len, with.ptr, with.len) == 0;
}

static bool begins_with(struct virga_str text, struct virga_str with) {
    return text.len >= with.len && (with.len == 0 || memcmp(text.ptr, with.ptr, with.len) == 0);
}

static int scan(struct walk *walk) {
    struct s3 *s3 = walk->s3;
    char prefix[RECORD_KEY_MAX], after[RECORD_KEY_MAX + sizeof walk->after];
    size_t table_len = walk->table.len;
    memcpy(prefix, walk->table.bytes, table_len);
    memcpy(prefix + table_len, walk->prefix.ptr, walk->prefix.len);
    memcpy(after, walk->table.bytes, table_len);
    memcpy(after + table_len, walk->after, walk->after_len);
    struct virga_str behind = s3_str(after, table_len + walk->after_len);
    return s3->store->scan(s3->host, s3_str(prefix, table_len + walk->prefix.len),
                           walk->after_len > 0 ? behind : s3_str(NULL, 0), 0, &walk->cursor);
}

/* Goes on behind everything that begins with the common prefix. */
static int skip(struct walk *walk) {
    memcpy(walk->after, walk->common, walk->common_len);
    memcpy(walk->after + walk->common_len, BEHIND_ALL, 1);
    walk->after_len = walk->common_len + 1;
    walk->skips = false;
    walk_end(walk);
    return scan(walk);
}

int walk_begin(struct walk *walk, struct s3 *s3, char table, struct virga_str bucket,
               struct virga_str prefix, struct virga_str delimiter, struct virga_str after) {
    *walk = (struct walk){.s3 = s3,
                          .prefix = prefix.ptr != NULL ? prefix : s3_str("", 0),
                          .delimiter = delimiter.ptr != NULL ? delimiter : s3_str("", 0)};
    if (prefix.len > S3_KEY_MAX || after.len + 2 > sizeof walk->after) {
        return -EINVAL;
    }
    record_key_in(&walk->table, table, bucket);
    record_key_add(&walk->table, s3_str("", 0));
    walk->after_len = after.len;
    if (after.len > 0) {
        memcpy(walk->after, after.ptr, after.len);
    }
    if (after.len > walk->prefix.len && ends_with(after, walk->delimiter) &&
        begins_with(after, walk->prefix)) {
        walk->after[walk->after_len++] = BEHIND_ALL[0];
    }
    return scan(walk);
}

/* The prefix of a name up to and with the first delimiter behind walk->prefix; len 0: none. */
static size_t common_of(const struct walk *walk, struct virga_str name) {
    size_t from = walk->prefix.len;
    const char *at =
        walk->delimiter.len > 0 && name.len > from
            ? memmem(name.ptr + from, name.len - from, walk->delimiter.ptr, walk->delimiter.len)
            : NULL;
    return at != NULL ? (size_t)(at - name.ptr) + walk->delimiter.len : 0;
}

int walk_next(struct walk *walk, struct virga_str *ret_name, struct virga_str *ret_record,
              struct virga_str *ret_rest, bool *ret_common) {
    struct virga_str key;
    int result = walk->skips ? skip(walk) : 0;
    if (result != 0) {
        return result;
    }
    result = walk->s3->store->next(walk->cursor, &key, ret_record);
    if (result != 1) {
        return result;
    }
    struct virga_str name = s3_str(key.ptr + walk->table.len, key.len - walk->table.len);
    const char *nul = memchr(name.ptr, '\0', name.len);
    *ret_rest = s3_str("", 0);
    if (nul != NULL) {
        size_t len = (size_t)(nul - name.ptr);
        *ret_rest = s3_str(nul + 1, name.len - len - 1);
        name.len = len;
    }
    walk->common_len = common_of(walk, name);
    *ret_common = walk->common_len > 0;
    if (*ret_common) {
        memcpy(walk->common, name.ptr, walk->common_len);
        walk->skips = true;
        name = s3_str(walk->common, walk->common_len);
    }
    *ret_name = name;
    return 1;
}

void walk_end(struct walk *walk) {
    walk->s3->store->close(walk->cursor);
    walk->cursor = NULL;
}
