/* SPDX-License-Identifier: MIT */
/* Walks over a repository's images, tags and entries; the key layout is in meta.c. */
#include "meta_impl.h"

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

/* Opens a walk over the rows below a prefix, from behind `after` (what follows the prefix; ptr
 * NULL: the start) and takes the first row. */
static int walk_open_at(struct ecr *ecr, const struct record_key *prefix, struct virga_str after,
                        uint32_t flags, struct walk *walk) {
    char bytes[RECORD_KEY_MAX];
    struct virga_str behind = {0};
    *walk = (struct walk){.prefix = *prefix};
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

/* Opens a walk over a repository's rows in a table. */
static int walk_open(struct ecr *ecr, char table, const struct tenant *tenant,
                     struct virga_str name, struct virga_str after, uint32_t flags,
                     struct walk *walk) {
    struct record_key prefix;
    record_key_in(&prefix, table, tenant, name);
    return walk_open_at(ecr, &prefix, after, flags, walk);
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

/* One of the walks that meta_entry_each() merges. */
struct stream {
    struct walk walk;
    bool tagged;
};

#define STREAMS_MAX 6 /* three statuses, tagged and untagged */

/* Opens a stream for each kind of entry that is wanted. */
static int open_streams(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                        unsigned which, struct virga_str after_digest, struct virga_str behind,
                        struct stream streams[STREAMS_MAX], size_t *ret_count) {
    static const unsigned flags[] = {META_WITH_ACTIVE, META_WITH_ARCHIVED, META_WITH_ACTIVATING};
    bool all = (which & (META_WITH_ACTIVE | META_WITH_ARCHIVED | META_WITH_ACTIVATING)) == 0;
    int result = 0;
    for (size_t i = 0; i < 2 * sizeof flags / sizeof flags[0] && result == 0; i++) {
        struct record_key prefix;
        bool tagged = i % 2 == 0;
        if ((which & (tagged ? META_TAGGED : META_UNTAGGED)) == 0 ||
            (!all && (which & flags[i / 2]) == 0)) {
            continue;
        }
        struct stream *stream = &streams[(*ret_count)++];
        stream->tagged = tagged;
        meta_entry_prefix(&prefix, tenant, name, (enum meta_status)(i / 2), tagged);
        result = walk_open_at(ecr, &prefix, tagged ? behind : after_digest, VIRGA_STORE_KEYS_ONLY,
                              &stream->walk);
    }
    return result;
}

/* The stream whose row is the first; NULL: all have ended. */
static struct stream *first_stream(struct stream *streams, size_t count) {
    struct stream *first = NULL;
    for (size_t i = 0; i < count; i++) {
        struct stream *stream = &streams[i];
        /* Digests all have one length, so that memcmp orders them, and a digest is in one stream
         * only. */
        if (stream->walk.there &&
            (first == NULL ||
             memcmp(stream->walk.part.ptr, first->walk.part.ptr,
                    stream->walk.part.len < first->walk.part.len ? stream->walk.part.len
                                                                 : first->walk.part.len) < 0)) {
            first = stream;
        }
    }
    return first;
}

int meta_entry_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    unsigned which, struct virga_str after_digest, struct virga_str after_tag,
                    int (*on_each)(void *arg, struct virga_str digest, struct virga_str tag),
                    void *arg) {
    struct stream streams[STREAMS_MAX] = {0};
    size_t count = 0;
    char bytes[ECR_DIGEST_LEN + 1 + ECR_TAG_MAX];
    struct virga_str behind = {0};
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
    int result = open_streams(ecr, tenant, name, which, after_digest, behind, streams, &count);
    struct stream *stream = NULL;
    while (result == 0 && (stream = first_stream(streams, count)) != NULL) {
        struct virga_str digest = stream->walk.part, tag = virga_str_from("");
        if (stream->tagged) {
            split(stream->walk.part, &digest, &tag);
        }
        result = on_each(arg, digest, tag);
        if (result == 0) {
            result = walk_next(ecr, &stream->walk);
        }
    }
    for (size_t i = 0; i < count; i++) {
        ecr->store->close(streams[i].walk.cursor);
    }
    return result;
}
