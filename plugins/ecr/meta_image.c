/* SPDX-License-Identifier: MIT */
/* The records of images and their tags; the key layout is in meta.c. */
#include "meta.h"
#include "meta_impl.h"
#include "record.h"

#include <errno.h>
#include <stdlib.h>

static void free_list(char **list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(list[i]);
    }
    free(list);
}

void meta_image_finish(struct meta_image *image) {
    if (image == NULL) {
        return;
    }
    free_list(image->children, image->children_count);
    free_list(image->tags, image->tags_count);
    free(image->media_type);
    free(image->artifact_media_type);
    free(image->subject);
    free(image->annotations);
    *image = (struct meta_image){0};
}

/* Appends a copy to a list that doubles at every power of two. */
static int append(char ***list, size_t *count, struct virga_str text) {
    if ((*count & (*count - 1)) == 0) {
        char **grown = realloc(*list, (*count > 0 ? *count * 2 : 1) * sizeof **list);
        if (grown == NULL) {
            return -ENOMEM;
        }
        *list = grown;
    }
    char *copy = strndup(text.ptr, text.len);
    if (copy == NULL) {
        return -ENOMEM;
    }
    (*list)[(*count)++] = copy;
    return 0;
}

static int replace(char **text, struct virga_str value) {
    char *copy = strndup(value.ptr, value.len);
    if (copy == NULL) {
        return -ENOMEM;
    }
    free(*text);
    *text = copy;
    return 0;
}

static int decode_field(struct meta_image *image, char letter, struct virga_str value) {
    switch (letter) {
    case 'm':
        return replace(&image->media_type, value);
    case 'a':
        return replace(&image->artifact_media_type, value);
    case 's':
        image->size_bytes = (uint64_t)record_int(value);
        return 0;
    case 'b':
        image->manifest_bytes = (uint64_t)record_int(value);
        return 0;
    case 'p':
        image->pushed_ms = record_int(value);
        return 0;
    case 'l':
        image->pulled_ms = record_int(value);
        return 0;
    case 'j':
        return replace(&image->subject, value);
    case 'q':
        image->status = (enum meta_status)record_int(value);
        return image->status > META_ACTIVATING ? -EIO : 0;
    case 'h':
        image->archived_ms = record_int(value);
        return 0;
    case 'w':
        image->activated_ms = record_int(value);
        return 0;
    case 'c':
        return append(&image->children, &image->children_count, value);
    default:
        return 0;
    }
}

static int decode(struct virga_str digest, struct virga_str record, struct meta_image *ret_image) {
    struct meta_image image = {0};
    char letter;
    struct virga_str value;
    int result = digest.len < sizeof image.digest ? 0 : -EIO;
    if (result == 0) {
        memcpy(image.digest, digest.ptr, digest.len);
    }
    while (result == 0 && record_next(&record, &letter, &value)) {
        result = decode_field(&image, letter, value);
    }
    if (result == 0 && image.media_type == NULL) {
        result = -EIO;
    }
    if (result != 0) {
        meta_image_finish(&image);
        return result;
    }
    *ret_image = image;
    return 0;
}

static int write_record(struct ecr *ecr, const struct record_key *key,
                        const struct meta_image *image) {
    struct record_writer writer = {0};
    record_put_string(&writer, 'm', image->media_type);
    record_put_string(&writer, 'a', image->artifact_media_type);
    record_put_int(&writer, 's', (int64_t)image->size_bytes);
    record_put_int(&writer, 'b', (int64_t)image->manifest_bytes);
    record_put_int(&writer, 'p', image->pushed_ms);
    record_put_int(&writer, 'l', image->pulled_ms);
    record_put_string(&writer, 'j', image->subject);
    if (image->archived_ms != 0) {
        record_put_int(&writer, 'q', image->status);
        record_put_int(&writer, 'h', image->archived_ms);
        record_put_int(&writer, 'w', image->activated_ms);
    }
    for (size_t i = 0; i < image->children_count; i++) {
        record_put_string(&writer, 'c', image->children[i]);
    }
    int result = writer.failed ? -ENOMEM
                               : ecr->store->put(ecr->host, record_key_str(key),
                                                 (struct virga_str){writer.ptr, writer.len});
    record_finish(&writer);
    return result;
}

