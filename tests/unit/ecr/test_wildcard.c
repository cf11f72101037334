/* SPDX-License-Identifier: MIT */
/* Patterns with stars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wildcard.h"

static void a_pattern_without_stars_is_the_text(void **state) {
    (void)state;
    assert_true(wildcard_matches("v1", "v1"));
    assert_false(wildcard_matches("v1", "v10"));
    assert_false(wildcard_matches("v1", "v"));
    assert_true(wildcard_matches("", ""));
    assert_false(wildcard_matches("", "v"));
}

static void a_star_is_any_characters_or_none(void **state) {
    (void)state;
    assert_true(wildcard_matches("*", ""));
    assert_true(wildcard_matches("prod*", "prod"));
    assert_true(wildcard_matches("prod*", "prod/app"));
    assert_true(wildcard_matches("*-rc*", "v1-rc2"));
    assert_false(wildcard_matches("*-rc*", "v1"));
    assert_true(wildcard_matches("a*b*c", "aXbYbZc"));
    assert_false(wildcard_matches("a*b*c", "aXbYbZ"));
}

static void many_stars_cost_no_more_than_a_product(void **state) {
    (void)state;
    char text[2001];
    for (size_t i = 0; i < 2000; i++) {
        text[i] = 'a';
    }
    text[2000] = '\0';
    assert_false(wildcard_matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_without_stars_is_the_text),
        cmocka_unit_test(a_star_is_any_characters_or_none),
        cmocka_unit_test(many_stars_cost_no_more_than_a_product),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
