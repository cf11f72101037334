/* SPDX-License-Identifier: MIT */
/* The intrinsic functions. */
#include "scope_fixture.h"

static const char template[] = "Parameters:\n"
                               "  Env: {Type: String, Default: dev}\n"
                               "  Count: {Type: Number, Default: 3}\n"
                               "  Names: {Type: CommaDelimitedList, Default: 'a, b,c'}\n"
                               "  None: {Type: CommaDelimitedList, Default: ''}\n"
                               "Mappings:\n"
                               "  Sizes: {dev: {size: small, zones: [x, y]}}\n"
                               "Conditions:\n"
                               "  IsDev: !Equals [!Ref Env, dev]\n"
                               "  IsProd: !Not [!Condition IsDev]\n"
                               "  Both: !And [!Condition IsDev, !Condition IsProd]\n"
                               "  Either: !Or [!Condition IsDev, !Condition IsProd]\n"
                               "  HasNames: !Not [!Equals ['', !Join ['', !Ref Names]]]\n"
                               "  Never: !Equals [a, b]\n"
                               "Resources:\n"
                               "  Thing: {Type: 'A::B::C'}\n"
                               "  Gone: {Type: 'A::B::C', Condition: Never}\n";

static void references_become_values(void **state) {
    struct scene scene;
    (void)state;
    scene_begin(&scene, template, NULL);
    assert_evaluates(&scene, "!Ref Env", "\"dev\"");
    assert_evaluates(&scene, "!Ref Count", "\"3\"");
    assert_evaluates(&scene, "!Ref Names", "[\"a\",\"b\",\"c\"]");
    assert_evaluates(&scene, "!Ref None", "[]");
    assert_evaluates(&scene, "!Ref Thing", "\"<Thing>\"");
    assert_evaluates(&scene, "!GetAtt Thing.Arn", "\"<Thing.Arn>\"");
    assert_evaluates(&scene, "!GetAtt Thing.Outputs.X", "\"<Thing.Outputs.X>\"");
    assert_evaluates(&scene, "!GetAtt [Thing, Arn]", "\"<Thing.Arn>\"");
    assert_evaluates(&scene, "!ImportValue there", "\"imported\"");
    assert_fails(&scene, "!ImportValue nowhere", "No export named nowhere found");
    assert_fails(&scene, "!Ref Gone",
                 "Template format error: Unresolved resource dependencies [Gone] in the Resources "
                 "block of the template");
    scene_end(&scene);
}

static void pseudo_parameters_are_known(void **state) {
    struct scene scene;
    (void)state;
    scene_begin(&scene, template, NULL);
    assert_evaluates(&scene,
                     "[!Ref AWS::AccountId, !Ref AWS::Region, !Ref AWS::Partition, !Ref "
                     "AWS::URLSuffix, !Ref AWS::StackName, !Ref AWS::NotificationARNs]",
                     "[\"111122223333\",\"eu-west-1\",\"aws\",\"amazonaws.com\",\"Demo\",[]]");
    assert_evaluates(&scene, "!Ref AWS::StackId",
                     "\"arn:aws:cloudformation:eu-west-1:111122223333:stack/Demo/1234\"");
    assert_evaluates(&scene, "a: 1\nb: !Ref AWS::NoValue\nc: [1, !Ref AWS::NoValue, 2]",
                     "{\"a\":1,\"c\":[1,2]}");
    scene.scope.region = "cn-north-1";
    assert_evaluates(&scene, "!Sub '${AWS::Partition} ${AWS::URLSuffix}'",
                     "\"aws-cn amazonaws.com.cn\"");
    scene_end(&scene);
}

static void text_is_substituted(void **state) {
    struct scene scene;
    (void)state;
    scene_begin(&scene, template, NULL);
    assert_evaluates(&scene, "!Sub 'x-${Env}-${Thing}-${Thing.Arn}-${AWS::Region}-${!Literal}-$'",
                     "\"x-dev-<Thing>-<Thing.Arn>-eu-west-1-${Literal}-$\"");
    assert_evaluates(&scene, "!Sub ['${a}/${Env}', {a: !Ref Count}]", "\"3/dev\"");
    assert_evaluates(&scene, "!Sub 'no end ${Env'", "\"no end ${Env\"");
    assert_fails(&scene, "!Sub '${a b}'",
                 "Template error: variable names in Fn::Sub syntax must contain only alphanumeric "
                 "characters, underscores, periods, and colons");
    assert_fails(&scene, "!Sub [a]",
                 "Template error: One or more Fn::Sub intrinsic functions don't specify expected "
                 "arguments. Specify a string as first argument, and an optional second argument "
                 "to specify a mapping of values to replace in the string");
    assert_fails(&scene, "!Sub '${Names}'",
                 "Template error: variable Names in Fn::Sub expression does not resolve to a "
                 "string");
    scene_end(&scene);
}