/* The key of a row: table, repository, one part and maybe a second. */
static bool row_key(struct record_key *key, char table, const struct tenant *tenant,
                    struct virga_str name, struct virga_str part, const char *second) {
    record_key_in(key, table, tenant, name);
    record_key_add(key, part);
    if (second != NULL) {
        record_key_add(key, virga_str_from(second));
    }
    return !key->bad;
}

static int read_record(struct ecr *ecr, const struct record_key *key, struct virga_str digest,
                       struct meta_image *ret_image) {
    struct virga_store_value value = {0};
    int result = ecr->store->get(ecr->host, record_key_str(key), &value);
    if (result != 0) {
        return result;
    }
    result = decode(digest, (struct virga_str){value.ptr, value.len}, ret_image);
    ecr->store->release(ecr->host, &value);
    return result;
}

/* Reads the tags of one image, in order. */
static int read_tags(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                     struct meta_image *image) {
    struct record_key prefix;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    meta_entry_key(&prefix, tenant, name, image->status, virga_str_from(image->digest),
                   virga_str_from(""));
    int result = ecr->store->scan(ecr->host, record_key_str(&prefix), (struct virga_str){0},
                                  VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = ecr->store->next(cursor, &key, &value)) == 1) {
        result = append(&image->tags, &image->tags_count,
                        (struct virga_str){key.ptr + prefix.len, key.len - prefix.len});
        if (result != 0) {
            break;
        }
    }
    ecr->store->close(cursor);
    return result;
}

int meta_image_find(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    struct virga_str digest, struct meta_image *ret_image) {
    struct record_key key;
    return row_key(&key, 'i', tenant, name, digest, NULL)
               ? read_record(ecr, &key, digest, ret_image)
               : -ENOENT;
}

int meta_image_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                   struct virga_str digest, struct meta_image *ret_image) {
    struct meta_image image;
    int result = meta_image_find(ecr, tenant, name, digest, &image);
    if (result != 0) {
        return result;
    }
    result = read_tags(ecr, tenant, name, &image);
    if (result != 0) {
        meta_image_finish(&image);
        return result;
    }
    *ret_image = image;
    return 0;
}

int meta_tag_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                 struct virga_str tag, char ret_digest[ECR_DIGEST_LEN + 1]) {
    struct record_key key;
    struct virga_store_value value = {0};
    if (!row_key(&key, 't', tenant, name, tag, NULL)) {
        return -ENOENT;
    }
    int result = ecr->store->get(ecr->host, record_key_str(&key), &value);
    if (result != 0) {
        return result;
    }
    result = value.len <= ECR_DIGEST_LEN ? 0 : -EIO;
    if (result == 0) {
        memcpy(ret_digest, value.ptr, value.len + 1);
    }
    ecr->store->release(ecr->host, &value);
    return result;
}

/* Marks an image as untagged when it has no tag left. */
static int note_untagged(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         enum meta_status status, struct virga_str digest) {
    struct record_key key;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str ignored_key, ignored_value;
    meta_entry_key(&key, tenant, name, status, digest, virga_str_from(""));
    int result = ecr->store->scan(ecr->host, record_key_str(&key), (struct virga_str){0},
                                  VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result != 0) {
        return result;
    }
    result = ecr->store->next(cursor, &ignored_key, &ignored_value);
    ecr->store->close(cursor);
    if (result != 0) {
        return result < 0 ? result : 0;
    }
    meta_entry_key(&key, tenant, name, status, digest, (struct virga_str){0});
    return ecr->store->put(ecr->host, record_key_str(&key), virga_str_from(""));
}

/* Deletes a row that may be missing. */
static int forget(struct ecr *ecr, const struct record_key *key) {
    int result = ecr->store->del(ecr->host, record_key_str(key));
    return result == -ENOENT ? 0 : result;
}

