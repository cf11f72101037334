/* SPDX-License-Identifier: MIT */
/* Stacks from their creation to their deletion, with the parameter store scripted. */
#include "kit_fixture.h"

#define ONE                                                                                        \
    "Parameters: {V: {Type: String, Default: one}}\n"                                              \
    "Resources:\n"                                                                                 \
    "  P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref V, Name: /a}}\n"
#define TWO                                                                                        \
    ONE "  Q: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref P}}\n"            \
        "Outputs: {Name: {Value: !Ref Q, Export: {Name: shared}}}\n"

static void good_store(struct testkit *kit) {
    script(kit, "AmazonSSM.", 200, "{\"Version\":1}", 0);
}

static void missing_stacks_are_named_in_the_words_that_clients_compare(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    assert_answer(ask(kit, "DescribeStacks", "StackName", "Nope", NULL), 400,
                  "<Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id Nope does "
                  "not exist</Message>");
    assert_answer(ask(kit, "DescribeStackEvents", "StackName", "Nope", NULL), 400,
                  "Stack [Nope] does not exist");
    assert_answer(ask(kit, "UpdateStack", "StackName", "Nope", "TemplateBody", ONE, NULL), 400,
                  "Stack [Nope] does not exist");
    assert_answer(ask(kit, "DeleteStack", "StackName", "Nope", NULL), 200, "DeleteStackResponse");
    assert_answer(ask(kit, "Frobnicate", NULL), 400, "<Code>InvalidAction</Code>");
    kit_end(kit);
}

static void a_stack_is_created_in_the_order_of_its_references(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    good_store(kit);
    struct testkit_request *req = ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", TWO,
                                      "Tags.member.1.Key", "k", "Tags.member.1.Value", "v", NULL);
    assert_answer(req, 200, "<StackId>arn:aws:cloudformation:us-east-1:000000000000:stack/Demo/");
    assert_stack(kit, "Demo", "CREATE_COMPLETE", "<OutputValue>Demo-Q-");
    assert_has(testkit_sent(kit, TESTKIT_DISPATCH, 0)->body.ptr, "\"Name\":\"/a\"");
    assert_has(testkit_sent(kit, TESTKIT_DISPATCH, 1)->body.ptr, "\"Value\":\"/a\"");
    assert_sent(kit, "\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}]");
    req = ask(kit, "DescribeStackEvents", "StackName", "Demo", NULL);
    assert_has(testkit_body(req), "<ResourceStatusReason>User Initiated</ResourceStatusReason>");
    /* Newest first: the stack's own end. */
    assert_string_equal(element_text(req, "LogicalResourceId"), "Demo");
    assert_string_equal(element_text(req, "ResourceStatus"), "CREATE_COMPLETE");
    assert_answer(ask(kit, "GetTemplate", "StackName", "Demo", NULL), 200, "Parameters: {V:");
    assert_answer(ask(kit, "ListExports", NULL), 200, "<Name>shared</Name>");
    assert_answer(
        ask(kit, "DescribeStackResource", "StackName", "Demo", "LogicalResourceId", "P", NULL), 200,
        "<PhysicalResourceId>/a</PhysicalResourceId>");
    assert_answer(ask(kit, "ListStackResources", "StackName", "Demo", NULL), 200,
                  "<ResourceType>AWS::SSM::Parameter</ResourceType>");
    assert_answer(ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", TWO, NULL), 400,
                  "<Code>AlreadyExistsException</Code><Message>Stack [Demo] already exists");
    kit_end(kit);
}

