/* SPDX-License-Identifier: MIT */
/* virga.store/1: an ordered key-value store, one namespace for each plugin. */
#ifndef VIRGA_EXT_STORE_H
#define VIRGA_EXT_STORE_H

#include "../host.h"
#include "../http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_STORE_ID "virga.store/1"

/* Keys are 1 to 2,000 bytes of anything, ordered as memcmp orders; values up to 16 MiB. A write that
 * returned 0 outside a transaction, or whose commit() returned 0, survives kill -9 of the host (mode
 * persistent). Everything is [loop] and returns without waiting for another process. */

struct virga_store_cursor;

/* A value that was read. Owns: the reader, until release(). */
struct virga_store_value {
    const char *ptr; /* NUL behind it */
    size_t len;
};

/* scan flags */
#define VIRGA_STORE_REVERSE 0x1u   /* from the last key to the first */
#define VIRGA_STORE_KEYS_ONLY 0x2u /* values are empty */

struct virga_store {
    uint32_t struct_size;
    uint32_t reserved;

    /* Reads one value. Errors: -ENOENT, -EIO (logged with its cause), -ENOMEM. */
    int (*get)(const struct virga_host *host, struct virga_str key,
               struct virga_store_value *ret_value);
    /* Frees a value that get() gave; one with ptr NULL is fine. */
    void (*release)(const struct virga_host *host, struct virga_store_value *value);
    /* Writes one value over whatever was there. Errors: -EINVAL, -ENOSPC, -EIO, -EBUSY inside another
     * plugin's transaction (so also del and del_prefix). */
    int (*put)(const struct virga_host *host, struct virga_str key, struct virga_str value);
    /* Deletes one key. Errors: -ENOENT it was not there, -ENOSPC, -EIO. */
    int (*del)(const struct virga_host *host, struct virga_str key);
    /* Deletes every key that begins with `prefix` ("" = all of the plugin's); ret_count may be NULL. */
    int (*del_prefix)(const struct virga_host *host, struct virga_str prefix, uint64_t *ret_count);

    /* Begins a transaction: reads see its writes, nobody else does until commit(). Of one plugin at a
     * time and within one callback: what is still open when the callback returns is rolled back, with a
     * line in the log. Errors: -EBUSY one is open, -EIO. */
    int (*begin)(const struct virga_host *host);
    /* Errors: -EINVAL none is open, -ENOSPC, -EIO: nothing of it was kept. */
    int (*commit)(const struct virga_host *host);
    /* Forgets its writes. None open: nothing happens. */
    void (*rollback)(const struct virga_host *host);

    /* Walks the keys that begin with `prefix`, in order, beginning behind `after` (ptr NULL: at the
     * start; with REVERSE: before it). `after` need not exist. Close it within the callback. Writes
     * during a walk are safe: what is written or deleted ahead of it is seen, behind it is not.
     * Errors: -EIO, -ENOMEM. */
    int (*scan)(const struct virga_host *host, struct virga_str prefix, struct virga_str after,
                uint32_t flags, struct virga_store_cursor **ret_cursor);
    /* The next pair: 1, or 0 at the end. Valid: key and value until the next call on this cursor.
     * Errors: -EIO. */
    int (*next)(struct virga_store_cursor *cursor, struct virga_str *ret_key,
                struct virga_str *ret_value);
    /* Ends the walk; NULL is fine. */
    void (*close)(struct virga_store_cursor *cursor);
};

#ifdef __cplusplus
}
#endif
#endif
