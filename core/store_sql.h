/* SPDX-License-Identifier: MIT */
/* What store_db.c, store_scan.c and store_checkpoint.c share of the open file. For these only. */
#ifndef CORE_STORE_SQL_H
#define CORE_STORE_SQL_H

#include <sqlite3.h>
#include <uv.h>

#include "store_db.h"

enum store_statement {
    STORE_GET,
    STORE_PUT,
    STORE_DEL,
    STORE_DEL_RANGE,
    STORE_NS_GET,
    STORE_NS_ADD,
    STORE_BEGIN,
    STORE_COMMIT,
    STORE_ROLLBACK,
    STORE_STATEMENTS
};

/* Idle scan statements that are kept, of each kind: forward or reverse, with or without values. */
#define STORE_SCAN_KINDS 4
#define STORE_SCAN_POOL 4

struct store_db {
    sqlite3 *sqlite;
    sqlite3_stmt *statements[STORE_STATEMENTS];
    sqlite3_stmt *scan_pool[STORE_SCAN_KINDS][STORE_SCAN_POOL];
    size_t scan_pool_count[STORE_SCAN_KINDS];
    struct {
        char *name;
        int64_t id;
    } namespaces[STORE_MAX_NAMESPACES];
    size_t namespaces_count;
    uint64_t writes; /* counts; a scan looks again where it stands when it has changed */
    int lock_fd;
    int broken; /* the error that ended the open transaction inside SQLite; 0 = none */
    bool in_transaction;
    uv_timer_t *checkpoint_timer;
    bool checkpoint_armed;
    bool persistent;
};

/* A bound may be one byte longer than any key. */
#define STORE_BOUND_MAX (STORE_KEY_MAX + 1)

/* The negative errno of an SQLite result code. */
int store_sql_errno(int code);
/* The same for what just failed, with a line in the log that says why. */
int store_sql_failed(struct store_db *db, int code, const char *what);
/* Binds bytes that stay until the statement is reset. */
void store_sql_bind(sqlite3_stmt *statement, int index, struct virga_str bytes);

/* The least text above every key that begins with `prefix`; returns its length. */
size_t store_scan_upper_bound(struct virga_str prefix, char upper[STORE_BOUND_MAX]);
/* Frees the idle statements. */
void store_scan_pool_clear(struct store_db *db);

/* Something is written: a checkpoint shall follow. */
void store_checkpoint_arm(struct store_db *db);
/* Ends the timer. */
void store_checkpoint_stop(struct store_db *db);

#endif
