/* SPDX-License-Identifier: MIT */
/* An environment in a host in memory, with an executor that starts nothing: the test plays the
 * process, its runtime and its extensions. */
#ifndef TESTS_LAMBDA_ENVIRONMENT_FIXTURE_H
#define TESTS_LAMBDA_ENVIRONMENT_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <virga/testkit.h>

#include "environment.h"
#include "logs.h"

#define STR(text) virga_str_from(text)
#define NEXT "/2018-06-01/runtime/invocation/next"
#define RID "8f507cfc-xmpl-4697-b07a-ac58fc914c95"
#define RESPONSE "/2018-06-01/runtime/invocation/" RID "/response"
#define ERROR "/2018-06-01/runtime/invocation/" RID "/error"
#define DOCUMENT                                                                                   \
    "{\"FunctionName\":\"f\",\"Version\":\"$LATEST\",\"RevisionId\":\"r\",\"MemorySize\":128,"     \
    "\"Timeout\":3,\"Environment\":{\"Variables\":{\"MODE\":\"test\"}},\"Image\":{\"Digest\":"     \
    "\"sha256:0\",\"EntryPoint\":[\"/bootstrap\"],\"Cmd\":[\"app.handler\"],\"WorkingDir\":"       \
    "\"/var/task\"}}"

struct process {
    struct executor_spec spec; /* its callbacks; the strings are gone */
    char argv[256];
    char env[4096]; /* "\n" behind each */
    char cwd[64];
    int start_result;
    bool started;
    int last_signal;
    int64_t peak;
    int closes;
    bool holds_close; /* the executor takes its time */
    void (*on_closed)(void *arg);
    void *closed_arg;
};

struct seen {
    int heads, chunks, dones;
    int starts, ends, idles;
    int pauses; /* chunks that are answered with PAUSE from now on */
    char head[64];
    char bytes[256];
    enum invocation_outcome outcome;
    int status;
    char code[64], message[256], error_type[128], payload[1024], content_type[64];
    size_t payload_len;
    char tail[INVOCATION_TAIL_MAX + 1];
    void (*in_done)(struct invocation *invocation);
    void (*in_idle)(struct environment *environment);
};

struct rig {
    struct testkit *kit;
    struct lambda lambda;
    struct executor executor;
    struct process process;
    struct function *function;
    struct environment *environment; /* NULL once it has ended and was destroyed */
    struct seen seen;
};

static struct rig rig;

/* --- the executor --- */

static inline void join(char *to, size_t size, const char *const *words, const char *between) {
    to[0] = '\0';
    for (size_t i = 0; words[i] != NULL; i++) {
        size_t len = strlen(to);
        (void)snprintf(to + len, size - len, "%s%s", words[i], between);
    }
}

static inline int fake_start(struct executor *executor, const struct executor_spec *spec,
                             struct executor_instance **ret_instance) {
    (void)executor;
    rig.process.spec = *spec;
    join(rig.process.argv, sizeof rig.process.argv, spec->argv, " ");
    join(rig.process.env, sizeof rig.process.env, spec->env, "\n");
    (void)snprintf(rig.process.cwd, sizeof rig.process.cwd, "%s", spec->cwd);
    if (rig.process.start_result == 0) {
        rig.process.started = true;
        *ret_instance = (struct executor_instance *)&rig.process;
    }
    return rig.process.start_result;
}

static inline void fake_signal(struct executor_instance *instance, int signum) {
    assert_ptr_equal(instance, &rig.process);
    rig.process.last_signal = signum;
}

static inline int64_t fake_peak(struct executor_instance *instance) {
    assert_ptr_equal(instance, &rig.process);
    return rig.process.peak;
}

static inline void fake_close(struct executor_instance *instance, void (*on_closed)(void *arg),
                              void *arg) {
    assert_ptr_equal(instance, &rig.process);
    rig.process.closes++;
    rig.process.on_closed = on_closed;
    rig.process.closed_arg = arg;
    if (!rig.process.holds_close) {
        on_closed(arg);
    }
}

static inline void process_says(int stream, const char *text) {
    rig.process.spec.on_output(rig.process.spec.arg, stream, STR(text));
}

