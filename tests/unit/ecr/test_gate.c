/* SPDX-License-Identifier: MIT */
/* The write gate: passes, closing, waiting, opening. */
#include "timer_fixture.h"

#include "gate.h"

#include <errno.h>

static struct ecr ecr = {.timer = &timer_fixture};
static struct gate *gate;
static int opened;
static int quiet;
static struct gate_pass *order[8];

static int setup(void **state) {
    (void)state;
    opened = quiet = 0;
    return gate_create(&ecr, &gate);
}

static int teardown(void **state) {
    (void)state;
    gate_destroy(gate);
    return timers == NULL ? 0 : -1;
}

static void on_open(struct gate_pass *pass) {
    order[opened++] = pass;
}

static void on_quiet(void *arg) {
    assert_ptr_equal(arg, &ecr);
    quiet++;
}

static void an_open_gate_lets_through_at_once(void **state) {
    struct gate_pass a = {0}, b = {0};
    (void)state;
    assert_int_equal(gate_enter(gate, &a, on_open), 1);
    assert_int_equal(gate_enter(gate, &b, on_open), 1);
    assert_false(gate_closed(gate));
    gate_leave(gate, &a);
    gate_leave(gate, &b);
    assert_int_equal(opened, 0);
}

static void a_closed_gate_is_quiet_when_the_last_pass_is_back(void **state) {
    struct gate_pass a = {0}, b = {0};
    (void)state;
    (void)gate_enter(gate, &a, on_open);
    (void)gate_enter(gate, &b, on_open);
    assert_int_equal(gate_close(gate, on_quiet, &ecr), 0);
    assert_int_equal(gate_close(gate, on_quiet, &ecr), -EBUSY);
    gate_leave(gate, &a);
    run_timers();
    assert_int_equal(quiet, 0);
    gate_leave(gate, &b);
    assert_int_equal(quiet, 0); /* never inside a call */
    run_timers();
    assert_int_equal(quiet, 1);
    gate_open(gate);
}

static void an_empty_gate_is_quiet_soon_after_it_closed(void **state) {
    (void)state;
    assert_int_equal(gate_close(gate, on_quiet, &ecr), 0);
    assert_int_equal(quiet, 0);
    run_timers();
    assert_int_equal(quiet, 1);
}

static void those_who_wait_go_through_in_order_when_it_opens(void **state) {
    struct gate_pass a = {0}, b = {0}, c = {0};
    (void)state;
    assert_int_equal(gate_close(gate, on_quiet, &ecr), 0);
    assert_int_equal(gate_enter(gate, &a, on_open), 0);
    assert_int_equal(gate_enter(gate, &b, on_open), 0);
    assert_int_equal(gate_enter(gate, &c, on_open), 0);
    gate_leave(gate, &b); /* gave up */
    run_timers();
    gate_open(gate);
    assert_int_equal(opened, 2);
    assert_ptr_equal(order[0], &a);
    assert_ptr_equal(order[1], &c);
    /* They hold a pass now. */
    assert_int_equal(gate_close(gate, on_quiet, &ecr), 0);
    run_timers();
    assert_int_equal(quiet, 1);
    gate_leave(gate, &a);
    gate_leave(gate, &c);
    run_timers();
    assert_int_equal(quiet, 2);
}

static void leaving_without_a_pass_changes_nothing(void **state) {
    struct gate_pass a = {0}, b = {0};
    (void)state;
    (void)gate_enter(gate, &a, on_open);
    gate_leave(gate, &b);
    gate_leave(gate, &a);
    gate_leave(gate, &a);
    assert_int_equal(gate_close(gate, on_quiet, &ecr), 0);
    run_timers();
    assert_int_equal(quiet, 1);
}

static void opening_takes_the_wish_for_quiet_back(void **state) {
    struct gate_pass a = {0};
    (void)state;
    (void)gate_enter(gate, &a, on_open);
    assert_int_equal(gate_close(gate, on_quiet, &ecr), 0);
    gate_open(gate);
    gate_leave(gate, &a);
    run_timers();
    assert_int_equal(quiet, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_open_gate_lets_through_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_closed_gate_is_quiet_when_the_last_pass_is_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_empty_gate_is_quiet_soon_after_it_closed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(those_who_wait_go_through_in_order_when_it_opens, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(leaving_without_a_pass_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(opening_takes_the_wish_for_quiet_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