/* Points `tag` to the active image `digest`; the image that had it keeps its other tags. */
static int move_tag(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    struct virga_str tag, struct virga_str digest) {
    struct record_key key;
    char old[ECR_DIGEST_LEN + 1];
    int result = meta_tag_get(ecr, tenant, name, tag, old);
    if (result == 0) {
        if (virga_str_equal(virga_str_from(old), digest)) {
            return 0;
        }
        result = meta_tag_delete(ecr, tenant, name, tag);
    } else if (result == -ENOENT) {
        result = 0;
    }
    if (result == 0) {
        row_key(&key, 't', tenant, name, tag, NULL);
        result = ecr->store->put(ecr->host, record_key_str(&key), digest);
    }
    if (result == 0) {
        record_key_in(&key, 'g', tenant, name);
        record_key_add(&key, digest);
        record_key_add(&key, tag);
        result = ecr->store->put(ecr->host, record_key_str(&key), virga_str_from(""));
    }
    if (result == 0) {
        row_key(&key, 'u', tenant, name, digest, NULL);
        result = forget(ecr, &key);
    }
    return result;
}

static int put_in_transaction(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                              const char *uid, const struct meta_image *image,
                              struct virga_str tag) {
    struct record_key key;
    struct meta_repository repository;
    struct meta_image old, now = *image;
    struct virga_str digest = virga_str_from(image->digest);
    int result = meta_repository_get(ecr, tenant, name, &repository);
    if (result != 0) {
        return result;
    }
    bool same = uid == NULL || uid[0] == '\0' || strcmp(uid, repository.uid) == 0;
    meta_repository_finish(&repository);
    if (!same) {
        return -ENOENT;
    }
    row_key(&key, 'i', tenant, name, digest, NULL);
    result = read_record(ecr, &key, digest, &old);
    if (result == 0) {
        now.pushed_ms = old.pushed_ms;
        now.pulled_ms = old.pulled_ms;
        now.status = META_ACTIVE;
        now.archived_ms = old.archived_ms;
        now.activated_ms = old.activated_ms;
        if (old.status != META_ACTIVE) {
            now.activated_ms = ecr->timer->now_ms(ecr->host);
            result = read_tags(ecr, tenant, name, &old);
            if (result == 0) {
                result = meta_entries_move(ecr, tenant, name, &old, META_ACTIVE);
            }
        }
        meta_image_finish(&old);
    } else if (result == -ENOENT) {
        now.pushed_ms = ecr->timer->now_ms(ecr->host);
        now.pulled_ms = 0;
        now.status = META_ACTIVE;
        now.archived_ms = now.activated_ms = 0;
        result = 0;
    }
    if (result == 0) {
        result = write_record(ecr, &key, &now);
    }
    for (size_t i = 0; i < image->children_count && result == 0; i++) {
        if (!row_key(&key, 'p', tenant, name, virga_str_from(image->children[i]), image->digest)) {
            return -EINVAL;
        }
        result = ecr->store->put(ecr->host, record_key_str(&key), virga_str_from(""));
    }
    if (result == 0) {
        result = meta_referrer_put(ecr, tenant, name, image);
    }
    if (result == 0) {
        result = tag.ptr != NULL ? move_tag(ecr, tenant, name, tag, digest)
                                 : note_untagged(ecr, tenant, name, META_ACTIVE, digest);
    }
    return result;
}

int meta_image_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                   const char *uid, const struct meta_image *image, struct virga_str tag) {
    struct record_key key;
    bool own = false;
    if (image->media_type == NULL || image->digest[0] == '\0' || tag.len > ECR_TAG_MAX ||
        (tag.ptr != NULL && tag.len == 0) ||
        !row_key(&key, 't', tenant, name, tag.ptr != NULL ? tag : virga_str_from("-"), NULL)) {
        return -EINVAL;
    }
    int result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    return meta_end(ecr, own, put_in_transaction(ecr, tenant, name, uid, image, tag));
}

