/* SPDX-License-Identifier: MIT */
/* The store for plugins. */
#include "ext_store.h"

#include <errno.h>
#include <stdlib.h>

#include "host.h"
#include "plugin.h"
#include "resource.h"
#include "store_checkpoint.h"
#include "store_db.h"

struct virga_store_cursor {
    struct resource resource;
    struct store_scan *scan;
};

static struct store_db *db_of(const struct virga_host *host) {
    return plugin_from(host)->host->store;
}

/* The plugin's namespace, for reading. */
static int namespace_of(const struct virga_host *host, int64_t *ret_ns) {
    return store_db_namespace(db_of(host), plugin_from(host)->desc->name, false, ret_ns);
}

/* The same for writing. A plugin that is called within another's transaction must not write into
 * it: its write would go when the other rolls back. */
static int namespace_to_write(const struct virga_host *host, int64_t *ret_ns) {
    const struct plugin *plugin = plugin_from(host);
    if (store_db_in_transaction(db_of(host)) && !plugin->store_open) {
        return -EBUSY;
    }
    (void)store_checkpoint_watch(db_of(host), plugin->host->loop);
    return store_db_namespace(db_of(host), plugin->desc->name, true, ret_ns);
}

static int get(const struct virga_host *host, struct virga_str key,
               struct virga_store_value *ret_value) {
    int64_t ns;
    char *bytes;
    size_t len;
    int rc = namespace_of(host, &ns);
    if (rc == 0) {
        rc = store_db_get(db_of(host), ns, key, &bytes, &len);
    }
    if (rc == 0) {
        *ret_value = (struct virga_store_value){bytes, len};
    }
    return rc;
}

static void release(const struct virga_host *host, struct virga_store_value *value) {
    (void)host;
    free((void *)(uintptr_t)value->ptr);
    *value = (struct virga_store_value){0};
}

static int put(const struct virga_host *host, struct virga_str key, struct virga_str value) {
    int64_t ns;
    int rc = namespace_to_write(host, &ns);
    return rc < 0 ? rc : store_db_put(db_of(host), ns, key, value);
}

static int del(const struct virga_host *host, struct virga_str key) {
    int64_t ns;
    int rc = namespace_to_write(host, &ns);
    return rc < 0 ? rc : store_db_del(db_of(host), ns, key);
}

static int del_prefix(const struct virga_host *host, struct virga_str prefix, uint64_t *ret_count) {
    int64_t ns;
    int rc = namespace_to_write(host, &ns);
    return rc < 0 ? rc : store_db_del_prefix(db_of(host), ns, prefix, ret_count);
}

static int begin(const struct virga_host *host) {
    struct plugin *plugin = plugin_from(host);
    int64_t ns;
    if (store_db_in_transaction(db_of(host))) {
        return -EBUSY;
    }
    /* The namespace is made before: a rollback must not take it back. */
    int rc = namespace_to_write(host, &ns);
    if (rc == 0) {
        rc = store_db_begin(db_of(host));
    }
    plugin->store_open = rc == 0;
    return rc;
}

static int commit(const struct virga_host *host) {
    struct plugin *plugin = plugin_from(host);
    if (!plugin->store_open) {
        return -EINVAL;
    }
    plugin->store_open = false;
    return store_db_commit(db_of(host));
}

void ext_store_rollback_left_open(struct plugin *plugin) {
    if (plugin->store_open) {
        plugin->store_open = false;
        store_db_rollback(plugin->host->store);
    }
}

static void rollback(const struct virga_host *host) {
    ext_store_rollback_left_open(plugin_from(host));
}

static void close_cursor(struct virga_store_cursor *cursor) {
    if (cursor != NULL) {
        resource_remove(&cursor->resource);
        store_db_scan_close(cursor->scan);
        free(cursor);
    }
}

static void reclaim(struct resource *resource) {
    close_cursor(LIST_ENTRY(resource, struct virga_store_cursor, resource));
}

static int scan(const struct virga_host *host, struct virga_str prefix, struct virga_str after,
                uint32_t flags, struct virga_store_cursor **ret_cursor) {
    int64_t ns;
    int rc = namespace_of(host, &ns);
    if (rc < 0 && rc != -ENOENT) {
        return rc;
    }
    struct virga_store_cursor *cursor = calloc(1, sizeof *cursor);
    if (cursor == NULL) {
        return -ENOMEM;
    }
    /* A plugin that never wrote has no namespace: its walks are over at once, without a scan. */
    if (rc == 0) {
        rc = store_db_scan(db_of(host), ns, prefix, after, (flags & VIRGA_STORE_REVERSE) != 0,
                           (flags & VIRGA_STORE_KEYS_ONLY) != 0, &cursor->scan);
        if (rc < 0) {
            free(cursor);
            return rc;
        }
    }
    resource_add(&cursor->resource, plugin_from(host), "store cursor", reclaim);
    *ret_cursor = cursor;
    return 0;
}

static int next(struct virga_store_cursor *cursor, struct virga_str *ret_key,
                struct virga_str *ret_value) {
    return cursor->scan != NULL ? store_db_scan_next(cursor->scan, ret_key, ret_value) : 0;
}

const struct virga_store ext_store = {
    .struct_size = sizeof ext_store,
    .get = get,
    .release = release,
    .put = put,
    .del = del,
    .del_prefix = del_prefix,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .scan = scan,
    .next = next,
    .close = close_cursor,
};
