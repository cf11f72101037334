/* SPDX-License-Identifier: MIT */
/* Tests of range.c. */
#include "unit.h"

#include "range.h"

static void ranges_are_cut_to_the_object(void **state) {
    (void)state;
    static const struct {
        const char *header;
        uint64_t size;
        enum range_result result;
        uint64_t offset;
        uint64_t length;
    } cases[] = {
        {"bytes=0-3", 10, RANGE_PART, 0, 4},
        {"bytes=8-99", 10, RANGE_PART, 8, 2},
        {"bytes=9-", 10, RANGE_PART, 9, 1},
        {"bytes=-3", 10, RANGE_PART, 7, 3},
        {"bytes=-30", 10, RANGE_PART, 0, 10},
        {"Bytes=0-0", 10, RANGE_PART, 0, 1},
        {"bytes=10-", 10, RANGE_OUTSIDE, 0, 10},
        {"bytes=-0", 10, RANGE_OUTSIDE, 0, 10},
        {"bytes=0-", 0, RANGE_OUTSIDE, 0, 0},
        {"bytes=3-2", 10, RANGE_WHOLE, 0, 10},
        {"bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 10},
        {"lines=0-1", 10, RANGE_WHOLE, 0, 10},
        {"bytes=", 10, RANGE_WHOLE, 0, 10},
        {"bytes=-", 10, RANGE_WHOLE, 0, 10},
        {"bytes=99999999999999999999-", 10, RANGE_WHOLE, 0, 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t offset, length;
        assert_int_equal(range_parse(STR(cases[i].header), cases[i].size, &offset, &length),
                         cases[i].result);
        assert_int_equal(offset, cases[i].offset);
        assert_int_equal(length, cases[i].length);
    }
}

static void dates_go_there_and_back(void **state) {
    (void)state;
    char text[HTTP_DATE_SIZE];
    int64_t ms;
    http_date_format(INT64_C(784111777999), text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_int_equal(http_date_parse(STR(text), &ms), 0);
    assert_int_equal(ms, INT64_C(784111777000));
    assert_int_equal(http_date_parse(STR("1994-11-06T08:49:37Z"), &ms), 0);
    assert_int_equal(ms, INT64_C(784111777000));
    assert_int_equal(http_date_parse(STR("Sun, 06 Foo 1994 08:49:37 GMT"), &ms), -EINVAL);
    assert_int_equal(http_date_parse(STR("yesterday"), &ms), -EINVAL);
}

#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define SAME "Sun, 06 Nov 1994 08:49:37 GMT"
#define NONE                                                                                       \
    { NULL, 0 }

static void conditions_have_the_order_of_the_rfc(void **state) {
    (void)state;
    const int64_t modified_ms = INT64_C(784111777500);
    const struct {
        struct conditions conditions;
        int status;
    } cases[] = {
        {{NONE, NONE, NONE, NONE}, 0},
        {{STR("\"e\""), NONE, NONE, NONE}, 0},
        {{STR("e"), NONE, NONE, NONE}, 0},
        {{STR("*"), NONE, NONE, NONE}, 0},
        {{STR("\"x\", \"e\""), NONE, NONE, NONE}, 0},
        {{STR("\"x\""), NONE, NONE, NONE}, 412},
        {{NONE, STR("\"e\""), NONE, NONE}, 304},
        {{NONE, STR("W/\"e\""), NONE, NONE}, 304},
        {{NONE, STR("\"x\""), NONE, NONE}, 0},
        {{NONE, NONE, STR(SAME), NONE}, 304},
        {{NONE, NONE, STR(BEFORE), NONE}, 0},
        {{NONE, NONE, NONE, STR(SAME)}, 0},
        {{NONE, NONE, NONE, STR(BEFORE)}, 412},
        {{STR("\"e\""), NONE, NONE, STR(BEFORE)}, 0},
        {{NONE, STR("\"x\""), STR(SAME), NONE}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(conditions_check(&cases[i].conditions, "e", modified_ms), cases[i].status);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_cut_to_the_object),
        cmocka_unit_test(dates_go_there_and_back),
        cmocka_unit_test(conditions_have_the_order_of_the_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
