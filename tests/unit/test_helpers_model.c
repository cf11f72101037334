/* SPDX-License-Identifier: MIT */
/* The SDK's model walker where ECR's tables do not lead: maps, blobs, generic patterns, the other
 * wording. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <virga/helpers/awsjson.h>
#include <virga/helpers/model.h>

#define VALUE_AT "1 validation error detected: Value "
#define FAILED " failed to satisfy constraint: "

static const struct virga_model_shape name = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 8, .pattern = "[a-z]+|_"};
static const struct virga_model_shape number = {.type = VIRGA_MODEL_INTEGER, .max = 10};
static const struct virga_model_shape real = {.type = VIRGA_MODEL_DOUBLE};
static const struct virga_model_shape blob = {.type = VIRGA_MODEL_BLOB, .min = 1, .max = 4};
static const struct virga_model_shape map = {
    .type = VIRGA_MODEL_MAP, .max = 2, .key = &name, .element = &number};
static const char *const colour_values[] = {"red", "blue", NULL};
static const struct virga_model_shape colour = {.type = VIRGA_MODEL_STRING,
                                                .values = colour_values};
static const struct virga_model_shape colours = {
    .type = VIRGA_MODEL_LIST, .max = 1, .element = &colour, .whole = 1};
static const struct virga_model_shape word = {.type = VIRGA_MODEL_STRING, .pattern = "[a-z]+"};
static const struct virga_model_shape text = {.type = VIRGA_MODEL_STRING};
static const struct virga_model_shape secrets = {
    .type = VIRGA_MODEL_MAP, .key = &word, .element = &text, .whole = 1, .secret = 1};
static const struct virga_model_shape limits = {
    .type = VIRGA_MODEL_MAP, .key = &word, .element = &number, .whole = 1};
static const struct virga_model_member members[] = {{.name = "name", .shape = &name, .required = 1},
                                                    {.name = "map", .shape = &map},
                                                    {.name = "blob", .shape = &blob},
                                                    {.name = "real", .shape = &real},
                                                    {.name = "colours", .shape = &colours},
                                                    {.name = "secrets", .shape = &secrets},
                                                    {.name = "limits", .shape = &limits},
                                                    {.name = NULL}};
static const struct virga_model_shape input = {.type = VIRGA_MODEL_STRUCTURE, .members = members};

static const char *check(const char *body) {
    static char message[2048];
    struct json_object *object = NULL;
    struct virga_model_fault fault;
    message[0] = '\0';
    assert_int_equal(virga_awsjson_parse(virga_str_from(body), &object), 0);
    int result = virga_model_check(&input, object, &fault);
    assert_true(result == 0 || result == -EINVAL);
    if (result != 0) {
        virga_model_message_validation(&fault, message, sizeof message);
        if (fault.kind == VIRGA_MODEL_FAULT_TYPE) {
            (void)snprintf(message, sizeof message, "type: %s", fault.constraint);
        }
    }
    json_object_put(object);
    return message;
}

static void absent_value_is_shown_without_quotes(void **state) {
    (void)state;
    assert_string_equal(check("{}"), VALUE_AT "null at 'name'" FAILED "Member must not be null");
}

static void pattern_holds_for_the_whole_value(void **state) {
    (void)state;
    assert_string_equal(check("{\"name\":\"abc\"}"), "");
    assert_string_equal(check("{\"name\":\"_\"}"), "");
    assert_string_equal(check("{\"name\":\"abc1\"}"),
                        VALUE_AT "'abc1' at 'name'" FAILED
                                 "Member must satisfy regular expression pattern: [a-z]+|_");
    assert_string_equal(check("{\"name\":\"1_\"}"),
                        VALUE_AT "'1_' at 'name'" FAILED
                                 "Member must satisfy regular expression pattern: [a-z]+|_");
}

static void length_counts_utf16_units(void **state) {
    (void)state;
    /* Eight e-acute are eight units; five emoji are ten. */
    assert_string_equal(check("{\"name\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
                              "\xa9\xc3\xa9\"}"),
                        VALUE_AT "'\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
                                 "\xa9' at 'name'" FAILED
                                 "Member must satisfy regular expression pattern: [a-z]+|_");
    assert_non_null(strstr(check("{\"name\":\"\\ud83d\\ude00\\ud83d\\ude00\\ud83d\\ude00\\ud83d"
                                 "\\ude00\\ud83d\\ude00\"}"),
                           "length less than or equal to 8"));
}

static void nul_in_a_string_is_refused(void **state) {
    (void)state;
    assert_string_equal(check("{\"name\":\"a\\u0000b\"}"),
                        "type: Illegal character U+0000 in a string");
}

static void maps_check_keys_values_and_size(void **state) {
    (void)state;
    assert_string_equal(check("{\"name\":\"a\",\"map\":{\"a\":1,\"b\":null}}"), "");
    assert_non_null(strstr(check("{\"name\":\"a\",\"map\":{\"A\":1}}"), "Value 'A' at 'map'"));
    assert_non_null(strstr(check("{\"name\":\"a\",\"map\":{\"b\":11}}"),
                           "Value '11' at 'map.b.member'" FAILED
                           "Member must have value less than or equal to 10"));
    assert_non_null(strstr(check("{\"name\":\"a\",\"map\":{\"a\":1,\"b\":2,\"c\":3}}"),
                           "at 'map'" FAILED "Member must have length less than or equal to 2"));
    assert_string_equal(check("{\"name\":\"a\",\"map\":[]}"), "type: Expected map or null");
}

