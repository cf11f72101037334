/* SPDX-License-Identifier: MIT */
/* Tests of core/pattern.c. */
#include "pattern.h"

#include <setjmp.h>

#include <cmocka.h>

static struct virga_str str(const char *text) {
    return virga_str_from(text);
}

static void assert_param(struct virga_str got, const char *want) {
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.ptr, want, got.len);
}

static void braces_stand_for_one_segment_each(void **state) {
    (void)state;
    struct virga_str params[PATTERN_PARAMS_MAX];
    size_t count;
    const char *pattern = "/2015-03-31/functions/{FunctionName}/code";
    assert_true(pattern_match(pattern, str("/2015-03-31/functions/a%2Fb/code"), params, &count));
    assert_int_equal(count, 1);
    assert_param(params[0], "a%2Fb");
    assert_false(pattern_match(pattern, str("/2015-03-31/functions//code"), params, &count));
    assert_false(pattern_match(pattern, str("/2015-03-31/functions/a/b/code"), params, &count));
    assert_false(pattern_match(pattern, str("/2015-03-31/functions/a"), params, &count));
    assert_false(pattern_match(pattern, str("/2015-03-31/functions/a/code/"), params, &count));
}

static void plus_takes_the_rest_with_its_slashes(void **state) {
    (void)state;
    struct virga_str params[PATTERN_PARAMS_MAX];
    size_t count;
    assert_true(pattern_match("/{Bucket}/{Key+}", str("/b/x/y/z"), params, &count));
    assert_int_equal(count, 2);
    assert_param(params[0], "b");
    assert_param(params[1], "x/y/z");
    assert_false(pattern_match("/{Bucket}/{Key+}", str("/b/"), params, &count));
    assert_false(pattern_match("/{Bucket}/{Key+}", str("/b"), params, &count));
}

static void empty_path_matches_only_what_is_empty(void **state) {
    (void)state;
    struct virga_str params[PATTERN_PARAMS_MAX];
    size_t count;
    assert_true(pattern_match("/", str("/"), params, &count));
    assert_false(pattern_match("/", str("//"), params, &count));
    assert_false(pattern_match("/{x}", str("/"), params, &count));
}

static void malformed_patterns_are_refused(void **state) {
    (void)state;
    assert_true(pattern_valid("/a/{b}/{c+}"));
    assert_false(pattern_valid("/a/{b"));
    assert_false(pattern_valid("/a/x{b}"));
    assert_false(pattern_valid("/a/{b}x"));
    assert_false(pattern_valid("/a/{}"));
    assert_false(pattern_valid("/a/{+}"));
    assert_false(pattern_valid("/a/{b+}/c"));
    assert_false(pattern_valid("/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}/{9}"));
}

static void literal_goes_before_one_before_rest(void **state) {
    (void)state;
    assert_true(pattern_compare("/a/b", "/a/{x}") < 0);
    assert_true(pattern_compare("/a/{x}", "/a/{x+}") < 0);
    assert_true(pattern_compare("/{x+}", "/a") > 0);
    assert_true(pattern_compare("/a", "/a/b") != 0);
    assert_true(pattern_same_shape("/a/{x}", "/a/{other}"));
    assert_false(pattern_same_shape("/a/{x}", "/a/{x+}"));
    assert_false(pattern_same_shape("/a", "/b"));
}

static void decode_leaves_malformed_escapes_alone(void **state) {
    (void)state;
    char to[32];
    assert_int_equal(pattern_decode(str("a%2Fb%zz%4"), to), 8);
    assert_string_equal(to, "a/b%zz%4");
}

static void form_value_matches_whole_names_only(void **state) {
    (void)state;
    struct virga_str form = str("XAction=no&Action=Get&Version=2011");
    assert_param(pattern_form_value(form, "Action"), "Get");
    assert_param(pattern_form_value(form, "Version"), "2011");
    assert_null(pattern_form_value(form, "Vers").ptr);
    assert_null(pattern_form_value(str(""), "Action").ptr);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(braces_stand_for_one_segment_each),
        cmocka_unit_test(plus_takes_the_rest_with_its_slashes),
        cmocka_unit_test(empty_path_matches_only_what_is_empty),
        cmocka_unit_test(malformed_patterns_are_refused),
        cmocka_unit_test(literal_goes_before_one_before_rest),
        cmocka_unit_test(decode_leaves_malformed_escapes_alone),
        cmocka_unit_test(form_value_matches_whole_names_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