static inline void process_ends(enum executor_end end, int number, const char *reason) {
    const struct executor_exit how = {
        .end = end, .status = number, .signal = number, .reason = reason};
    rig.process.spec.on_exit(rig.process.spec.arg, &how);
    (void)testkit_run(rig.kit);
}

/* --- the plugin around it --- */

static inline int rig_start(const struct virga_host *host, void **ret_self,
                            struct virga_error *err) {
    struct lambda *lambda = &rig.lambda;
    (void)err;
    *lambda = (struct lambda){.host = host,
                              .init_ms = 10000,
                              .stop_grace_ms = 500,
                              .log_bytes = 65536,
                              .log = host->get_interface(host, VIRGA_LOG_ID),
                              .timer = host->get_interface(host, VIRGA_TIMER_ID),
                              .listener = host->get_interface(host, VIRGA_LISTENER_ID)};
    *ret_self = &rig;
    return logs_create(lambda, &lambda->logs);
}

static inline void rig_handle(void *self, struct virga_request *req) {
    (void)self;
    logs_handle(rig.lambda.logs, req);
}

static inline int rig_stop(void *self) {
    (void)self;
    logs_stop(rig.lambda.logs);
    return 0;
}

static inline void rig_destroy(void *self) {
    (void)self;
    logs_destroy(rig.lambda.logs);
}

static const struct virga_route rig_routes[] = {
    {.kind = VIRGA_ROUTE_ADMIN, .method = "GET", .pattern = "lambda/{FunctionName}/logs"}};

static const struct virga_plugin rig_plugin = {
    VIRGA_PLUGIN_HEAD,  .name = "lambda-image", .version = "1",   VIRGA_ROUTES(rig_routes),
    .start = rig_start, .handle = rig_handle,   .stop = rig_stop, .destroy = rig_destroy};

static inline struct function *make_function(const char *document) {
    static const struct tenant tenant = {"000000000000", "us-east-1"};
    struct function *function = NULL;
    struct json_object *json = json_tokener_parse(document);
    assert_non_null(json);
    assert_int_equal(function_make(&tenant, json, &function), 0);
    return function;
}

static inline int rig_set_up(void **state) {
    (void)state;
    rig = (struct rig){.process.peak = 36 * 1024 * 1024};
    rig.kit = testkit_create(&rig_plugin);
    assert_int_equal(testkit_start(rig.kit), 0);
    rig.executor = (struct executor){.name = "fake",
                                     .lambda = &rig.lambda,
                                     .listen_addresses = "127.0.0.1",
                                     .reach_host = "10.0.0.1",
                                     .endpoint_url = "http://10.0.0.1:4566",
                                     .start = fake_start,
                                     .signal = fake_signal,
                                     .memory_peak = fake_peak,
                                     .close = fake_close};
    rig.function = make_function(DOCUMENT);
    return 0;
}

/* --- what the pool hears --- */

static inline void on_idle(void *arg, struct environment *environment) {
    assert_ptr_equal(arg, &rig);
    assert_true(environment_is_idle(environment));
    rig.seen.idles++;
    if (rig.seen.in_idle != NULL) {
        rig.seen.in_idle(environment);
    }
}

static inline void on_started(void *arg, struct environment *environment) {
    assert_ptr_equal(arg, &rig);
    assert_ptr_equal(environment, rig.environment);
    rig.seen.starts++;
}

static inline void on_ended(void *arg, struct environment *environment) {
    assert_ptr_equal(arg, &rig);
    rig.seen.ends++;
    environment_destroy(environment);
    rig.environment = NULL;
}

static inline void on_head(struct invocation *invocation, const char *content_type) {
    (void)invocation;
    rig.seen.heads++;
    (void)snprintf(rig.seen.head, sizeof rig.seen.head, "%s",
                   content_type != NULL ? content_type : "-");
}