static void a_stack_is_found_by_its_id_and_after_deletion_by_that_only(void **state) {
    struct testkit *kit = kit_begin();
    char id[300];
    (void)state;
    good_store(kit);
    struct testkit_request *req =
        ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", TWO, NULL);
    (void)snprintf(id, sizeof id, "%s", element_text(req, "StackId"));
    assert_stack(kit, id, "CREATE_COMPLETE", id);
    assert_answer(ask(kit, "DeleteStack", "StackName", id, NULL), 200, "DeleteStackResponse");
    assert_stack(kit, id, "DELETE_COMPLETE", "<DeletionTime>");
    assert_answer(ask(kit, "DescribeStacks", "StackName", "Demo", NULL), 400,
                  "Stack with id Demo does not exist");
    /* What refers goes before what is referred to. */
    size_t n = 2;
    assert_has(testkit_sent(kit, TESTKIT_DISPATCH, n)->body.ptr, "Demo-Q-");
    assert_has(testkit_sent(kit, TESTKIT_DISPATCH, n + 1)->body.ptr, "/a");
    assert_answer(ask(kit, "ListStacks", NULL), 200, "DELETE_COMPLETE");
    assert_lacks(testkit_body(ask(kit, "DescribeStacks", NULL)), "<StackName>");
    assert_lacks(testkit_body(ask(kit, "ListExports", NULL)), "<Name>");
    kit_end(kit);
}

static void the_beginning_of_an_operation_is_seen_at_once(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    good_store(kit);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", ONE, NULL);
    assert_stack(kit, "Demo", "CREATE_COMPLETE", "");
    /* Both requests are in before the loop goes on. */
    struct testkit_request *one = testkit_request_create(kit, "POST", "/");
    struct testkit_request *two = testkit_request_create(kit, "POST", "/");
    struct testkit_request *both[] = {one, two};
    static const char *const forms[] = {"Action=DeleteStack&Version=2010-05-15&StackName=Demo",
                                        "Action=DescribeStacks&Version=2010-05-15&StackName=Demo"};
    for (size_t i = 0; i < 2; i++) {
        testkit_request_header(both[i], "Content-Type", "application/x-www-form-urlencoded");
        testkit_request_identity(both[i], NULL, NULL, "cloudformation");
        testkit_request_body(both[i], forms[i], strlen(forms[i]));
        assert_int_equal(testkit_send(both[i]), 0);
    }
    (void)testkit_run(kit);
    assert_answer(two, 200, "<StackStatus>DELETE_IN_PROGRESS</StackStatus>");
    kit_end(kit);
}

static void a_creation_that_fails_is_rolled_back_with_its_cause(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "AmazonSSM.PutParameter", 200, "{}", 1);
    script(kit, "AmazonSSM.PutParameter", 400,
           "{\"__type\":\"ValidationException\",\"message\":\"it will not do\"}", 1);
    script(kit, "AmazonSSM.DeleteParameter", 200, "{}", 0);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", TWO, NULL);
    assert_stack(kit, "Demo", "ROLLBACK_COMPLETE", "");
    struct testkit_request *req = ask(kit, "DescribeStackEvents", "StackName", "Demo", NULL);
    assert_has(testkit_body(req),
               "Resource handler returned message: &quot;it will not do (Service: "
               "SSM, Status Code: 400");
    assert_has(testkit_body(req), "HandlerErrorCode: InvalidRequest)");
    assert_has(testkit_body(req), "The following resource(s) failed to create: [Q]. Rollback "
                                  "requested by user.");
    assert_not_sent(kit, "DeleteParameter {\"Name\":\"Demo-Q");
    assert_sent(kit, "DeleteParameter {\"Name\":\"/a\"}");
    assert_answer(ask(kit, "UpdateStack", "StackName", "Demo", "TemplateBody", ONE, NULL), 400,
                  "is in ROLLBACK_COMPLETE state and can not be updated.");
    assert_answer(ask(kit, "DeleteStack", "StackName", "Demo", NULL), 200, "");
    assert_answer(ask(kit, "DescribeStacks", "StackName", "Demo", NULL), 400, "does not exist");
    kit_end(kit);
}

static void what_belongs_to_somebody_else_is_not_removed_by_a_rollback(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "AmazonSSM.PutParameter", 400,
           "{\"__type\":\"ParameterAlreadyExists\",\"message\":\"it is there\"}", 0);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", ONE, NULL);
    assert_stack(kit, "Demo", "ROLLBACK_COMPLETE", "");
    assert_not_sent(kit, "DeleteParameter");
    kit_end(kit);
}

