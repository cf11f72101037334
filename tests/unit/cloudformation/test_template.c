/* SPDX-License-Identifier: MIT */
/* The structure of templates, their parameters, and the order of their resources. */
#include "scope_fixture.h"

#define RESOURCE "Resources: {X: {Type: T}}\n"

static void faults_of_structure_are_named(void **state) {
    (void)state;
    assert_template_fails("just text", NULL, "Template format error: unsupported structure.");
    assert_template_fails("Description: x", NULL,
                          "Template format error: At least one Resources member must be defined.");
    assert_template_fails("Foo: 1\nBar: 2\n" RESOURCE, NULL,
                          "Invalid template property or properties [Foo, Bar]");
    assert_template_fails("Resources: {X: {Properties: {}}}", NULL,
                          "Template format error: [/Resources/X] Every Resources object must "
                          "contain a Type member.");
    assert_template_fails("Resources: {X: {Type: T, Foo: 1}}", NULL,
                          "Invalid template resource property 'Foo'");
    assert_template_fails("Resources: {X: {Type: T, Properties: {a: [1, {b: null}]}}}", NULL,
                          "[/Resources/X/Properties/a/1/b] 'null' values are not allowed in "
                          "templates");
    assert_template_fails(
        "Transform: AWS::Serverless-2016-10-31\n" RESOURCE, NULL,
        "The transform AWS::Serverless-2016-10-31 is not supported here: no macro "
        "is run.");
    assert_template_fails("AWSTemplateFormatVersion: 2011-01-01\n" RESOURCE, NULL,
                          "Template format error: unsupported value for AWSTemplateFormatVersion.");
    assert_template_fails("Resources: {X: {Type: T, DeletionPolicy: Keep}}", NULL,
                          "Template format error: Unrecognized DeletionPolicy Keep for resource X");
    assert_template_fails("Parameters: {P: {Default: 1}}\n" RESOURCE, NULL,
                          "Template format error: Every Parameters object must contain a Type "
                          "member.");
    assert_template_fails(RESOURCE "Outputs: {O: {Description: d}}", NULL,
                          "Template format error: Every Outputs member must contain a Value "
                          "object");
}

static void references_that_lead_nowhere_are_named(void **state) {
    (void)state;
    assert_template_fails("Resources: {X: {Type: T, Properties: {a: !Ref A, b: !Sub '${B} ${A}'}}}",
                          NULL,
                          "Template format error: Unresolved resource dependencies [A, B] in the "
                          "Resources block of the template");
    assert_template_fails("Resources: {X: {Type: T, Properties: {a: !GetAtt A.Arn}}}", NULL,
                          "Template error: instance of Fn::GetAtt references undefined resource A");
    assert_template_fails(RESOURCE "Outputs: {O: {Value: !Ref Y}}", NULL,
                          "Template format error: Unresolved resource dependencies [Y] in the "
                          "Outputs block of the template");
    assert_template_fails("Conditions: {C: !Equals [!Ref X, a]}\n" RESOURCE, NULL,
                          "Template format error: Unresolved dependencies [X]. Cannot reference "
                          "resources in the Conditions block of the template");
    assert_template_fails("Resources: {X: {Type: T, DependsOn: Y}}", NULL,
                          "Template format error: Unresolved resource dependencies [Y] in the "
                          "Resources block of the template");
    assert_template_fails("Resources: {X: {Type: T, Condition: C}}", NULL,
                          "Template format error: Unresolved condition dependency C in the "
                          "Resources block of the template");
}

static int has_arn_only(void *arg, const char *type, struct virga_str attribute) {
    (void)arg;
    return strcmp(type, "T") != 0 ? -1 : virga_str_equal(attribute, virga_str_from("Arn"));
}

static void an_attribute_that_a_type_has_not_is_named(void **state) {
    struct json_object *root = NULL;
    struct fault fault;
    (void)state;
    assert_int_equal(
        template_parse(virga_str_from("Resources: {X: {Type: T}, Z: {Type: U}}\n"
                                      "Outputs: {O: {Value: !Join ['', [!GetAtt X.Arn, !GetAtt "
                                      "Z.Q, !GetAtt X.Nope]]}}"),
                       has_arn_only, NULL, &root, &fault),
        -EINVAL);
    assert_string_equal(fault.text, "Template error: resource X does not support attribute type "
                                    "Nope in Fn::GetAtt");
}

#define GIVE(key, value) "[{ParameterKey: " key ", ParameterValue: '" value "'}]"

