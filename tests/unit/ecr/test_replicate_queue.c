/* SPDX-License-Identifier: MIT */
/* The queue of replication: order within a lane, one lane after the other. */
#include "ecr_fixture.h"

#include "replicate_queue.h"

static const struct tenant source = {"111111111111", "us-east-1"};
static const struct tenant west = {"111111111111", "us-west-2"};
static const struct tenant other = {"222222222222", "us-east-1"};

static struct replicate_row make(const struct tenant *destination, const char *name,
                                 const char *tag) {
    struct replicate_row row = {.source = source, .destination = *destination};
    (void)snprintf(row.name, sizeof row.name, "%s", name);
    (void)snprintf(row.digest, sizeof row.digest, "sha256:%064d", 7);
    (void)snprintf(row.tag, sizeof row.tag, "%s", tag);
    return row;
}

static struct replicate_row add(const struct tenant *destination, const char *name,
                                const char *tag) {
    struct replicate_row row = make(destination, name, tag);
    assert_int_equal(replicate_queue_add(&fixture.ecr, &row), 0);
    return row;
}

static void assert_next(const struct replicate_row *after, const char *name, const char *tag,
                        struct replicate_row *ret_row) {
    assert_int_equal(replicate_queue_next(&fixture.ecr, after, ret_row), 1);
    assert_string_equal(ret_row->name, name);
    assert_string_equal(ret_row->tag, tag);
}

static void rows_of_a_lane_come_in_the_order_of_the_pushes(void **state) {
    struct replicate_row row;
    (void)state;
    add(&west, "app", "z");
    add(&west, "app", "a"); /* in the same millisecond */
    fixture.now_ms -= 5000; /* the clock was set back */
    add(&west, "app", "m");
    static const char *const order[] = {"z", "a", "m"};
    for (size_t i = 0; i < 3; i++) {
        assert_next(NULL, "app", order[i], &row);
        assert_int_equal(replicate_queue_delete(&fixture.ecr, &row), 0);
    }
    assert_int_equal(replicate_queue_next(&fixture.ecr, NULL, &row), 0);
}

static void each_lane_shows_its_first_row(void **state) {
    struct replicate_row row, next;
    (void)state;
    add(&west, "app", "1");
    add(&west, "app", "2");
    add(&west, "app/x", "3");
    add(&west, "app2", "4");
    add(&other, "app", "5");
    assert_next(NULL, "app", "1", &row);
    assert_next(&row, "app/x", "3", &next);
    assert_next(&next, "app2", "4", &row);
    assert_next(&row, "app", "5", &next);
    assert_int_equal(replicate_queue_next(&fixture.ecr, &next, &row), 0);
    size_t count = 0;
    assert_int_equal(replicate_queue_count(&fixture.ecr, &count), 0);
    assert_int_equal(count, 5);
    /* A lane whose rows are gone is still a position. */
    row = make(&west, "app1", "gone");
    assert_next(&row, "app2", "4", &next);
}

static void a_row_is_read_as_it_was_written(void **state) {
    struct replicate_row row = add(&other, "team/app", ""), read;
    (void)state;
    row.tries = 3;
    row.not_before_ms = 1234567890123;
    assert_int_equal(replicate_queue_update(&fixture.ecr, &row), 0);
    assert_next(NULL, "team/app", "", &read);
    assert_memory_equal(&read.source, &source, sizeof source);
    assert_memory_equal(&read.destination, &other, sizeof other);
    assert_string_equal(read.digest, row.digest);
    assert_int_equal(read.id, row.id);
    assert_int_equal(read.tries, 3);
    assert_int_equal(read.not_before_ms, 1234567890123);
}

static void only_the_destination_and_the_name_make_a_lane(void **state) {
    struct replicate_row a = make(&west, "app", "1"), b = make(&west, "app", "2");
    (void)state;
    b.source = other;
    assert_true(replicate_queue_same_lane(&a, &b));
    b = make(&west, "app2", "1");
    assert_false(replicate_queue_same_lane(&a, &b));
    b = make(&other, "app", "1");
    assert_false(replicate_queue_same_lane(&a, &b));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(rows_of_a_lane_come_in_the_order_of_the_pushes),
        TEST(each_lane_shows_its_first_row),
        TEST(a_row_is_read_as_it_was_written),
        TEST(only_the_destination_and_the_name_make_a_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
