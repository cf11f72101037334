/* SPDX-License-Identifier: MIT */
/* Turns: one at a time in a repository, in order; repositories do not wait for each other. */
#include "timer_fixture.h"

#include "lane.h"

static struct ecr ecr = {.timer = &timer_fixture};
static const struct tenant one = {"111111111111", "us-east-1"};
static const struct tenant two = {"222222222222", "us-east-1"};
static struct lanes *lanes;
static struct lane_ticket *turns[8];
static size_t turns_count;

static int setup(void **state) {
    (void)state;
    turns_count = 0;
    return lanes_create(&ecr, &lanes);
}

static int teardown(void **state) {
    (void)state;
    lanes_destroy(lanes);
    return timers == NULL ? 0 : -1;
}

static void on_turn(struct lane_ticket *ticket) {
    turns[turns_count++] = ticket;
}

static void enter(const struct tenant *tenant, const char *name, struct lane_ticket *ticket) {
    assert_int_equal(lane_enter(lanes, tenant, virga_str_from(name), ticket, on_turn), 0);
}

static void a_repositorys_turns_come_one_after_the_other(void **state) {
    struct lane_ticket a, b, c;
    (void)state;
    enter(&one, "app", &a);
    enter(&one, "app", &b);
    enter(&one, "app", &c);
    assert_int_equal(turns_count, 0); /* never inside the call */
    run_timers();
    assert_int_equal(turns_count, 1);
    assert_ptr_equal(turns[0], &a);
    lane_leave(lanes, &a);
    run_timers();
    assert_int_equal(turns_count, 2);
    assert_ptr_equal(turns[1], &b);
    lane_leave(lanes, &b);
    run_timers();
    assert_ptr_equal(turns[2], &c);
    lane_leave(lanes, &c);
}

static void repositories_and_tenants_do_not_wait_for_each_other(void **state) {
    struct lane_ticket a, b, c;
    (void)state;
    enter(&one, "app", &a);
    enter(&one, "app2", &b);
    enter(&two, "app", &c);
    run_timers();
    assert_int_equal(turns_count, 3);
    lane_leave(lanes, &b);
    lane_leave(lanes, &a);
    lane_leave(lanes, &c);
}

static void who_gives_up_does_not_hold_up_the_rest(void **state) {
    struct lane_ticket a, b, c;
    (void)state;
    enter(&one, "app", &a);
    enter(&one, "app", &b);
    enter(&one, "app", &c);
    run_timers();
    lane_leave(lanes, &b);
    lane_leave(lanes, &a);
    run_timers();
    assert_int_equal(turns_count, 2);
    assert_ptr_equal(turns[1], &c);
    lane_leave(lanes, &c);
    enter(&one, "app", &a);
    run_timers();
    assert_int_equal(turns_count, 3);
    lane_leave(lanes, &a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_repositorys_turns_come_one_after_the_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(repositories_and_tenants_do_not_wait_for_each_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_gives_up_does_not_hold_up_the_rest, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