static void a_type_that_nobody_provides_fails_its_resource_by_name(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody",
              "Resources: {X: {Type: Foo::Bar::Baz}}", NULL);
    assert_stack(kit, "Demo", "ROLLBACK_COMPLETE", "");
    assert_has(testkit_body(ask(kit, "DescribeStackEvents", "StackName", "Demo", NULL)),
               "Resource type Foo::Bar::Baz is not supported: no plugin of this host provides it.");
    kit_end(kit);
}

static void on_failure_decides_what_becomes_of_a_creation(void **state) {
    struct testkit *kit = kit_begin();
    char id[300];
    (void)state;
    (void)ask(kit, "CreateStack", "StackName", "Stays", "OnFailure", "DO_NOTHING", "TemplateBody",
              "Resources: {X: {Type: Foo::Bar::Baz}}", NULL);
    assert_stack(kit, "Stays", "CREATE_FAILED", "");
    assert_answer(ask(kit, "RollbackStack", "StackName", "Stays", NULL), 200, "<StackId>");
    assert_stack(kit, "Stays", "ROLLBACK_COMPLETE", "");
    struct testkit_request *req =
        ask(kit, "CreateStack", "StackName", "Goes", "OnFailure", "DELETE", "TemplateBody",
            "Resources: {X: {Type: Foo::Bar::Baz}}", NULL);
    (void)snprintf(id, sizeof id, "%s", element_text(req, "StackId"));
    assert_stack(kit, id, "DELETE_COMPLETE", "");
    kit_end(kit);
}

static void an_update_changes_what_differs_only(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    good_store(kit);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", TWO, NULL);
    assert_answer(ask(kit, "UpdateStack", "StackName", "Demo", "TemplateBody", TWO, NULL), 400,
                  "<Message>No updates are to be performed.</Message>");
    assert_answer(ask(kit, "UpdateStack", "StackName", "Demo", "UsePreviousTemplate", "true",
                      "Parameters.member.1.ParameterKey", "V", "Parameters.member.1.ParameterValue",
                      "two", NULL),
                  200, "<StackId>");
    assert_stack(kit, "Demo", "UPDATE_COMPLETE", "<ParameterValue>two</ParameterValue>");
    assert_string_equal(testkit_sent(kit, TESTKIT_DISPATCH, 2)->target, "/ AmazonSSM.PutParameter");
    assert_has(testkit_sent(kit, TESTKIT_DISPATCH, 2)->body.ptr, "\"Overwrite\":true");
    assert_null(testkit_sent(kit, TESTKIT_DISPATCH, 3));
    /* Kept by UsePreviousValue. */
    assert_answer(ask(kit, "UpdateStack", "StackName", "Demo", "TemplateBody", TWO,
                      "Parameters.member.1.ParameterKey", "V",
                      "Parameters.member.1.UsePreviousValue", "true", NULL),
                  400, "No updates are to be performed.");
    kit_end(kit);
}

static void a_replacement_is_made_before_the_old_one_goes(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    good_store(kit);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", TWO, NULL);
    (void)ask(kit, "UpdateStack", "StackName", "Demo", "TemplateBody",
              "Resources:\n  P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: one, "
              "Name: /b}}\n  Q: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref "
              "P}}\nOutputs: {Name: {Value: !Ref Q, Export: {Name: shared}}}\n",
              NULL);
    assert_stack(kit, "Demo", "UPDATE_COMPLETE", "");
    assert_has(testkit_sent(kit, TESTKIT_DISPATCH, 2)->body.ptr, "\"Name\":\"/b\"");
    assert_has(testkit_sent(kit, TESTKIT_DISPATCH, 3)->body.ptr, "\"Value\":\"/b\"");
    assert_string_equal(testkit_sent(kit, TESTKIT_DISPATCH, 4)->target,
                        "/ AmazonSSM.DeleteParameter");
    assert_has(testkit_sent(kit, TESTKIT_DISPATCH, 4)->body.ptr, "/a");
    assert_null(testkit_sent(kit, TESTKIT_DISPATCH, 5));
    assert_has(testkit_body(ask(kit, "DescribeStackEvents", "StackName", "Demo", NULL)),
               "Requested update requires the creation of a new physical resource; hence creating "
               "one.");
    kit_end(kit);
}

