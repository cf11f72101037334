/* SPDX-License-Identifier: MIT */
/* Uploaded blobs without a manifest: remembered, dropped, too old, too many. */
#include "pins.h"
#include "reference.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct tenant one = {"111111111111", "us-east-1"};
static const struct tenant two = {"111111111111", "us-west-2"};
static struct pins *pins;

static int setup(void **state) {
    (void)state;
    return pins_create(&pins);
}

static int teardown(void **state) {
    (void)state;
    pins_destroy(pins);
    return 0;
}

static struct virga_str digest_of(unsigned int number) {
    static char digest[ECR_DIGEST_LEN + 1];
    assert_int_equal(
        reference_digest((struct virga_str){(const char *)&number, sizeof number}, digest), 0);
    return virga_str_from(digest);
}

static int add(const struct tenant *tenant, const char *name, unsigned int number, int64_t now_ms) {
    return pins_add(pins, tenant, virga_str_from(name), digest_of(number), now_ms);
}

static size_t count(int64_t now_ms) {
    struct pins_batch batch;
    size_t position = 0, sum = 0;
    while (pins_next(pins, &position, now_ms, &batch)) {
        sum += batch.count;
    }
    return sum;
}

static void blobs_come_back_with_their_repository(void **state) {
    struct pins_batch batch;
    char digest[ECR_DIGEST_LEN + 1];
    size_t position = 0;
    (void)state;
    assert_int_equal(add(&one, "app", 1, 0), 0);
    assert_int_equal(add(&one, "app", 2, 0), 0);
    assert_int_equal(add(&one, "app", 1, 5), 0); /* the same again */
    assert_true(pins_next(pins, &position, 0, &batch));
    assert_string_equal(batch.name, "app");
    assert_string_equal(batch.tenant.region, "us-east-1");
    assert_int_equal(batch.count, 2);
    pins_digest(pins, position, 0, digest);
    assert_string_equal(digest, digest_of(2).ptr);
    pins_digest(pins, position, 1, digest);
    assert_string_equal(digest, digest_of(1).ptr);
    assert_false(pins_next(pins, &position, 0, &batch));
}

static void dropping_is_for_one_repository(void **state) {
    (void)state;
    assert_int_equal(add(&one, "app", 1, 0), 0);
    assert_int_equal(add(&two, "app", 1, 0), 0);
    assert_int_equal(add(&one, "app2", 1, 0), 0);
    pins_drop(pins, &one, virga_str_from("app"), digest_of(1));
    pins_drop(pins, &one, virga_str_from("app"), digest_of(1));
    assert_int_equal(count(0), 2);
    pins_drop_repository(pins, &two, virga_str_from("app"));
    assert_int_equal(count(0), 1);
}

static void old_ones_are_forgotten(void **state) {
    (void)state;
    assert_int_equal(add(&one, "app", 1, 0), 0);
    assert_int_equal(add(&one, "app", 2, 1000), 0);
    assert_int_equal(count(PINS_AGE_MS - 1), 2);
    assert_int_equal(count(PINS_AGE_MS), 1);
    assert_int_equal(count(PINS_AGE_MS + 1000), 0);
}

static void the_cap_holds_and_the_old_make_room(void **state) {
    char name[16];
    (void)state;
    for (unsigned int i = 0; i < PINS_MAX; i++) {
        (void)snprintf(name, sizeof name, "app%u", i % 100);
        assert_int_equal(add(&one, name, i, i < 10 ? 0 : 1000), 0);
    }
    assert_int_equal(add(&one, "more", 1, 2000), -ENOSPC);
    assert_int_equal(add(&one, "more", 1, PINS_AGE_MS), 0);
    assert_int_equal(count(PINS_AGE_MS), PINS_MAX - 10 + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(blobs_come_back_with_their_repository, setup, teardown),
        cmocka_unit_test_setup_teardown(dropping_is_for_one_repository, setup, teardown),
        cmocka_unit_test_setup_teardown(old_ones_are_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(the_cap_holds_and_the_old_make_room, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
