/* SPDX-License-Identifier: MIT */
/* Variables of a process: which of several values counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "environment_vars.h"

static struct function *function;
static char **vars;

static void make(const char *document) {
    static const struct tenant tenant = {"111122223333", "eu-west-1"};
    const struct environment_facts facts = {.runtime_api = "127.0.0.1:9",
                                            .endpoint_url = "http://127.0.0.1:4566",
                                            .log_stream = "stream"};
    assert_int_equal(function_make(&tenant, json_tokener_parse(document), &function), 0);
    assert_int_equal(environment_vars_make(function, &facts, &vars), 0);
}

static int tear_down(void **state) {
    (void)state;
    environment_vars_destroy(vars);
    function_unref(function);
    vars = NULL;
    function = NULL;
    return 0;
}

static const char *get(const char *name) {
    const char *found = NULL;
    for (size_t i = 0; vars[i] != NULL; i++) {
        if (strncmp(vars[i], name, strlen(name)) == 0 && vars[i][strlen(name)] == '=') {
            assert_null(found); /* each name once */
            found = vars[i] + strlen(name) + 1;
        }
    }
    return found;
}

#define DOCUMENT(image, rest)                                                                      \
    "{\"FunctionName\":\"f\",\"Version\":\"7\",\"RevisionId\":\"r\",\"MemorySize\":256,\"Image\":" \
    "{\"Digest\":\"d\"" image "}" rest "}"
#define VARIABLES(list) ",\"Environment\":{\"Variables\":{" list "}}"

static void lambda_says_what_function_this_is(void **state) {
    (void)state;
    make(DOCUMENT("", ""));
    assert_string_equal(get("AWS_LAMBDA_FUNCTION_NAME"), "f");
    assert_string_equal(get("AWS_LAMBDA_FUNCTION_VERSION"), "7");
    assert_string_equal(get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), "256");
    assert_string_equal(get("AWS_LAMBDA_LOG_GROUP_NAME"), "/aws/lambda/f");
    assert_string_equal(get("AWS_LAMBDA_LOG_STREAM_NAME"), "stream");
    assert_string_equal(get("AWS_LAMBDA_RUNTIME_API"), "127.0.0.1:9");
    assert_string_equal(get("AWS_REGION"), "eu-west-1");
    assert_string_equal(get("AWS_DEFAULT_REGION"), "eu-west-1");
    assert_string_equal(get("AWS_ACCESS_KEY_ID"), "111122223333");
    assert_string_equal(get("AWS_ENDPOINT_URL"), "http://127.0.0.1:4566");
    assert_string_equal(get("TZ"), ":UTC");
    assert_string_equal(get("LAMBDA_TASK_ROOT"), "/var/task");
    assert_null(get("AWS_EXECUTION_ENV"));
}

static void functions_values_win_over_the_images(void **state) {
    (void)state;
    make(
        DOCUMENT(",\"Env\":[\"A=image\",\"B=image=x\",\"PATH=/x\",\"bad\",\"=bad\"]",
                 VARIABLES("\"A\":\"function\",\"LANG\":\"C\",\"AWS_ENDPOINT_URL\":\"http://x\"")));
    assert_string_equal(get("A"), "function");
    assert_string_equal(get("B"), "image=x");
    assert_string_equal(get("PATH"), "/x");
    assert_string_equal(get("LANG"), "C");
    assert_string_equal(get("AWS_ENDPOINT_URL"), "http://x");
    assert_null(get("bad"));
}

static void reserved_values_win_over_all(void **state) {
    (void)state;
    make(DOCUMENT(",\"Env\":[\"AWS_REGION=x\",\"LAMBDA_TASK_ROOT=/function\"]",
                  VARIABLES("\"AWS_LAMBDA_FUNCTION_NAME\":\"x\",\"LAMBDA_TASK_ROOT\":\"/y\"")));
    assert_string_equal(get("AWS_REGION"), "eu-west-1");
    assert_string_equal(get("AWS_LAMBDA_FUNCTION_NAME"), "f");
    assert_string_equal(get("LAMBDA_TASK_ROOT"), "/function");
}

static void handler_is_the_first_word_behind_the_entry_point(void **state) {
    (void)state;
    make(DOCUMENT(",\"EntryPoint\":[\"/e\"],\"Cmd\":[\"app.handler\"]", ""));
    assert_string_equal(get("_HANDLER"), "app.handler");
    tear_down(NULL);
    make(DOCUMENT(",\"EntryPoint\":[\"/e\"],\"Cmd\":[\"a\"]",
                  ",\"ImageConfigResponse\":{\"ImageConfig\":{\"Command\":[\"b.c\"]}}"));
    assert_string_equal(get("_HANDLER"), "b.c");
    tear_down(NULL);
    make(DOCUMENT(",\"Cmd\":[\"/program\",\"word\"]", ""));
    assert_string_equal(get("_HANDLER"), "word");
    tear_down(NULL);
    make(DOCUMENT(",\"Cmd\":[\"/program\"]", ""));
    assert_string_equal(get("_HANDLER"), "");
}

static void logging_config_is_told(void **state) {
    (void)state;
    make(DOCUMENT("", ",\"LoggingConfig\":{\"LogFormat\":\"JSON\",\"LogGroup\":\"/g\","
                      "\"ApplicationLogLevel\":\"DEBUG\"}"));
    assert_string_equal(get("AWS_LAMBDA_LOG_GROUP_NAME"), "/g");
    assert_string_equal(get("AWS_LAMBDA_LOG_FORMAT"), "JSON");
    assert_string_equal(get("AWS_LAMBDA_LOG_LEVEL"), "DEBUG");
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(lambda_says_what_function_this_is),
        TEST(functions_values_win_over_the_images),
        TEST(reserved_values_win_over_all),
        TEST(handler_is_the_first_word_behind_the_entry_point),
        TEST(logging_config_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
