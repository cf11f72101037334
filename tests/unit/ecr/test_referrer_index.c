/* SPDX-License-Identifier: MIT */
/* The index of an older store that is too large for one go: who waits, and what ends it. */
#include "ecr_fixture.h"
#include "meta.h"
#include "referrer_index.h"
#include "timer_fixture.h"

#define SUBJECT "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define IMAGES 2500 /* more than two goes */

static const struct tenant here = {"123456789012", "us-east-1"};
static struct virga_timer clock_and_timers;

static int count_one(void *arg, const struct meta_referrer *referrer) {
    (void)referrer;
    (*(size_t *)arg)++;
    return 0;
}

static size_t count(void) {
    size_t found = 0;
    assert_int_equal(meta_referrer_each(&fixture.ecr, &here, STR("app"), STR(SUBJECT),
                                        (struct virga_str){0}, count_one, &found),
                     0);
    return found;
}

/* A store with many images whose referrers were not noted. */
static int setup(void **state) {
    if (fixture_setup(state) != 0) {
        return -1;
    }
    clock_and_timers = *fixture.ecr.timer;
    clock_and_timers.start = timer_fixture_start;
    clock_and_timers.stop = timer_fixture_stop;
    fixture.ecr.timer = &clock_and_timers;
    struct meta_repository repository = {.name = "app"};
    assert_int_equal(meta_repository_create(&fixture.ecr, &here, &repository), 0);
    for (int i = 0; i < IMAGES; i++) {
        struct meta_image image = {.media_type = (char[]){"x"}, .subject = (char[]){SUBJECT}};
        (void)snprintf(image.digest, sizeof image.digest, "sha256:%064d", i);
        assert_int_equal(
            meta_image_put(&fixture.ecr, &here, STR("app"), "", &image, (struct virga_str){0}), 0);
    }
    return fixture.ecr.store->del_prefix(&fixture.host, (struct virga_str){"j\0", 2}, NULL);
}

static int told;

static void on_ready(struct referrer_wait *wait, int status) {
    (void)wait;
    told = status;
}

static void who_asks_early_waits_for_the_last_piece(void **state) {
    struct referrer_index *index = NULL;
    struct referrer_wait wait;
    (void)state;
    assert_int_equal(referrer_index_create(&fixture.ecr, &index), 0);
    assert_false(referrer_index_is_done(index));
    assert_true(count() < IMAGES);
    told = 1;
    assert_int_equal(referrer_index_wait(index, &wait, on_ready), 0);
    assert_int_equal(told, 1);
    run_timers();
    assert_int_equal(told, 0);
    assert_true(referrer_index_is_done(index));
    assert_int_equal(count(), IMAGES);
    referrer_index_destroy(index);
}

static void who_waits_at_the_stop_is_told(void **state) {
    struct referrer_index *index = NULL;
    struct referrer_wait wait;
    (void)state;
    assert_int_equal(referrer_index_create(&fixture.ecr, &index), 0);
    told = 1;
    assert_int_equal(referrer_index_wait(index, &wait, on_ready), 0);
    referrer_index_stop(index);
    assert_int_equal(told, -ECANCELED);
    assert_int_equal(referrer_index_wait(index, &wait, on_ready), -ECANCELED);
    assert_null(timers);
    referrer_index_destroy(index);
    /* The next start begins anew and comes to the end. */
    assert_int_equal(referrer_index_create(&fixture.ecr, &index), 0);
    run_timers();
    assert_int_equal(count(), IMAGES);
    referrer_index_destroy(index);
}

static void a_store_that_fails_is_told_and_tried_again(void **state) {
    struct referrer_index *index = NULL;
    struct referrer_wait wait;
    (void)state;
    assert_int_equal(referrer_index_create(&fixture.ecr, &index), 0);
    told = 1;
    assert_int_equal(referrer_index_wait(index, &wait, on_ready), 0);
    fixture.store_error = -EIO;
    struct virga_timer_handle *timer = timers;
    timer->on_timer(timer->arg);
    assert_int_equal(told, -EIO);
    assert_false(referrer_index_is_done(index));
    fixture.store_error = 0;
    run_timers();
    assert_true(referrer_index_is_done(index));
    assert_int_equal(count(), IMAGES);
    referrer_index_destroy(index);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(who_asks_early_waits_for_the_last_piece),
        TEST(who_waits_at_the_stop_is_told),
        TEST(a_store_that_fails_is_told_and_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
