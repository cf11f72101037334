/* SPDX-License-Identifier: MIT */
/* Images in the archive. Their entries of ListImages stand on shelves of their own (table l), so
 * that a page of active images costs the same however many are archived:
 *   1g, 1u   archived, tagged and untagged
 *   2g, 2u   activating
 * What is activating also has a row by time, by which it is found when that has come; a row whose
 * image is gone or changed is dropped then. */
#include "meta_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define DUE_DIGITS 16

void meta_entry_prefix(struct record_key *key, const struct tenant *tenant, struct virga_str name,
                       enum meta_status status, bool tagged) {
    if (status == META_ACTIVE) {
        record_key_in(key, tagged ? 'g' : 'u', tenant, name);
    } else {
        const char shelf[] = {status == META_ARCHIVED ? '1' : '2', tagged ? 'g' : 'u', '\0'};
        record_key_in(key, 'l', tenant, name);
        record_key_add(key, virga_str_from(shelf));
    }
}

bool meta_entry_key(struct record_key *key, const struct tenant *tenant, struct virga_str name,
                    enum meta_status status, struct virga_str digest, struct virga_str tag) {
    meta_entry_prefix(key, tenant, name, status, tag.ptr != NULL);
    record_key_add(key, digest);
    if (tag.ptr != NULL) {
        record_key_add(key, tag);
    }
    return !key->bad;
}

static int move_entry(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                      const struct meta_image *image, enum meta_status to, struct virga_str tag) {
    struct record_key from_key, to_key;
    struct virga_str digest = virga_str_from(image->digest);
    if (!meta_entry_key(&from_key, tenant, name, image->status, digest, tag) ||
        !meta_entry_key(&to_key, tenant, name, to, digest, tag)) {
        return -EINVAL;
    }
    int result = ecr->store->del(ecr->host, record_key_str(&from_key));
    if (result != 0 && result != -ENOENT) {
        return result;
    }
    return ecr->store->put(ecr->host, record_key_str(&to_key), virga_str_from(""));
}

int meta_entries_move(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                      const struct meta_image *image, enum meta_status to) {
    int result = 0;
    if (image->tags_count == 0) {
        return move_entry(ecr, tenant, name, image, to, (struct virga_str){0});
    }
    for (size_t i = 0; i < image->tags_count && result == 0; i++) {
        result = move_entry(ecr, tenant, name, image, to, virga_str_from(image->tags[i]));
    }
    return result;
}

/* Writes down when an image will be active. */
static int put_due(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                   struct virga_str digest, int64_t due_ms) {
    char digits[DUE_DIGITS + 1];
    struct record_key key;
    (void)snprintf(digits, sizeof digits, "%016" PRIx64, (uint64_t)due_ms);
    record_key_start(&key, 'l');
    record_key_add(&key, virga_str_from(""));
    record_key_add(&key, virga_str_from(digits));
    record_key_add(&key, virga_str_from(tenant->account));
    record_key_add(&key, virga_str_from(tenant->region));
    record_key_add(&key, name);
    record_key_add(&key, digest);
    return key.bad ? -EINVAL : ecr->store->put(ecr->host, record_key_str(&key), virga_str_from(""));
}

/* Brings an image that must be of status `from` to another one. */
static int change(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                  struct virga_str digest, enum meta_status from, enum meta_status to,
                  int64_t time_ms) {
    struct meta_image image;
    int result = meta_image_get(ecr, tenant, name, digest, &image);
    if (result != 0) {
        return result;
    }
    if (image.status != from) {
        result = -EALREADY;
    }
    if (result == 0) {
        result = meta_entries_move(ecr, tenant, name, &image, to);
    }
    if (result == 0) {
        image.status = to;
        if (to == META_ARCHIVED) {
            image.archived_ms = time_ms;
        } else {
            image.activated_ms = time_ms;
        }
        result = meta_image_rewrite(ecr, tenant, name, &image);
    }
    if (result == 0 && to == META_ACTIVATING) {
        result = put_due(ecr, tenant, name, digest, time_ms);
    }
    meta_image_finish(&image);
    return result;
}

