/* SPDX-License-Identifier: MIT */
/* Tests of fallback_parse(); the way of a request is in tests/host/test_fallback.py. */
#include "fallback.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void endpoints_are_split_into_name_and_port(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *name;
        int port;
    } cases[] = {
        {"http://localhost:4577", "localhost", 4577},
        {"HTTP://floci/", "floci", 80},
        {"http://127.0.0.1:80/", "127.0.0.1", 80},
        {"http://[::1]:5000", "::1", 5000},
        {"http://[::1]", "::1", 80},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fallback_endpoint endpoint;
        assert_int_equal(fallback_parse(cases[i].text, &endpoint, NULL), 0);
        assert_string_equal(endpoint.name, cases[i].name);
        assert_int_equal(endpoint.port, cases[i].port);
    }
}

static void what_is_no_endpoint_is_refused_in_words(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "localhost:4566",
        "http://",
        "http://:80",
        "http://a:0",
        "http://a:",
        "http://a:65536",
        "http://a:1x",
        "http://a/path",
        "http://a?x",
        "http://[::1",
        "http://[a]:1",
        "http://u@h:80",
        "ftp://a",
        "http://a:80/x",
        "http://a:-1",
        "http://[::1]x",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fallback_endpoint endpoint;
        struct error err = {0};
        assert_int_equal(fallback_parse(bad[i], &endpoint, &err), -EINVAL);
        assert_non_null(strstr(err.text, "floci.fallback-endpoint"));
    }
}

static void https_is_refused_by_its_name(void **state) {
    (void)state;
    struct fallback_endpoint endpoint;
    struct error err = {0};
    assert_int_equal(fallback_parse("https://localhost:4566", &endpoint, &err), -EINVAL);
    assert_non_null(strstr(err.text, "https"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_split_into_name_and_port),
        cmocka_unit_test(what_is_no_endpoint_is_refused_in_words),
        cmocka_unit_test(https_is_refused_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
