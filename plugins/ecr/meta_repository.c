/* SPDX-License-Identifier: MIT */
/* The records of repositories; the key layout is in meta.c. */
#include "meta.h"
#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void meta_repository_finish(struct meta_repository *repository) {
    if (repository == NULL) {
        return;
    }
    for (size_t i = 0; i < repository->exclusions_count; i++) {
        free(repository->exclusions[i]);
    }
    for (size_t i = 0; i < repository->tags_count; i++) {
        free(repository->tags[i].key);
        free(repository->tags[i].value);
    }
    free(repository->tags);
    free(repository->encryption_type);
    free(repository->kms_key);
    *repository = (struct meta_repository){0};
}

static bool decode_tag(struct meta_repository *repository, struct virga_str key) {
    if (repository->tags == NULL) {
        repository->tags = calloc(META_TAGS_MAX, sizeof *repository->tags);
    }
    if (repository->tags == NULL || repository->tags_count == META_TAGS_MAX) {
        return false;
    }
    struct meta_resource_tag *tag = &repository->tags[repository->tags_count++];
    tag->key = strndup(key.ptr, key.len);
    return tag->key != NULL;
}

/* Takes over one field; false: out of memory, or a record that this code never wrote. */
static bool decode_field(struct meta_repository *repository, char letter, struct virga_str value) {
    switch (letter) {
    case 'u':
        if (value.len >= sizeof repository->uid) {
            return false;
        }
        memcpy(repository->uid, value.ptr, value.len + 1);
        return true;
    case 'c':
        repository->created_ms = record_int(value);
        return true;
    case 'm':
        repository->mutability = (enum meta_mutability)record_int(value);
        return true;
    case 'x':
        if (repository->exclusions_count == META_EXCLUSIONS_MAX) {
            return false;
        }
        repository->exclusions[repository->exclusions_count] = strndup(value.ptr, value.len);
        return repository->exclusions[repository->exclusions_count++] != NULL;
    case 's':
        repository->scan_on_push = record_int(value) != 0;
        return true;
    case 'e':
        repository->encryption_type = strndup(value.ptr, value.len);
        return repository->encryption_type != NULL;
    case 'k':
        repository->kms_key = strndup(value.ptr, value.len);
        return repository->kms_key != NULL;
    case 'T':
        return decode_tag(repository, value);
    case 'V':
        if (repository->tags_count == 0) {
            return false;
        }
        repository->tags[repository->tags_count - 1].value = strndup(value.ptr, value.len);
        return repository->tags[repository->tags_count - 1].value != NULL;
    default:
        return true;
    }
}

static int decode(struct virga_str name, struct virga_str record,
                  struct meta_repository *ret_repository) {
    struct meta_repository repository = {0};
    char letter;
    struct virga_str value;
    bool good = name.len < sizeof repository.name;
    if (good) {
        memcpy(repository.name, name.ptr, name.len);
    }
    while (good && record_next(&record, &letter, &value)) {
        good = decode_field(&repository, letter, value);
    }
    if (!good || repository.encryption_type == NULL) {
        meta_repository_finish(&repository);
        return good ? -EIO : -ENOMEM;
    }
    *ret_repository = repository;
    return 0;
}

static int write_record(struct ecr *ecr, const struct record_key *key,
                        const struct meta_repository *repository) {
    struct record_writer writer = {0};
    record_put_string(&writer, 'u', repository->uid);
    record_put_int(&writer, 'c', repository->created_ms);
    record_put_int(&writer, 'm', repository->mutability);
    for (size_t i = 0; i < repository->exclusions_count; i++) {
        record_put_string(&writer, 'x', repository->exclusions[i]);
    }
    record_put_int(&writer, 's', repository->scan_on_push);
    record_put_string(&writer, 'e',
                      repository->encryption_type != NULL ? repository->encryption_type : "AES256");
    record_put_string(&writer, 'k', repository->kms_key);
    for (size_t i = 0; i < repository->tags_count; i++) {
        record_put_string(&writer, 'T', repository->tags[i].key);
        record_put_string(&writer, 'V', repository->tags[i].value);
    }
    int result = writer.failed ? -ENOMEM
                               : ecr->store->put(ecr->host, record_key_str(key),
                                                 (struct virga_str){writer.ptr, writer.len});
    record_finish(&writer);
    return result;
}

int meta_repository_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                        struct meta_repository *ret_repository) {
    struct record_key key;
    struct virga_store_value value = {0};
    record_key_in(&key, 'r', tenant, name);
    if (key.bad) {
        return -ENOENT;
    }
    int result = ecr->store->get(ecr->host, record_key_str(&key), &value);
    if (result != 0) {
        return result;
    }
    result = decode(name, (struct virga_str){value.ptr, value.len}, ret_repository);
    ecr->store->release(ecr->host, &value);
    return result;
}

