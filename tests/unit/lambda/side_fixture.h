/* SPDX-License-Identifier: MIT */
/* Calls to the side resources' actions for unit tests: a method and a path in, status, exception
 * and JSON out. The store is the host's own in memory, the clock stands still, and the pool does
 * what the test says. */
#ifndef TESTS_LAMBDA_SIDE_FIXTURE_H
#define TESTS_LAMBDA_SIDE_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "actions.h"
#include "pattern.h"
#include "pool.h"
#include "store_db.h"

#define STR(text) virga_str_from(text)
#define ACCOUNT "123456789012"
#define ARN(name) "arn:aws:lambda:us-east-1:" ACCOUNT ":function:" name
#define NAMESPACE 1

static const struct tenant here = {ACCOUNT, "us-east-1"};

struct fixture {
    struct lambda lambda;
    struct virga_host host;
    struct store_db *db;
    int64_t now_ms;
    int store_error; /* what every read fails with; 0 = none */
    char line[1024]; /* the log's last */
};

static struct fixture fixture;

/* --- the pool: counts what it is told and says what the test wants --- */

static struct pool_counts pool_says;
static char pool_asked[LAMBDA_QUALIFIER_MAX + 1]; /* the last qualifier that was counted */
static size_t pool_adjusted;

int pool_create(struct lambda *lambda, struct pool **ret_pool) {
    (void)lambda;
    *ret_pool = NULL;
    return 0;
}

void pool_stop(struct pool *pool, void (*on_stopped)(void *arg), void *arg) {
    (void)pool;
    on_stopped(arg);
}

void pool_destroy(struct pool *pool) {
    (void)pool;
}

void pool_invoke(struct pool *pool, struct invocation *invocation) {
    (void)pool;
    (void)invocation;
    fail_msg("nothing here invokes");
}

void pool_retire(struct pool *pool, const struct tenant *tenant, const char *name) {
    (void)pool;
    (void)tenant;
    (void)name;
}

void pool_adjust(struct pool *pool, const struct tenant *tenant, const char *name) {
    (void)pool;
    assert_string_equal(tenant->account, ACCOUNT);
    assert_true(name[0] != '\0');
    pool_adjusted++;
}

void pool_count(struct pool *pool, const struct tenant *tenant, const char *name,
                const char *qualifier, struct pool_counts *ret_counts) {
    (void)pool;
    (void)tenant;
    (void)name;
    (void)snprintf(pool_asked, sizeof pool_asked, "%s", qualifier);
    *ret_counts = pool_says;
}

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
                                          : store_db_get(fixture.db, NAMESPACE, key, &ptr, &len);
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
    return store_db_put(fixture.db, NAMESPACE, key, value);
}

static int fixture_del(const struct virga_host *host, struct virga_str key) {
    (void)host;
    return store_db_del(fixture.db, NAMESPACE, key);
}

