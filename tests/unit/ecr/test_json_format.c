/* SPDX-License-Identifier: MIT */
/* Policies with other white space. */
#include "json_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_format(const char *text, enum json_format format, const char *expected) {
    struct strbuf out = {0};
    json_format(virga_str_from(text), format, &out);
    assert_string_equal(out.ptr, expected);
    strbuf_finish(&out);
}

static void a_policy_comes_out_as_jackson_prints_it(void **state) {
    (void)state;
    assert_format(
        "{\"Version\":\"2008-10-17\",\"Statement\":[{\"Sid\":\"x\",\"Action\":[\"ecr:Get*\","
        "\"ecr:Batch*\"]},{\"Sid\":\"y\"}]}",
        JSON_FORMAT_PRETTY,
        "{\n"
        "  \"Version\" : \"2008-10-17\",\n"
        "  \"Statement\" : [ {\n"
        "    \"Sid\" : \"x\",\n"
        "    \"Action\" : [ \"ecr:Get*\", \"ecr:Batch*\" ]\n"
        "  }, {\n"
        "    \"Sid\" : \"y\"\n"
        "  } ]\n"
        "}");
    assert_format("{\"a\":{},\"b\":[],\"c\":[[1],2]}", JSON_FORMAT_PRETTY,
                  "{\n  \"a\" : { },\n  \"b\" : [ ],\n  \"c\" : [ [ 1 ], 2 ]\n}");
}

static void pretty_text_stays_as_it_is(void **state) {
    static const char text[] = "{\n  \"a\" : [ {\n    \"b\" : true\n  } ],\n  \"c\" : { }\n}";
    (void)state;
    assert_format(text, JSON_FORMAT_PRETTY, text);
}

static void compact_leaves_no_white_space_outside_strings(void **state) {
    (void)state;
    assert_format(" { \"a b\" :\t[ 1 ,\r\n -2.5e3 , \"c , : { d\" , { } , [ ] , null ] } ",
                  JSON_FORMAT_COMPACT, "{\"a b\":[1,-2.5e3,\"c , : { d\",{},[],null]}");
}

static void strings_and_order_are_kept(void **state) {
    (void)state;
    assert_format("{\"z\":\"\\\"\\\\\",\"a\":\"\\u0041 \xc3\xa4\",\"z\":1}", JSON_FORMAT_COMPACT,
                  "{\"z\":\"\\\"\\\\\",\"a\":\"\\u0041 \xc3\xa4\",\"z\":1}");
}

static void what_is_no_json_stays_as_it_is(void **state) {
    char deep[201];
    (void)state;
    assert_format("{ \"a\" : \"b", JSON_FORMAT_COMPACT, "{ \"a\" : \"b");
    assert_format("{ ]", JSON_FORMAT_PRETTY, "{ ]");
    assert_format("} ", JSON_FORMAT_PRETTY, "} ");
    assert_format("\"\\", JSON_FORMAT_PRETTY, "\"\\");
    memset(deep, '[', 200);
    deep[200] = '\0';
    assert_format(deep, JSON_FORMAT_PRETTY, deep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_comes_out_as_jackson_prints_it),
        cmocka_unit_test(pretty_text_stays_as_it_is),
        cmocka_unit_test(compact_leaves_no_white_space_outside_strings),
        cmocka_unit_test(strings_and_order_are_kept),
        cmocka_unit_test(what_is_no_json_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
