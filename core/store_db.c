/* SPDX-License-Identifier: MIT */
/* Opening, reading, writing and transactions. Scans are in store_scan.c. */
#include "store_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "store_lock.h"
#include "store_sql.h"

#define SCHEMA_VERSION 1
#define BUSY_TIMEOUT_MS 250 /* somebody looks into the file with another program */

/* The lock file keeps other virgas away; SQLite's own exclusive mode needs no shared memory file. A
 * WAL of more than 512 pages (2 MiB) is moved into the file by the commit that makes it so. NORMAL:
 * a killed process loses nothing that was committed, as the kernel has it; only a power failure can
 * take the last commits. */
static const char settings[] = "PRAGMA locking_mode=EXCLUSIVE;"
                               "PRAGMA journal_mode=WAL;"
                               "PRAGMA synchronous=NORMAL;"
                               "PRAGMA wal_autocheckpoint=512;"
                               "PRAGMA journal_size_limit=4194304;"
                               "PRAGMA cache_size=-2048;"
                               "PRAGMA mmap_size=0;"
                               "PRAGMA temp_store=MEMORY;"
                               "PRAGMA trusted_schema=OFF;";

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE namespaces(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE kv(ns INTEGER NOT NULL, k BLOB NOT NULL, v BLOB NOT NULL,"
    " PRIMARY KEY(ns, k)) WITHOUT ROWID;"
    "PRAGMA user_version=1;"
    "COMMIT;";

static const char *const statements[STORE_STATEMENTS] = {
    [STORE_GET] = "SELECT v FROM kv WHERE ns=?1 AND k=?2",
    [STORE_PUT] = "REPLACE INTO kv(ns, k, v) VALUES(?1, ?2, ?3)",
    [STORE_DEL] = "DELETE FROM kv WHERE ns=?1 AND k=?2",
    [STORE_DEL_RANGE] = "DELETE FROM kv WHERE ns=?1 AND k>=?2 AND k<?3",
    [STORE_NS_GET] = "SELECT id FROM namespaces WHERE name=?1",
    [STORE_NS_ADD] = "INSERT INTO namespaces(name) VALUES(?1)",
    [STORE_BEGIN] = "BEGIN IMMEDIATE",
    [STORE_COMMIT] = "COMMIT",
    [STORE_ROLLBACK] = "ROLLBACK",
};

/* --- errors --- */

int store_sql_errno(int code) {
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_TOOBIG:
        return -EINVAL;
    default:
        return -EIO;
    }
}

int store_sql_failed(struct store_db *db, int code, const char *what) {
    int rc = store_sql_errno(code);
    if (rc < 0) {
        int system = sqlite3_system_errno(db->sqlite);
        log_error("store: %s: %s%s%s", what, sqlite3_errmsg(db->sqlite), system != 0 ? ": " : "",
                  system != 0 ? strerror(system) : "");
    }
    /* SQLite may have rolled back by itself: what follows must not be written outside the
     * transaction. */
    if (db->in_transaction && db->broken == 0 && sqlite3_get_autocommit(db->sqlite)) {
        db->broken = rc < 0 ? rc : -EIO;
    }
    return rc;
}

/* --- opening --- */

static int query_int(sqlite3 *sqlite, const char *sql, int64_t *ret_value) {
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW) {
            *ret_value = sqlite3_column_int64(statement, 0);
        }
    }
    (void)sqlite3_finalize(statement);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

static int open_failed(struct store_db *db, const char *path, int code, struct error *err) {
    int rc = store_sql_errno(code);
    int system = db->sqlite != NULL ? sqlite3_system_errno(db->sqlite) : 0;
    if ((code & 0xff) == SQLITE_NOTADB || (code & 0xff) == SQLITE_CORRUPT) {
        return error_set(err, -EIO,
                         "%s is damaged, or no store of virga (%s): move it away to begin with an "
                         "empty one",
                         path, sqlite3_errmsg(db->sqlite));
    }
    if ((code & 0xff) == SQLITE_BUSY) {
        return error_set(err, -EBUSY, "%s is open in another program", path);
    }
    if (system != 0 && rc == -EIO) {
        return error_set(err, -system, "%s cannot be opened: %s", path, error_text(-system));
    }
    return error_set(err, rc < 0 ? rc : -EIO, "%s cannot be opened: %s", path,
                     db->sqlite != NULL ? sqlite3_errmsg(db->sqlite) : "out of memory");
}

