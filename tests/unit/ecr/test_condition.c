/* SPDX-License-Identifier: MIT */
/* If-None-Match and Range. */
#include "condition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER "sha256:2222222222222222222222222222222222222222222222222222222222222222"

static void etags_are_found_in_lists_weak_and_bare(void **state) {
    static const struct {
        const char *header;
        bool match;
    } cases[] = {
        {"\"" DIGEST "\"", true},
        {DIGEST, true},
        {"W/\"" DIGEST "\"", true},
        {"*", true},
        {"\"" OTHER "\" , \"" DIGEST "\"", true},
        {"\"a\",W/\"" DIGEST "\",\"b\"", true},
        {"\"" OTHER "\"", false},
        {"\"" DIGEST, false},
        {"", false},
        {",", false},
        {"W/", false},
        {"\"", false},
        {"\"*\"", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(condition_none_match(virga_str_from(cases[i].header), DIGEST),
                         cases[i].match);
    }
    assert_false(condition_none_match((struct virga_str){0}, DIGEST));
}

static void malformed_ranges_are_as_none(void **state) {
    static const struct {
        const char *header;
        bool good;
    } cases[] = {
        {"bytes=0-0", true},
        {"bytes=5-", true},
        {"bytes=-5", true},
        {"Bytes=0-1", true},
        {"bytes=0-1, 3-4", true},
        {"bytes=7-7,-1", true},
        {"bytes=5-4", false},
        {"bytes=-", false},
        {"bytes=", false},
        {"bytes=a-b", false},
        {"bytes=0", false},
        {"bytes=-0", false},
        {"items=0-1", false},
        {"bytes 0-1", false},
        {"bytes=0-1,x", false},
        {"bytes=0-1,", true},
        {"bytes=0-1-2", false},
        {"bytes=--1", false},
        {"bytes=9999999999999999999-", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(condition_is_range(virga_str_from(cases[i].header)), cases[i].good);
    }
    assert_false(condition_is_range((struct virga_str){0}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(etags_are_found_in_lists_weak_and_bare),
        cmocka_unit_test(malformed_ranges_are_as_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