static void an_update_that_fails_is_taken_back(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "AmazonSSM.PutParameter", 200, "{}", 4);
    script(kit, "AmazonSSM.PutParameter", 400,
           "{\"__type\":\"ValidationException\",\"message\":\"no\"}", 1);
    good_store(kit);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", TWO, NULL);
    (void)ask(kit, "UpdateStack", "StackName", "Demo", "TemplateBody",
              "Resources:\n  P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: new, "
              "Name: /a}}\n  N: {Type: AWS::SSM::Parameter, DependsOn: P, Properties: {Type: "
              "String, Value: x, Name: /n}}\n  Z: {Type: AWS::SSM::Parameter, DependsOn: N, "
              "Properties: {Type: String, Value: x, Name: /z}}\n",
              NULL);
    assert_stack(kit, "Demo", "UPDATE_ROLLBACK_COMPLETE", "<OutputKey>Name</OutputKey>");
    assert_sent(kit, "\"Value\":\"new\"");
    /* P has its value back, N is gone, Q was never touched. */
    assert_has(testkit_sent(kit, TESTKIT_DISPATCH, 5)->body.ptr, "\"Value\":\"one\"");
    assert_has(testkit_sent(kit, TESTKIT_DISPATCH, 6)->body.ptr, "/n");
    assert_null(testkit_sent(kit, TESTKIT_DISPATCH, 7));
    struct testkit_request *req = ask(kit, "ListStackResources", "StackName", "Demo", NULL);
    assert_lacks(testkit_body(req), "<LogicalResourceId>N<");
    assert_has(testkit_body(req), "<LogicalResourceId>Q<");
    assert_answer(ask(kit, "GetTemplate", "StackName", "Demo", NULL), 200, "Default: one");
    assert_has(testkit_body(ask(kit, "DescribeStackEvents", "StackName", "Demo", NULL)),
               "The following resource(s) failed to create: [Z].");
    kit_end(kit);
}

static void retained_resources_stay(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    good_store(kit);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody",
              "Resources: {P: {Type: AWS::SSM::Parameter, DeletionPolicy: Retain, Properties: "
              "{Type: String, Value: x}}}",
              NULL);
    struct testkit_request *req = ask(kit, "DescribeStacks", "StackName", "Demo", NULL);
    char id[300];
    (void)snprintf(id, sizeof id, "%s", element_text(req, "StackId"));
    (void)ask(kit, "DeleteStack", "StackName", "Demo", NULL);
    assert_stack(kit, id, "DELETE_COMPLETE", "");
    assert_not_sent(kit, "DeleteParameter");
    assert_has(testkit_body(ask(kit, "DescribeStackEvents", "StackName", id, NULL)),
               "DELETE_SKIPPED");
    kit_end(kit);
}

static void a_deletion_that_fails_can_be_tried_again(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "AmazonSSM.PutParameter", 200, "{}", 0);
    script(kit, "AmazonSSM.DeleteParameter", 500, "{\"message\":\"broken\"}", 1);
    script(kit, "AmazonSSM.DeleteParameter", 200, "{}", 0);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", ONE, NULL);
    (void)ask(kit, "DeleteStack", "StackName", "Demo", NULL);
    assert_stack(kit, "Demo", "DELETE_FAILED", "The following resource(s) failed to delete: [P]. ");
    (void)ask(kit, "DeleteStack", "StackName", "Demo", NULL);
    assert_answer(ask(kit, "DescribeStacks", "StackName", "Demo", NULL), 400, "does not exist");
    kit_end(kit);
}

