/* SPDX-License-Identifier: MIT */
/* Templates' text: JSON and YAML. */
#include "cfn_fixture.h"

static void assert_fault(const char *text, const char *message) {
    struct fault fault = {""};
    struct json_object *root = NULL;
    assert_int_equal(document_parse(virga_str_from(text), &root, &fault), -EINVAL);
    assert_string_equal(fault.text, message);
}

static void json_is_parsed_in_the_order_of_its_keys(void **state) {
    (void)state;
    assert_json(parsed(" \n{\"b\": 1, \"a\": [true, \"x\", 1.50], \"c\": {}} \n"),
                "{\"b\":1,\"a\":[true,\"x\",1.50],\"c\":{}}");
}

static void broken_json_is_named_with_its_place(void **state) {
    (void)state;
    assert_fault("{\"a\": 1,\n \"b\" 2}",
                 "Template format error: JSON not well-formed. (line 2, column 6)");
    assert_fault("{\"a\": 1} x",
                 "Template format error: JSON not well-formed. (line 1, column 10)");
    assert_fault("{", "Template format error: JSON not well-formed. (line 1, column 2)");
}

static void plain_scalars_are_typed_and_dates_and_accounts_stay_text(void **state) {
    (void)state;
    assert_json(parsed("a: true\nb: no\nc: 12\nd: -1.5\ne: 2012-10-17\nf: 012345678901\n"
                       "g: '12'\nh: \"true\"\ni: 000000000000\nj: |\n  two\n  lines\nk: >-\n  one\n"
                       "  line\nl: 1.2.3\n"),
                "{\"a\":true,\"b\":false,\"c\":12,\"d\":-1.5,\"e\":\"2012-10-17\",\"f\":"
                "\"012345678901\",\"g\":\"12\",\"h\":\"true\",\"i\":\"000000000000\",\"j\":\"two\\n"
                "lines\\n\",\"k\":\"one line\",\"l\":\"1.2.3\"}");
}

static void keys_with_colons_and_values_with_dollars_are_text(void **state) {
    (void)state;
    assert_json(parsed("Condition:\n  Bool:\n    aws:SecureTransport: \"false\"\nFn::Sub: "
                       "arn:${AWS::Partition}:s3:::*\nlist:\n  - - a\n    - b\n  - c\n"),
                "{\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}},\"Fn::Sub\":\"arn:${"
                "AWS::Partition}:s3:::*\",\"list\":[[\"a\",\"b\"],\"c\"]}");
}

static void short_forms_become_long(void **state) {
    (void)state;
    assert_json(parsed("a: !Ref X\nb: !GetAtt X.Y.Z\nc: !GetAtt [X, Y]\nd: !Sub ['${a}', {a: 1}]\n"
                       "e: !If [C, !Ref A, !Ref B]\nf: !Not [!Condition C]\ng: !Ref 12\n"
                       "h: !Join\n  - ','\n  - - a\n    - b\n"
                       "i: !Base64\n  Fn::Sub: x\n"),
                "{\"a\":{\"Ref\":\"X\"},\"b\":{\"Fn::GetAtt\":[\"X\",\"Y.Z\"]},\"c\":{\"Fn::"
                "GetAtt\":[\"X\",\"Y\"]},\"d\":{\"Fn::Sub\":[\"${a}\",{\"a\":1}]},\"e\":{\"Fn::"
                "If\":[\"C\",{\"Ref\":\"A\"},{\"Ref\":\"B\"}]},\"f\":{\"Fn::Not\":[{"
                "\"Condition\":\"C\"}]},\"g\":{\"Ref\":\"12\"},\"h\":{\"Fn::Join\":[\",\",[\"a\","
                "\"b\"]]},\"i\":{\"Fn::Base64\":{\"Fn::Sub\":\"x\"}}}");
}

static void aliases_repeat_their_anchor(void **state) {
    (void)state;
    assert_json(parsed("a: &x {k: [1, 2]}\nb: *x\nc: &y !Ref Z\nd: *y\n"),
                "{\"a\":{\"k\":[1,2]},\"b\":{\"k\":[1,2]},\"c\":{\"Ref\":\"Z\"},\"d\":{\"Ref\":"
                "\"Z\"}}");
}

static void a_bomb_of_aliases_is_refused(void **state) {
    (void)state;
    char text[2000] = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; i++) {
        char line[120];
        (void)snprintf(line, sizeof line, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n",
                       i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
        strcat(text, line);
    }
    assert_fault(text, "Template format error: the template holds more than 200000 values.");
}

static void broken_yaml_is_named_with_its_place(void **state) {
    (void)state;
    assert_fault("a: [1\nb: 2\n",
                 "Template format error: YAML not well-formed. (line 2, column 2)");
    assert_fault("a: *nowhere\n",
                 "Template format error: YAML not well-formed. (line 1, column 4)");
    assert_fault("a: 1\n--- \nb: 2\n",
                 "Template format error: YAML not well-formed. (line 2, column 1)");
    assert_fault("", "Template format error: unsupported structure.");
    assert_fault("a: &x {b: 1}\nc:\n  <<: *x\n",
                 "Template format error: YAML hash merges are not supported. (line 3, column 3)");
}

static void what_is_nested_too_deeply_is_refused(void **state) {
    (void)state;
    char text[601];
    memset(text, '[', 300);
    memset(text + 300, ']', 300);
    text[600] = '\0';
    assert_fault(text, "Template format error: it is nested too deeply.");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_parsed_in_the_order_of_its_keys),
        cmocka_unit_test(broken_json_is_named_with_its_place),
        cmocka_unit_test(plain_scalars_are_typed_and_dates_and_accounts_stay_text),
        cmocka_unit_test(keys_with_colons_and_values_with_dollars_are_text),
        cmocka_unit_test(short_forms_become_long),
        cmocka_unit_test(aliases_repeat_their_anchor),
        cmocka_unit_test(a_bomb_of_aliases_is_refused),
        cmocka_unit_test(broken_yaml_is_named_with_its_place),
        cmocka_unit_test(what_is_nested_too_deeply_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
