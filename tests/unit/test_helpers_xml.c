/* SPDX-License-Identifier: MIT */
/* The SDK's XML writer and its timestamps. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <virga/helpers/time.h>
#include <virga/helpers/xml_writer.h>

static void check(struct virga_xml_writer *writer, const char *expected) {
    assert_int_equal(writer->failed, 0);
    assert_int_equal(writer->len, strlen(expected));
    assert_memory_equal(writer->ptr, expected, writer->len);
    virga_xml_finish(writer);
    assert_null(writer->ptr);
}

static void elements_nest(void **state) {
    struct virga_xml_writer writer = {0};
    (void)state;
    virga_xml_begin_in(&writer, "R", "https://example.org/?a=1&b=\"2\"");
    virga_xml_begin(&writer, "S");
    virga_xml_string(&writer, "Text", "t");
    virga_xml_string(&writer, "Absent", NULL);
    virga_xml_string(&writer, "Empty", "");
    virga_xml_int(&writer, "Int", INT64_MIN);
    virga_xml_bool(&writer, "Bool", 1);
    virga_xml_time(&writer, "Time", 1500);
    virga_xml_text(&writer, virga_str_from("<"));
    virga_xml_raw(&writer, virga_str_from("<Raw/>"));
    virga_xml_end(&writer, "S");
    virga_xml_end(&writer, "R");
    check(&writer, "<R xmlns=\"https://example.org/?a=1&amp;b=&quot;2&quot;\"><S><Text>t</Text>"
                   "<Empty></Empty><Int>-9223372036854775808</Int><Bool>true</Bool>"
                   "<Time>1970-01-01T00:00:01.500Z</Time>&lt;<Raw/></S></R>");
}

static void markup_is_escaped(void **state) {
    struct virga_xml_writer writer = {0};
    (void)state;
    virga_xml_string(&writer, "a", "<&>\"'\r\n\t]]>");
    check(&writer, "<a>&lt;&amp;&gt;&quot;'&#xD;\n\t]]&gt;</a>");
}

static void what_xml_cannot_hold_becomes_a_replacement(void **state) {
    struct virga_xml_writer writer = {0};
    (void)state;
    virga_xml_str(&writer, "a", (struct virga_str){"x\0y\x01z\x1f", 6});
    check(&writer, "<a>x\xef\xbf\xbdy\xef\xbf\xbdz\xef\xbf\xbd</a>");
    virga_xml_string(&writer, "a", "\xff\xc3(\xed\xa0\x80");
    check(&writer, "<a>\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</a>");
    /* U+FFFE, U+FFFF, and their neighbours, which are well. */
    virga_xml_string(&writer, "a", "\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd\xef\xbe\xbe");
    check(&writer, "<a>\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbe\xbe</a>");
}

static void text_of_every_script_is_kept(void **state) {
    struct virga_xml_writer writer = {0};
    (void)state;
    virga_xml_string(&writer, "a", "\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80");
    check(&writer, "<a>\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80</a>");
}

static void long_text_grows_the_buffer(void **state) {
    struct virga_xml_writer writer = {0};
    size_t size = 100000;
    char *text = malloc(size + 1);
    (void)state;
    assert_non_null(text);
    memset(text, '<', size);
    text[size] = '\0';
    virga_xml_string(&writer, "a", text);
    assert_int_equal(writer.failed, 0);
    assert_int_equal(writer.len, size * 4 + strlen("<a></a>"));
    virga_xml_finish(&writer);
    free(text);
}

static void failed_writer_stays_failed(void **state) {
    struct virga_xml_writer writer = {.failed = 1};
    (void)state;
    virga_xml_string(&writer, "a", "b");
    assert_int_equal(writer.failed, 1);
    assert_int_equal(writer.len, 0);
    assert_null(writer.ptr);
}

/* --- timestamps --- */

static void check_time(int64_t time_ms, const char *expected) {
    char text[VIRGA_TIME_SIZE];
    int64_t back;
    virga_time_format(time_ms, text);
    assert_string_equal(text, expected);
    assert_int_equal(virga_time_parse(virga_str_from(text), &back), 0);
    assert_int_equal(back, time_ms);
}

static void timestamps_go_there_and_back(void **state) {
    (void)state;
    check_time(0, "1970-01-01T00:00:00Z");
    check_time(-1, "1969-12-31T23:59:59.999Z");
    check_time(951782400000, "2000-02-29T00:00:00Z");
    check_time(951868799000, "2000-02-29T23:59:59Z");
    check_time(1795446379250, "2026-11-23T15:06:19.250Z");
    check_time(253402300799999, "9999-12-31T23:59:59.999Z");
    check_time(-62135596800000, "0001-01-01T00:00:00Z");
}

static void every_day_of_four_centuries_follows_the_one_before(void **state) {
    char text[VIRGA_TIME_SIZE];
    char last[VIRGA_TIME_SIZE] = "";
    (void)state;
    for (int64_t day = -60000; day < 90000; day++) {
        int64_t back;
        virga_time_format(day * 86400000, text);
        assert_true(strcmp(text, last) > 0);
        assert_int_equal(virga_time_parse(virga_str_from(text), &back), 0);
        assert_int_equal(back, day * 86400000);
        strcpy(last, text);
    }
}

static void offsets_and_short_or_long_fractions_are_read(void **state) {
    int64_t time_ms;
    (void)state;
    assert_int_equal(virga_time_parse(virga_str_from("1970-01-01T01:00:00+01:00"), &time_ms), 0);
    assert_int_equal(time_ms, 0);
    assert_int_equal(virga_time_parse(virga_str_from("1969-12-31T19:30:00-04:30"), &time_ms), 0);
    assert_int_equal(time_ms, 0);
    assert_int_equal(virga_time_parse(virga_str_from("1970-01-01T00:00:00.5Z"), &time_ms), 0);
    assert_int_equal(time_ms, 500);
    assert_int_equal(virga_time_parse(virga_str_from("1970-01-01T00:00:00.123999Z"), &time_ms), 0);
    assert_int_equal(time_ms, 123);
}

static void what_is_no_timestamp_is_refused(void **state) {
    static const char *const texts[] = {
        "",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01 00:00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-01-00T00:00:00Z",
        "1970-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "1970-04-31T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:60Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00Zx",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+0100",
        "19700101T000000Z",
        "-970-01-01T00:00:00Z",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t time_ms = 42;
        assert_int_equal(virga_time_parse(virga_str_from(texts[i]), &time_ms), -EINVAL);
        assert_int_equal(time_ms, 42);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_nest),
        cmocka_unit_test(markup_is_escaped),
        cmocka_unit_test(what_xml_cannot_hold_becomes_a_replacement),
        cmocka_unit_test(text_of_every_script_is_kept),
        cmocka_unit_test(long_text_grows_the_buffer),
        cmocka_unit_test(failed_writer_stays_failed),
        cmocka_unit_test(timestamps_go_there_and_back),
        cmocka_unit_test(every_day_of_four_centuries_follows_the_one_before),
        cmocka_unit_test(offsets_and_short_or_long_fractions_are_read),
        cmocka_unit_test(what_is_no_timestamp_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