/* 1 it is there, 0 it is not. */
static int has(struct ecr *ecr, const struct tenant *tenant, struct virga_str name) {
    struct record_key key;
    struct virga_store_value value = {0};
    record_key_in(&key, 'r', tenant, name);
    if (key.bad) {
        return 0;
    }
    int result = ecr->store->get(ecr->host, record_key_str(&key), &value);
    if (result == 0) {
        ecr->store->release(ecr->host, &value);
        return 1;
    }
    return result == -ENOENT ? 0 : result;
}

bool meta_repository_exists(struct ecr *ecr, const struct tenant *tenant, struct virga_str name) {
    return has(ecr, tenant, name) == 1;
}

static int new_uid(char ret_uid[33]) {
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return -EIO;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        ret_uid[2 * i] = digits[bytes[i] >> 4];
        ret_uid[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_uid[32] = '\0';
    return 0;
}

int meta_repository_create(struct ecr *ecr, const struct tenant *tenant,
                           struct meta_repository *repository) {
    struct record_key key;
    struct virga_str name = virga_str_from(repository->name);
    bool own = false;
    record_key_in(&key, 'r', tenant, name);
    if (key.bad) {
        return -EINVAL;
    }
    int result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    result = has(ecr, tenant, name);
    if (result == 1) {
        result = -EEXIST;
    }
    if (result == 0) {
        result = new_uid(repository->uid);
    }
    if (result == 0) {
        if (repository->created_ms == 0) {
            repository->created_ms = ecr->timer->now_ms(ecr->host);
        }
        result = write_record(ecr, &key, repository);
    }
    return meta_end(ecr, own, result);
}

int meta_repository_update(struct ecr *ecr, const struct tenant *tenant,
                           const struct meta_repository *repository) {
    struct record_key key;
    bool own = false;
    record_key_in(&key, 'r', tenant, virga_str_from(repository->name));
    if (key.bad) {
        return -EINVAL;
    }
    int result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    result = has(ecr, tenant, virga_str_from(repository->name));
    if (result == 1) {
        result = write_record(ecr, &key, repository);
    } else if (result == 0) {
        result = -ENOENT;
    }
    return meta_end(ecr, own, result);
}

int meta_repository_delete(struct ecr *ecr, const struct tenant *tenant, struct virga_str name) {
    static const char tables[] = "itgupjxylqv";
    struct record_key key;
    bool own = false;
    record_key_in(&key, 'r', tenant, name);
    if (key.bad) {
        return -ENOENT;
    }
    int result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    result = ecr->store->del(ecr->host, record_key_str(&key));
    for (const char *table = tables; *table != '\0' && result == 0; table++) {
        record_key_in(&key, *table, tenant, name);
        record_key_add(&key, virga_str_from(""));
        result = ecr->store->del_prefix(ecr->host, record_key_str(&key), NULL);
    }
    return meta_end(ecr, own, result);
}

int meta_repository_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str after,
                         int (*on_each)(void *arg, struct meta_repository *repository), void *arg) {
    struct record_key prefix, behind;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    record_key_in(&prefix, 'r', tenant, virga_str_from(""));
    record_key_in(&behind, 'r', tenant, after);
    if (behind.bad) {
        return -EINVAL;
    }
    int result = ecr->store->scan(
        ecr->host, record_key_str(&prefix),
        after.ptr != NULL ? record_key_str(&behind) : (struct virga_str){0}, 0, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = ecr->store->next(cursor, &key, &value)) == 1) {
        struct meta_repository repository;
        struct virga_str name = {key.ptr + prefix.len, key.len - prefix.len};
        result = decode(name, value, &repository);
        if (result == 0) {
            result = on_each(arg, &repository);
            meta_repository_finish(&repository);
        }
        if (result != 0) {
            break;
        }
    }
    ecr->store->close(cursor);
    return result;
}

int meta_repository_has_images(struct ecr *ecr, const struct tenant *tenant,
                               struct virga_str name) {
    struct record_key prefix;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    record_key_in(&prefix, 'i', tenant, name);
    record_key_add(&prefix, virga_str_from(""));
    if (prefix.bad) {
        return 0;
    }
    int result = ecr->store->scan(ecr->host, record_key_str(&prefix), (struct virga_str){0},
                                  VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result != 0) {
        return result;
    }
    result = ecr->store->next(cursor, &key, &value);
    ecr->store->close(cursor);
    return result;
}
