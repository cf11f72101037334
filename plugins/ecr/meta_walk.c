/* SPDX-License-Identifier: MIT */
/* Walks over a repository's images, tags and entries; the key layout is in meta.c. */
#include "meta.h"
#include "record.h"

#include <errno.h>

/* A position in one table of a repository. */
struct walk {
    struct virga_store_cursor *cursor;
    struct record_key prefix;
    struct virga_str part; /* what follows the prefix in the row at hand */
    struct virga_str value;
    bool there; /* a row is at hand */
};

/* Takes the next row. Errors: -EIO. */
static int walk_next(struct ecr *ecr, struct walk *walk) {
    struct virga_str key;
    int result = ecr->store->next(walk->cursor, &key, &walk->value);
    walk->there = result == 1;
    if (walk->there) {
        walk->part = (struct virga_str){key.ptr + walk->prefix.len, key.len - walk->prefix.len};
    }
    return result < 0 ? result : 0;
}

/* Opens a walk over a table from behind `after` (its parts behind the repository; ptr NULL: the
 * start) and takes the first row. */
static int walk_open(struct ecr *ecr, char table, const struct tenant *tenant,
                     struct virga_str name, struct virga_str after, uint32_t flags,
                     struct walk *walk) {
    char bytes[RECORD_KEY_MAX];
    struct virga_str behind = {0};
    *walk = (struct walk){0};
    record_key_in(&walk->prefix, table, tenant, name);
    record_key_add(&walk->prefix, virga_str_from(""));
    if (walk->prefix.bad || after.len > sizeof bytes - walk->prefix.len) {
        return -EINVAL;
    }
    if (after.ptr != NULL) {
        memcpy(bytes, walk->prefix.bytes, walk->prefix.len);
        memcpy(bytes + walk->prefix.len, after.ptr, after.len);
        behind = (struct virga_str){bytes, walk->prefix.len + after.len};
    }
    int result =
        ecr->store->scan(ecr->host, record_key_str(&walk->prefix), behind, flags, &walk->cursor);
    return result != 0 ? result : walk_next(ecr, walk);
}

/* Cuts "digest NUL rest" in two. */
static void split(struct virga_str part, struct virga_str *ret_first, struct virga_str *ret_rest) {
    const char *nul = part.len > 0 ? memchr(part.ptr, '\0', part.len) : NULL;
    size_t len = nul != NULL ? (size_t)(nul - part.ptr) : part.len;
    *ret_first = (struct virga_str){part.ptr, len};
    *ret_rest = nul != NULL ? (struct virga_str){nul + 1, part.len - len - 1}
                            : (struct virga_str){part.ptr + part.len, 0};
}

int meta_image_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    struct virga_str after, int (*on_each)(void *arg, struct meta_image *image),
                    void *arg) {
    struct walk walk;
    int result = walk_open(ecr, 'i', tenant, name, after, VIRGA_STORE_KEYS_ONLY, &walk);
    while (result == 0 && walk.there) {
        struct meta_image image;
        result = meta_image_get(ecr, tenant, name, walk.part, &image);
        if (result == 0) {
            result = on_each(arg, &image);
            meta_image_finish(&image);
        }
        if (result == 0) {
            result = walk_next(ecr, &walk);
        }
    }
    ecr->store->close(walk.cursor);
    return result;
}

int meta_tag_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                  struct virga_str after,
                  int (*on_each)(void *arg, struct virga_str tag, struct virga_str digest),
                  void *arg) {
    struct walk walk;
    int result = walk_open(ecr, 't', tenant, name, after, 0, &walk);
    while (result == 0 && walk.there) {
        result = on_each(arg, walk.part, walk.value);
        if (result == 0) {
            result = walk_next(ecr, &walk);
        }
    }
    ecr->store->close(walk.cursor);
    return result;
}

int meta_parent_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                     struct virga_str digest, int (*on_each)(void *arg, struct virga_str parent),
                     void *arg) {
    struct record_key key;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str found, value;
    record_key_in(&key, 'p', tenant, name);
    record_key_add(&key, digest);
    record_key_add(&key, virga_str_from(""));
    if (key.bad) {
        return 0;
    }
    int result = ecr->store->scan(ecr->host, record_key_str(&key), (struct virga_str){0},
                                  VIRGA_STORE_KEYS_ONLY, &cursor);
    while (result == 0 && (result = ecr->store->next(cursor, &found, &value)) == 1) {
        result = on_each(arg, (struct virga_str){found.ptr + key.len, found.len - key.len});
    }
    ecr->store->close(cursor);
    return result;
}

int meta_entry_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    unsigned which, struct virga_str after_digest, struct virga_str after_tag,
                    int (*on_each)(void *arg, struct virga_str digest, struct virga_str tag),
                    void *arg) {
    struct walk tagged = {0}, untagged = {0};
    char bytes[ECR_DIGEST_LEN + 1 + ECR_TAG_MAX];
    struct virga_str behind = {0};
    int result = 0;
    if (after_digest.len > ECR_DIGEST_LEN || after_tag.len > ECR_TAG_MAX) {
        return -EINVAL;
    }
    if (after_digest.ptr != NULL) {
        memcpy(bytes, after_digest.ptr, after_digest.len);
        bytes[after_digest.len] = '\0';
        if (after_tag.len > 0) {
            memcpy(bytes + after_digest.len + 1, after_tag.ptr, after_tag.len);
        }
        behind = (struct virga_str){bytes, after_digest.len + 1 + after_tag.len};
    }
    if ((which & META_TAGGED) != 0) {
        result = walk_open(ecr, 'g', tenant, name, behind, VIRGA_STORE_KEYS_ONLY, &tagged);
    }
    if (result == 0 && (which & META_UNTAGGED) != 0) {
        result = walk_open(ecr, 'u', tenant, name, after_digest, VIRGA_STORE_KEYS_ONLY, &untagged);
    }
    while (result == 0 && (tagged.there || untagged.there)) {
        struct virga_str digest, tag;
        bool take_untagged = untagged.there;
        if (tagged.there) {
            split(tagged.part, &digest, &tag);
            /* Digests all have one length, so that memcmp orders them. */
            take_untagged =
                untagged.there &&
                memcmp(untagged.part.ptr, digest.ptr,
                       untagged.part.len < digest.len ? untagged.part.len : digest.len) < 0;
        }
        result = take_untagged ? on_each(arg, untagged.part, virga_str_from(""))
                               : on_each(arg, digest, tag);
        if (result == 0) {
            result = walk_next(ecr, take_untagged ? &untagged : &tagged);
        }
    }
    ecr->store->close(tagged.cursor);
    ecr->store->close(untagged.cursor);
    return result;
}
