/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "nearest.h"

static void distance_counts_insert_delete_replace_and_swap_as_one(void **state) {
    (void)state;
    assert_int_equal(nearest_distance("port", "port", 3), 0);
    assert_int_equal(nearest_distance("port", "ports", 3), 1);
    assert_int_equal(nearest_distance("port", "pot", 3), 1);
    assert_int_equal(nearest_distance("port", "pont", 3), 1);
    assert_int_equal(nearest_distance("port", "prot", 3), 1);
    assert_int_equal(nearest_distance("", "abc", 3), 3);
    assert_int_equal(nearest_distance("kitten", "sitting", 5), 3);
}

static void distance_above_the_limit_is_limit_plus_one(void **state) {
    (void)state;
    assert_int_equal(nearest_distance("kitten", "sitting", 2), 3);
    assert_int_equal(nearest_distance("a", "completely-different", 4), 5);
}

static void words_beyond_the_maximum_are_near_to_nothing(void **state) {
    char word[NEAREST_WORD_MAX + 2];
    (void)state;
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    assert_int_equal(nearest_distance(word, word, 2), 3);
    word[NEAREST_WORD_MAX] = '\0';
    assert_int_equal(nearest_distance(word, word, 2), 0);
}

static void search_finds_the_nearest_and_the_first_of_equals(void **state) {
    struct nearest nearest;
    (void)state;
    nearest_init(&nearest, "registry-base-prot", nearest_hint_limit("registry-base-prot"));
    nearest_offer(&nearest, "registry-max-port");
    nearest_offer(&nearest, "registry-base-port");
    nearest_offer(&nearest, "uri-style");
    assert_string_equal(nearest.best, "registry-base-port");
    assert_int_equal(nearest.distance, 1);
    nearest_init(&nearest, "ab", 2);
    nearest_offer(&nearest, "ac");
    nearest_offer(&nearest, "ad");
    assert_string_equal(nearest.best, "ac");
}

static void search_finds_nothing_beyond_its_limit(void **state) {
    struct nearest nearest;
    (void)state;
    nearest_init(&nearest, "registry", 2);
    nearest_offer(&nearest, "lambda");
    assert_null(nearest.best);
}

static void short_words_allow_one_typing_error(void **state) {
    struct nearest nearest;
    (void)state;
    nearest_init(&nearest, "host", nearest_typo_limit("host"));
    nearest_offer(&nearest, "port");
    assert_null(nearest.best);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distance_counts_insert_delete_replace_and_swap_as_one),
        cmocka_unit_test(distance_above_the_limit_is_limit_plus_one),
        cmocka_unit_test(words_beyond_the_maximum_are_near_to_nothing),
        cmocka_unit_test(search_finds_the_nearest_and_the_first_of_equals),
        cmocka_unit_test(search_finds_nothing_beyond_its_limit),
        cmocka_unit_test(short_words_allow_one_typing_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
