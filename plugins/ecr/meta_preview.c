/* SPDX-License-Identifier: MIT */
/* Lifecycle policies in the records: who has one, when it was evaluated, and previews. The rows of
 * a preview stand in table l on the shelves pt (tagged) and pu (untagged), by digest. */
#include "meta_preview.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define POLICY_KIND "lifecycle"
#define EVALUATED_KIND "lifecycle-evaluated"
#define PREVIEW_KIND "lifecycle-preview"

/* --- runs --- */

/* Takes a part of a key off; false: it is not there or too long. */
static bool take_part(struct virga_str *rest, char *buffer, size_t size) {
    size_t len = strnlen(rest->ptr, rest->len);
    if (len >= size) {
        return false;
    }
    memcpy(buffer, rest->ptr, len);
    buffer[len] = '\0';
    len += len < rest->len;
    *rest = (struct virga_str){rest->ptr + len, rest->len - len};
    return true;
}

/* Whether a row of table x is a policy's, and whose. */
static bool is_policy(struct virga_str key, struct tenant *ret_tenant,
                      char ret_name[ECR_NAME_MAX + 1]) {
    char table[2];
    struct virga_str rest = key;
    return take_part(&rest, table, sizeof table) &&
           take_part(&rest, ret_tenant->account, sizeof ret_tenant->account) &&
           take_part(&rest, ret_tenant->region, sizeof ret_tenant->region) &&
           take_part(&rest, ret_name, ECR_NAME_MAX + 1) &&
           virga_str_equal(rest, virga_str_from(POLICY_KIND));
}

int meta_policy_next(struct ecr *ecr, struct meta_policy_walk *walk, size_t steps,
                     struct tenant *ret_tenant, char ret_name[ECR_NAME_MAX + 1]) {
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value, after = {0};
    if (walk->key.len > 0) {
        after = record_key_str(&walk->key);
    }
    int result = ecr->store->scan(ecr->host, (struct virga_str){"x\0", 2}, after,
                                  VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = ecr->store->next(cursor, &key, &value)) == 1) {
        if (key.len > sizeof walk->key.bytes) {
            continue;
        }
        memcpy(walk->key.bytes, key.ptr, key.len);
        walk->key.len = key.len;
        if (is_policy(key, ret_tenant, ret_name)) {
            break;
        }
        if (steps-- <= 1) {
            result = -EAGAIN;
            break;
        }
    }
    ecr->store->close(cursor);
    return result;
}

int64_t meta_policy_evaluated(struct ecr *ecr, const struct tenant *tenant, struct virga_str name) {
    struct virga_store_value value = {0};
    int64_t time_ms = 0;
    if (meta_text_get(ecr, tenant, name, EVALUATED_KIND, &value) == 0) {
        time_ms = strtoll(value.ptr, NULL, 10);
    }
    ecr->store->release(ecr->host, &value);
    return time_ms;
}

int meta_policy_set_evaluated(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                              int64_t time_ms) {
    char text[24];
    if (time_ms == 0) {
        int result = meta_text_delete(ecr, tenant, name, EVALUATED_KIND);
        return result == -ENOENT ? 0 : result;
    }
    (void)snprintf(text, sizeof text, "%" PRId64, time_ms);
    return meta_text_put(ecr, tenant, name, EVALUATED_KIND, virga_str_from(text));
}

/* --- heads --- */

void meta_preview_finish(struct meta_preview *preview) {
    free(preview->text);
    *preview = (struct meta_preview){0};
}

static int decode_head(struct virga_str record, struct meta_preview *ret_preview) {
    struct meta_preview preview = {.state = META_PREVIEW_FAILED};
    char letter;
    struct virga_str value;
    while (record_next(&record, &letter, &value)) {
        switch (letter) {
        case 's':
            preview.state = (enum meta_preview_state)record_int(value);
            break;
        case 't':
            free(preview.text);
            preview.text = strndup(value.ptr, value.len);
            break;
        case 'i':
            (void)snprintf(preview.id, sizeof preview.id, "%s", value.ptr);
            break;
        case 'e':
            preview.ended_ms = record_int(value);
            break;
        case 'x':
            preview.expiring = (uint64_t)record_int(value);
            break;
        case 'a':
            preview.archiving = (uint64_t)record_int(value);
            break;
        default:
            break;
        }
    }
    if (preview.text == NULL) {
        return -ENOMEM;
    }
    *ret_preview = preview;
    return 0;
}

int meta_preview_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                     struct meta_preview *ret_preview) {
    struct virga_store_value value = {0};
    int result = meta_text_get(ecr, tenant, name, PREVIEW_KIND, &value);
    if (result == 0) {
        result = decode_head((struct virga_str){value.ptr, value.len}, ret_preview);
    }
    ecr->store->release(ecr->host, &value);
    return result;
}

int meta_preview_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                     const struct meta_preview *preview) {
    struct record_writer writer = {0};
    record_put_int(&writer, 's', preview->state);
    record_put_string(&writer, 't', preview->text);
    record_put_string(&writer, 'i', preview->id);
    record_put_int(&writer, 'e', preview->ended_ms);
    record_put_int(&writer, 'x', (int64_t)preview->expiring);
    record_put_int(&writer, 'a', (int64_t)preview->archiving);
    int result = writer.failed ? -ENOMEM
                               : meta_text_put(ecr, tenant, name, PREVIEW_KIND,
                                               (struct virga_str){writer.ptr, writer.len});
    record_finish(&writer);
    return result;
}

/* --- rows --- */

void meta_preview_row_finish(struct meta_preview_row *row) {
    for (size_t i = 0; i < row->tags_count; i++) {
        free(row->tags[i]);
    }
    free(row->tags);
    *row = (struct meta_preview_row){0};
}

