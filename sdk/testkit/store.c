/* SPDX-License-Identifier: MIT */
/* virga.store/1: a sorted array in memory. Cursors remember their last key and search it again, so
 * that writes during a walk are safe; a transaction keeps what it overwrote. */
#include <stdlib.h>

#include "kit.h"

#define KEY_MAX_BYTES 2000
#define VALUE_MAX_BYTES ((size_t)16 * 1024 * 1024)

/* A value that was read; its bytes follow. */
struct value {
    struct handle handle;
    char bytes[];
};

struct virga_store_cursor {
    struct handle handle;
    char *prefix;
    size_t prefix_len;
    char *at; /* the last key; NULL: not begun */
    size_t at_len;
    uint32_t flags;
    char *value; /* of the last pair */
};

static int compare(struct virga_str a, struct virga_str b) {
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static bool starts_with(struct virga_str key, struct virga_str prefix) {
    return key.len >= prefix.len &&
           (prefix.len == 0 || memcmp(key.ptr, prefix.ptr, prefix.len) == 0);
}

/* The index of the first entry whose key is not below `key`. */
static size_t lower(const struct store *store, struct virga_str key) {
    size_t low = 0;
    size_t high = store->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(store->entries[middle].key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool holds(const struct store *store, size_t at, struct virga_str key) {
    return at < store->count && compare(store->entries[at].key, key) == 0;
}

static struct virga_str copy(struct virga_str text) {
    return (struct virga_str){kit_must_copy(text.ptr, text.len), text.len};
}

static void drop(struct virga_str text) {
    free((void *)(uintptr_t)text.ptr);
}

/* Notes what `key` was before a write; takes `old` over. */
static void remember(struct store *store, struct virga_str key, struct virga_str old) {
    if (!store->open) {
        drop(old);
        return;
    }
    store->undo = kit_must_grow(store->undo, store->undo_count, sizeof *store->undo);
    store->undo[store->undo_count++] = (struct store_undo){copy(key), old};
}

static void put_entry(struct store *store, struct virga_str key, struct virga_str value) {
    size_t at = lower(store, key);
    if (holds(store, at, key)) {
        remember(store, key, store->entries[at].value);
        store->entries[at].value = copy(value);
        return;
    }
    remember(store, key, (struct virga_str){NULL, 0});
    store->entries = kit_must_grow(store->entries, store->count, sizeof *store->entries);
    memmove(store->entries + at + 1, store->entries + at,
            (store->count - at) * sizeof *store->entries);
    store->entries[at] = (struct store_entry){copy(key), copy(value)};
    store->count++;
}

static void delete_entry(struct store *store, size_t at) {
    struct store_entry entry = store->entries[at];
    remember(store, entry.key, entry.value);
    drop(entry.key);
    store->count--;
    memmove(store->entries + at, store->entries + at + 1,
            (store->count - at) * sizeof *store->entries);
}

static bool valid_key(struct virga_str key) {
    return key.ptr != NULL && key.len > 0 && key.len <= KEY_MAX_BYTES;
}

/* --- single keys --- */

static void free_value(struct handle *handle) {
    kit_handle_remove(handle);
    free(LINK_ENTRY(handle, struct value, handle));
}

static int get(const struct virga_host *host, struct virga_str key,
               struct virga_store_value *ret_value) {
    struct testkit *kit = kit_from(host);
    if (kit->store.error != 0) {
        return kit->store.error;
    }
    size_t at = valid_key(key) ? lower(&kit->store, key) : SIZE_MAX;
    if (!holds(&kit->store, at, key)) {
        return -ENOENT;
    }
    if (kit_alloc_fails(kit)) {
        return -ENOMEM;
    }
    struct virga_str found = kit->store.entries[at].value;
    struct value *value = kit_must_alloc(sizeof *value + found.len + 1);
    memcpy(value->bytes, found.ptr, found.len);
    kit_handle_add(kit, &value->handle, "value of the store that was not released", free_value);
    *ret_value = (struct virga_store_value){value->bytes, found.len};
    return 0;
}

static void release(const struct virga_host *host, struct virga_store_value *value) {
    (void)host;
    if (value->ptr != NULL) {
        free_value(&LINK_ENTRY(value->ptr, struct value, bytes)->handle);
    }
    *value = (struct virga_store_value){NULL, 0};
}

static int put(const struct virga_host *host, struct virga_str key, struct virga_str value) {
    struct testkit *kit = kit_from(host);
    if (!valid_key(key) || value.len > VALUE_MAX_BYTES || (value.ptr == NULL && value.len > 0)) {
        return -EINVAL;
    }
    if (kit->store.error != 0) {
        return kit->store.error;
    }
    if (kit_alloc_fails(kit)) {
        return -ENOMEM;
    }
    put_entry(&kit->store, key, value);
    return 0;
}

static int del(const struct virga_host *host, struct virga_str key) {
    struct store *store = &kit_from(host)->store;
    if (store->error != 0) {
        return store->error;
    }
    size_t at = valid_key(key) ? lower(store, key) : SIZE_MAX;
    if (!holds(store, at, key)) {
        return -ENOENT;
    }
    delete_entry(store, at);
    return 0;
}

static int del_prefix(const struct virga_host *host, struct virga_str prefix, uint64_t *ret_count) {
    struct store *store = &kit_from(host)->store;
    uint64_t count = 0;
    if (store->error != 0) {
        return store->error;
    }
    size_t at = prefix.len > 0 ? lower(store, prefix) : 0;
    while (at < store->count && starts_with(store->entries[at].key, prefix)) {
        delete_entry(store, at);
        count++;
    }
    if (ret_count != NULL) {
        *ret_count = count;
    }
    return 0;
}

/* --- transactions --- */

static void forget_undo(struct store *store) {
    for (size_t i = 0; i < store->undo_count; i++) {
        drop(store->undo[i].key);
        drop(store->undo[i].value);
    }
    store->undo_count = 0;
    store->open = false;
}

static int begin(const struct virga_host *host) {
    struct store *store = &kit_from(host)->store;
    if (store->error != 0) {
        return store->error;
    }
    if (store->open) {
        return -EBUSY;
    }
    store->open = true;
    return 0;
}

void kit_store_rollback(struct testkit *kit) {
    struct store *store = &kit->store;
    size_t count = store->undo_count;
    bool open = store->open;
    store->open = false;
    for (size_t i = count; open && i-- > 0;) {
        const struct store_undo *undo = &store->undo[i];
        if (undo->value.ptr != NULL) {
            put_entry(store, undo->key, undo->value);
        } else {
            delete_entry(store, lower(store, undo->key));
        }
    }
    forget_undo(store);
}

static int commit(const struct virga_host *host) {
    struct testkit *kit = kit_from(host);
    if (!kit->store.open) {
        return -EINVAL;
    }
    if (kit->store.error != 0) {
        kit_store_rollback(kit);
        return kit->store.error;
    }
    forget_undo(&kit->store);
    return 0;
}

static void rollback(const struct virga_host *host) {
    kit_store_rollback(kit_from(host));
}

/* --- walks --- */

static void close_cursor(struct virga_store_cursor *cursor) {
    if (cursor != NULL) {
        kit_handle_remove(&cursor->handle);
        free(cursor->prefix);
        free(cursor->at);
        free(cursor->value);
        free(cursor);
    }
}

static void drop_cursor(struct handle *handle) {
    close_cursor(LINK_ENTRY(handle, struct virga_store_cursor, handle));
}

void kit_store_check_cursors(struct testkit *kit, const char *what) {
    LINK_EACH(at, &kit->handles) {
        struct handle *handle = LINK_ENTRY(at, struct handle, link);
        if (handle->drop == drop_cursor && !handle->reported) {
            handle->reported = true;
            kit_problem(kit, "%s returned with an open store cursor", what);
        }
    }
}

static int scan(const struct virga_host *host, struct virga_str prefix, struct virga_str after,
                uint32_t flags, struct virga_store_cursor **ret_cursor) {
    struct testkit *kit = kit_from(host);
    if (kit->store.error != 0) {
        return kit->store.error;
    }
    if (kit_alloc_fails(kit)) {
        return -ENOMEM;
    }
    struct virga_store_cursor *cursor = kit_must_alloc(sizeof *cursor);
    cursor->prefix = kit_must_copy(prefix.ptr, prefix.len);
    cursor->prefix_len = prefix.len;
    if (after.ptr != NULL) {
        cursor->at = kit_must_copy(after.ptr, after.len);
        cursor->at_len = after.len;
    }
    cursor->flags = flags;
    kit_handle_add(kit, &cursor->handle, "store cursor", drop_cursor);
    *ret_cursor = cursor;
    return 0;
}

/* The index of the first entry behind everything that begins with `prefix`. */
static size_t behind(const struct store *store, struct virga_str prefix) {
    size_t at = lower(store, prefix);
    while (at < store->count && starts_with(store->entries[at].key, prefix)) {
        at++;
    }
    return at;
}

/* The index of the entry that comes next; SIZE_MAX: none. */
static size_t successor(const struct store *store, const struct virga_store_cursor *cursor) {
    struct virga_str prefix = {cursor->prefix, cursor->prefix_len};
    struct virga_str at = {cursor->at, cursor->at_len};
    size_t first = prefix.len > 0 ? lower(store, prefix) : 0;
    size_t next;
    if ((cursor->flags & VIRGA_STORE_REVERSE) != 0) {
        size_t end = behind(store, prefix);
        size_t below = at.ptr != NULL ? lower(store, at) : end;
        next = below < end ? below : end;
        return next > first ? next - 1 : SIZE_MAX;
    }
    next = first;
    if (at.ptr != NULL) {
        size_t above = lower(store, at);
        above += holds(store, above, at);
        next = above > first ? above : first;
    }
    return next < store->count && starts_with(store->entries[next].key, prefix) ? next : SIZE_MAX;
}

static int next_pair(struct virga_store_cursor *cursor, struct virga_str *ret_key,
                     struct virga_str *ret_value) {
    const struct store *store = &cursor->handle.kit->store;
    if (store->error != 0) {
        return store->error;
    }
    size_t at = successor(store, cursor);
    if (at == SIZE_MAX) {
        return 0;
    }
    const struct store_entry *entry = &store->entries[at];
    bool keys_only = (cursor->flags & VIRGA_STORE_KEYS_ONLY) != 0;
    /* New copies each time: who keeps the old ones is found by a memory checker. */
    free(cursor->at);
    free(cursor->value);
    cursor->at = kit_must_copy(entry->key.ptr, entry->key.len);
    cursor->at_len = entry->key.len;
    cursor->value = kit_must_copy(entry->value.ptr, keys_only ? 0 : entry->value.len);
    *ret_key = (struct virga_str){cursor->at, cursor->at_len};
    *ret_value = (struct virga_str){cursor->value, keys_only ? 0 : entry->value.len};
    return 1;
}

/* --- from outside --- */

void testkit_store_put(struct testkit *kit, const char *key, const char *value) {
    put_entry(&kit->store, virga_str_from(key), virga_str_from(value));
}

const char *testkit_store_get(const struct testkit *kit, const char *key) {
    size_t at = lower(&kit->store, virga_str_from(key));
    return holds(&kit->store, at, virga_str_from(key)) ? kit->store.entries[at].value.ptr : NULL;
}

size_t testkit_store_count(const struct testkit *kit) {
    return kit->store.count;
}

void testkit_store_fail(struct testkit *kit, int error) {
    kit->store.error = error;
}

void kit_store_clear(struct testkit *kit) {
    struct store *store = &kit->store;
    forget_undo(store);
    for (size_t i = 0; i < store->count; i++) {
        drop(store->entries[i].key);
        drop(store->entries[i].value);
    }
    free(store->entries);
    free(store->undo);
    *store = (struct store){.error = store->error};
}

const struct virga_store kit_store = {
    .struct_size = sizeof kit_store,
    .get = get,
    .release = release,
    .put = put,
    .del = del,
    .del_prefix = del_prefix,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .scan = scan,
    .next = next_pair,
    .close = close_cursor,
};
