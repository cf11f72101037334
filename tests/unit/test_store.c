/* SPDX-License-Identifier: MIT */
#include "service_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ext_store.h"
#include "store_checkpoint.h"
#include "store_sql.h"

#define S(text) virga_str_from(text)

struct setup {
    struct fixture fixture;
    char dir[32];
    char path[64];
};

static void open_at(struct setup *s, const char *path) {
    struct error err = {0};
    int rc = store_db_open(path, &s->fixture.host.store, &err);
    if (rc < 0) {
        fail_msg("%s", err.text);
    }
}

static int set_up(void **state) {
    struct setup *s = calloc(1, sizeof *s);
    fixture_begin(&s->fixture);
    strcpy(s->dir, "/tmp/virga-store-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    (void)snprintf(s->path, sizeof s->path, "%s/virga.db", s->dir);
    open_at(s, s->path);
    *state = s;
    return 0;
}

static int tear_down(void **state) {
    static const char *const files[] = {"virga.db", "virga.db-wal", "virga.db-journal",
                                        "virga.lock"};
    struct setup *s = *state;
    store_db_close(s->fixture.host.store);
    fixture_end(&s->fixture);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[96];
        (void)snprintf(path, sizeof path, "%s/%s", s->dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(s->dir);
    free(s);
    return 0;
}

static void reopen(struct setup *s) {
    store_db_close(s->fixture.host.store);
    open_at(s, s->path);
}

static void put(const struct virga_host *host, const char *key, const char *value) {
    assert_int_equal(ext_store.put(host, S(key), S(value)), 0);
}

static void expect(const struct virga_host *host, const char *key, const char *value) {
    struct virga_store_value got = {0};
    int rc = ext_store.get(host, S(key), &got);
    if (value == NULL) {
        assert_int_equal(rc, -ENOENT);
        return;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(got.len, strlen(value));
    assert_string_equal(got.ptr, value); /* a NUL stands behind it */
    ext_store.release(host, &got);
    assert_null(got.ptr);
}

/* The keys of a walk, joined by spaces. */
static const char *keys_of(const struct virga_host *host, const char *prefix, const char *after,
                           uint32_t flags) {
    static char text[256];
    struct virga_store_cursor *cursor;
    struct virga_str key;
    struct virga_str value;
    size_t len = 0;
    int rc;
    text[0] = '\0';
    assert_int_equal(ext_store.scan(host, S(prefix), S(after), flags, &cursor), 0);
    while ((rc = ext_store.next(cursor, &key, &value)) == 1) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len > 0 ? " " : "", key.ptr);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(ext_store.next(cursor, &key, &value), 0);
    ext_store.close(cursor);
    return text;
}

static void written_value_is_read_overwritten_and_deleted(void **state) {
    struct setup *s = *state;
    const struct virga_host *host = s->fixture.api;
    expect(host, "k", NULL);
    put(host, "k", "one");
    expect(host, "k", "one");
    put(host, "k", "");
    expect(host, "k", "");
    assert_int_equal(ext_store.del(host, S("k")), 0);
    assert_int_equal(ext_store.del(host, S("k")), -ENOENT);
    expect(host, "k", NULL);
}

static void plugins_do_not_see_each_other(void **state) {
    struct setup *s = *state;
    put(s->fixture.api, "k", "one");
    put(s->fixture.other, "k", "two");
    expect(s->fixture.api, "k", "one");
    expect(s->fixture.other, "k", "two");
    assert_int_equal(ext_store.del_prefix(s->fixture.other, S(""), NULL), 0);
    expect(s->fixture.api, "k", "one");
    expect(s->fixture.other, "k", NULL);
}

static void everything_is_there_after_reopening(void **state) {
    struct setup *s = *state;
    put(s->fixture.api, "a", "1");
    put(s->fixture.other, "a", "2");
    reopen(s);
    /* The other one first: namespaces are found by name, not by order. */
    expect(s->fixture.other, "a", "2");
    expect(s->fixture.api, "a", "1");
}

static void memory_store_keeps_nothing(void **state) {
    struct setup *s = *state;
    store_db_close(s->fixture.host.store);
    open_at(s, NULL);
    put(s->fixture.api, "k", "v");
    expect(s->fixture.api, "k", "v");
    store_db_close(s->fixture.host.store);
    open_at(s, NULL);
    expect(s->fixture.api, "k", NULL);
}

static void key_and_value_sizes_are_bounded(void **state) {
    struct setup *s = *state;
    const struct virga_host *host = s->fixture.api;
    char *big = calloc(1, STORE_VALUE_MAX + 1u);
    struct virga_store_value got;
    assert_non_null(big);
    memset(big, 'k', STORE_VALUE_MAX);
    assert_int_equal(ext_store.put(host, (struct virga_str){big, STORE_KEY_MAX}, S("v")), 0);
    assert_int_equal(ext_store.put(host, (struct virga_str){big, STORE_KEY_MAX + 1}, S("v")),
                     -EINVAL);
    assert_int_equal(ext_store.put(host, S(""), S("v")), -EINVAL);
    assert_int_equal(ext_store.put(host, S("v"), (struct virga_str){big, STORE_VALUE_MAX}), 0);
    assert_int_equal(ext_store.put(host, S("w"), (struct virga_str){big, STORE_VALUE_MAX + 1u}),
                     -EINVAL);
    assert_int_equal(ext_store.get(host, S("v"), &got), 0);
    assert_int_equal(got.len, STORE_VALUE_MAX);
    assert_memory_equal(got.ptr, big, STORE_VALUE_MAX);
    ext_store.release(host, &got);
    expect(host, "w", NULL);
    free(big);
}

static void keys_and_values_may_hold_any_bytes(void **state) {
    struct setup *s = *state;
    const struct virga_host *host = s->fixture.api;
    const struct virga_str with_nul = {"a\0b", 3};
    struct virga_store_value got;
    put(host, "a", "short");
    assert_int_equal(ext_store.put(host, with_nul, with_nul), 0);
    assert_int_equal(ext_store.get(host, with_nul, &got), 0);
    assert_int_equal(got.len, 3);
    assert_memory_equal(got.ptr, "a\0b", 4);
    ext_store.release(host, &got);
    expect(host, "a", "short");
}

static void scan_gives_the_prefix_in_byte_order(void **state) {
    struct setup *s = *state;
    const struct virga_host *host = s->fixture.api;
    static const char *const keys[] = {"b/2", "a", "b/10", "b", "b/", "c", "b\xff", "b/1", "b0"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        put(host, keys[i], "v");
    }
    put(s->fixture.other, "b/0", "v");
    assert_string_equal(keys_of(host, "b/", NULL, 0), "b/ b/1 b/10 b/2");
    assert_string_equal(keys_of(host, "b/", NULL, VIRGA_STORE_REVERSE), "b/2 b/10 b/1 b/");
    assert_string_equal(keys_of(host, "", NULL, 0), "a b b/ b/1 b/10 b/2 b0 b\xff c");
    assert_string_equal(keys_of(host, "z", NULL, 0), "");
}

static void scan_begins_behind_after_which_need_not_exist(void **state) {
    struct setup *s = *state;
    const struct virga_host *host = s->fixture.api;
    put(host, "p1", "v");
    put(host, "p2", "v");
    put(host, "p3", "v");
    put(host, "q", "v");
    assert_string_equal(keys_of(host, "p", "p1", 0), "p2 p3");
    assert_string_equal(keys_of(host, "p", "p1x", 0), "p2 p3");
    assert_string_equal(keys_of(host, "p", "a", 0), "p1 p2 p3");
    assert_string_equal(keys_of(host, "p", "z", 0), "");
    assert_string_equal(keys_of(host, "p", "", 0), "p1 p2 p3");
    assert_string_equal(keys_of(host, "p", "p3", VIRGA_STORE_REVERSE), "p2 p1");
    assert_string_equal(keys_of(host, "p", "z", VIRGA_STORE_REVERSE), "p3 p2 p1");
    assert_string_equal(keys_of(host, "p", "a", VIRGA_STORE_REVERSE), "");
}

static void prefix_of_0xff_bytes_has_no_upper_neighbour_and_works(void **state) {
    struct setup *s = *state;
    const struct virga_host *host = s->fixture.api;
    put(host, "\xff", "v");
    put(host, "\xff\xff", "v");
    put(host, "\xff\xff\xff", "v");
    put(host, "a\xff", "v");
    put(host,
        "a\xff"
        "b",
        "v");
    put(host, "b", "v");
    assert_string_equal(keys_of(host, "\xff\xff", NULL, 0), "\xff\xff \xff\xff\xff");
    assert_string_equal(keys_of(host, "a\xff", NULL, 0), "a\xff a\xff"
                                                         "b");
}

static void keys_only_scan_has_empty_values(void **state) {
    struct setup *s = *state;
    struct virga_store_cursor *cursor;
    struct virga_str key;
    struct virga_str value;
    put(s->fixture.api, "k", "value");
    for (uint32_t flags = 0; flags <= VIRGA_STORE_KEYS_ONLY; flags += VIRGA_STORE_KEYS_ONLY) {
        assert_int_equal(ext_store.scan(s->fixture.api, S(""), S(NULL), flags, &cursor), 0);
        assert_int_equal(ext_store.next(cursor, &key, &value), 1);
        assert_string_equal(key.ptr, "k");
        assert_string_equal(value.ptr, flags == 0 ? "value" : "");
        assert_int_equal(value.len, strlen(value.ptr));
        ext_store.close(cursor);
    }
}

static void scans_may_be_nested(void **state) {
    struct setup *s = *state;
    struct virga_store_cursor *outer;
    struct virga_store_cursor *inner;
    struct virga_str key;
    struct virga_str value;
    int pairs = 0;
    for (char i = '0'; i < '8'; i++) {
        put(s->fixture.api, (char[]){i, '\0'}, "v");
    }
    for (int round = 0; round < 2; round++) {
        assert_int_equal(ext_store.scan(s->fixture.api, S(""), S(NULL), 0, &outer), 0);
        while (ext_store.next(outer, &key, &value) == 1) {
            char first = key.ptr[0];
            struct virga_str inner_key;
            assert_int_equal(ext_store.scan(s->fixture.api, S(""), key, 0, &inner), 0);
            while (ext_store.next(inner, &inner_key, &value) == 1) {
                assert_true(inner_key.ptr[0] > first);
                pairs++;
            }
            ext_store.close(inner);
            assert_int_equal(key.ptr[0], first);
        }
        ext_store.close(outer);
    }
    assert_int_equal(pairs, 2 * 28);
}

static void writes_ahead_of_a_scan_are_seen_and_behind_it_are_not(void **state) {
    struct setup *s = *state;
    const struct virga_host *host = s->fixture.api;
    struct virga_store_cursor *cursor;
    struct virga_str key;
    struct virga_str value;
    put(host, "b", "v");
    put(host, "d", "v");
    put(host, "f", "v");
    assert_int_equal(ext_store.scan(host, S(""), S(NULL), 0, &cursor), 0);
    assert_int_equal(ext_store.next(cursor, &key, &value), 1);
    put(host, "a", "behind");
    put(host, "c", "ahead");
    assert_int_equal(ext_store.del(host, S("d")), 0);
    assert_string_equal(key.ptr, "b"); /* what was read stays until the next step */
    assert_int_equal(ext_store.next(cursor, &key, &value), 1);
    assert_string_equal(key.ptr, "c");
    assert_int_equal(ext_store.del(host, S("c")), 0); /* the one it stands on */
    assert_int_equal(ext_store.next(cursor, &key, &value), 1);
    assert_string_equal(key.ptr, "f");
    assert_int_equal(ext_store.next(cursor, &key, &value), 0);
    ext_store.close(cursor);
}

static void every_key_can_be_deleted_during_a_scan(void **state) {
    struct setup *s = *state;
    const struct virga_host *host = s->fixture.api;
    for (uint32_t flags = 0; flags <= VIRGA_STORE_REVERSE; flags++) {
        struct virga_store_cursor *cursor;
        struct virga_str key;
        struct virga_str value;
        int seen = 0;
        for (int i = 0; i < 500; i++) {
            char name[16];
            (void)snprintf(name, sizeof name, "k%03d", i);
            put(host, name, "v");
        }
        assert_int_equal(ext_store.scan(host, S("k"), S(NULL), flags, &cursor), 0);
        while (ext_store.next(cursor, &key, &value) == 1) {
            assert_int_equal(ext_store.del(host, key), 0);
            seen++;
        }
        ext_store.close(cursor);
        assert_int_equal(seen, 500);
        assert_string_equal(keys_of(host, "", NULL, 0), "");
    }
}

static void del_prefix_deletes_the_prefix_and_counts(void **state) {
    struct setup *s = *state;
    const struct virga_host *host = s->fixture.api;
    uint64_t count = 99;
    put(host, "a/1", "v");
    put(host, "a/2", "v");
    put(host, "a0", "v");
    assert_int_equal(ext_store.del_prefix(host, S("a/"), &count), 0);
    assert_int_equal(count, 2);
    assert_string_equal(keys_of(host, "", NULL, 0), "a0");
    assert_int_equal(ext_store.del_prefix(host, S("zz"), &count), 0);
    assert_int_equal(count, 0);
}

static void committed_transaction_stays_and_rolled_back_one_goes(void **state) {
    struct setup *s = *state;
    const struct virga_host *host = s->fixture.api;
    put(host, "a", "before");
    assert_int_equal(ext_store.begin(host), 0);
    put(host, "a", "inside");
    put(host, "b", "inside");
    expect(host, "a", "inside");
    ext_store.rollback(host);
    expect(host, "a", "before");
    expect(host, "b", NULL);
    assert_int_equal(ext_store.begin(host), 0);
    put(host, "b", "kept");
    assert_int_equal(ext_store.commit(host), 0);
    reopen(s);
    expect(host, "a", "before");
    expect(host, "b", "kept");
}

static void first_write_of_a_plugin_may_be_rolled_back(void **state) {
    struct setup *s = *state;
    assert_int_equal(ext_store.begin(s->fixture.api), 0);
    put(s->fixture.api, "a", "one");
    ext_store.rollback(s->fixture.api);
    put(s->fixture.other, "a", "two");
    expect(s->fixture.api, "a", NULL);
    put(s->fixture.api, "a", "one");
    expect(s->fixture.other, "a", "two");
}

static void transactions_do_not_nest_and_exclude_other_plugins(void **state) {
    struct setup *s = *state;
    put(s->fixture.other, "k", "old");
    assert_int_equal(ext_store.commit(s->fixture.api), -EINVAL);
    assert_int_equal(ext_store.begin(s->fixture.api), 0);
    assert_int_equal(ext_store.begin(s->fixture.api), -EBUSY);
    assert_int_equal(ext_store.begin(s->fixture.other), -EBUSY);
    assert_int_equal(ext_store.commit(s->fixture.other), -EINVAL);
    /* A write of the other would be lost in a rollback that it knows nothing of. */
    assert_int_equal(ext_store.put(s->fixture.other, S("k"), S("new")), -EBUSY);
    assert_int_equal(ext_store.del(s->fixture.other, S("k")), -EBUSY);
    ext_store.rollback(s->fixture.other);
    expect(s->fixture.other, "k", "old");
    assert_int_equal(ext_store.commit(s->fixture.api), 0);
    assert_int_equal(ext_store.put(s->fixture.other, S("k"), S("new")), 0);
}

static void transaction_left_open_is_rolled_back(void **state) {
    struct setup *s = *state;
    assert_int_equal(ext_store.begin(s->fixture.api), 0);
    assert_true(s->fixture.plugins[0].store_open);
    put(s->fixture.api, "k", "v");
    ext_store_rollback_left_open(&s->fixture.plugins[0]);
    assert_false(s->fixture.plugins[0].store_open);
    expect(s->fixture.api, "k", NULL);
    assert_int_equal(ext_store.begin(s->fixture.other), 0);
    ext_store.rollback(s->fixture.other);
}

static void scan_goes_on_over_a_rollback(void **state) {
    struct setup *s = *state;
    const struct virga_host *host = s->fixture.api;
    struct virga_store_cursor *cursor;
    struct virga_str key;
    struct virga_str value;
    put(host, "a", "v");
    put(host, "d", "v");
    assert_int_equal(ext_store.begin(host), 0);
    put(host, "b", "v");
    put(host, "c", "v");
    assert_int_equal(ext_store.scan(host, S(""), S(NULL), 0, &cursor), 0);
    assert_int_equal(ext_store.next(cursor, &key, &value), 1);
    assert_int_equal(ext_store.next(cursor, &key, &value), 1);
    assert_string_equal(key.ptr, "b");
    ext_store.rollback(host);
    assert_int_equal(ext_store.next(cursor, &key, &value), 1);
    assert_string_equal(key.ptr, "d");
    ext_store.close(cursor);
}

static void full_disk_is_enospc_and_breaks_the_whole_transaction(void **state) {
    struct setup *s = *state;
    const struct virga_host *host = s->fixture.api;
    char value[4096];
    int rc = 0;
    put(host, "before", "v");
    assert_int_equal(
        sqlite3_exec(s->fixture.host.store->sqlite, "PRAGMA max_page_count=32", NULL, NULL, NULL),
        0);
    memset(value, 'x', sizeof value);
    assert_int_equal(ext_store.begin(host), 0);
    for (int i = 0; i < 100 && rc == 0; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i);
        rc = ext_store.put(host, S(key), (struct virga_str){value, sizeof value});
    }
    assert_int_equal(rc, -ENOSPC);
    /* Not a word of it may be kept, not even what would fit. */
    (void)ext_store.put(host, S("after"), S("v"));
    assert_int_equal(ext_store.commit(host), -ENOSPC);
    assert_string_equal(keys_of(host, "", NULL, 0), "before");
    put(host, "later", "v");
    reopen(s);
    assert_string_equal(keys_of(host, "", NULL, 0), "before later");
}

static void cursor_left_behind_is_reclaimed(void **state) {
    struct setup *s = *state;
    struct virga_store_cursor *cursor;
    put(s->fixture.api, "k", "v");
    assert_int_equal(ext_store.scan(s->fixture.api, S(""), S(NULL), 0, &cursor), 0);
    assert_int_equal(fixture_reclaim(&s->fixture), 1);
    ext_store.close(NULL);
}

static void second_virga_on_the_directory_is_refused_with_the_pid(void **state) {
    struct setup *s = *state;
    struct store_db *second;
    struct error err = {0};
    char pid[32];
    assert_int_equal(store_db_open(s->path, &second, &err), -EBUSY);
    (void)snprintf(pid, sizeof pid, "(process %ld)", (long)getpid());
    assert_non_null(strstr(err.text, pid));
    assert_non_null(strstr(err.text, s->dir));
}

static void expect_open_error(struct setup *s, int code, const char *message) {
    struct error err = {0};
    s->fixture.host.store = NULL;
    assert_int_equal(store_db_open(s->path, &s->fixture.host.store, &err), code);
    assert_null(s->fixture.host.store);
    assert_non_null(strstr(err.text, message));
}

static void store_of_a_newer_virga_is_refused(void **state) {
    struct setup *s = *state;
    assert_int_equal(
        sqlite3_exec(s->fixture.host.store->sqlite, "PRAGMA user_version=2", NULL, NULL, NULL), 0);
    store_db_close(s->fixture.host.store);
    expect_open_error(s, -EPROTO, "was written by a newer virga (schema 2; this one knows 1)");
}

static void file_that_is_no_store_is_refused_and_left_alone(void **state) {
    struct setup *s = *state;
    struct stat info;
    store_db_close(s->fixture.host.store);
    assert_int_equal(unlink(s->path), 0);
    int fd = open(s->path, O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(write(fd, "this is not a database, is it?\n", 31), 31);
    }
    (void)close(fd);
    expect_open_error(s, -EIO, "is damaged, or no store of virga");
    assert_int_equal(stat(s->path, &info), 0);
    assert_int_equal(info.st_size, 200 * 31);
}

static void sqlite_file_of_another_program_is_refused(void **state) {
    struct setup *s = *state;
    sqlite3 *sqlite;
    store_db_close(s->fixture.host.store);
    assert_int_equal(unlink(s->path), 0);
    assert_int_equal(sqlite3_open(s->path, &sqlite), 0);
    assert_int_equal(sqlite3_exec(sqlite, "CREATE TABLE x(y)", NULL, NULL, NULL), 0);
    (void)sqlite3_close(sqlite);
    expect_open_error(s, -EIO, "is an SQLite file of another program");
}

static void files_are_readable_to_their_owner_only(void **state) {
    static const char *const suffixes[] = {"", "-wal"};
    struct setup *s = *state;
    put(s->fixture.api, "k", "v");
    for (size_t i = 0; i < 2; i++) {
        struct stat info;
        char path[96];
        (void)snprintf(path, sizeof path, "%s%s", s->path, suffixes[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
}

static void missing_directory_is_enoent(void **state) {
    struct setup *s = *state;
    struct error err = {0};
    struct store_db *db;
    (void)s;
    assert_int_equal(store_db_open("/nonexistent/virga.db", &db, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/virga.lock"));
}

static off_t wal_size(const struct setup *s) {
    struct stat info;
    char path[96];
    (void)snprintf(path, sizeof path, "%s-wal", s->path);
    return stat(path, &info) == 0 ? info.st_size : -1;
}

static void checkpoint_empties_the_log_and_close_removes_it(void **state) {
    struct setup *s = *state;
    put(s->fixture.api, "k", "v");
    assert_true(wal_size(s) > 0);
    assert_int_equal(ext_store.begin(s->fixture.api), 0);
    assert_int_equal(store_checkpoint_run(s->fixture.host.store), -EBUSY);
    ext_store.rollback(s->fixture.api);
    assert_int_equal(store_checkpoint_run(s->fixture.host.store), 0);
    assert_int_equal(wal_size(s), 0);
    put(s->fixture.api, "l", "v");
    store_db_close(s->fixture.host.store);
    assert_int_equal(wal_size(s), -1);
    open_at(s, s->path);
    assert_string_equal(keys_of(s->fixture.api, "", NULL, 0), "k l");
}

static void log_stays_small_under_many_writes(void **state) {
    struct setup *s = *state;
    char value[1000];
    memset(value, 'x', sizeof value);
    for (int i = 0; i < 20000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i % 5000);
        assert_int_equal(ext_store.put(s->fixture.api, S(key), (struct virga_str){value, 1000}), 0);
    }
    assert_in_range(wal_size(s), 1, 8 << 20);
}

/* A child writes k0, k1, ... and says so on a pipe after each; `batch` keys make one transaction.
 */
static void write_until_killed(const char *path, int out, int batch) {
    struct fixture fixture;
    struct error err = {0};
    fixture_begin(&fixture);
    if (store_db_open(path, &fixture.host.store, &err) < 0) {
        _exit(1);
    }
    for (uint32_t i = 0;;) {
        if (batch > 1 && ext_store.begin(fixture.api) < 0) {
            _exit(2);
        }
        for (int j = 0; j < batch; j++, i++) {
            char key[16];
            (void)snprintf(key, sizeof key, "k%u", i);
            if (ext_store.put(fixture.api, S(key), S(key)) < 0) {
                _exit(3);
            }
        }
        if (batch > 1 && ext_store.commit(fixture.api) < 0) {
            _exit(4);
        }
        if (write(out, &i, sizeof i) != sizeof i) {
            _exit(5);
        }
    }
}

static void kill_a_writer(struct setup *s, int batch, unsigned after_ms) {
    uint32_t acknowledged = 0;
    uint32_t count;
    int fds[2];
    int status;
    store_db_close(s->fixture.host.store);
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)close(fds[0]);
        write_until_killed(s->path, fds[1], batch);
    }
    (void)close(fds[1]);
    /* The first word, then some time in the middle of things. */
    assert_int_equal(read(fds[0], &count, sizeof count), sizeof count);
    acknowledged = count;
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    uint64_t until_ns = uv_hrtime() + after_ms * UINT64_C(1000000);
    while (uv_hrtime() < until_ns) {
        if (read(fds[0], &count, sizeof count) == sizeof count) {
            acknowledged = count;
        }
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    while (read(fds[0], &count, sizeof count) == sizeof count) {
        acknowledged = count;
    }
    (void)close(fds[0]);
    open_at(s, s->path);
    assert_true(acknowledged > 0);
    for (uint32_t i = 0; i < acknowledged; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%u", i);
        expect(s->fixture.api, key, key);
    }
    /* Of a transaction all or nothing is there. */
    struct virga_store_cursor *cursor;
    struct virga_str key;
    struct virga_str value;
    uint32_t found = 0;
    assert_int_equal(
        ext_store.scan(s->fixture.api, S("k"), S(NULL), VIRGA_STORE_KEYS_ONLY, &cursor), 0);
    while (ext_store.next(cursor, &key, &value) == 1) {
        found++;
    }
    ext_store.close(cursor);
    assert_true(found >= acknowledged);
    assert_int_equal(found % (uint32_t)batch, 0);
}

static void acknowledged_writes_survive_kill_9(void **state) {
    struct setup *s = *state;
    for (unsigned round = 0; round < 5; round++) {
        kill_a_writer(s, 1, 20 + 17 * round);
        assert_int_equal(ext_store.del_prefix(s->fixture.api, S(""), NULL), 0);
    }
}

static void transactions_survive_kill_9_whole_or_not_at_all(void **state) {
    struct setup *s = *state;
    for (unsigned round = 0; round < 5; round++) {
        kill_a_writer(s, 7, 20 + 17 * round);
        assert_int_equal(ext_store.del_prefix(s->fixture.api, S(""), NULL), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(written_value_is_read_overwritten_and_deleted),
        TEST(plugins_do_not_see_each_other),
        TEST(everything_is_there_after_reopening),
        TEST(memory_store_keeps_nothing),
        TEST(key_and_value_sizes_are_bounded),
        TEST(keys_and_values_may_hold_any_bytes),
        TEST(scan_gives_the_prefix_in_byte_order),
        TEST(scan_begins_behind_after_which_need_not_exist),
        TEST(prefix_of_0xff_bytes_has_no_upper_neighbour_and_works),
        TEST(keys_only_scan_has_empty_values),
        TEST(scans_may_be_nested),
        TEST(writes_ahead_of_a_scan_are_seen_and_behind_it_are_not),
        TEST(every_key_can_be_deleted_during_a_scan),
        TEST(del_prefix_deletes_the_prefix_and_counts),
        TEST(committed_transaction_stays_and_rolled_back_one_goes),
        TEST(first_write_of_a_plugin_may_be_rolled_back),
        TEST(transactions_do_not_nest_and_exclude_other_plugins),
        TEST(transaction_left_open_is_rolled_back),
        TEST(scan_goes_on_over_a_rollback),
        TEST(full_disk_is_enospc_and_breaks_the_whole_transaction),
        TEST(cursor_left_behind_is_reclaimed),
        TEST(second_virga_on_the_directory_is_refused_with_the_pid),
        TEST(store_of_a_newer_virga_is_refused),
        TEST(file_that_is_no_store_is_refused_and_left_alone),
        TEST(sqlite_file_of_another_program_is_refused),
        TEST(files_are_readable_to_their_owner_only),
        TEST(missing_directory_is_enoent),
        TEST(checkpoint_empties_the_log_and_close_removes_it),
        TEST(log_stays_small_under_many_writes),
        TEST(acknowledged_writes_survive_kill_9),
        TEST(transactions_survive_kill_9_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
