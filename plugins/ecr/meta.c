/* SPDX-License-Identifier: MIT */
/* Transactions, texts, intents and facts; repositories are in meta_repository.c, images in
 * meta_image.c.
 *
 * Tables (first letter of a key; its parts are separated by NUL):
 *   r account region name                  the repository
 *   i account region name digest           the image
 *   t account region name tag              -> digest
 *   g account region name digest tag       a tagged image's tags, in digest order
 *   u account region name digest           an untagged image
 *   p account region name child parent     an index lists the child
 *   j account region name subject digest   the image refers to the subject: its descriptor
 *   x account region name kind             a policy text
 *   y account region name digest kind      a text about an image
 *   s account region kind id               a setting of the registry
 *   q account region name uploadId         an upload of a layer (layer_session.c)
 *   v account region name digest position  a finding of the image's last scan (scan_record.c)
 *   v "orders" kind id                     work on an image that is to be done (image_order.c)
 *   n id                                   an intent
 *   o account region name id               an image to be replicated there (replicate_queue.c)
 *   f fact                                 a fact of the plugin
 *   l account region name shelf digest tag an entry of an image that is not active: see
 *                                          meta_status.c; the rows g and u are the active ones'
 *   l account region name shelf digest     a result of a lifecycle preview: see meta_preview.c
 *   l "" time account region name digest   when an image will be active */
#include "meta.h"
#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

/* An intent's id: the clock above, random bits below, so that an id is not met twice. */
#define INTENT_RANDOM_BITS 20
#define INTENT_ID_DIGITS 16

int meta_begin(struct ecr *ecr, bool *ret_own) {
    int result = ecr->store->begin(ecr->host);
    if (result == -EBUSY) {
        *ret_own = false;
        return 0;
    }
    *ret_own = result == 0;
    return result;
}

int meta_end(struct ecr *ecr, bool own, int result) {
    if (!own) {
        return result;
    }
    if (result != 0) {
        ecr->store->rollback(ecr->host);
        return result;
    }
    return ecr->store->commit(ecr->host);
}

/* --- texts --- */

static bool text_key(struct record_key *key, const struct tenant *tenant, struct virga_str name,
                     const char *kind) {
    record_key_in(key, 'x', tenant, name);
    record_key_add(key, virga_str_from(kind));
    return !key->bad;
}

int meta_text_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                  const char *kind, struct virga_store_value *ret_text) {
    struct record_key key;
    return text_key(&key, tenant, name, kind)
               ? ecr->store->get(ecr->host, record_key_str(&key), ret_text)
               : -ENOENT;
}

int meta_text_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                  const char *kind, struct virga_str text) {
    struct record_key key;
    return text_key(&key, tenant, name, kind)
               ? ecr->store->put(ecr->host, record_key_str(&key), text)
               : -EINVAL;
}

int meta_text_delete(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                     const char *kind) {
    struct record_key key;
    return text_key(&key, tenant, name, kind) ? ecr->store->del(ecr->host, record_key_str(&key))
                                              : -ENOENT;
}

/* --- texts about an image --- */

static bool image_text_key(struct record_key *key, const struct tenant *tenant,
                           struct virga_str name, struct virga_str digest, const char *kind) {
    record_key_in(key, 'y', tenant, name);
    record_key_add(key, digest);
    record_key_add(key, virga_str_from(kind));
    return !key->bad;
}

int meta_image_text_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                        struct virga_str digest, const char *kind,
                        struct virga_store_value *ret_text) {
    struct record_key key;
    return image_text_key(&key, tenant, name, digest, kind)
               ? ecr->store->get(ecr->host, record_key_str(&key), ret_text)
               : -ENOENT;
}

int meta_image_text_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                        struct virga_str digest, const char *kind, struct virga_str text) {
    struct record_key key;
    return image_text_key(&key, tenant, name, digest, kind)
               ? ecr->store->put(ecr->host, record_key_str(&key), text)
               : -EINVAL;
}

int meta_image_text_delete(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                           struct virga_str digest, const char *kind) {
    struct record_key key;
    return image_text_key(&key, tenant, name, digest, kind)
               ? ecr->store->del(ecr->host, record_key_str(&key))
               : -ENOENT;
}

/* --- settings of a registry --- */

static bool setting_key(struct record_key *key, const struct tenant *tenant, const char *kind,
                        struct virga_str id) {
    record_key_in(key, 's', tenant, virga_str_from(kind));
    record_key_add(key, id);
    return !key->bad;
}