int meta_image_archive(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       struct virga_str digest, int64_t now_ms) {
    bool own = false;
    int result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    return meta_end(ecr, own,
                    change(ecr, tenant, name, digest, META_ACTIVE, META_ARCHIVED, now_ms));
}

int meta_image_restore(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       struct virga_str digest, int64_t now_ms, int64_t active_ms) {
    bool own = false;
    int result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    bool later = active_ms > now_ms;
    return meta_end(ecr, own,
                    change(ecr, tenant, name, digest, META_ARCHIVED,
                           later ? META_ACTIVATING : META_ACTIVE, later ? active_ms : now_ms));
}

/* --- what becomes active by itself --- */

/* A row by time, taken apart. */
struct due {
    char key[RECORD_KEY_MAX];
    size_t key_len;
    int64_t due_ms;
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    char digest[ECR_DIGEST_LEN + 1];
};

/* Copies the part that ends at the next NUL, or at the end. */
static void take_part(struct virga_str *rest, char *buffer, size_t size) {
    size_t len = strnlen(rest->ptr, rest->len);
    (void)snprintf(buffer, size, "%.*s", (int)len, rest->ptr);
    len += len < rest->len;
    *rest = (struct virga_str){rest->ptr + len, rest->len - len};
}

static void split_due(struct virga_str key, size_t prefix_len, struct due *ret_due) {
    char digits[DUE_DIGITS + 1] = "";
    struct virga_str rest = {key.ptr + prefix_len, key.len - prefix_len};
    memcpy(ret_due->key, key.ptr, key.len);
    ret_due->key_len = key.len;
    take_part(&rest, digits, sizeof digits);
    ret_due->due_ms = (int64_t)strtoull(digits, NULL, 16);
    take_part(&rest, ret_due->tenant.account, sizeof ret_due->tenant.account);
    take_part(&rest, ret_due->tenant.region, sizeof ret_due->tenant.region);
    take_part(&rest, ret_due->name, sizeof ret_due->name);
    take_part(&rest, ret_due->digest, sizeof ret_due->digest);
}

/* Reads the first row. 1 there is one, 0 there is none. */
static int first_due(struct ecr *ecr, struct due *ret_due) {
    struct record_key prefix;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    record_key_start(&prefix, 'l');
    record_key_add(&prefix, virga_str_from(""));
    record_key_add(&prefix, virga_str_from(""));
    int result = ecr->store->scan(ecr->host, record_key_str(&prefix), (struct virga_str){0},
                                  VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result != 0) {
        return result;
    }
    result = ecr->store->next(cursor, &key, &value);
    if (result == 1 && key.len <= sizeof ret_due->key) {
        split_due(key, prefix.len, ret_due);
    }
    ecr->store->close(cursor);
    return result;
}

static int activate(struct ecr *ecr, const struct due *due) {
    struct meta_image image = {0};
    struct virga_str name = virga_str_from(due->name), digest = virga_str_from(due->digest);
    int result = meta_image_get(ecr, &due->tenant, name, digest, &image);
    bool same = result == 0 && image.status == META_ACTIVATING && image.activated_ms == due->due_ms;
    meta_image_finish(&image);
    if (same) {
        result = change(ecr, &due->tenant, name, digest, META_ACTIVATING, META_ACTIVE, due->due_ms);
    }
    if (result == 0 || result == -ENOENT) {
        result = ecr->store->del(ecr->host, (struct virga_str){due->key, due->key_len});
    }
    return result;
}

int meta_activate_due(struct ecr *ecr, int64_t now_ms, size_t limit, int64_t *ret_next_ms) {
    struct due due = {0};
    int result = 0;
    for (;;) {
        result = first_due(ecr, &due);
        if (result != 1 || due.due_ms > now_ms || limit-- == 0) {
            break;
        }
        bool own = false;
        result = meta_begin(ecr, &own);
        if (result != 0 || (result = meta_end(ecr, own, activate(ecr, &due))) != 0) {
            return result;
        }
    }
    if (result < 0) {
        return result;
    }
    *ret_next_ms = result == 1 ? due.due_ms : 0;
    return 0;
}