static void protected_stacks_are_not_deleted(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    good_store(kit);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", ONE,
              "EnableTerminationProtection", "true", NULL);
    assert_answer(ask(kit, "DeleteStack", "StackName", "Demo", NULL), 400,
                  "Stack [Demo] cannot be deleted while TerminationProtection is enabled");
    assert_answer(ask(kit, "UpdateTerminationProtection", "StackName", "Demo",
                      "EnableTerminationProtection", "false", NULL),
                  200, "<StackId>");
    assert_answer(ask(kit, "DeleteStack", "StackName", "Demo", NULL), 200, "");
    kit_end(kit);
}

static void exports_are_imported_and_held(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    good_store(kit);
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", TWO, NULL);
    (void)ask(kit, "CreateStack", "StackName", "User", "TemplateBody",
              "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: "
              "!ImportValue shared}}}",
              NULL);
    assert_stack(kit, "User", "CREATE_COMPLETE", "");
    assert_answer(ask(kit, "ListImports", "ExportName", "shared", NULL), 200,
                  "<member>User</member>");
    (void)ask(kit, "DeleteStack", "StackName", "Demo", NULL);
    assert_stack(kit, "Demo", "DELETE_FAILED",
                 "Cannot delete export shared as it is in use by User");
    (void)ask(kit, "CreateStack", "StackName", "Other", "TemplateBody",
              "Resources: {P: {Type: AWS::CDK::Metadata}}\n"
              "Outputs: {O: {Value: x, Export: {Name: shared}}}",
              NULL);
    assert_stack(kit, "Other", "ROLLBACK_COMPLETE", "");
    assert_answer(ask(kit, "CreateStack", "StackName", "Lost", "TemplateBody",
                      "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Value: !ImportValue "
                      "nowhere}}}",
                      NULL),
                  400, "No export named nowhere found");
    kit_end(kit);
}

static void iam_resources_take_a_capability(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "POST /", 200, IAM_ANSWER, 0);
    static const char template[] =
        "Resources: {R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {a: b}}}}\n"
        "Outputs: {A: {Value: !GetAtt R.Arn}}";
    assert_answer(ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", template, NULL), 400,
                  "<Code>InsufficientCapabilitiesException</Code><Message>Requires capabilities : "
                  "[CAPABILITY_IAM]</Message>");
    (void)ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", template,
              "Capabilities.member.1", "CAPABILITY_IAM", NULL);
    assert_stack(kit, "Demo", "CREATE_COMPLETE", "arn:aws:iam::000000000000:role/x");
    kit_end(kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_stacks_are_named_in_the_words_that_clients_compare),
        cmocka_unit_test(a_stack_is_created_in_the_order_of_its_references),
        cmocka_unit_test(a_stack_is_found_by_its_id_and_after_deletion_by_that_only),
        cmocka_unit_test(the_beginning_of_an_operation_is_seen_at_once),
        cmocka_unit_test(a_creation_that_fails_is_rolled_back_with_its_cause),
        cmocka_unit_test(what_belongs_to_somebody_else_is_not_removed_by_a_rollback),
        cmocka_unit_test(a_type_that_nobody_provides_fails_its_resource_by_name),
        cmocka_unit_test(on_failure_decides_what_becomes_of_a_creation),
        cmocka_unit_test(an_update_changes_what_differs_only),
        cmocka_unit_test(a_replacement_is_made_before_the_old_one_goes),
        cmocka_unit_test(an_update_that_fails_is_taken_back),
        cmocka_unit_test(retained_resources_stay),
        cmocka_unit_test(a_deletion_that_fails_can_be_tried_again),
        cmocka_unit_test(protected_stacks_are_not_deleted),
        cmocka_unit_test(exports_are_imported_and_held),
        cmocka_unit_test(iam_resources_take_a_capability),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