int meta_setting_get(struct ecr *ecr, const struct tenant *tenant, const char *kind,
                     struct virga_str id, struct virga_store_value *ret_text) {
    struct record_key key;
    return setting_key(&key, tenant, kind, id)
               ? ecr->store->get(ecr->host, record_key_str(&key), ret_text)
               : -ENOENT;
}

int meta_setting_put(struct ecr *ecr, const struct tenant *tenant, const char *kind,
                     struct virga_str id, struct virga_str text) {
    struct record_key key;
    return setting_key(&key, tenant, kind, id)
               ? ecr->store->put(ecr->host, record_key_str(&key), text)
               : -EINVAL;
}

int meta_setting_delete(struct ecr *ecr, const struct tenant *tenant, const char *kind,
                        struct virga_str id) {
    struct record_key key;
    return setting_key(&key, tenant, kind, id) ? ecr->store->del(ecr->host, record_key_str(&key))
                                               : -ENOENT;
}

int meta_setting_each(struct ecr *ecr, const struct tenant *tenant, const char *kind,
                      struct virga_str after,
                      int (*on_each)(void *arg, struct virga_str id, struct virga_str text),
                      void *arg) {
    struct record_key prefix, behind;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    if (!setting_key(&prefix, tenant, kind, virga_str_from("")) ||
        !setting_key(&behind, tenant, kind, after)) {
        return -EINVAL;
    }
    int result = ecr->store->scan(
        ecr->host, record_key_str(&prefix),
        after.ptr != NULL ? record_key_str(&behind) : (struct virga_str){0}, 0, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = ecr->store->next(cursor, &key, &value)) == 1) {
        result =
            on_each(arg, (struct virga_str){key.ptr + prefix.len, key.len - prefix.len}, value);
        if (result != 0) {
            break;
        }
    }
    ecr->store->close(cursor);
    return result;
}

/* Takes the next part off a key; ptr NULL at its end. */
static struct virga_str take_part(struct virga_str *key) {
    const char *end = key->len > 0 ? memchr(key->ptr, '\0', key->len) : NULL;
    size_t len = end != NULL ? (size_t)(end - key->ptr) : key->len;
    struct virga_str part = {key->len > 0 ? key->ptr : NULL, len};
    size_t taken = end != NULL ? len + 1 : len;
    key->ptr += taken;
    key->len -= taken;
    return part;
}

/* The key's kind, and whose it is; an empty kind: not a key that this code wrote. */
static struct virga_str read_setting_key(struct virga_str key, struct tenant *ret_tenant) {
    struct tenant tenant = {0};
    (void)take_part(&key); /* the table */
    struct virga_str account = take_part(&key), region = take_part(&key);
    if (account.ptr == NULL || region.ptr == NULL || account.len >= sizeof tenant.account ||
        region.len >= sizeof tenant.region) {
        return (struct virga_str){0};
    }
    memcpy(tenant.account, account.ptr, account.len);
    memcpy(tenant.region, region.ptr, region.len);
    *ret_tenant = tenant;
    return take_part(&key);
}

int meta_setting_tenants(struct ecr *ecr, const char *kind,
                         int (*on_each)(void *arg, const struct tenant *tenant), void *arg) {
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    struct tenant tenant, last = {0};
    int result = ecr->store->scan(ecr->host, (struct virga_str){"s", 2}, (struct virga_str){0},
                                  VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = ecr->store->next(cursor, &key, &value)) == 1) {
        if (!virga_str_equal(read_setting_key(key, &tenant), virga_str_from(kind)) ||
            (strcmp(tenant.account, last.account) == 0 &&
             strcmp(tenant.region, last.region) == 0)) {
            continue;
        }
        last = tenant;
        if ((result = on_each(arg, &tenant)) != 0) {
            break;
        }
    }
    ecr->store->close(cursor);
    return result;
}

/* --- intents --- */

static void intent_key(struct record_key *key, uint64_t id) {
    char digits[INTENT_ID_DIGITS + 1];
    (void)snprintf(digits, sizeof digits, "%016" PRIx64, id);
    record_key_start(key, 'n');
    record_key_add(key, virga_str_from(digits));
}

static uint64_t intent_id(struct virga_str key) {
    char digits[INTENT_ID_DIGITS + 1] = "";
    if (key.len == 2 + INTENT_ID_DIGITS) {
        memcpy(digits, key.ptr + 2, INTENT_ID_DIGITS);
    }
    return strtoull(digits, NULL, 16);
}

