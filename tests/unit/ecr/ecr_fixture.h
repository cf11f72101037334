/* SPDX-License-Identifier: MIT */
/* The ecr plugin's surroundings for unit tests: the host's real store in memory, a clock that
 * stands still, a log that keeps its last line, and requests whose answer is caught. */
#ifndef TESTS_ECR_FIXTURE_H
#define TESTS_ECR_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "ecr.h"
#include "store_db.h"

#define STR(text) virga_str_from(text)
#define FIXTURE_NS 1

struct fixture {
    struct ecr ecr;
    struct virga_host host;
    struct store_db *db;
    int64_t now_ms;
    int store_error; /* what every store call fails with; 0 = none */
    char line[1024]; /* the log's last */
    enum virga_status status;
    char status_detail[256];
};

static struct fixture fixture;

/* --- virga.store/1 on the host's own store --- */

struct virga_store_cursor {
    struct store_scan *scan;
};

static int fixture_get(const struct virga_host *host, struct virga_str key,
                       struct virga_store_value *ret_value) {
    char *ptr = NULL;
    size_t len = 0;
    (void)host;
    int result = fixture.store_error != 0 ? fixture.store_error
                                          : store_db_get(fixture.db, FIXTURE_NS, key, &ptr, &len);
    if (result == 0) {
        *ret_value = (struct virga_store_value){ptr, len};
    }
    return result;
}

static void fixture_release(const struct virga_host *host, struct virga_store_value *value) {
    (void)host;
    free((void *)(uintptr_t)value->ptr);
    *value = (struct virga_store_value){0};
}

static int fixture_put(const struct virga_host *host, struct virga_str key,
                       struct virga_str value) {
    (void)host;
    return fixture.store_error != 0 ? fixture.store_error
                                    : store_db_put(fixture.db, FIXTURE_NS, key, value);
}

static int fixture_del(const struct virga_host *host, struct virga_str key) {
    (void)host;
    return store_db_del(fixture.db, FIXTURE_NS, key);
}

static int fixture_del_prefix(const struct virga_host *host, struct virga_str prefix,
                              uint64_t *ret_count) {
    (void)host;
    return store_db_del_prefix(fixture.db, FIXTURE_NS, prefix, ret_count);
}

static int fixture_begin(const struct virga_host *host) {
    (void)host;
    return store_db_begin(fixture.db);
}

static int fixture_commit(const struct virga_host *host) {
    (void)host;
    return store_db_commit(fixture.db);
}

static void fixture_rollback(const struct virga_host *host) {
    (void)host;
    store_db_rollback(fixture.db);
}

static int fixture_scan(const struct virga_host *host, struct virga_str prefix,
                        struct virga_str after, uint32_t flags,
                        struct virga_store_cursor **ret_cursor) {
    (void)host;
    struct virga_store_cursor *cursor = calloc(1, sizeof *cursor);
    assert_non_null(cursor);
    int result =
        store_db_scan(fixture.db, FIXTURE_NS, prefix, after, (flags & VIRGA_STORE_REVERSE) != 0,
                      (flags & VIRGA_STORE_KEYS_ONLY) != 0, &cursor->scan);
    if (result != 0) {
        free(cursor);
        return result;
    }
    *ret_cursor = cursor;
    return 0;
}

static int fixture_next(struct virga_store_cursor *cursor, struct virga_str *ret_key,
                        struct virga_str *ret_value) {
    return store_db_scan_next(cursor->scan, ret_key, ret_value);
}

static void fixture_close(struct virga_store_cursor *cursor) {
    if (cursor != NULL) {
        store_db_scan_close(cursor->scan);
        free(cursor);
    }
}

static const struct virga_store fixture_store = {
    .struct_size = sizeof fixture_store,
    .get = fixture_get,
    .release = fixture_release,
    .put = fixture_put,
    .del = fixture_del,
    .del_prefix = fixture_del_prefix,
    .begin = fixture_begin,
    .commit = fixture_commit,
    .rollback = fixture_rollback,
    .scan = fixture_scan,
    .next = fixture_next,
    .close = fixture_close,
};

/* --- clock, log, host --- */

static int64_t fixture_now_ms(const struct virga_host *host) {
    (void)host;
    return fixture.now_ms;
}

static void fixture_timer_stop(struct virga_timer_handle *timer) {
    assert_null(timer); /* nothing here starts one */
}

