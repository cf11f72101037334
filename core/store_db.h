/* SPDX-License-Identifier: MIT */
/* The key-value store on SQLite: one file, one table, namespaces by number.
 * Owns statements, transactions and the translation of SQLite's errors; knows no plugin. Thread:
 * [loop]. */
#ifndef CORE_STORE_DB_H
#define CORE_STORE_DB_H

#include <stdbool.h>
#include <virga/abi.h>

#include "error.h"

struct store_db;
struct store_scan;

#define STORE_KEY_MAX 2000
#define STORE_VALUE_MAX (16u * 1024 * 1024)
#define STORE_MAX_NAMESPACES 256

/* Opens or creates the file; NULL = memory. Errors: -EBUSY another process has it, -EPROTO its
 * schema is newer than this program, -EIO it is damaged or no store, -ENOSPC, -ENOMEM, and the
 * errno of the file. */
int store_db_open(const char *path_or_null, struct store_db **ret_db, struct error *err);
/* Writes what the log holds into the file and closes; an open transaction is forgotten. NULL is
 * fine. */
void store_db_close(struct store_db *db);

/* The number of a namespace. Errors: -ENOENT it does not exist and `create` is false, -ENOSPC,
 * -EIO. */
int store_db_namespace(struct store_db *db, const char *name, bool create, int64_t *ret_ns);

/* Reads. Owns: *ret_value is the caller's, to free(); a NUL stands behind it. Errors: -ENOENT,
 * -EIO, -ENOMEM. */
int store_db_get(struct store_db *db, int64_t ns, struct virga_str key, char **ret_value,
                 size_t *ret_len);
/* Writes. Errors: -EINVAL key or value too long, -ENOSPC, -EIO; inside a transaction one that
 * SQLite broke off: the error that did it. */
int store_db_put(struct store_db *db, int64_t ns, struct virga_str key, struct virga_str value);
/* Errors: -ENOENT, else as put. */
int store_db_del(struct store_db *db, int64_t ns, struct virga_str key);
int store_db_del_prefix(struct store_db *db, int64_t ns, struct virga_str prefix,
                        uint64_t *ret_count);

/* Whether one is open. */
bool store_db_in_transaction(const struct store_db *db);
/* One transaction at a time. Errors: -EBUSY one is open, -EIO. */
int store_db_begin(struct store_db *db);
/* Ends it either way. Errors: -EINVAL none is open, -ENOSPC, -EIO: nothing of it was kept. */
int store_db_commit(struct store_db *db);
void store_db_rollback(struct store_db *db);

/* Walks keys as virga/ext/store.h says. Writes between two steps are safe, and seen when they are
 * ahead of the walk. Errors: -EINVAL prefix or after too long, -ENOMEM, -EIO. */
int store_db_scan(struct store_db *db, int64_t ns, struct virga_str prefix, struct virga_str after,
                  bool reverse, bool keys_only, struct store_scan **ret_scan);
/* 1 and the next pair, 0 at the end. Valid: until the next call on this scan. Errors: -EIO,
 * -ENOMEM. */
int store_db_scan_next(struct store_scan *scan, struct virga_str *ret_key,
                       struct virga_str *ret_value);
/* NULL is fine. */
void store_db_scan_close(struct store_scan *scan);

#endif