static int fixture_del_prefix(const struct virga_host *host, struct virga_str prefix,
                              uint64_t *ret_count) {
    (void)host;
    return store_db_del_prefix(fixture.db, NAMESPACE, prefix, ret_count);
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
        store_db_scan(fixture.db, NAMESPACE, prefix, after, (flags & VIRGA_STORE_REVERSE) != 0,
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

/* --- clock and log --- */

static int64_t fixture_now_ms(const struct virga_host *host) {
    (void)host;
    return fixture.now_ms;
}

static const struct virga_timer fixture_timer = {.struct_size = sizeof fixture_timer,
                                                 .now_ms = fixture_now_ms};

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

static int setup(void **state) {
    (void)state;
    struct error err = {0};
    memset(&fixture, 0, sizeof fixture);
    memset(&pool_says, 0, sizeof pool_says);
    pool_asked[0] = '\0';
    pool_adjusted = 0;
    fixture.now_ms = 1700000000123;
    fixture.host = (struct virga_host){.struct_size = sizeof fixture.host};
    fixture.lambda = (struct lambda){.host = &fixture.host,
                                     .log = &fixture_log,
                                     .timer = &fixture_timer,
                                     .store = &fixture_store,
                                     .port = 4566,
                                     .concurrency_max = 1000};
    if (store_db_open(NULL, &fixture.db, &err) != 0 ||
        functions_create(&fixture.lambda, &fixture.lambda.functions) != 0) {
        return -1;
    }
    return actions_create(&fixture.lambda, &fixture.lambda.actions);
}

static int teardown(void **state) {
    (void)state;
    actions_destroy(fixture.lambda.actions);
    functions_destroy(fixture.lambda.functions);
    store_db_close(fixture.db);
    return 0;
}

/* --- requests --- */

#define FAKE_ALLOCS_MAX 64

struct fake {
    struct virga_request req;
    struct virga_str params[PATTERN_PARAMS_MAX];
    void *allocs[FAKE_ALLOCS_MAX];
    size_t allocs_count;
};

static int status;          /* of the last answer */
static char answer[65536];  /* its body */
static char exception[128]; /* its x-amzn-ErrorType, or "" */
static const char *as_whom = ACCOUNT;

static void *fake_alloc(struct virga_request *req, size_t size) {
    struct fake *fake = (struct fake *)req;
    assert_true(fake->allocs_count < FAKE_ALLOCS_MAX);
    void *memory = malloc(size);
    fake->allocs[fake->allocs_count++] = memory;
    return memory;
}

static struct virga_str fake_header(const struct virga_request *req, const char *name) {
    (void)req;
    (void)name;
    return (struct virga_str){0};
}

/* Frees what the handler had: it must not touch the request any more. */
static void fake_forget(struct fake *fake) {
    for (size_t i = 0; i < fake->allocs_count; i++) {
        free(fake->allocs[i]);
    }
    fake->allocs_count = 0;
}

static int fake_respond(struct virga_request *req, const struct virga_response *res) {
    assert_int_equal(status, 0);
    status = res->status;
    (void)snprintf(answer, sizeof answer, "%.*s", (int)res->body.len,
                   res->body.ptr != NULL ? res->body.ptr : "");
    for (size_t i = 0; i < res->headers_count; i++) {
        if (virga_str_equal(res->headers[i].name, STR("x-amzn-ErrorType"))) {
            (void)snprintf(exception, sizeof exception, "%.*s", (int)res->headers[i].value.len,
                           res->headers[i].value.ptr);
        }
    }
    if (res->release != NULL) {
        res->release(res->release_arg);
    }
    fake_forget((struct fake *)req);
    return 0;
}

static void fake_abort(struct virga_request *req) {
    (void)req;
    fail_msg("the request was broken off");
}

static const struct virga_http fake_http = {.struct_size = sizeof fake_http,
                                            .alloc = fake_alloc,
                                            .header = fake_header,
                                            .respond = fake_respond,
                                            .abort = fake_abort};

/* Finds the action as the router does. */
static const struct action *find_action(struct fake *fake, const char *method,
                                        struct virga_str path) {
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        if (strcmp(actions_table[i].method, method) == 0 &&
            pattern_match(actions_table[i].pattern, path, fake->params, &fake->req.params_count)) {
            return &actions_table[i];
        }
    }
    fail_msg("no action for %s %.*s", method, (int)path.len, path.ptr);
    return NULL;
}

/* Makes a call and returns the status; the rest is in `answer` and `exception`. */
static inline int call(const char *method, const char *target, const char *body) {
    struct fake fake = {.req = {.struct_size = sizeof fake.req,
                                .http = &fake_http,
                                .account = STR(as_whom),
                                .region = STR("us-east-1"),
                                .body = STR(body)}};
    const char *query = strchr(target, '?');
    size_t len = query != NULL ? (size_t)(query - target) : strlen(target);
    fake.req.query = STR(query != NULL ? query + 1 : "");
    const struct action *action = find_action(&fake, method, (struct virga_str){target, len});
    fake.req.params = fake.params;
    status = 0;
    answer[0] = exception[0] = '\0';
    actions_handle(&fixture.lambda, action, &fake.req);
    assert_true(status != 0);
    return status;
}

static inline void assert_answer(const char *method, const char *target, const char *body,
                                 int expected_status, const char *expected) {
    (void)call(method, target, body);
    assert_string_equal(answer, expected);
    assert_int_equal(status, expected_status);
}

/* Whether a call fails thus. `body` NULL: "". The key is "Message" or "message" as the exception's
 * model has it. */
static inline void assert_fails(const char *method, const char *target, const char *body,
                                int expected_status, const char *code, const char *message) {
    (void)call(method, target, body != NULL ? body : "");
    struct json_object *json = json_tokener_parse(answer);
    struct virga_str text = virga_awsjson_str(json, "message");
    if (text.ptr == NULL) {
        text = virga_awsjson_str(json, "Message");
    }
    assert_non_null(text.ptr);
    assert_string_equal(text.ptr, message);
    json_object_put(json);
    assert_string_equal(exception, code);
    assert_int_equal(status, expected_status);
}

/* A text member of the last answer, or "". */
static inline const char *member(const char *key) {
    static char buffers[4][8192];
    static size_t at;
    struct json_object *json = json_tokener_parse(answer);
    struct virga_str text = virga_awsjson_str(json, key);
    at = (at + 1) % 4;
    (void)snprintf(buffers[at], sizeof buffers[at], "%s", text.ptr != NULL ? text.ptr : "");
    json_object_put(json);
    return buffers[at];
}

/* NextMarker of the last answer as a query has it. */
static inline const char *marker(void) {
    static char escaped[8192];
    size_t len = 0;
    for (const char *at = member("NextMarker"); *at != '\0' && len + 4 < sizeof escaped; at++) {
        len += (size_t)snprintf(escaped + len, sizeof escaped - len, "%%%02X", (unsigned)*at);
    }
    escaped[len] = '\0';
    return escaped;
}

VIRGA_PRINTF(1, 2) static inline const char *format(const char *text, ...) {
    static char buffers[8][8192];
    static size_t at;
    va_list args;
    at = (at + 1) % 8;
    va_start(args, text);
    (void)vsnprintf(buffers[at], sizeof buffers[at], text, args);
    va_end(args);
    return buffers[at];
}

/* Writes a version of a function as the functions' own actions would. */
static inline void make_version(const char *name, const char *version) {
    struct json_object *document = json_tokener_parse(
        format("{\"FunctionName\":\"%s\",\"Version\":\"%s\",\"RevisionId\":\"r-%s\","
               "\"State\":\"Active\",\"Image\":{\"Digest\":\"sha256:00\"}}",
               name, version, version));
    assert_int_equal(functions_put(&fixture.lambda, &here, document, NULL), 0);
}

/* "f" with versions 1 and 2. */
static inline void make_function(void) {
    make_version("f", FUNCTIONS_LATEST);
    make_version("f", "1");
    make_version("f", "2");
}

#define F15 "/2015-03-31/functions/"
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