static const struct virga_timer fixture_timer = {
    .struct_size = sizeof fixture_timer, .stop = fixture_timer_stop, .now_ms = fixture_now_ms};

static void fixture_log_write(const struct virga_host *host, enum virga_log_level level,
                              const struct virga_request *req, struct virga_str text) {
    (void)host;
    (void)level;
    (void)req;
    (void)snprintf(fixture.line, sizeof fixture.line, "%.*s", (int)text.len, text.ptr);
}

static enum virga_log_level fixture_log_level(const struct virga_host *host) {
    (void)host;
    return VIRGA_LOG_DEBUG;
}

static const struct virga_log fixture_log = {
    .struct_size = sizeof fixture_log, .write = fixture_log_write, .level = fixture_log_level};

static void fixture_set_status(const struct virga_host *host, enum virga_status status,
                               const char *detail) {
    (void)host;
    fixture.status = status;
    (void)snprintf(fixture.status_detail, sizeof fixture.status_detail, "%s",
                   detail != NULL ? detail : "");
}

static inline int fixture_setup(void **state) {
    (void)state;
    struct error err = {0};
    memset(&fixture, 0, sizeof fixture);
    fixture.now_ms = 1700000000123;
    fixture.host =
        (struct virga_host){.struct_size = sizeof fixture.host, .set_status = fixture_set_status};
    fixture.ecr = (struct ecr){.host = &fixture.host,
                               .log = &fixture_log,
                               .timer = &fixture_timer,
                               .store = &fixture_store};
    return store_db_open(NULL, &fixture.db, &err);
}

static inline int fixture_teardown(void **state) {
    (void)state;
    store_db_close(fixture.db);
    return 0;
}

/* --- requests --- */

#define FAKE_ALLOCS_MAX 64

struct fake {
    struct virga_request req;
    struct virga_route route;
    void *allocs[FAKE_ALLOCS_MAX];
    size_t allocs_count;
    const char *content_type; /* of the request */
    int status;               /* 0 = not answered */
    char *body;
    char answer_type[64];
    bool aborted;
};

static void *fake_alloc(struct virga_request *req, size_t size) {
    struct fake *fake = (struct fake *)req;
    assert_true(fake->allocs_count < FAKE_ALLOCS_MAX);
    void *memory = malloc(size);
    fake->allocs[fake->allocs_count++] = memory;
    return memory;
}

static struct virga_str fake_header(const struct virga_request *req, const char *name) {
    const struct fake *fake = (const struct fake *)req;
    return strcasecmp(name, "content-type") == 0 ? STR(fake->content_type) : (struct virga_str){0};
}

/* Frees what the handler had: it must not touch the request any more. */
static void fake_forget(struct fake *fake) {
    for (size_t i = 0; i < fake->allocs_count; i++) {
        free(fake->allocs[i]);
    }
    fake->allocs_count = 0;
}

static int fake_respond(struct virga_request *req, const struct virga_response *res) {
    struct fake *fake = (struct fake *)req;
    assert_int_equal(fake->status, 0);
    fake->status = res->status;
    fake->body = strndup(res->body.ptr, res->body.len);
    for (size_t i = 0; i < res->headers_count; i++) {
        if (virga_str_equal(res->headers[i].name, STR("content-type"))) {
            (void)snprintf(fake->answer_type, sizeof fake->answer_type, "%s",
                           res->headers[i].value.ptr);
        }
    }
    if (res->release != NULL) {
        res->release(res->release_arg);
    }
    fake_forget(fake);
    return 0;
}

static void fake_abort(struct virga_request *req) {
    struct fake *fake = (struct fake *)req;
    fake->aborted = true;
    fake_forget(fake);
}

static const struct virga_http fake_http = {.struct_size = sizeof fake_http,
                                            .alloc = fake_alloc,
                                            .header = fake_header,
                                            .respond = fake_respond,
                                            .abort = fake_abort};

/* A call of account 123456789012 in us-east-1. */
static inline void fake_start(struct fake *fake, const char *action, const char *body) {
    memset(fake, 0, sizeof *fake);
    fake->req.struct_size = sizeof fake->req;
    fake->req.http = &fake_http;
    fake->req.route = &fake->route;
    fake->req.account = STR("123456789012");
    fake->req.region = STR("us-east-1");
    fake->req.action = STR(action);
    fake->req.body = STR(body);
    fake->content_type = "application/x-amz-json-1.1";
}

static inline void fake_finish(struct fake *fake) {
    fake_forget(fake);
    free(fake->body);
}

#endif