static inline int on_chunk(struct invocation *invocation, struct virga_str chunk) {
    size_t len = strlen(rig.seen.bytes);
    (void)invocation;
    assert_int_equal(rig.seen.heads, 1);
    rig.seen.chunks++;
    (void)snprintf(rig.seen.bytes + len, sizeof rig.seen.bytes - len, "%.*s", (int)chunk.len,
                   chunk.ptr);
    if (rig.seen.pauses > 0) {
        rig.seen.pauses--;
        return VIRGA_BODY_PAUSE;
    }
    return VIRGA_BODY_GO_ON;
}

static inline void copy(char *to, size_t size, const char *from) {
    (void)snprintf(to, size, "%s", from != NULL ? from : "");
}

static inline void on_done(struct invocation *invocation, const struct invocation_result *result) {
    struct seen *seen = &rig.seen;
    seen->dones++;
    seen->outcome = result->outcome;
    seen->status = result->status;
    copy(seen->code, sizeof seen->code, result->code);
    copy(seen->message, sizeof seen->message, result->message);
    copy(seen->error_type, sizeof seen->error_type, result->error_type);
    copy(seen->content_type, sizeof seen->content_type, result->content_type);
    seen->payload_len = result->payload.len;
    (void)snprintf(seen->payload, sizeof seen->payload, "%.*s",
                   (int)(result->payload.len < 1000 ? result->payload.len : 1000),
                   result->payload.len > 0 ? result->payload.ptr : "");
    (void)snprintf(seen->tail, sizeof seen->tail, "%.*s", (int)result->tail.len,
                   result->tail.len > 0 ? result->tail.ptr : "");
    if (seen->in_done != NULL) {
        seen->in_done(invocation);
    }
    invocation_destroy(invocation);
}

static inline struct invocation *make_invocation(const char *payload) {
    struct invocation *invocation = NULL;
    assert_int_equal(invocation_create(rig.function, "live", STR(payload), RID, &invocation), 0);
    (void)snprintf(invocation->trace_id, sizeof invocation->trace_id, "Root=1-2-3");
    invocation->on_head = on_head;
    invocation->on_chunk = on_chunk;
    invocation->on_done = on_done;
    return invocation;
}

static inline struct environment *begin(struct invocation *first) {
    const struct environment_events events = {on_idle, on_started, on_ended, &rig};
    assert_int_equal(environment_create(&rig.lambda, &rig.executor, rig.function, first, &events,
                                        &rig.environment),
                     0);
    return rig.environment;
}

static inline int rig_tear_down(void **state) {
    (void)state;
    if (rig.environment != NULL) {
        rig.process.holds_close = false;
        environment_kill(rig.environment);
        (void)testkit_run(rig.kit);
    }
    assert_null(rig.environment);
    function_unref(rig.function);
    return testkit_destroy(rig.kit) == 0 ? 0 : -1;
}

/* --- the process's requests --- */

static inline struct testkit_request *send_to_runtime_api(struct testkit_request *req) {
    assert_int_equal(testkit_send_listener(req, 0), 0);
    (void)testkit_run(rig.kit);
    return req;
}

static inline struct testkit_request *next(void) {
    return send_to_runtime_api(testkit_request_create(rig.kit, "GET", NEXT));
}

static inline struct testkit_request *post(const char *path, const char *header, const char *value,
                                           const char *body) {
    struct testkit_request *req = testkit_request_create(rig.kit, "POST", path);
    if (header != NULL) {
        testkit_request_header(req, header, value);
    }
    testkit_request_body(req, body, strlen(body));
    return send_to_runtime_api(req);
}

static inline void assert_refused(const struct testkit_request *req, int status,
                                  const char *error_type) {
    assert_int_equal(testkit_status(req), status);
    if (strstr(testkit_body(req), error_type) == NULL) {
        fail_msg("\"%s\" is not in %s", error_type, testkit_body(req));
    }
}

static inline void assert_has(const char *text, const char *part) {
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", part, text);
    }
}

/* The function's log. Valid: until the kit is destroyed. */
static inline const char *read_log(void) {
    struct testkit_request *req = testkit_ask(rig.kit, "GET", "/_floci/lambda/f/logs", NULL);
    assert_int_equal(testkit_status(req), 200);
    return testkit_body(req);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

#endif