static void whole_lists_and_maps_name_what_every_entry_must_be(void **state) {
    (void)state;
    assert_string_equal(check("{\"name\":\"a\",\"colours\":[\"Red\"]}"),
                        VALUE_AT "'[Red]' at 'colours'" FAILED
                                 "Member must satisfy constraint: [Member must satisfy enum value "
                                 "set: [red, blue], Member must not be null]");
    assert_non_null(strstr(check("{\"name\":\"a\",\"colours\":[null]}"), "Value '[null]' at"));
    assert_string_equal(check("{\"name\":\"a\",\"colours\":[\"red\",\"blue\"]}"),
                        VALUE_AT "'[red, blue]' at 'colours'" FAILED
                                 "Member must have length less than or equal to 1");
    assert_string_equal(check("{\"name\":\"a\",\"limits\":{\"a\":5,\"b\":11}}"),
                        VALUE_AT "'{a=5, b=11}' at 'limits'" FAILED
                                 "Map value must satisfy constraint: [Member must have value less "
                                 "than or equal to 10, Member must have value greater than or "
                                 "equal to 0, Member must not be null]");
    assert_string_equal(check("{\"name\":\"a\",\"colours\":[1]}"),
                        "type: NUMBER_VALUE can not be converted to a String");
}

static void secret_values_are_not_shown(void **state) {
    (void)state;
    assert_string_equal(check("{\"name\":\"a\",\"secrets\":{\"A\":\"hush\"}}"),
                        "1 validation error detected: Value at 'secrets'" FAILED
                        "Map keys must satisfy constraint: [Member must satisfy regular "
                        "expression pattern: [a-z]+]");
}

static void blobs_count_decoded_bytes(void **state) {
    (void)state;
    assert_string_equal(check("{\"name\":\"a\",\"blob\":\"QUJDRA==\"}"), "");
    assert_non_null(
        strstr(check("{\"name\":\"a\",\"blob\":\"QUJDREU=\"}"), "length less than or equal to 4"));
    assert_string_equal(check("{\"name\":\"a\",\"blob\":\"QU!D\"}"),
                        check("{\"name\":\"a\",\"blob\":\"QUJ\"}"));
    assert_string_equal(check("{\"name\":\"a\",\"blob\":\"QUJ\"}"),
                        "type: Unable to convert from base64");
}

static void doubles_take_any_number(void **state) {
    (void)state;
    assert_string_equal(check("{\"name\":\"a\",\"real\":1.5}"), "");
    assert_string_equal(check("{\"name\":\"a\",\"real\":2}"), "");
    assert_string_equal(check("{\"name\":\"a\",\"real\":\"2\"}"),
                        "type: STRING_VALUE can not be converted to a Double");
}

static void body_must_be_one_strict_object(void **state) {
    (void)state;
    static const char *const bad[] = {"[]",
                                      "1",
                                      "null",
                                      "{\"a\":1,}",
                                      "{'a':1}",
                                      "{\"a\":1} x",
                                      "{\"a\":",
                                      "{\"a\":\"\xff\"}",
                                      "{\"a\":01}",
                                      "{a:1}",
                                      "// x\n{}",
                                      "{\"a\":NaN}",
                                      "{\"a\":-Infinity}",
                                      "{\"a\":1.}",
                                      "{\"a\":\"\t\"}"};
    char deep[256] = "";
    struct json_object *object = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(virga_awsjson_parse(virga_str_from(bad[i]), &object), -EBADMSG);
    }
    for (int i = 0; i < VIRGA_AWSJSON_DEPTH; i++) {
        (void)strcat(deep, "{\"a\":");
    }
    (void)strcat(deep, "{}");
    for (int i = 0; i < VIRGA_AWSJSON_DEPTH; i++) {
        (void)strcat(deep, "}");
    }
    assert_int_equal(virga_awsjson_parse(virga_str_from(deep), &object), -EBADMSG);
    assert_int_equal(virga_awsjson_parse(virga_str_from(""), &object), 0);
    assert_int_equal(json_object_object_length(object), 0);
    json_object_put(object);
    assert_int_equal(virga_awsjson_parse(virga_str_from(" {\"a\": 1}\n"), &object), 0);
    assert_int_equal(virga_awsjson_int(object, "a", 0), 1);
    json_object_put(object);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_value_is_shown_without_quotes),
        cmocka_unit_test(pattern_holds_for_the_whole_value),
        cmocka_unit_test(length_counts_utf16_units),
        cmocka_unit_test(nul_in_a_string_is_refused),
        cmocka_unit_test(maps_check_keys_values_and_size),
        cmocka_unit_test(whole_lists_and_maps_name_what_every_entry_must_be),
        cmocka_unit_test(secret_values_are_not_shown),
        cmocka_unit_test(blobs_count_decoded_bytes),
        cmocka_unit_test(doubles_take_any_number),
        cmocka_unit_test(body_must_be_one_strict_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
