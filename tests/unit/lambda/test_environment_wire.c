/* SPDX-License-Identifier: MIT */
/* An environment over real sockets: a runtime in a thread, and many invocations one after the
 * other. With VIRGA_TEST_TIMES=1 it shows how long one takes. */
#include "../wire_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "environment.h"
#include "ext_listener.h"
#include "ext_timer.h"
#include "logs.h"
#include "plugin.h"
#include "resource.h"

#define ROUNDS 2000

static struct virga_plugin desc = {.struct_size = sizeof desc, .name = "lambda-image"};
static struct plugin plugin;
static struct lambda lambda;
static struct executor executor;
static struct executor_spec spec;
static struct environment *environment;
static struct function *function;
static uint16_t api_port;
static int dones, idles, ends;
static uint64_t asked_ns, times_ns[ROUNDS];

/* --- the runtime, a thread with a blocking socket --- */

static bool read_message(int fd, char *bytes, size_t size) {
    size_t len = 0;
    for (;;) {
        ssize_t got = recv(fd, bytes + len, size - 1 - len, 0);
        if (got <= 0) {
            return false;
        }
        len += (size_t)got;
        bytes[len] = '\0';
        const char *body = strstr(bytes, "\r\n\r\n");
        const char *length = body != NULL ? strcasestr(bytes, "\r\nContent-Length: ") : NULL;
        if (length != NULL &&
            strlen(body + 4) >= strtoul(length + strlen("\r\nContent-Length: "), NULL, 10)) {
            return true;
        }
    }
}

static bool say(int fd, const char *text) {
    return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* Answers every event with itself, until the connection is closed. */
static void *runtime(void *arg) {
    char bytes[8192], answer[sizeof bytes + 256], id[64];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(api_port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)arg;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        while (say(fd, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: h\r\n\r\n") &&
               read_message(fd, bytes, sizeof bytes)) {
            const char *at = strcasestr(bytes, "Lambda-Runtime-Aws-Request-Id: ");
            if (at == NULL || sscanf(at, "%*s %63[^\r]", id) != 1) {
                break;
            }
            const char *body = strstr(bytes, "\r\n\r\n") + 4;
            (void)snprintf(answer, sizeof answer,
                           "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: "
                           "h\r\nContent-Length: %zu\r\n\r\n%s",
                           id, strlen(body), body);
            if (!say(fd, answer) || !read_message(fd, bytes, sizeof bytes)) {
                break;
            }
        }
    }
    (void)close(fd);
    return NULL;
}

/* --- the executor --- */

static int fake_start(struct executor *self, const struct executor_spec *given,
                      struct executor_instance **ret_instance) {
    (void)self;
    spec = *given;
    for (size_t i = 0; given->env[i] != NULL; i++) {
        unsigned port;
        if (sscanf(given->env[i], "AWS_LAMBDA_RUNTIME_API=127.0.0.1:%u", &port) == 1) {
            api_port = (uint16_t)port;
        }
    }
    *ret_instance = (struct executor_instance *)&executor;
    return 0;
}

static void fake_signal(struct executor_instance *instance, int signum) {
    (void)instance;
    (void)signum;
}

static int64_t fake_peak(struct executor_instance *instance) {
    (void)instance;
    return -1;
}

static void fake_close(struct executor_instance *instance, void (*on_closed)(void *arg),
                       void *arg) {
    (void)instance;
    on_closed(arg);
}

/* --- the pool --- */

static void on_done(struct invocation *invocation, const struct invocation_result *result) {
    char text[32];
    times_ns[dones] = uv_hrtime() - asked_ns;
    (void)snprintf(text, sizeof text, "{\"round\":%d}", dones);
    assert_int_equal(result->outcome, INVOCATION_DONE);
    assert_int_equal(result->payload.len, strlen(text));
    assert_memory_equal(result->payload.ptr, text, strlen(text));
    dones++;
    invocation_destroy(invocation);
}

static struct invocation *make_invocation(int round) {
    struct invocation *invocation = NULL;
    char text[32];
    (void)snprintf(text, sizeof text, "{\"round\":%d}", round);
    assert_int_equal(invocation_create(function, NULL, virga_str_from(text), NULL, &invocation), 0);
    invocation->on_done = on_done;
    asked_ns = uv_hrtime();
    return invocation;
}

static void on_idle(void *arg, struct environment *idle) {
    (void)arg;
    idles++;
    assert_int_equal(idles, dones);
    if (dones < ROUNDS) {
        environment_invoke(idle, make_invocation(dones));
    }
}

static void on_ended(void *arg, struct environment *ended) {
    (void)arg;
    ends++;
    environment_destroy(ended);
}

static int set_up(void **state) {
    static const struct tenant tenant = {"000000000000", "us-east-1"};
    plugin = (struct plugin){.host = &wire_host, .desc = &desc, .state = PLUGIN_RUNNING};
    list_init(&plugin.resources);
    if (wire_setup(state) != 0) {
        return -1;
    }
    lambda = (struct lambda){.host = &plugin.api,
                             .timer = &ext_timer,
                             .listener = &ext_listener,
                             .init_ms = 10000,
                             .log_bytes = 65536};
    executor = (struct executor){.name = "fake",
                                 .lambda = &lambda,
                                 .listen_addresses = "127.0.0.1",
                                 .reach_host = "127.0.0.1",
                                 .endpoint_url = "http://127.0.0.1:4566",
                                 .start = fake_start,
                                 .signal = fake_signal,
                                 .memory_peak = fake_peak,
                                 .close = fake_close};
    return logs_create(&lambda, &lambda.logs) == 0 &&
                   function_make(&tenant,
                                 json_tokener_parse("{\"FunctionName\":\"f\",\"Version\":\"1\","
                                                    "\"RevisionId\":\"r\",\"Timeout\":30,\"Image\":"
                                                    "{\"Digest\":\"d\",\"Cmd\":[\"/a\"]}}"),
                                 &function) == 0
               ? 0
               : -1;
}

static int tear_down(void **state) {
    function_unref(function);
    logs_destroy(lambda.logs);
    assert_true(list_empty(&plugin.resources)); /* no timer, no listener is left */
    return wire_teardown(state);
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void pump_until(const int *count, int wanted) {
    uint64_t give_up_ns = uv_hrtime() + UINT64_C(30000000000);
    while (*count < wanted) {
        (void)uv_run(&wire_loop, UV_RUN_ONCE);
        assert_true(uv_hrtime() < give_up_ns);
    }
}

static void one_runtime_answers_many_events(void **state) {
    const struct environment_events events = {on_idle, NULL, on_ended, NULL};
    pthread_t thread;
    (void)state;
    assert_int_equal(
        environment_create(&lambda, &executor, function, make_invocation(0), &events, &environment),
        0);
    assert_int_equal(pthread_create(&thread, NULL, runtime, NULL), 0);
    pump_until(&idles, ROUNDS);
    assert_int_equal(dones, ROUNDS);
    environment_shutdown(environment);
    pump_until(&ends, 1);
    pump_for(5);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (getenv("VIRGA_TEST_TIMES") != NULL) {
        qsort(times_ns, ROUNDS, sizeof times_ns[0], compare);
        print_message("invoke to answer: p50 %.3f ms, p99 %.3f ms\n",
                      (double)times_ns[ROUNDS / 2] / 1e6,
                      (double)times_ns[ROUNDS - ROUNDS / 100] / 1e6);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_runtime_answers_many_events, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