static int untag_in_transaction(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                                struct virga_str tag) {
    struct record_key key;
    struct meta_image image = {0};
    char digest[ECR_DIGEST_LEN + 1];
    int result = meta_tag_get(ecr, tenant, name, tag, digest);
    if (result == 0) {
        row_key(&key, 'i', tenant, name, virga_str_from(digest), NULL);
        result = read_record(ecr, &key, virga_str_from(digest), &image);
        result = result == -ENOENT ? 0 : result;
    }
    enum meta_status status = image.status;
    meta_image_finish(&image);
    if (result == 0) {
        row_key(&key, 't', tenant, name, tag, NULL);
        result = ecr->store->del(ecr->host, record_key_str(&key));
    }
    if (result == 0) {
        meta_entry_key(&key, tenant, name, status, virga_str_from(digest), tag);
        result = forget(ecr, &key);
    }
    return result == 0 ? note_untagged(ecr, tenant, name, status, virga_str_from(digest)) : result;
}

int meta_tag_delete(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    struct virga_str tag) {
    bool own = false;
    int result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    return meta_end(ecr, own, untag_in_transaction(ecr, tenant, name, tag));
}

static int delete_in_transaction(struct ecr *ecr, const struct tenant *tenant,
                                 struct virga_str name, struct virga_str digest) {
    struct record_key key;
    struct meta_image image;
    int result = meta_image_get(ecr, tenant, name, digest, &image);
    if (result != 0) {
        return result;
    }
    for (size_t i = 0; i < image.tags_count && result == 0; i++) {
        row_key(&key, 't', tenant, name, virga_str_from(image.tags[i]), NULL);
        result = forget(ecr, &key);
    }
    for (size_t i = 0; i < image.children_count && result == 0; i++) {
        row_key(&key, 'p', tenant, name, virga_str_from(image.children[i]), image.digest);
        result = forget(ecr, &key);
    }
    if (result == 0) {
        result = meta_referrer_delete(ecr, tenant, name, &image);
    }
    if (result == 0) {
        meta_entry_key(&key, tenant, name, image.status, digest, virga_str_from(""));
        result = ecr->store->del_prefix(ecr->host, record_key_str(&key), NULL);
    }
    if (result == 0) {
        row_key(&key, 'y', tenant, name, digest, "");
        result = ecr->store->del_prefix(ecr->host, record_key_str(&key), NULL);
    }
    if (result == 0) {
        row_key(&key, 'v', tenant, name, digest, "");
        result = ecr->store->del_prefix(ecr->host, record_key_str(&key), NULL);
    }
    if (result == 0) {
        meta_entry_key(&key, tenant, name, image.status, digest, (struct virga_str){0});
        result = forget(ecr, &key);
    }
    if (result == 0) {
        row_key(&key, 'i', tenant, name, digest, NULL);
        result = ecr->store->del(ecr->host, record_key_str(&key));
    }
    meta_image_finish(&image);
    return result;
}

int meta_image_delete(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                      struct virga_str digest) {
    bool own = false;
    int result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    return meta_end(ecr, own, delete_in_transaction(ecr, tenant, name, digest));
}

int meta_image_pulled(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                      struct virga_str digest, int64_t now_ms) {
    struct record_key key;
    struct meta_image image;
    if (!row_key(&key, 'i', tenant, name, digest, NULL)) {
        return -ENOENT;
    }
    int result = read_record(ecr, &key, digest, &image);
    if (result != 0) {
        return result;
    }
    if (now_ms - image.pulled_ms >= META_PULL_GRAIN_MS) {
        image.pulled_ms = now_ms;
        result = write_record(ecr, &key, &image);
    }
    meta_image_finish(&image);
    return result;
}

int meta_image_rewrite(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       const struct meta_image *image) {
    struct record_key key;
    return row_key(&key, 'i', tenant, name, virga_str_from(image->digest), NULL)
               ? write_record(ecr, &key, image)
               : -EINVAL;
}
