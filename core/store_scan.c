/* SPDX-License-Identifier: MIT */
/* Walks over a range of keys. A walk remembers where it stands, so that a write in between only
 * makes it look again from there. */
#include <errno.h>
#include <stdlib.h>

#include "store_sql.h"

static const char *const scan_sql[STORE_SCAN_KINDS] = {
    "SELECT k, v FROM kv WHERE ns=?1 AND k>=?2 AND k<?3 ORDER BY k",
    "SELECT k, v FROM kv WHERE ns=?1 AND k>=?2 AND k<?3 ORDER BY k DESC",
    "SELECT k FROM kv WHERE ns=?1 AND k>=?2 AND k<?3 ORDER BY k",
    "SELECT k FROM kv WHERE ns=?1 AND k>=?2 AND k<?3 ORDER BY k DESC",
};

struct store_scan {
    struct store_db *db;
    sqlite3_stmt *statement;
    int64_t ns;
    uint64_t writes; /* of db, when the statement began */
    size_t kind;
    bool reverse;
    bool begun;
    bool ended;
    int failed;  /* given again by every further step */
    char *value; /* the last value */
    size_t value_size;
    size_t key_len;
    size_t lower_len;
    size_t upper_len;
    char key[STORE_KEY_MAX + 1]; /* the last key */
    char lower[STORE_BOUND_MAX]; /* the range that is left: lower <= k < upper */
    char upper[STORE_BOUND_MAX];
};

size_t store_scan_upper_bound(struct virga_str prefix, char upper[STORE_BOUND_MAX]) {
    size_t len = prefix.len;
    while (len > 0 && (unsigned char)prefix.ptr[len - 1] == 0xff) {
        len--;
    }
    if (len == 0) {
        /* Nothing but 0xff: longer than any key is above them all. */
        memset(upper, 0xff, STORE_BOUND_MAX);
        return STORE_BOUND_MAX;
    }
    memcpy(upper, prefix.ptr, len);
    upper[len - 1] = (char)((unsigned char)upper[len - 1] + 1);
    return len;
}

void store_scan_pool_clear(struct store_db *db) {
    for (size_t kind = 0; kind < STORE_SCAN_KINDS; kind++) {
        while (db->scan_pool_count[kind] > 0) {
            (void)sqlite3_finalize(db->scan_pool[kind][--db->scan_pool_count[kind]]);
        }
    }
}

