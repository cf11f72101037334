/* SPDX-License-Identifier: MIT */
/* The records of referrers: which images name another as their subject. The key layout is in
 * meta.c; a row holds the whole descriptor, so that a list needs no image's record. */
#include "meta.h"
#include "record.h"

#include <errno.h>

/* The field of an image's record that names its subject: see meta_image.c. */
#define IMAGE_SUBJECT 'j'

static bool row_key(struct record_key *key, const struct tenant *tenant, struct virga_str name,
                    struct virga_str subject, struct virga_str digest) {
    record_key_in(key, 'j', tenant, name);
    record_key_add(key, subject);
    record_key_add(key, digest);
    return !key->bad;
}

static int put_row(struct ecr *ecr, const struct record_key *key, const char *media_type,
                   const char *artifact_type, uint64_t manifest_bytes, const char *annotations) {
    struct record_writer writer = {0};
    record_put_string(&writer, 'm', media_type);
    record_put_string(&writer, 'a', artifact_type);
    record_put_int(&writer, 'b', (int64_t)manifest_bytes);
    record_put_string(&writer, 'n', annotations);
    int result = writer.failed ? -ENOMEM
                               : ecr->store->put(ecr->host, record_key_str(key),
                                                 (struct virga_str){writer.ptr, writer.len});
    record_finish(&writer);
    return result;
}

int meta_referrer_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                      const struct meta_image *image) {
    struct record_key key;
    if (image->subject == NULL) {
        return 0;
    }
    return row_key(&key, tenant, name, virga_str_from(image->subject),
                   virga_str_from(image->digest))
               ? put_row(ecr, &key, image->media_type, image->artifact_media_type,
                         image->manifest_bytes, image->annotations)
               : -EINVAL;
}

int meta_referrer_delete(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         const struct meta_image *image) {
    struct record_key key;
    if (image->subject == NULL || !row_key(&key, tenant, name, virga_str_from(image->subject),
                                           virga_str_from(image->digest))) {
        return 0;
    }
    int result = ecr->store->del(ecr->host, record_key_str(&key));
    return result == -ENOENT ? 0 : result;
}

static bool decode(struct virga_str digest, struct virga_str record,
                   struct meta_referrer *ret_referrer) {
    struct meta_referrer referrer = {.media_type = NULL};
    char letter;
    struct virga_str value;
    if (digest.len >= sizeof referrer.digest) {
        return false;
    }
    memcpy(referrer.digest, digest.ptr, digest.len);
    while (record_next(&record, &letter, &value)) {
        /* A field always has its NUL behind it. */
        switch (letter) {
        case 'm':
            referrer.media_type = value.ptr;
            break;
        case 'a':
            referrer.artifact_type = value.ptr;
            break;
        case 'b':
            referrer.manifest_bytes = (uint64_t)record_int(value);
            break;
        case 'n':
            referrer.annotations = value.ptr;
            break;
        default:
            break;
        }
    }
    *ret_referrer = referrer;
    return referrer.media_type != NULL;
}

int meta_referrer_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       struct virga_str subject, struct virga_str after,
                       int (*on_each)(void *arg, const struct meta_referrer *referrer), void *arg) {
    struct record_key prefix, behind;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    if (!row_key(&prefix, tenant, name, subject, virga_str_from(""))) {
        return 0; /* no key can hold such a subject */
    }
    if (!row_key(&behind, tenant, name, subject, after)) {
        return -EINVAL;
    }
    int result = ecr->store->scan(
        ecr->host, record_key_str(&prefix),
        after.ptr != NULL ? record_key_str(&behind) : (struct virga_str){0}, 0, &cursor);
    while (result == 0 && (result = ecr->store->next(cursor, &key, &value)) == 1) {
        struct meta_referrer referrer;
        struct virga_str digest = {key.ptr + prefix.len, key.len - prefix.len};
        result = decode(digest, value, &referrer) ? on_each(arg, &referrer) : -EIO;
    }
    ecr->store->close(cursor);
    return result;
}

/* --- stores from before --- */

/* Writes the row of an image whose record and key are given, if it has a subject. */
static int index_image(struct ecr *ecr, struct virga_str image_key, struct virga_str record) {
    const char *media_type = NULL, *artifact_type = NULL, *subject = NULL;
    uint64_t manifest_bytes = 0;
    char letter;
    struct virga_str value;
    while (record_next(&record, &letter, &value)) {
        if (letter == IMAGE_SUBJECT) {
            subject = value.ptr;
        } else if (letter == 'm') {
            media_type = value.ptr;
        } else if (letter == 'a') {
            artifact_type = value.ptr;
        } else if (letter == 'b') {
            manifest_bytes = (uint64_t)record_int(value);
        }
    }
    const char *nul = memrchr(image_key.ptr, '\0', image_key.len);
    struct record_key key;
    if (subject == NULL || media_type == NULL || nul == NULL || image_key.len > sizeof key.bytes) {
        return 0;
    }
    /* The same key but for its table, and the subject before the digest. */
    size_t repository_len = (size_t)(nul - image_key.ptr);
    record_key_start(&key, 'j');
    memcpy(key.bytes + 1, image_key.ptr + 1, repository_len - 1);
    key.len = repository_len;
    record_key_add(&key, virga_str_from(subject));
    record_key_add(&key, (struct virga_str){nul + 1, image_key.len - repository_len - 1});
    struct virga_store_value there = {0};
    int result = key.bad ? -EINVAL : ecr->store->get(ecr->host, record_key_str(&key), &there);
    ecr->store->release(ecr->host, &there);
    if (result != -ENOENT) {
        return result == -EINVAL ? 0 : result; /* it came since, with its annotations */
    }
    return put_row(ecr, &key, media_type, artifact_type, manifest_bytes, NULL);
}

int meta_referrer_index(struct ecr *ecr, size_t limit, struct meta_position *position) {
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    const struct meta_position begun = *position;
    struct virga_str after = {begun.len > 0 ? begun.bytes : NULL, begun.len};
    bool own = false;
    size_t count = 0;
    int result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    result = ecr->store->scan(ecr->host, (struct virga_str){"i\0", 2}, after, 0, &cursor);
    int more = result == 0 ? 1 : 0;
    while (result == 0 && count < limit) {
        more = ecr->store->next(cursor, &key, &value);
        if (more != 1) {
            result = more;
            break;
        }
        result = index_image(ecr, key, value);
        position->len = key.len < sizeof position->bytes ? key.len : sizeof position->bytes;
        memcpy(position->bytes, key.ptr, position->len);
        count++;
    }
    ecr->store->close(cursor);
    result = meta_end(ecr, own, result);
    if (result != 0) {
        *position = begun;
    }
    return result != 0 ? result : more;
}
