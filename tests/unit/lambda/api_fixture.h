/* SPDX-License-Identifier: MIT */
/* Calls to Lambda's API for unit tests: a method, a path and a body in, the answer's status and
 * JSON out. Behind it are the host's real store in memory, a clock that stands still, and in the
 * place of images, pool, events and logs what the test says. */
#ifndef TESTS_LAMBDA_API_FIXTURE_H
#define TESTS_LAMBDA_API_FIXTURE_H

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
#include "events.h"
#include "function_state.h"
#include "images.h"
#include "logs.h"
#include "pattern.h"
#include "pool.h"
#include "store_db.h"

#define STR(text) virga_str_from(text)
#define FIXTURE_NS 1
#define ACCOUNT "123456789012"
#define ARN(name) "arn:aws:lambda:us-east-1:" ACCOUNT ":function:" name
#define ROLE "arn:aws:iam::" ACCOUNT ":role/lambda"
#define REGISTRY ACCOUNT ".dkr.ecr.us-east-1.amazonaws.com"
#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const struct tenant here = {ACCOUNT, "us-east-1"};

struct fixture {
    struct lambda lambda;
    struct virga_host host;
    struct store_db *db;
    int64_t now_ms;
    int store_error; /* what every store call fails with; 0 = none */
    char line[1024]; /* the log's last */

    /* images */
    struct images_answer answer;   /* of the next look-up; FOUND: of what `hex` says */
    const char *hex;               /* of the digest that tags mean now */
    const char *architecture;      /* of the last look-up */
    struct images_failure failure; /* of having an image; error 0: it is there */
    bool inside;                   /* images_have() calls back inside the call */
    unsigned looked_up, had, pruned;
    /* the others */
    unsigned retired, events_forgotten, logs_forgotten;
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

/* --- images --- */

#define LATER_MAX 16

struct later {
    struct function *function; /* of images_have(), a reference */
    char uri[512];
    void (*on_answer)(void *arg, const struct images_answer *answer);
    void (*on_had)(void *arg, const struct images_failure *failure);
    void *arg;
};

static struct later later[LATER_MAX];
static size_t later_count;
static bool hold_images; /* run_loop() leaves images_have() alone */

int images_create(struct lambda *lambda, struct images **ret_images) {
    (void)lambda;
    *ret_images = NULL;
    return 0;
}

void images_stop(struct images *images, void (*on_stopped)(void *arg), void *arg) {
    (void)images;
    on_stopped(arg);
}

void images_destroy(struct images *images) {
    (void)images;
}

int images_look_up(struct lambda *lambda, const struct tenant *tenant, struct virga_str uri,
                   const char *function_arn_text, const char *architecture,
                   void (*on_done)(void *arg, const struct images_answer *answer), void *arg) {
    (void)lambda;
    assert_string_equal(tenant->account, ACCOUNT);
    assert_int_equal(strncmp(function_arn_text, ARN(""), strlen(ARN(""))), 0);
    assert_true(later_count < LATER_MAX);
    struct later *one = &later[later_count++];
    *one = (struct later){.on_answer = on_done, .arg = arg};
    (void)snprintf(one->uri, sizeof one->uri, "%.*s", (int)uri.len, uri.ptr);
    fixture.architecture = strcmp(architecture, "arm64") == 0 ? "arm64" : "x86_64";
    fixture.looked_up++;
    return 0;
}

void images_have(struct lambda *lambda, struct function *function,
                 void (*on_done)(void *arg, const struct images_failure *failure), void *arg) {
    (void)lambda;
    fixture.had++;
    if (fixture.inside) {
        on_done(arg, fixture.failure.error != 0 ? &fixture.failure : NULL);
        return;
    }
    assert_true(later_count < LATER_MAX);
    later[later_count++] = (struct later){function_ref(function), "", NULL, on_done, arg};
}

void images_prune_soon(struct lambda *lambda) {
    (void)lambda;
    fixture.pruned++;
}

static void do_look_up(struct later *one) {
    struct images_answer given = fixture.answer;
    char text[1024];
    if (given.outcome == IMAGES_FOUND) {
        const char *colon = strrchr(one->uri, ':');
        (void)snprintf(text, sizeof text,
                       "{\"Uri\":\"%s\",\"Resolved\":\"%.*s@sha256:%s\",\"Digest\":"
                       "\"sha256:%s\",\"Size\":5,\"EntryPoint\":[\"/app\"]}",
                       one->uri, (int)(colon - one->uri), one->uri, fixture.hex, fixture.hex);
        given.document = json_tokener_parse(text);
        assert_non_null(given.document);
    }
    one->on_answer(one->arg, &given);
    json_object_put(given.document);
}

/* Runs what the loop would run, until nothing is left. */
static inline void run_loop(void) {
    size_t at = 0;
    while (at < later_count) {
        struct later one = later[at];
        if (one.on_had != NULL && hold_images) {
            at++;
            continue;
        }
        memmove(later + at, later + at + 1, (--later_count - at) * sizeof later[0]);
        if (one.on_had != NULL) {
            one.on_had(one.arg, fixture.failure.error != 0 ? &fixture.failure : NULL);
            function_unref(one.function);
        } else {
            do_look_up(&one);
        }
    }
}

/* --- pool, events, logs --- */

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
    fail();
}

