/* SPDX-License-Identifier: MIT */
/* Tests of core/pattern_host.c. */
#include "pattern_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool match(const char *pattern, const char *host) {
    struct virga_str params[PATTERN_PARAMS_MAX];
    size_t count;
    return pattern_host_match(pattern, virga_str_from(host), params, &count);
}

static void a_star_is_one_label_and_at_the_end_one_or_more(void **state) {
    (void)state;
    assert_true(match("*.lambda-url.*", "abc.lambda-url.us-east-1.localhost:4566"));
    assert_true(match("*.lambda-url.*", "abc.lambda-url.eu"));
    assert_true(match("*.execute-api.*.localhost", "a.execute-api.eu-west-1.localhost"));
    assert_false(match("*.lambda-url.*", "abc.lambda-url"));
    assert_false(match("*.lambda-url.*", "lambda-url.us-east-1"));
    assert_false(match("*.lambda-url.*", "a.b.lambda-url.us-east-1"));
    assert_false(match("*.execute-api.*.localhost", "a.execute-api.x.y.localhost"));
}

static void case_port_and_a_dot_at_the_end_do_not_matter(void **state) {
    (void)state;
    assert_true(match("s3.localhost", "S3.LocalHost.:4566"));
    assert_true(match("S3.localhost", "s3.localhost"));
    assert_false(match("s3.localhost", "s3.localhosts"));
    assert_false(match("s3.localhost", "s3.local"));
}

static void hosts_without_labels_match_nothing(void **state) {
    (void)state;
    static const char *const hosts[] = {"", ".", ":4566", "[::1]:4566", "[::1]", "a..b", ".a.b"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        assert_false(match("a.*", hosts[i]));
        assert_false(match("*.b", hosts[i]));
    }
    struct virga_str params[PATTERN_PARAMS_MAX];
    size_t count;
    assert_false(pattern_host_match("a.*", (struct virga_str){NULL, 0}, params, &count));
}

static void what_the_stars_stand_for_is_told(void **state) {
    (void)state;
    struct virga_str params[PATTERN_PARAMS_MAX];
    size_t count = 0;
    assert_true(pattern_host_match(
        "*.lambda-url.*", virga_str_from("Id7.lambda-url.us-east-1.localhost:1"), params, &count));
    assert_int_equal(count, 2);
    assert_true(virga_str_equal(params[0], virga_str_from("Id7")));
    assert_true(virga_str_equal(params[1], virga_str_from("us-east-1.localhost")));
}

static void malformed_patterns_are_told(void **state) {
    (void)state;
    static const char *const bad[] = {
        "", "*", "*.*", "a..b", ".a", "a.", "a*", "a.*b", "a:80", "a/b", "*.*.*.*.*.*.*.*.*.a"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(pattern_host_valid(bad[i]));
    }
    assert_true(pattern_host_valid("*.lambda-url.*"));
    assert_true(pattern_host_valid("localhost"));
}

static void the_more_specific_pattern_goes_first(void **state) {
    (void)state;
    assert_true(pattern_host_compare("a.lambda-url.*", "*.lambda-url.*") < 0);
    assert_true(pattern_host_compare("*.lambda-url.us-east-1", "*.lambda-url.*") < 0);
    assert_true(pattern_host_compare("*.lambda-url.*", "*.lambda-url.*.aws") > 0);
    assert_int_equal(pattern_host_compare("*.Lambda-URL.*", "*.lambda-url.*"), 0);
    assert_int_not_equal(pattern_host_compare("*.a.*", "*.b.*"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_star_is_one_label_and_at_the_end_one_or_more),
        cmocka_unit_test(case_port_and_a_dot_at_the_end_do_not_matter),
        cmocka_unit_test(hosts_without_labels_match_nothing),
        cmocka_unit_test(what_the_stars_stand_for_is_told),
        cmocka_unit_test(malformed_patterns_are_told),
        cmocka_unit_test(the_more_specific_pattern_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