/* Makes the tables in an empty file; refuses one of another program or of a newer virga. */
static int prepare_schema(struct store_db *db, const char *path, struct error *err) {
    int64_t version = 0;
    int64_t tables = 0;
    int code = query_int(db->sqlite, "PRAGMA user_version", &version);
    if (code == SQLITE_OK) {
        code = query_int(db->sqlite, "SELECT count(*) FROM sqlite_schema", &tables);
    }
    if (code != SQLITE_OK) {
        return open_failed(db, path, code, err);
    }
    if (version > SCHEMA_VERSION) {
        return error_set(err, -EPROTO,
                         "%s was written by a newer virga (schema %d; this one knows %d): use that "
                         "version, or another floci.storage.persistent-path",
                         path, (int)version, SCHEMA_VERSION);
    }
    if (version == SCHEMA_VERSION) {
        return 0;
    }
    if (version != 0 || tables != 0) {
        return error_set(err, -EIO, "%s is an SQLite file of another program", path);
    }
    code = sqlite3_exec(db->sqlite, schema, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : open_failed(db, path, code, err);
}

/* SQLite would make the file readable to everybody; its log takes over the file's mode. */
static int make_private(const char *path, struct error *err) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        int rc = -errno;
        return error_set(err, rc, "%s cannot be opened: %s", path, error_text(rc));
    }
    (void)close(fd);
    return 0;
}

static int open_sqlite(struct store_db *db, const char *path, struct error *err) {
    int code = sqlite3_open_v2(path, &db->sqlite,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                   SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
                               NULL);
    if (code == SQLITE_OK) {
        (void)sqlite3_busy_timeout(db->sqlite, BUSY_TIMEOUT_MS);
        code = sqlite3_exec(db->sqlite, settings, NULL, NULL, NULL);
    }
    if (code != SQLITE_OK) {
        return open_failed(db, path, code, err);
    }
    int rc = prepare_schema(db, path, err);
    for (size_t i = 0; i < STORE_STATEMENTS && rc == 0; i++) {
        code = sqlite3_prepare_v3(db->sqlite, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &db->statements[i], NULL);
        rc = code == SQLITE_OK ? 0 : open_failed(db, path, code, err);
    }
    return rc;
}

int store_db_open(const char *path_or_null, struct store_db **ret_db, struct error *err) {
    const char *path = path_or_null != NULL ? path_or_null : ":memory:";
    struct store_db *db = calloc(1, sizeof *db);
    int rc = 0;
    if (db == NULL) {
        return error_set(err, -ENOMEM, "out of memory");
    }
    db->lock_fd = -1;
    db->persistent = path_or_null != NULL;
    if (db->persistent) {
        rc = store_lock_take(path, &db->lock_fd, err);
        rc = rc == 0 ? make_private(path, err) : rc;
    }
    if (rc == 0) {
        rc = open_sqlite(db, path, err);
    }
    if (rc < 0) {
        store_db_close(db);
        return rc;
    }
    *ret_db = db;
    return 0;
}

void store_db_close(struct store_db *db) {
    if (db == NULL) {
        return;
    }
    store_checkpoint_stop(db);
    store_scan_pool_clear(db);
    if (db->in_transaction) {
        store_db_rollback(db);
    }
    for (size_t i = 0; i < STORE_STATEMENTS; i++) {
        (void)sqlite3_finalize(db->statements[i]);
    }
    for (size_t i = 0; i < db->namespaces_count; i++) {
        free(db->namespaces[i].name);
    }
    /* The last connection moves the WAL into the file and deletes it. */
    (void)sqlite3_close_v2(db->sqlite);
    store_lock_drop(db->lock_fd);
    free(db);
}

/* --- statements --- */

void store_sql_bind(sqlite3_stmt *statement, int index, struct virga_str bytes) {
    /* A NULL pointer would bind NULL instead of no bytes. */
    (void)sqlite3_bind_blob(statement, index, bytes.ptr != NULL ? bytes.ptr : "", (int)bytes.len,
                            SQLITE_STATIC);
}

/* Runs a statement that gives no rows. */
static int run(struct store_db *db, enum store_statement which, const char *what) {
    sqlite3_stmt *statement = db->statements[which];
    int code = sqlite3_step(statement);
    int rc = code == SQLITE_DONE ? 0 : store_sql_failed(db, code, what);
    (void)sqlite3_reset(statement);
    return rc;
}

/* A statement that writes, which moves every scan to look again where it stands. */
static int run_write(struct store_db *db, enum store_statement which, const char *what) {
    if (db->broken != 0) {
        (void)sqlite3_reset(db->statements[which]);
        return db->broken;
    }
    db->writes++;
    store_checkpoint_arm(db);
    return run(db, which, what);
}