static int compare(const char *a, size_t a_len, const char *b, size_t b_len) {
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* Narrows the range to what comes behind `key`. */
static void move_behind(struct store_scan *scan, const char *key, size_t len) {
    if (scan->reverse) {
        if (compare(key, len, scan->upper, scan->upper_len) < 0) {
            memcpy(scan->upper, key, len);
            scan->upper_len = len;
        }
        return;
    }
    /* The next key above is this one with a zero byte. */
    if (compare(key, len, scan->lower, scan->lower_len) >= 0) {
        memcpy(scan->lower, key, len);
        scan->lower[len] = '\0';
        scan->lower_len = len + 1;
    }
}

static int take_statement(struct store_scan *scan) {
    struct store_db *db = scan->db;
    if (db->scan_pool_count[scan->kind] > 0) {
        scan->statement = db->scan_pool[scan->kind][--db->scan_pool_count[scan->kind]];
        return 0;
    }
    int code = sqlite3_prepare_v3(db->sqlite, scan_sql[scan->kind], -1, SQLITE_PREPARE_PERSISTENT,
                                  &scan->statement, NULL);
    return code == SQLITE_OK ? 0 : store_sql_failed(db, code, "preparing a scan");
}

int store_db_scan(struct store_db *db, int64_t ns, struct virga_str prefix, struct virga_str after,
                  bool reverse, bool keys_only, struct store_scan **ret_scan) {
    if (prefix.len > STORE_KEY_MAX || after.len > STORE_KEY_MAX) {
        return -EINVAL;
    }
    struct store_scan *scan = malloc(sizeof *scan);
    if (scan == NULL) {
        return -ENOMEM;
    }
    memset(scan, 0, offsetof(struct store_scan, key));
    scan->db = db;
    scan->ns = ns;
    scan->reverse = reverse;
    scan->kind = (keys_only ? 2u : 0u) + (reverse ? 1u : 0u);
    if (prefix.len > 0) {
        memcpy(scan->lower, prefix.ptr, prefix.len);
    }
    scan->lower_len = prefix.len;
    scan->upper_len = store_scan_upper_bound(prefix, scan->upper);
    if (after.ptr != NULL) {
        move_behind(scan, after.ptr, after.len);
    }
    int rc = take_statement(scan);
    if (rc < 0) {
        free(scan);
        return rc;
    }
    *ret_scan = scan;
    return 0;
}

/* (Re)starts the statement on the range that is left. */
static void seek(struct store_scan *scan) {
    (void)sqlite3_reset(scan->statement);
    (void)sqlite3_bind_int64(scan->statement, 1, scan->ns);
    store_sql_bind(scan->statement, 2, (struct virga_str){scan->lower, scan->lower_len});
    store_sql_bind(scan->statement, 3, (struct virga_str){scan->upper, scan->upper_len});
    scan->writes = scan->db->writes;
}

/* Keeps a copy of the row: SQLite's bytes have no NUL behind them and end with the statement's next
 * step. */
static int keep_row(struct store_scan *scan, size_t *ret_value_len) {
    const void *key = sqlite3_column_blob(scan->statement, 0);
    size_t key_len = (size_t)sqlite3_column_bytes(scan->statement, 0);
    bool keys_only = scan->kind >= 2;
    const void *value = keys_only ? NULL : sqlite3_column_blob(scan->statement, 1);
    size_t value_len = keys_only ? 0 : (size_t)sqlite3_column_bytes(scan->statement, 1);
    if (key == NULL || key_len > STORE_KEY_MAX || (value == NULL && value_len > 0)) {
        return -ENOMEM;
    }
    if (value_len >= scan->value_size) {
        size_t size = value_len < 512 ? 512 : value_len + value_len / 2;
        char *larger = realloc(scan->value, size);
        if (larger == NULL) {
            return -ENOMEM;
        }
        scan->value = larger;
        scan->value_size = size;
    }
    if (value_len > 0) {
        memcpy(scan->value, value, value_len);
    }
    scan->value[value_len] = '\0';
    memcpy(scan->key, key, key_len);
    scan->key[key_len] = '\0';
    scan->key_len = key_len;
    *ret_value_len = value_len;
    return 0;
}

int store_db_scan_next(struct store_scan *scan, struct virga_str *ret_key,
                       struct virga_str *ret_value) {
    size_t value_len = 0;
    if (scan->ended) {
        return scan->failed;
    }
    if (!scan->begun || scan->writes != scan->db->writes) {
        if (scan->begun) {
            move_behind(scan, scan->key, scan->key_len);
        }
        seek(scan);
    }
    int code = sqlite3_step(scan->statement);
    if (code != SQLITE_ROW) {
        scan->ended = true;
        scan->failed = code == SQLITE_DONE ? 0 : store_sql_failed(scan->db, code, "scanning");
        (void)sqlite3_reset(scan->statement);
        return scan->failed;
    }
    int rc = keep_row(scan, &value_len);
    if (rc < 0) {
        scan->writes = scan->db->writes - 1; /* not to skip this row, if there is a next step */
        return rc;
    }
    scan->begun = true;
    *ret_key = (struct virga_str){scan->key, scan->key_len};
    *ret_value = (struct virga_str){scan->value, value_len};
    return 1;
}

void store_db_scan_close(struct store_scan *scan) {
    if (scan == NULL) {
        return;
    }
    struct store_db *db = scan->db;
    (void)sqlite3_reset(scan->statement);
    if (db->scan_pool_count[scan->kind] < STORE_SCAN_POOL) {
        db->scan_pool[scan->kind][db->scan_pool_count[scan->kind]++] = scan->statement;
    } else {
        (void)sqlite3_finalize(scan->statement);
    }
    free(scan->value);
    free(scan);
}
