/* SPDX-License-Identifier: MIT */
#include "service_fixture.h"

#include "ext_timer.h"

struct seen {
    struct fixture fixture;
    struct virga_timer_handle *timer;
    int fired;
    int enough;
    int stop_after;
    uint64_t first_ns;
};

static void on_timer(void *arg) {
    struct seen *seen = arg;
    seen->fired++;
    if (seen->first_ns == 0) {
        seen->first_ns = uv_hrtime();
    }
    if (seen->fired == seen->stop_after) {
        ext_timer.stop(seen->timer);
        seen->timer = NULL;
        seen->enough = 1;
    }
}

static void one_shot_fires_once_and_not_inside_start(void **state) {
    struct seen seen = {.stop_after = 99};
    (void)state;
    fixture_begin(&seen.fixture);
    assert_int_equal(ext_timer.start(seen.fixture.api, 0, 0, on_timer, &seen, &seen.timer), 0);
    assert_int_equal(seen.fired, 0);
    (void)uv_run(&seen.fixture.loop, UV_RUN_DEFAULT);
    assert_int_equal(seen.fired, 1);
    ext_timer.stop(seen.timer);
    fixture_end(&seen.fixture);
}

static void repeating_timer_fires_until_it_is_stopped_in_its_callback(void **state) {
    struct seen seen = {.stop_after = 3};
    (void)state;
    fixture_begin(&seen.fixture);
    assert_int_equal(ext_timer.start(seen.fixture.api, 1, 1, on_timer, &seen, &seen.timer), 0);
    fixture_run_until(&seen.fixture, &seen.enough);
    (void)uv_run(&seen.fixture.loop, UV_RUN_DEFAULT);
    assert_int_equal(seen.fired, 3);
    fixture_end(&seen.fixture);
}

static void stopped_timer_does_not_fire(void **state) {
    struct seen seen = {.stop_after = 99};
    (void)state;
    fixture_begin(&seen.fixture);
    assert_int_equal(ext_timer.start(seen.fixture.api, 0, 0, on_timer, &seen, &seen.timer), 0);
    ext_timer.stop(seen.timer);
    ext_timer.stop(NULL);
    (void)uv_run(&seen.fixture.loop, UV_RUN_DEFAULT);
    assert_int_equal(seen.fired, 0);
    fixture_end(&seen.fixture);
}

static void delay_counts_from_the_call_though_the_loop_was_held(void **state) {
    struct seen seen = {.stop_after = 1};
    (void)state;
    fixture_begin(&seen.fixture);
    uv_update_time(&seen.fixture.loop);
    uv_sleep(60); /* the loop's clock stands still meanwhile */
    uint64_t began = uv_hrtime();
    assert_int_equal(ext_timer.start(seen.fixture.api, 50, 0, on_timer, &seen, &seen.timer), 0);
    fixture_run_until(&seen.fixture, &seen.enough);
    /* libuv's clock has whole milliseconds: one may be missing. */
    assert_true(seen.first_ns - began >= UINT64_C(49000000));
    fixture_end(&seen.fixture);
}

static void timer_left_behind_is_reclaimed_and_silent(void **state) {
    struct seen seen = {.stop_after = 99};
    (void)state;
    fixture_begin(&seen.fixture);
    assert_int_equal(ext_timer.start(seen.fixture.api, 0, 1, on_timer, &seen, &seen.timer), 0);
    assert_string_equal(
        LIST_ENTRY(seen.fixture.plugins[0].resources.next, struct resource, node)->kind, "timer");
    assert_int_equal(fixture_reclaim(&seen.fixture), 1);
    (void)uv_run(&seen.fixture.loop, UV_RUN_DEFAULT);
    assert_int_equal(seen.fired, 0);
    fixture_end(&seen.fixture);
}

static void clocks_tell_wall_and_monotonic_time(void **state) {
    struct fixture fixture;
    (void)state;
    fixture_begin(&fixture);
    int64_t now = ext_timer.now_ms(fixture.api);
    uint64_t before = ext_timer.monotonic_ns(fixture.api);
    uv_sleep(2);
    assert_in_range(now / 1000, time(NULL) - 1, time(NULL) + 1);
    assert_true(ext_timer.monotonic_ns(fixture.api) - before >= 2000000);
    fixture_end(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shot_fires_once_and_not_inside_start),
        cmocka_unit_test(repeating_timer_fires_until_it_is_stopped_in_its_callback),
        cmocka_unit_test(stopped_timer_does_not_fire),
        cmocka_unit_test(delay_counts_from_the_call_though_the_loop_was_held),
        cmocka_unit_test(timer_left_behind_is_reclaimed_and_silent),
        cmocka_unit_test(clocks_tell_wall_and_monotonic_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