void pool_retire(struct pool *pool, const struct tenant *tenant, const char *name) {
    (void)pool;
    (void)tenant;
    (void)name;
    fixture.retired++;
}

void pool_adjust(struct pool *pool, const struct tenant *tenant, const char *name) {
    (void)pool;
    (void)tenant;
    (void)name;
}

void pool_count(struct pool *pool, const struct tenant *tenant, const char *name,
                const char *qualifier, struct pool_counts *ret_counts) {
    (void)pool;
    (void)tenant;
    (void)name;
    (void)qualifier;
    *ret_counts = (struct pool_counts){0};
}

int events_create(struct lambda *lambda, struct events **ret_events) {
    (void)lambda;
    *ret_events = NULL;
    return 0;
}

void events_stop(struct events *events, void (*on_stopped)(void *arg), void *arg) {
    (void)events;
    on_stopped(arg);
}

void events_destroy(struct events *events) {
    (void)events;
}

int events_add(struct events *events, const struct invocation *invocation, const char *qualifier) {
    (void)events;
    (void)invocation;
    (void)qualifier;
    return -ENOTSUP;
}

void events_forget(struct events *events, const struct tenant *tenant, const char *name) {
    (void)events;
    (void)tenant;
    (void)name;
    fixture.events_forgotten++;
}

int logs_create(struct lambda *lambda, struct logs **ret_logs) {
    (void)lambda;
    *ret_logs = NULL;
    return 0;
}

void logs_stop(struct logs *logs) {
    (void)logs;
}

void logs_destroy(struct logs *logs) {
    (void)logs;
}

void logs_add(struct logs *logs, const struct tenant *tenant, const char *name,
              struct virga_str lines) {
    (void)logs;
    (void)tenant;
    (void)name;
    (void)lines;
}

void logs_forget(struct logs *logs, const struct tenant *tenant, const char *name) {
    (void)logs;
    (void)tenant;
    (void)name;
    fixture.logs_forgotten++;
}

void logs_handle(struct logs *logs, struct virga_request *req) {
    (void)logs;
    req->http->abort(req);
}

/* --- set-up --- */