int store_db_namespace(struct store_db *db, const char *name, bool create, int64_t *ret_ns) {
    sqlite3_stmt *find = db->statements[STORE_NS_GET];
    int64_t id = 0;
    int rc = 0;
    for (size_t i = 0; i < db->namespaces_count; i++) {
        if (strcmp(db->namespaces[i].name, name) == 0) {
            *ret_ns = db->namespaces[i].id;
            return 0;
        }
    }
    if (db->namespaces_count >= STORE_MAX_NAMESPACES) {
        return -EINVAL;
    }
    (void)sqlite3_bind_text(find, 1, name, -1, SQLITE_STATIC);
    int code = sqlite3_step(find);
    if (code == SQLITE_ROW) {
        id = sqlite3_column_int64(find, 0);
    } else if (code != SQLITE_DONE) {
        rc = store_sql_failed(db, code, "finding a namespace");
    }
    (void)sqlite3_reset(find);
    if (rc == 0 && id == 0) {
        /* Inside a transaction a rollback would take the number back, which is remembered here. */
        if (!create || db->in_transaction) {
            return create ? -EBUSY : -ENOENT;
        }
        (void)sqlite3_bind_text(db->statements[STORE_NS_ADD], 1, name, -1, SQLITE_STATIC);
        rc = run_write(db, STORE_NS_ADD, "adding a namespace");
        id = sqlite3_last_insert_rowid(db->sqlite);
    }
    if (rc < 0) {
        return rc;
    }
    char *copy = strdup(name);
    if (copy == NULL) {
        return -ENOMEM;
    }
    db->namespaces[db->namespaces_count].name = copy;
    db->namespaces[db->namespaces_count++].id = id;
    *ret_ns = id;
    return 0;
}

static bool key_fits(struct virga_str key) {
    return key.ptr != NULL && key.len > 0 && key.len <= STORE_KEY_MAX;
}

int store_db_get(struct store_db *db, int64_t ns, struct virga_str key, char **ret_value,
                 size_t *ret_len) {
    sqlite3_stmt *statement = db->statements[STORE_GET];
    int rc = 0;
    if (!key_fits(key)) {
        return -EINVAL;
    }
    (void)sqlite3_bind_int64(statement, 1, ns);
    store_sql_bind(statement, 2, key);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(statement, 0);
        size_t len = (size_t)sqlite3_column_bytes(statement, 0);
        char *value = len > 0 && bytes == NULL ? NULL : malloc(len + 1);
        if (value == NULL) {
            rc = -ENOMEM;
        } else {
            if (len > 0) {
                memcpy(value, bytes, len);
            }
            value[len] = '\0';
            *ret_value = value;
            *ret_len = len;
        }
    } else {
        rc = code == SQLITE_DONE ? -ENOENT : store_sql_failed(db, code, "reading");
    }
    (void)sqlite3_reset(statement);
    return rc;
}

int store_db_put(struct store_db *db, int64_t ns, struct virga_str key, struct virga_str value) {
    sqlite3_stmt *statement = db->statements[STORE_PUT];
    if (!key_fits(key) || value.len > STORE_VALUE_MAX) {
        return -EINVAL;
    }
    (void)sqlite3_bind_int64(statement, 1, ns);
    store_sql_bind(statement, 2, key);
    store_sql_bind(statement, 3, value);
    return run_write(db, STORE_PUT, "writing");
}

int store_db_del(struct store_db *db, int64_t ns, struct virga_str key) {
    sqlite3_stmt *statement = db->statements[STORE_DEL];
    if (!key_fits(key)) {
        return -EINVAL;
    }
    (void)sqlite3_bind_int64(statement, 1, ns);
    store_sql_bind(statement, 2, key);
    int rc = run_write(db, STORE_DEL, "deleting");
    return rc == 0 && sqlite3_changes(db->sqlite) == 0 ? -ENOENT : rc;
}

int store_db_del_prefix(struct store_db *db, int64_t ns, struct virga_str prefix,
                        uint64_t *ret_count) {
    sqlite3_stmt *statement = db->statements[STORE_DEL_RANGE];
    char upper[STORE_BOUND_MAX];
    if (prefix.len > STORE_KEY_MAX) {
        return -EINVAL;
    }
    (void)sqlite3_bind_int64(statement, 1, ns);
    store_sql_bind(statement, 2, prefix);
    store_sql_bind(statement, 3, (struct virga_str){upper, store_scan_upper_bound(prefix, upper)});
    int rc = run_write(db, STORE_DEL_RANGE, "deleting");
    if (rc == 0 && ret_count != NULL) {
        *ret_count = (uint64_t)sqlite3_changes64(db->sqlite);
    }
    return rc;
}

/* --- transactions --- */

bool store_db_in_transaction(const struct store_db *db) {
    return db->in_transaction;
}

int store_db_begin(struct store_db *db) {
    if (db->in_transaction) {
        return -EBUSY;
    }
    int rc = run(db, STORE_BEGIN, "beginning a transaction");
    db->in_transaction = rc == 0;
    return rc;
}

int store_db_commit(struct store_db *db) {
    if (!db->in_transaction) {
        return -EINVAL;
    }
    int rc = db->broken;
    if (rc == 0) {
        rc = run(db, STORE_COMMIT, "committing");
    }
    if (rc < 0) {
        store_db_rollback(db);
    }
    db->in_transaction = false;
    db->broken = 0;
    return rc;
}

void store_db_rollback(struct store_db *db) {
    if (!db->in_transaction) {
        return;
    }
    if (!sqlite3_get_autocommit(db->sqlite)) {
        db->writes++;
        (void)run(db, STORE_ROLLBACK, "rolling back");
    }
    db->in_transaction = false;
    db->broken = 0;
}