static void lists_are_joined_split_and_selected_from(void **state) {
    struct scene scene;
    (void)state;
    scene_begin(&scene, template, NULL);
    assert_evaluates(&scene, "!Join ['-', [a, !Ref Count, 5, true]]", "\"a-3-5-true\"");
    assert_evaluates(&scene, "!Join ['', !Ref Names]", "\"abc\"");
    assert_evaluates(&scene, "!Split ['--', 'a--b----c']", "[\"a\",\"b\",\"\",\"c\"]");
    assert_evaluates(&scene, "!Select [1, !Split [',', 'x,y,z']]", "\"y\"");
    assert_evaluates(&scene, "!Select [!Ref Count, [0, 1, 2, 3]]", "3");
    assert_evaluates(&scene, "!Base64 {'Fn::Sub': 'v=${Env}'}", "\"dj1kZXY=\"");
    assert_evaluates(&scene, "!Cidr [10.0.0.0/24, 3, 5]",
                     "[\"10.0.0.0/27\",\"10.0.0.32/27\",\"10.0.0.64/27\"]");
    assert_evaluates(&scene, "!GetAZs ''", "[\"eu-west-1a\",\"eu-west-1b\",\"eu-west-1c\"]");
    assert_fails(&scene, "!Select [3, [a]]",
                 "Template error: Fn::Select cannot select nonexistent value at index 3");
    assert_fails(&scene, "!Join [a, b]",
                 "Template error: every Fn::Join object requires two parameters, (1) a string "
                 "delimiter and (2) a list of strings to be joined or a function that returns a "
                 "list of strings (such as Fn::GetAZs) to be joined.");
    assert_fails(&scene, "!Cidr [10.0.0.0/30, 4, 1]",
                 "Template error: Fn::Cidr: 4 blocks of 1 bits do not fit into 10.0.0.0/30");
    scene_end(&scene);
}

static void mappings_are_looked_up(void **state) {
    struct scene scene;
    (void)state;
    scene_begin(&scene, template, NULL);
    assert_evaluates(&scene, "!FindInMap [Sizes, !Ref Env, size]", "\"small\"");
    assert_evaluates(&scene, "!FindInMap [Sizes, dev, zones]", "[\"x\",\"y\"]");
    assert_evaluates(&scene, "!FindInMap [Sizes, prod, size, {DefaultValue: !Ref Env}]", "\"dev\"");
    assert_fails(&scene, "!FindInMap [Sizes, prod, size]",
                 "Template error: Unable to get mapping for Sizes::prod::size");
    assert_fails(&scene, "!FindInMap [Nope, a, b]",
                 "Template error: Mapping named 'Nope' is not present in the 'Mappings' section of "
                 "template.");
    scene_end(&scene);
}

static void conditions_choose(void **state) {
    struct scene scene;
    bool flag;
    (void)state;
    scene_begin(&scene, template, NULL);
    static const struct {
        const char *name;
        bool flag;
    } expected[] = {{"Both", false}, {"Either", true}, {"IsProd", false}, {"HasNames", true}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(scope_condition(&scene.scope, expected[i].name, &flag, &scene.fault), 0);
        assert_int_equal(flag, expected[i].flag);
    }
    assert_evaluates(&scene, "!If [IsDev, {a: !Ref Env}, x]", "{\"a\":\"dev\"}");
    assert_evaluates(&scene, "[1, !If [IsProd, x, !Ref AWS::NoValue], !If [IsDev, y, z]]",
                     "[1,\"y\"]");
    assert_fails(&scene, "!If [Nope, a, b]",
                 "Template format error: Unresolved condition dependency Nope in the Conditions "
                 "block of the template");
    scene_end(&scene);
}

