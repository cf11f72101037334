/* SPDX-License-Identifier: MIT */
/* Tests of the plugin in a host in memory. See share/doc/virga/sdk/testkit/README.md. */
#include <errno.h>
#include <stdlib.h>

#include <virga/testkit.h>

/* Not assert(): a release build must test too. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);          \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static struct testkit *start(void) {
    struct testkit *kit = testkit_create(&virga_plugin_v1);
    CHECK(testkit_start(kit) == 0);
    return kit;
}

static struct testkit_request *say_hello(struct testkit *kit, const char *body) {
    return testkit_ask_target(kit, "Hello_20260101.SayHello", body);
}

static int says(const struct testkit_request *req, const char *text) {
    return strstr(testkit_body(req), text) != NULL;
}

static void counts_each_hello(void) {
    struct testkit *kit = start();
    CHECK(says(say_hello(kit, "{\"name\":\"Ada\"}"), "Hello, Ada!"));
    CHECK(says(say_hello(kit, "{\"name\":\"Ada\"}"), "\"count\":2"));
    CHECK(says(testkit_ask(kit, "GET", "/_floci/hello/Ada", NULL), "\"count\":2"));
    CHECK(testkit_destroy(kit) == 0);
}

static void count_survives_a_restart(void) {
    struct testkit *kit = start();
    (void)say_hello(kit, "{\"name\":\"Bob\"}");
    testkit_stop(kit);
    CHECK(testkit_start(kit) == 0);
    CHECK(says(say_hello(kit, "{\"name\":\"Bob\"}"), "\"count\":2"));
    CHECK(testkit_destroy(kit) == 0);
}

static void greeting_is_a_setting(void) {
    struct testkit *kit = testkit_create(&virga_plugin_v1);
    CHECK(testkit_set(kit, "greeting", "Ciao") == 0);
    CHECK(testkit_set(kit, "greting", "Ciao") == -ENOENT);
    CHECK(testkit_start(kit) == 0);
    CHECK(says(say_hello(kit, "{\"name\":\"Ada\"}"), "Ciao, Ada!"));
    CHECK(testkit_destroy(kit) == 0);
}

static void accounts_are_kept_apart(void) {
    struct testkit *kit = start();
    (void)say_hello(kit, "{\"name\":\"Ada\"}");
    struct testkit_request *req = testkit_request_create(kit, "GET", "/_floci/hello/Ada");
    testkit_request_identity(req, "111122223333", NULL, NULL);
    CHECK(testkit_send(req) == 0);
    CHECK(says(req, "\"count\":0"));
    CHECK(testkit_destroy(kit) == 0);
}

static void bad_input_is_a_400(void) {
    static const char *const bodies[] = {NULL,          "", "{", "[]", "{}", "{\"name\":\"\"}",
                                         "{\"name\":1}"};
    struct testkit *kit = start();
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        CHECK(testkit_status(say_hello(kit, bodies[i])) == 400);
    }
    CHECK(says(testkit_ask_target(kit, "Hello_20260101.Shout", "{}"), "UnknownOperationException"));
    CHECK(testkit_destroy(kit) == 0);
}

static void failing_store_is_a_500(void) {
    struct testkit *kit = start();
    testkit_store_fail(kit, -EIO);
    CHECK(testkit_status(say_hello(kit, "{\"name\":\"Ada\"}")) == 500);
    CHECK(strstr(testkit_log(kit), "counting failed") != NULL);
    CHECK(testkit_destroy(kit) == 0);
}

static void out_of_memory_is_answered_too(void) {
    struct testkit *kit = start();
    for (unsigned n = 1;; n++) {
        testkit_fail_alloc(kit, n);
        struct testkit_request *req = say_hello(kit, "{\"name\":\"Ada\"}");
        if (!testkit_alloc_failed(kit)) {
            CHECK(n > 1 && testkit_status(req) == 200);
            break;
        }
        CHECK(testkit_status(req) == 500);
    }
    testkit_fail_alloc(kit, 0);
    CHECK(testkit_destroy(kit) == 0);
}

int main(void) {
    counts_each_hello();
    count_survives_a_restart();
    greeting_is_a_setting();
    accounts_are_kept_apart();
    bad_input_is_a_400();
    failing_store_is_a_500();
    out_of_memory_is_answered_too();
    (void)puts("hello_test: all passed");
    return 0;
}
