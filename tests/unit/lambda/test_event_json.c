/* SPDX-License-Identifier: MIT */
/* What is JSON, and what AWS says of what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "event_json.h"

#define STR(text) virga_str_from(text)
#define AT(line, column)                                                                           \
    "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); "          \
    "line: " #line ", column: " #column "]"
#define VALUE                                                                                      \
    "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or "       \
    "'false')"

static void json_is_taken(void **state) {
    (void)state;
    static const char *const texts[] = {"{}",
                                        "[]",
                                        "null",
                                        " true ",
                                        "\"a\"",
                                        "-0.5e+10",
                                        "[1,2,[3]]",
                                        "{\"a\":{}}",
                                        "{\"a\":[],\"b\":1}",
                                        "\"\\u00e4\\n\\\\\"",
                                        "\"\xc3\xa4\"",
                                        "[[],{}]",
                                        "{\"a\" : 1 , \"b\" : [ 1 , 2 ] }\n"};
    char fault[EVENT_JSON_FAULT_MAX];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(event_json_check(STR(texts[i]), fault), 0);
    }
}

static void what_is_not_json_is_told_in_awss_words(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"<xml/>", "Unexpected character ('<' (code 60)): " VALUE AT(1, 1)},
        {"hello", "Unrecognized token 'hello': was expecting (JSON String, Number, Array, Object "
                  "or token 'null', 'true' or 'false')" AT(1, 6)},
        {"\x87", "Invalid UTF-8 start byte 0x87" AT(1, 1)},
        {"\"\xc3(\"", "Invalid UTF-8 middle byte 0x28" AT(1, 2)},
        {"{\n 'a':1}", "Unexpected character (''' (code 39)): was expecting double-quote to start "
                       "field name" AT(2, 2)},
        {"{\"a\" 1}", "Unexpected character ('1' (code 49)): was expecting a colon to separate "
                      "field name and value" AT(1, 6)},
        {"[1 2]", "Unexpected character ('2' (code 50)): was expecting comma to separate Array "
                  "entries" AT(1, 4)},
        {"{\"a\":1", "Unexpected end-of-input: expected close marker for Object" AT(1, 7)},
        {"[1,]", "Unexpected character (']' (code 93)): " VALUE AT(1, 4)},
        {"01", "Invalid numeric value: Leading zeroes not allowed" AT(1, 2)},
        {"{} x", "Unexpected character ('x' (code 120)): " VALUE AT(1, 4)},
        {"\"a", "Unexpected end-of-input in VALUE_STRING: was expecting closing quote for a string "
                "value" AT(1, 3)},
    };
    char fault[EVENT_JSON_FAULT_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(event_json_check(STR(cases[i][0]), fault), -EBADMSG);
        assert_string_equal(fault, cases[i][1]);
    }
}

static void every_cut_of_json_is_refused(void **state) {
    (void)state;
    static const char text[] = "{\"a\":[1.5e3,\"x\\u00e4\xc3\xa4\",true],\"b\":{\"c\":null}}";
    char fault[EVENT_JSON_FAULT_MAX];
    assert_int_equal(event_json_check(STR(text), fault), 0);
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *copy = malloc(len + 1); /* so that a look behind the end is found */
        memcpy(copy, text, len);
        assert_int_equal(event_json_check((struct virga_str){copy, len}, fault), -EBADMSG);
        free(copy);
    }
}

static void nesting_is_limited(void **state) {
    (void)state;
    static char text[2 * EVENT_JSON_DEPTH + 3];
    char fault[EVENT_JSON_FAULT_MAX];
    memset(text, '[', EVENT_JSON_DEPTH);
    memset(text + EVENT_JSON_DEPTH, ']', EVENT_JSON_DEPTH);
    assert_int_equal(event_json_check(STR(text), fault), 0);
    memset(text, '[', EVENT_JSON_DEPTH + 1);
    memset(text + EVENT_JSON_DEPTH + 1, ']', EVENT_JSON_DEPTH + 1);
    assert_int_equal(event_json_check(STR(text), fault), -EBADMSG);
    assert_non_null(strstr(fault, "Document nesting depth (1001)"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_taken),
        cmocka_unit_test(what_is_not_json_is_told_in_awss_words),
        cmocka_unit_test(every_cut_of_json_is_refused),
        cmocka_unit_test(nesting_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