static int intent_last(struct ecr *ecr, uint64_t *ret_id) {
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    int result = ecr->store->scan(ecr->host, (struct virga_str){"n\0", 2}, (struct virga_str){0},
                                  VIRGA_STORE_REVERSE | VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result != 0) {
        return result;
    }
    result = ecr->store->next(cursor, &key, &value);
    *ret_id = result == 1 ? intent_id(key) : 0;
    ecr->store->close(cursor);
    return result < 0 ? result : 0;
}

int meta_intent_put(struct ecr *ecr, struct meta_intent *intent) {
    struct record_key key;
    struct record_writer writer = {0};
    uint64_t last = 0, random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
        return -EIO;
    }
    int result = intent_last(ecr, &last);
    if (result != 0) {
        return result;
    }
    uint64_t id = (uint64_t)ecr->timer->now_ms(ecr->host) << INTENT_RANDOM_BITS |
                  (random & ((1u << INTENT_RANDOM_BITS) - 1));
    intent->id = id > last ? id : last + 1;
    record_put_int(&writer, 'k', intent->kind);
    record_put_string(&writer, 'a', intent->tenant.account);
    record_put_string(&writer, 'r', intent->tenant.region);
    record_put_string(&writer, 'n', intent->name);
    record_put_string(&writer, 'u', intent->uid);
    record_put_string(&writer, 't', intent->tag);
    record_put_string(&writer, 'd', intent->digest);
    record_put_int(&writer, 'o', intent->origin);
    intent_key(&key, intent->id);
    result = writer.failed ? -ENOMEM
                           : ecr->store->put(ecr->host, record_key_str(&key),
                                             (struct virga_str){writer.ptr, writer.len});
    record_finish(&writer);
    return result;
}

int meta_intent_delete(struct ecr *ecr, uint64_t id) {
    struct record_key key;
    intent_key(&key, id);
    return ecr->store->del(ecr->host, record_key_str(&key));
}

static void copy_text(char *buffer, size_t size, struct virga_str text) {
    size_t len = text.len < size ? text.len : size - 1;
    memcpy(buffer, text.ptr, len);
    buffer[len] = '\0';
}

static void intent_decode(struct meta_intent *intent, struct virga_str record) {
    char letter;
    struct virga_str value;
    while (record_next(&record, &letter, &value)) {
        switch (letter) {
        case 'k':
            intent->kind = (enum meta_intent_kind)record_int(value);
            break;
        case 'a':
            copy_text(intent->tenant.account, sizeof intent->tenant.account, value);
            break;
        case 'r':
            copy_text(intent->tenant.region, sizeof intent->tenant.region, value);
            break;
        case 'n':
            copy_text(intent->name, sizeof intent->name, value);
            break;
        case 'u':
            copy_text(intent->uid, sizeof intent->uid, value);
            break;
        case 't':
            copy_text(intent->tag, sizeof intent->tag, value);
            break;
        case 'd':
            copy_text(intent->digest, sizeof intent->digest, value);
            break;
        case 'o':
            intent->origin = (int)record_int(value);
            break;
        default:
            break;
        }
    }
}

int meta_intent_each(struct ecr *ecr, int (*on_each)(void *arg, const struct meta_intent *intent),
                     void *arg) {
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    int result = ecr->store->scan(ecr->host, (struct virga_str){"n\0", 2}, (struct virga_str){0}, 0,
                                  &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = ecr->store->next(cursor, &key, &value)) == 1) {
        struct meta_intent intent = {.id = intent_id(key)};
        intent_decode(&intent, value);
        result = on_each(arg, &intent);
        if (result != 0) {
            break;
        }
    }
    ecr->store->close(cursor);
    return result;
}

/* --- facts --- */

int meta_fact_get(struct ecr *ecr, const char *fact, char *buffer, size_t size) {
    struct record_key key;
    struct virga_store_value value = {0};
    record_key_start(&key, 'f');
    record_key_add(&key, virga_str_from(fact));
    int result = ecr->store->get(ecr->host, record_key_str(&key), &value);
    if (result == 0) {
        copy_text(buffer, size, (struct virga_str){value.ptr, value.len});
        ecr->store->release(ecr->host, &value);
    }
    return result;
}

int meta_fact_put(struct ecr *ecr, const char *fact, const char *value) {
    struct record_key key;
    record_key_start(&key, 'f');
    record_key_add(&key, virga_str_from(fact));
    return ecr->store->put(ecr->host, record_key_str(&key), virga_str_from(value));
}