static inline int fixture_setup(void **state) {
    (void)state;
    struct error err = {0};
    memset(&fixture, 0, sizeof fixture);
    later_count = 0;
    hold_images = false;
    fixture.now_ms = 1700000000123;
    fixture.hex = HEX_A;
    fixture.host = (struct virga_host){.struct_size = sizeof fixture.host};
    fixture.lambda = (struct lambda){.host = &fixture.host,
                                     .log = &fixture_log,
                                     .timer = &fixture_timer,
                                     .store = &fixture_store,
                                     .concurrency_max = 1000};
    if (store_db_open(NULL, &fixture.db, &err) != 0 ||
        functions_create(&fixture.lambda, &fixture.lambda.functions) != 0) {
        return -1;
    }
    return actions_create(&fixture.lambda, &fixture.lambda.actions);
}

static inline int fixture_teardown(void **state) {
    (void)state;
    hold_images = false;
    run_loop();
    actions_destroy(fixture.lambda.actions);
    functions_destroy(fixture.lambda.functions);
    store_db_close(fixture.db);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* --- requests --- */

#define FAKE_ALLOCS_MAX 64

struct fake {
    struct virga_request req;
    struct virga_route route;
    void *allocs[FAKE_ALLOCS_MAX];
    size_t allocs_count;
    int status; /* 0 = not answered */
    char *body;
    char error_type[64];
    struct virga_str params[PATTERN_PARAMS_MAX];
    char decoded[PATTERN_PARAMS_MAX][512];
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
    struct fake *fake = (struct fake *)req;
    assert_int_equal(fake->status, 0);
    fake->status = res->status;
    fake->body = strndup(res->body.ptr, res->body.len);
    for (size_t i = 0; i < res->headers_count; i++) {
        if (virga_str_equal(res->headers[i].name, STR("x-amzn-ErrorType"))) {
            (void)snprintf(fake->error_type, sizeof fake->error_type, "%s",
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

/* The route that the host would choose: literal segments go before {names}. */
static const struct action *find_action(const char *method, struct virga_str path,
                                        const char **ret_pattern, struct fake *fake) {
    static const struct {
        const char *method, *pattern;
        int tag;
    } also[] = {
#define ALSO(name, method, path, limit) {method, path, ACTION_##name},
        ACTIONS_ALSO(ALSO)
#undef ALSO
    };
    const struct action *found = NULL;
    struct virga_str params[PATTERN_PARAMS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < ACTION_COUNT + sizeof also / sizeof also[0]; i++) {
        const char *one_method =
            i < ACTION_COUNT ? actions_table[i].method : also[i - ACTION_COUNT].method;
        const char *pattern =
            i < ACTION_COUNT ? actions_table[i].pattern : also[i - ACTION_COUNT].pattern;
        if (strcmp(one_method, method) == 0 && pattern_match(pattern, path, params, &count) &&
            (found == NULL || pattern_compare(pattern, *ret_pattern) < 0)) {
            found = &actions_table[i < ACTION_COUNT ? (int)i : also[i - ACTION_COUNT].tag];
            *ret_pattern = pattern;
            memcpy(fake->params, params, sizeof params);
            fake->req.params_count = count;
        }
    }
    return found;
}

static char answer[262144];
static char error_type[64];

/* Makes a call of `account` without running the loop: the answer may be still to come. */
static inline void start_call_as(struct fake *fake, const char *account, const char *method,
                                 const char *target, const char *body) {
    const char *question = strchr(target, '?');
    const char *pattern = NULL;
    struct virga_str path = {target,
                             question != NULL ? (size_t)(question - target) : strlen(target)};
    memset(fake, 0, sizeof *fake);
    const struct action *action = find_action(method, path, &pattern, fake);
    assert_non_null(action);
    for (size_t i = 0; i < fake->req.params_count; i++) {
        size_t len = pattern_decode(fake->params[i], fake->decoded[i]);
        fake->params[i] = (struct virga_str){fake->decoded[i], len};
    }
    fake->req.struct_size = sizeof fake->req;
    fake->req.http = &fake_http;
    fake->route = (struct virga_route){.pattern = pattern};
    fake->req.route = &fake->route;
    fake->req.params = fake->params;
    fake->req.account = STR(account);
    fake->req.region = STR("us-east-1");
    fake->req.query = question != NULL ? STR(question + 1) : STR("");
    fake->req.body = body != NULL ? STR(body) : STR("");
    actions_handle(&fixture.lambda, action, &fake->req);
}

static inline int finish_call(struct fake *fake) {
    int status = fake->status;
    assert_true(status != 0);
    (void)snprintf(answer, sizeof answer, "%s", fake->body);
    (void)snprintf(error_type, sizeof error_type, "%s", fake->error_type);
    fake_forget(fake);
    free(fake->body);
    return status;
}

/* Makes a call and leaves the answer's body in `answer`. */
static inline int call(const char *method, const char *target, const char *body) {
    struct fake fake;
    start_call_as(&fake, ACCOUNT, method, target, body);
    run_loop();
    return finish_call(&fake);
}

static inline void assert_answer(const char *method, const char *target, const char *body,
                                 int status, const char *expected) {
    int got = call(method, target, body);
    assert_string_equal(answer, expected);
    assert_int_equal(got, status);
}

/* Fails with {"Type":"User","message":...}, or without Type, or with "Message". */
static inline void assert_fails(const char *method, const char *target, const char *body,
                                int status, const char *code, const char *message) {
    int got = call(method, target, body);
    struct json_object *json = json_tokener_parse(answer);
    struct virga_str text = virga_awsjson_str(json, "message");
    if (text.ptr == NULL) {
        text = virga_awsjson_str(json, "Message");
    }
    assert_non_null(text.ptr);
    assert_string_equal(text.ptr, message);
    assert_string_equal(error_type, code);
    assert_int_equal(got, status);
    json_object_put(json);
}

/* A text of the last answer: "Configuration.State"; "" when it is absent. */
static inline const char *field(const char *path) {
    static char texts[8][2048];
    static size_t at;
    char part[64];
    struct json_object *json = json_tokener_parse(answer), *value = json;
    char *text = texts[at++ % 8];
    text[0] = '\0';
    for (const char *rest = path; *rest != '\0' && value != NULL;) {
        size_t len = strcspn(rest, ".");
        (void)snprintf(part, sizeof part, "%.*s", (int)len, rest);
        value = json_object_is_type(value, json_type_array)
                    ? json_object_array_get_idx(value, (size_t)atoi(part))
                    : virga_awsjson_member(value, part);
        rest += len + (rest[len] == '.');
    }
    if (value != NULL) {
        (void)snprintf(text, sizeof texts[0], "%s", json_object_get_string(value));
    }
    json_object_put(json);
    return text;
}

/* Formats text; valid for the next few calls. */
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

/* A value as a query has it: the signs of base64 are escaped. */
static inline const char *escape(const char *text) {
    static char escaped[4096];
    size_t len = 0;
    escaped[0] = '\0';
    for (; *text != '\0' && len + 4 < sizeof escaped; text++) {
        len += (size_t)snprintf(escaped + len, sizeof escaped - len,
                                strchr("+/=", *text) != NULL ? "%%%02X" : "%c", *text);
    }
    return escaped;
}

#define FUNCTIONS "/2015-03-31/functions"
#define IMAGE "\"PackageType\":\"Image\",\"Code\":{\"ImageUri\":\"" REGISTRY "/app:latest\"}"

/* The body of CreateFunction with `more` members. */
static inline const char *create_body(const char *name, const char *more) {
    return format("{\"FunctionName\":\"%s\",\"Role\":\"" ROLE "\"," IMAGE "%s}", name, more);
}

static inline void create(const char *name) {
    assert_int_equal(call("POST", FUNCTIONS, create_body(name, "")), 201);
}

/* Reads a function's configuration into `answer`. */
static inline void get(const char *name) {
    assert_int_equal(call("GET", format(FUNCTIONS "/%s/configuration", name), NULL), 200);
}

#endif
