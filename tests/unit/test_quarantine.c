/* SPDX-License-Identifier: MIT */
#include "quarantine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct quarantine quarantine;

static int empty(void **state) {
    (void)state;
    memset(&quarantine, 0, sizeof quarantine);
    return 0;
}

static void three_crashes_within_the_window_quarantine(void **state) {
    (void)state;
    assert_false(quarantine_note(&quarantine, "a", "one", 1000));
    assert_false(quarantine_note(&quarantine, "a", "two", 30000));
    assert_null(quarantine_find(&quarantine, "a"));
    assert_true(quarantine_note(&quarantine, "a", "three", 1000 + QUARANTINE_WINDOW_MS));
    const struct quarantine_entry *entry = quarantine_find(&quarantine, "a");
    assert_non_null(entry);
    assert_string_equal(entry->reason, "three");
}

static void crashes_further_apart_do_not(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        assert_false(quarantine_note(&quarantine, "a", "", 1 + i * (QUARANTINE_WINDOW_MS / 2 + 1)));
    }
}

static void crashes_of_others_do_not_count(void **state) {
    (void)state;
    assert_false(quarantine_note(&quarantine, "a", "", 1));
    assert_false(quarantine_note(&quarantine, "b", "", 2));
    assert_false(quarantine_note(&quarantine, "a", "", 3));
    assert_false(quarantine_note(&quarantine, "b", "", 4));
    assert_true(quarantine_note(&quarantine, "a", "", 5));
    assert_null(quarantine_find(&quarantine, "b"));
}

static void release_forgets_the_count(void **state) {
    (void)state;
    assert_false(quarantine_release(&quarantine, "a"));
    for (uint64_t i = 1; i <= QUARANTINE_CRASHES; i++) {
        (void)quarantine_note(&quarantine, "a", "", i);
    }
    assert_true(quarantine_release(&quarantine, "a"));
    assert_null(quarantine_find(&quarantine, "a"));
    assert_false(quarantine_note(&quarantine, "a", "", 10));
    assert_false(quarantine_release(&quarantine, "a"));
}

static void full_table_forgets_the_oldest_that_is_not_quarantined(void **state) {
    (void)state;
    char name[16];
    for (uint64_t i = 1; i <= QUARANTINE_CRASHES; i++) {
        (void)quarantine_note(&quarantine, "held", "", i);
    }
    for (uint64_t i = 0; i < 2 * QUARANTINE_MAX; i++) {
        (void)snprintf(name, sizeof name, "p%d", (int)i);
        (void)quarantine_note(&quarantine, name, "", 100 + i);
    }
    assert_int_equal(quarantine.count, QUARANTINE_MAX);
    assert_non_null(quarantine_find(&quarantine, "held"));
    assert_false(quarantine_note(&quarantine, name, "", 500));
    assert_true(quarantine_note(&quarantine, name, "", 501));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(three_crashes_within_the_window_quarantine, empty),
        cmocka_unit_test_setup(crashes_further_apart_do_not, empty),
        cmocka_unit_test_setup(crashes_of_others_do_not_count, empty),
        cmocka_unit_test_setup(release_forgets_the_count, empty),
        cmocka_unit_test_setup(full_table_forgets_the_oldest_that_is_not_quarantined, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
