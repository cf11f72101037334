/* SPDX-License-Identifier: MIT */
/* Compact JSON of the SDK's helper library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <virga/helpers/json_writer.h>

/* The text so far; the writer is finished. */
static const char *text(struct virga_json_writer *writer) {
    static char copy[4096];
    assert_false(writer->failed);
    assert_true(writer->len < sizeof copy);
    memcpy(copy, writer->ptr, writer->len);
    copy[writer->len] = '\0';
    virga_json_finish(writer);
    return copy;
}

static void commas_stand_between_members_and_elements(void **state) {
    (void)state;
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "empty");
    virga_json_end_array(&writer);
    virga_json_begin_array(&writer, "list");
    virga_json_int(&writer, NULL, 1);
    virga_json_begin_object(&writer, NULL);
    virga_json_end_object(&writer);
    virga_json_bool(&writer, NULL, 1);
    virga_json_end_array(&writer);
    virga_json_string(&writer, "absent", NULL);
    virga_json_bool(&writer, "no", 0);
    virga_json_raw(&writer, "raw", virga_str_from("{\"a\":1}"));
    virga_json_end_object(&writer);
    assert_string_equal(text(&writer),
                        "{\"empty\":[],\"list\":[1,{},true],\"no\":false,\"raw\":{\"a\":1}}");
}

static void strings_are_escaped(void **state) {
    (void)state;
    struct virga_json_writer writer = {0};
    virga_json_string(&writer, NULL, "a\"b\\c\n\r\t\x01\x7f/\xc3\xa9");
    assert_string_equal(text(&writer), "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u007f/\xc3\xa9\"");
    virga_json_str(&writer, NULL, (struct virga_str){"a\0b", 3});
    assert_string_equal(text(&writer), "\"a\\u0000b\"");
}

static void malformed_utf8_becomes_replacement_characters(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        const char *json;
    } cases[] = {
        {"a\xff z", "\"a\\ufffd z\""},
        {"\xc3", "\"\\ufffd\""},
        {"\xc0\xaf", "\"\\ufffd\\ufffd\""},
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
        {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
        {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
        {"\xe2\x82\xac\x80", "\"\xe2\x82\xac\\ufffd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct virga_json_writer writer = {0};
        virga_json_string(&writer, NULL, cases[i].bytes);
        assert_string_equal(text(&writer), cases[i].json);
    }
}

static void times_are_seconds_with_milliseconds(void **state) {
    (void)state;
    static const struct {
        int64_t ms;
        const char *json;
    } cases[] = {
        {1700000000123, "1700000000.123"},
        {1700000000120, "1700000000.12"},
        {1700000000000, "1700000000.0"},
        {0, "0.0"},
        {5, "0.005"},
        {-1001, "-1.001"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct virga_json_writer writer = {0};
        virga_json_time(&writer, NULL, cases[i].ms);
        assert_string_equal(text(&writer), cases[i].json);
    }
}

static void long_texts_make_the_buffer_grow(void **state) {
    (void)state;
    struct virga_json_writer writer = {0};
    virga_json_begin_array(&writer, NULL);
    for (int i = 0; i < 100000; i++) {
        virga_json_string(&writer, NULL, "0123456789");
    }
    virga_json_end_array(&writer);
    assert_false(writer.failed);
    assert_int_equal(writer.len, 100000 * 13 + 1);
    virga_json_finish(&writer);
    assert_null(writer.ptr);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_members_and_elements),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(malformed_utf8_becomes_replacement_characters),
        cmocka_unit_test(times_are_seconds_with_milliseconds),
        cmocka_unit_test(long_texts_make_the_buffer_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