static void conditions_in_a_circle_are_refused(void **state) {
    struct scene scene;
    bool flag;
    (void)state;
    scene_begin(&scene,
                "Conditions:\n  A: !Not [!Condition B]\n  B: !Not [!Condition A]\n"
                "Resources: {X: {Type: T}}\n",
                NULL);
    assert_int_equal(scope_condition(&scene.scope, "A", &flag, &scene.fault), -EINVAL);
    assert_string_equal(scene.fault.text,
                        "Template format error: Circular dependency of condition A");
    scene_end(&scene);
}

static void what_is_not_known_yet_goes_through_functions(void **state) {
    struct scene scene;
    (void)state;
    scene_begin(&scene, template, NULL);
    scene.scope.unknown = "<Thing"; /* as AWS's has one, it may hold the delimiter */
    assert_evaluates(&scene, "!Split ['T', !Ref Thing]", "[\"<Thing\"]");
    assert_evaluates(&scene, "!Select [4, !Split [':', !GetAtt Thing.Arn]]", "\"<Thing\"");
    assert_evaluates(&scene, "!Join ['.', [a, !Select [3, !Split [':', !Ref Thing]], b]]",
                     "\"a.<Thing.b\"");
    assert_evaluates(&scene, "!Join [',', !GetAtt Thing.List]", "\"<Thing\"");
    assert_evaluates(&scene, "!Select [1, !Cidr [!Ref Thing, 3, 5]]", "\"<Thing\"");
    assert_fails(&scene, "!Select [4, !Split [':', 'a:b']]",
                 "Template error: Fn::Select cannot select nonexistent value at index 4");
    scene_end(&scene);
}

static void what_is_unknown_is_named(void **state) {
    struct scene scene;
    (void)state;
    scene_begin(&scene, template, NULL);
    assert_fails(&scene, "!Transform {Name: 'AWS::Include'}",
                 "The transform AWS::Include is not supported here: no macro is run.");
    assert_fails(&scene, "!Frobnicate x",
                 "Template error: the function Fn::Frobnicate is not supported.");
    assert_fails(&scene, "!Contains [[a], a]",
                 "Template error: the function Fn::Contains is not supported.");
    scene_end(&scene);
}

static const char rules[] =
    "Parameters: {V: {Type: String}, L: {Type: CommaDelimitedList, Default: 'a,b'}}\n"
    "Rules:\n"
    "  Check:\n"
    "    Assertions:\n"
    "      - Assert: !Not [!Contains [['1', '2'], !Ref V]]\n"
    "        AssertDescription: too old\n"
    "  Skipped:\n"
    "    RuleCondition: !Equals [!Ref V, '9']\n"
    "    Assertions: [{Assert: !EachMemberIn [!Ref L, [a]]}]\n"
    "Resources: {X: {Type: T}}\n";

static void rules_are_checked(void **state) {
    struct scene scene;
    (void)state;
    scene_begin(&scene, rules, "[{ParameterKey: V, ParameterValue: '6'}]");
    assert_int_equal(scope_check_rules(&scene.scope, &scene.fault), 0);
    scene_end(&scene);
    scene_begin(&scene, rules, "[{ParameterKey: V, ParameterValue: '2'}]");
    assert_int_equal(scope_check_rules(&scene.scope, &scene.fault), -EINVAL);
    assert_string_equal(scene.fault.text, "Template validation error: rule Check: too old");
    scene_end(&scene);
    scene_begin(&scene, rules, "[{ParameterKey: V, ParameterValue: '9'}]");
    assert_int_equal(scope_check_rules(&scene.scope, &scene.fault), -EINVAL);
    scene_end(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_become_values),
        cmocka_unit_test(pseudo_parameters_are_known),
        cmocka_unit_test(text_is_substituted),
        cmocka_unit_test(lists_are_joined_split_and_selected_from),
        cmocka_unit_test(mappings_are_looked_up),
        cmocka_unit_test(conditions_choose),
        cmocka_unit_test(conditions_in_a_circle_are_refused),
        cmocka_unit_test(what_is_not_known_yet_goes_through_functions),
        cmocka_unit_test(what_is_unknown_is_named),
        cmocka_unit_test(rules_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