static void parameters_are_checked(void **state) {
    static const struct {
        const char *declared;
        const char *given;
        const char *message;
    } cases[] = {
        {"{Type: String}", "[]", "Parameters: [P] must have values"},
        {"{Type: String}", GIVE("Q", "x"), "Parameters: [Q] do not exist in the template"},
        {"{Type: String, AllowedValues: [a, b]}", GIVE("P", "c"),
         "Parameter 'P' must be one of AllowedValues"},
        {"{Type: String, AllowedPattern: '[a-z]+\\d'}", GIVE("P", "A1"),
         "Parameter 'P' must match pattern [a-z]+\\d"},
        {"{Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: only letters}",
         GIVE("P", "1"), "Parameter P failed to satisfy constraint: only letters"},
        {"{Type: String, MinLength: 3}", GIVE("P", "ab"),
         "Parameter 'P' must contain at least 3 characters"},
        {"{Type: String, MaxLength: 1}", GIVE("P", "ab"),
         "Parameter 'P' must contain at most 1 characters"},
        {"{Type: Number}", GIVE("P", "x"), "Parameter 'P' must be a number."},
        {"{Type: Number, MinValue: 5}", GIVE("P", "4"),
         "Parameter 'P' must be a number not less than 5"},
        {"{Type: Number, MaxValue: 5}", GIVE("P", "5.5"),
         "Parameter 'P' must be a number not greater than 5"},
        {"{Type: List<Number>}", GIVE("P", "1, 2, x"), "Parameter 'P' must be a number."},
        {"{Type: Strnig}", GIVE("P", "x"),
         "Template format error: Unrecognized parameter type: Strnig"},
        {"{Type: String, Default: x, AllowedValues: a}", "[]",
         "Template format error: Every AllowedValues member must be a list."},
        {"{Type: String}", "[{ParameterKey: P, UsePreviousValue: true}]",
         "Parameters: [P] must have values"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[300];
        (void)snprintf(text, sizeof text, "Parameters: {P: %s}\n" RESOURCE, cases[i].declared);
        assert_template_fails(text, cases[i].given, cases[i].message);
    }
}

static void parameters_are_kept_and_given(void **state) {
    struct scene scene;
    struct json_object *set = NULL;
    const char *name = NULL;
    size_t at = 0;
    (void)state;
    scene_begin(&scene,
                "Parameters:\n  A: {Type: String}\n  B: {Type: String, Default: b, NoEcho: true}\n"
                "  V: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /v}\n"
                "  L: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /l}\n" RESOURCE,
                GIVE("A", "one"));
    struct json_object *given = parsed("[{ParameterKey: A, UsePreviousValue: true}, {ParameterKey: "
                                       "B, ParameterValue: two}]");
    assert_int_equal(parameters_make(scene.root, given, scene.set, &set, &scene.fault), 0);
    json_object_put(given);
    assert_string_equal(value_json(value_member(set, "A")),
                        "{\"type\":\"String\",\"value\":\"one\"}");
    assert_string_equal(value_json(value_member(set, "B")),
                        "{\"type\":\"String\",\"value\":\"two\",\"noEcho\":true}");
    assert_string_equal(parameters_unresolved(set, &at, &name), "/v");
    assert_string_equal(name, "V");
    assert_string_equal(parameters_unresolved(set, &at, &name), "/l");
    assert_null(parameters_unresolved(set, &at, &name));
    assert_int_equal(value_set_text(value_member(set, "V"), "resolved", "6"), 0);
    assert_int_equal(value_set_text(value_member(set, "L"), "resolved", "x,y"), 0);
    scene.scope.parameters = set;
    assert_evaluates(&scene, "[!Ref V, !Ref L]", "[\"6\",[\"x\",\"y\"]]");
    json_object_put(set);
    scene_end(&scene);
}

static void resources_are_put_in_order(void **state) {
    struct scene scene;
    struct order order;
    (void)state;
    scene_begin(&scene,
                "Conditions: {Not: !Equals [a, b]}\n"
                "Resources:\n"
                "  A: {Type: T, Properties: {x: !GetAtt B.Arn, y: !Sub 'a ${C} b ${!E}'}}\n"
                "  B: {Type: T, DependsOn: [C, E]}\n"
                "  C: {Type: T}\n"
                "  D: {Type: T, Properties: {x: !If [Not, !Ref E, !Ref A]}}\n"
                "  E: {Type: T, Condition: Not}\n",
                NULL);
    assert_int_equal(order_make(&scene.scope, &order, &scene.fault), 0);
    assert_int_equal(order.count, 4);
    static const char *const names[] = {"C", "B", "A", "D"};
    static const size_t waits[] = {0, 1, 2, 1};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(order.nodes[i].logical, names[i]);
        assert_int_equal(order.nodes[i].waits_for_count, waits[i]);
        for (size_t w = 0; w < waits[i]; w++) {
            assert_true(order.nodes[i].waits_for[w] < i);
        }
    }
    assert_int_equal(order_find(&order, "E"), 4);
    order_finish(&order);
    scene_end(&scene);
}

static void a_circle_is_named(void **state) {
    struct scene scene;
    struct order order;
    (void)state;
    scene_begin(
        &scene,
        "Resources:\n  A: {Type: T, Properties: {x: !Ref B}}\n  B: {Type: T, DependsOn: A}\n"
        "  C: {Type: T, Properties: {x: !Ref A}}\n  D: {Type: T}\n",
        NULL);
    assert_int_equal(order_make(&scene.scope, &order, &scene.fault), -EINVAL);
    assert_string_equal(scene.fault.text, "Circular dependency between resources: [A, B]");
    scene_end(&scene);
}

static void capabilities_are_found(void **state) {
    struct scene scene;
    struct json_object *types = NULL;
    (void)state;
    scene_begin(&scene, "Resources: {A: {Type: AWS::IAM::Role}, B: {Type: AWS::IAM::Role}}", NULL);
    assert_int_equal(template_capabilities(scene.root, &types), TEMPLATE_NEEDS_IAM);
    assert_json(types, "[\"AWS::IAM::Role\"]");
    scene_end(&scene);
    scene_begin(&scene, "Resources: {A: {Type: AWS::IAM::Role, Properties: {RoleName: x}}}", NULL);
    assert_int_equal(template_capabilities(scene.root, NULL), TEMPLATE_NEEDS_NAMED_IAM);
    scene_end(&scene);
    scene_begin(&scene, RESOURCE, NULL);
    assert_int_equal(template_capabilities(scene.root, NULL), 0);
    scene_end(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_structure_are_named),
        cmocka_unit_test(references_that_lead_nowhere_are_named),
        cmocka_unit_test(an_attribute_that_a_type_has_not_is_named),
        cmocka_unit_test(parameters_are_checked),
        cmocka_unit_test(parameters_are_kept_and_given),
        cmocka_unit_test(resources_are_put_in_order),
        cmocka_unit_test(a_circle_is_named),
        cmocka_unit_test(capabilities_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
