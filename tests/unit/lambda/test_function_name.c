/* SPDX-License-Identifier: MIT */
/* Names of functions in all their forms. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "function_name.h"

#define ARN "arn:aws:lambda:us-east-1:123456789012:function:"

static void assert_name(const char *text, const char *region, const char *account, const char *name,
                        const char *qualifier) {
    struct function_name parsed;
    assert_int_equal(function_name_parse(virga_str_from(text), &parsed), 0);
    assert_string_equal(parsed.region, region);
    assert_string_equal(parsed.account, account);
    assert_string_equal(parsed.name, name);
    assert_string_equal(parsed.qualifier, qualifier);
}

static void every_form_is_taken_apart(void **state) {
    (void)state;
    assert_name("f", "", "", "f", "");
    assert_name("f:1", "", "", "f", "1");
    assert_name("f:$LATEST", "", "", "f", "$LATEST");
    assert_name("f:$LATEST.PUBLISHED", "", "", "f", "$LATEST.PUBLISHED");
    assert_name("my-fn_2:live", "", "", "my-fn_2", "live");
    assert_name("function:f", "", "", "f", "");
    assert_name("function:f:live", "", "", "f", "live");
    assert_name("function", "", "", "function", "");
    assert_name("123456789012:function:f", "", "123456789012", "f", "");
    assert_name("123456789012:function:f:7", "", "123456789012", "f", "7");
    assert_name(ARN "f", "us-east-1", "123456789012", "f", "");
    assert_name(ARN "f:$LATEST", "us-east-1", "123456789012", "f", "$LATEST");
    assert_name("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f:a", "us-gov-west-1",
                "123456789012", "f", "a");
    assert_name("arn:aws-eusc:lambda:eusc-de-east-1:123456789012:function:f", "eusc-de-east-1",
                "123456789012", "f", "");
    /* The pattern makes "function:" optional by itself. */
    assert_name("123456789012:f", "", "123456789012", "f", "");
}

static void what_the_pattern_does_not_take_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "*",
                                      "my-function!",
                                      "f:1:2",
                                      "f:",
                                      "f:$LATES",
                                      "f:$LATEST.PUB",
                                      ":f",
                                      "a b",
                                      "arn:aws:lambda:us-east-1:function:f",
                                      "arn:aws:lambda:123456789012:function:f",
                                      "arn:aws:s3:us-east-1:123456789012:function:f",
                                      "arn:aws:lambda:us-east-1:123456789012:layer:f",
                                      ARN,
                                      ARN "f:1:2",
                                      "f\xc3\xa9"};
    struct function_name name;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(function_name_parse(virga_str_from(bad[i]), &name), -EINVAL);
    }
}

static void length_is_bounded(void **state) {
    (void)state;
    char text[300];
    struct function_name name;
    memset(text, 'a', sizeof text);
    assert_int_equal(function_name_parse((struct virga_str){text, 256}, &name), 0);
    assert_int_equal(strlen(name.name), 256);
    assert_int_equal(function_name_parse((struct virga_str){text, 257}, &name), -EMSGSIZE);
    text[1] = ':';
    assert_int_equal(function_name_parse((struct virga_str){text, 256}, &name), 0);
    assert_int_equal(strlen(name.qualifier), 254);
}

static void qualifiers_have_a_pattern(void **state) {
    (void)state;
    assert_true(function_qualifier_matches(virga_str_from("$LATEST")));
    assert_true(function_qualifier_matches(virga_str_from("$LATEST.PUBLISHED")));
    assert_true(function_qualifier_matches(virga_str_from("live-2_x")));
    assert_false(function_qualifier_matches(virga_str_from("invalid!")));
    assert_false(function_qualifier_matches(virga_str_from("a.b")));
    assert_false(function_qualifier_matches(virga_str_from("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_taken_apart),
        cmocka_unit_test(what_the_pattern_does_not_take_is_refused),
        cmocka_unit_test(length_is_bounded),
        cmocka_unit_test(qualifiers_have_a_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