static void shelf_key(struct record_key *key, const struct tenant *tenant, struct virga_str name,
                      bool tagged) {
    record_key_in(key, 'l', tenant, name);
    record_key_add(key, virga_str_from(tagged ? "pt" : "pu"));
}

int meta_preview_row_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         const struct meta_preview_row *row) {
    struct record_key key;
    struct record_writer writer = {0};
    shelf_key(&key, tenant, name, row->tags_count > 0);
    record_key_add(&key, virga_str_from(row->digest));
    record_put_int(&writer, 'a', row->archives);
    record_put_int(&writer, 'c', row->is_archived);
    record_put_int(&writer, 'r', row->priority);
    record_put_int(&writer, 'p', row->pushed_ms);
    for (size_t i = 0; i < row->tags_count; i++) {
        record_put_string(&writer, 't', row->tags[i]);
    }
    int result = writer.failed ? -ENOMEM
                 : key.bad     ? -EINVAL
                               : ecr->store->put(ecr->host, record_key_str(&key),
                                                 (struct virga_str){writer.ptr, writer.len});
    record_finish(&writer);
    return result;
}

static int add_tag(struct meta_preview_row *row, struct virga_str tag) {
    size_t count = row->tags_count;
    if ((count & (count - 1)) == 0) {
        char **grown = realloc(row->tags, (count > 0 ? count * 2 : 1) * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        row->tags = grown;
    }
    row->tags[count] = strndup(tag.ptr, tag.len);
    if (row->tags[count] == NULL) {
        return -ENOMEM;
    }
    row->tags_count++;
    return 0;
}

static int decode_row(struct virga_str digest, struct virga_str record,
                      struct meta_preview_row *ret_row) {
    struct meta_preview_row row = {0};
    char letter;
    struct virga_str value;
    int result = 0;
    (void)snprintf(row.digest, sizeof row.digest, "%.*s", (int)digest.len, digest.ptr);
    while (result == 0 && record_next(&record, &letter, &value)) {
        switch (letter) {
        case 'a':
            row.archives = record_int(value) != 0;
            break;
        case 'c':
            row.is_archived = record_int(value) != 0;
            break;
        case 'r':
            row.priority = record_int(value);
            break;
        case 'p':
            row.pushed_ms = record_int(value);
            break;
        case 't':
            result = add_tag(&row, value);
            break;
        default:
            break;
        }
    }
    if (result != 0) {
        meta_preview_row_finish(&row);
        return result;
    }
    *ret_row = row;
    return 0;
}

int meta_preview_row_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         struct virga_str digest, struct meta_preview_row *ret_row) {
    int result = -ENOENT;
    for (int tagged = 1; tagged >= 0 && result == -ENOENT; tagged--) {
        struct record_key key;
        struct virga_store_value value = {0};
        shelf_key(&key, tenant, name, tagged != 0);
        record_key_add(&key, digest);
        result = key.bad ? -ENOENT : ecr->store->get(ecr->host, record_key_str(&key), &value);
        if (result == 0) {
            result = decode_row(digest, (struct virga_str){value.ptr, value.len}, ret_row);
        }
        ecr->store->release(ecr->host, &value);
    }
    return result;
}

static int each_on_shelf(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         bool tagged, struct virga_str after,
                         int (*on_each)(void *arg, bool tagged, struct meta_preview_row *row),
                         void *arg) {
    struct record_key prefix, behind;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    shelf_key(&prefix, tenant, name, tagged);
    behind = prefix;
    record_key_add(&prefix, virga_str_from(""));
    record_key_add(&behind, after);
    if (prefix.bad || behind.bad) {
        return -EINVAL;
    }
    int result = ecr->store->scan(
        ecr->host, record_key_str(&prefix),
        after.ptr != NULL ? record_key_str(&behind) : (struct virga_str){0}, 0, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = ecr->store->next(cursor, &key, &value)) == 1) {
        struct meta_preview_row row;
        result =
            decode_row((struct virga_str){key.ptr + prefix.len, key.len - prefix.len}, value, &row);
        if (result == 0) {
            result = on_each(arg, tagged, &row);
            meta_preview_row_finish(&row);
        }
        if (result != 0) {
            break;
        }
    }
    ecr->store->close(cursor);
    return result;
}

int meta_preview_row_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                          unsigned which, bool after_tagged, struct virga_str after,
                          int (*on_each)(void *arg, bool tagged, struct meta_preview_row *row),
                          void *arg) {
    const struct virga_str start = {0};
    int result = 0;
    if ((which & META_TAGGED) != 0 && (after.ptr == NULL || after_tagged)) {
        result = each_on_shelf(ecr, tenant, name, true, after, on_each, arg);
    }
    if (result == 0 && (which & META_UNTAGGED) != 0) {
        result =
            each_on_shelf(ecr, tenant, name, false, after_tagged ? start : after, on_each, arg);
    }
    return result;
}

int meta_preview_clear(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       int limit) {
    struct record_key prefix;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    int count = 0;
    record_key_in(&prefix, 'l', tenant, name);
    record_key_add(&prefix, virga_str_from("p")); /* both shelves */
    int result = ecr->store->scan(ecr->host, record_key_str(&prefix), (struct virga_str){0},
                                  VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result != 0) {
        return result;
    }
    while (count < limit && (result = ecr->store->next(cursor, &key, &value)) == 1) {
        result = ecr->store->del(ecr->host, key);
        if (result != 0) {
            break;
        }
        count++;
    }
    ecr->store->close(cursor);
    return result < 0 ? result : count;
}
