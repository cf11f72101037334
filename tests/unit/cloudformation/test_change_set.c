/* SPDX-License-Identifier: MIT */
/* Change sets, as CDK uses them; templates in buckets, values in the parameter store. */
#include "kit_fixture.h"

#define BODY                                                                                       \
    "Parameters: {V: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /version}}\n"           \
    "Rules: {R: {Assertions: [{Assert: !Not [!Contains [['1', '2'], !Ref V]], AssertDescription: " \
    "too old}]}}\n"                                                                                \
    "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Name: /p, Value: "      \
    "!Ref V}}}\n"

static void parameters_are(struct testkit *kit, const char *value, unsigned times) {
    char body[200];
    (void)snprintf(body, sizeof body, "{\"Parameter\":{\"Value\":\"%s\"}}", value);
    script(kit, "AmazonSSM.GetParameter", 200, body, times);
}

static struct testkit_request *make(struct testkit *kit, const char *name, const char *type,
                                    const char *body) {
    return ask(kit, "CreateChangeSet", "StackName", "Demo", "ChangeSetName", name, "ChangeSetType",
               type, "TemplateBody", body, "Parameters", "", "Tags", "", "DeploymentConfig.Mode",
               "STANDARD", "ImportExistingResources", "false", NULL);
}

static void a_change_set_creates_a_stack(void **state) {
    struct testkit *kit = kit_begin();
    char id[300];
    char stack[300];
    (void)state;
    parameters_are(kit, "6", 0);
    script(kit, "AmazonSSM.", 200, "{}", 0);
    struct testkit_request *req = make(kit, "first", "CREATE", BODY);
    assert_answer(req, 200, "<Id>arn:aws:cloudformation:us-east-1:000000000000:changeSet/first/");
    (void)snprintf(id, sizeof id, "%s", element_text(req, "Id"));
    (void)snprintf(stack, sizeof stack, "%s", element_text(req, "StackId"));
    assert_stack(kit, "Demo", "REVIEW_IN_PROGRESS", stack);
    assert_answer(ask(kit, "GetTemplate", "StackName", "Demo", NULL), 200,
                  "<TemplateBody></TemplateBody>");
    req = ask(kit, "DescribeChangeSet", "StackName", stack, "ChangeSetName", id,
              "IncludePropertyValues", "true", NULL);
    assert_answer(req, 200, "<Status>CREATE_COMPLETE</Status>");
    assert_has(testkit_body(req), "<ExecutionStatus>AVAILABLE</ExecutionStatus>");
    assert_has(testkit_body(req), "<Action>Add</Action><LogicalResourceId>P</LogicalResourceId>");
    assert_has(testkit_body(req), "<AfterContext>{&quot;Properties&quot;:{");
    assert_has(testkit_body(req), "<ResolvedValue>6</ResolvedValue>");
    assert_answer(ask(kit, "DescribeChangeSet", "ChangeSetName", id, NULL), 200, stack);
    assert_answer(ask(kit, "ListChangeSets", "StackName", "Demo", NULL), 200, id);
    assert_answer(ask(kit, "GetTemplate", "ChangeSetName", id, NULL), 200, "Parameters: {V:");
    assert_answer(ask(kit, "ExecuteChangeSet", "ChangeSetName", id, "StackName", "Demo", NULL), 200,
                  "ExecuteChangeSetResponse");
    assert_stack(kit, "Demo", "CREATE_COMPLETE", id);
    assert_sent(kit, "\"Value\":\"6\"");
    assert_answer(ask(kit, "ExecuteChangeSet", "ChangeSetName", id, NULL), 400,
                  "<Code>InvalidChangeSetStatus</Code>");
    assert_answer(make(kit, "again", "CREATE", BODY), 400,
                  "Stack [Demo] already exists and cannot be created again with the changeSet "
                  "[again].");
    kit_end(kit);
}

static void a_missing_change_set_is_deleted_with_success_and_described_with_404(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    parameters_are(kit, "6", 0);
    (void)make(kit, "first", "CREATE", BODY);
    assert_answer(ask(kit, "DeleteChangeSet", "StackName", "Demo", "ChangeSetName", "nope", NULL),
                  200, "DeleteChangeSetResponse");
    assert_answer(ask(kit, "DescribeChangeSet", "StackName", "Demo", "ChangeSetName", "nope", NULL),
                  404, "<Code>ChangeSetNotFound</Code><Message>ChangeSet [nope] does not exist");
    assert_answer(make(kit, "first", "CREATE", BODY), 400, "<Code>AlreadyExistsException</Code>");
    (void)ask(kit, "DeleteChangeSet", "StackName", "Demo", "ChangeSetName", "first", NULL);
    assert_answer(
        ask(kit, "DescribeChangeSet", "StackName", "Demo", "ChangeSetName", "first", NULL), 404,
        "ChangeSetNotFound");
    assert_answer(make(kit, "first", "UPDATE", BODY), 400,
                  "is in REVIEW_IN_PROGRESS state and can not be updated.");
    kit_end(kit);
}

static void a_change_set_without_changes_fails_with_the_text_that_clients_look_for(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    parameters_are(kit, "6", 0);
    script(kit, "AmazonSSM.", 200, "{}", 0);
    (void)make(kit, "first", "CREATE", BODY);
    (void)ask(kit, "ExecuteChangeSet", "StackName", "Demo", "ChangeSetName", "first", NULL);
    /* What is not a resource may differ. */
    assert_answer(make(kit, "second", "UPDATE", "Conditions: {C: !Equals [a, b]}\n" BODY), 200,
                  "<Id>");
    struct testkit_request *req =
        ask(kit, "DescribeChangeSet", "StackName", "Demo", "ChangeSetName", "second", NULL);
    assert_answer(req, 200, "<Status>FAILED</Status><StatusReason>The submitted information didn");
    assert_has(testkit_body(req), "t contain changes. Submit different information to create a "
                                  "change set.</StatusReason>");
    assert_has(testkit_body(req), "<ExecutionStatus>UNAVAILABLE</ExecutionStatus>");
    assert_answer(
        ask(kit, "ExecuteChangeSet", "StackName", "Demo", "ChangeSetName", "second", NULL), 400,
        "cannot be executed in its current status of [FAILED]");
    kit_end(kit);
}

static void an_update_says_what_it_replaces(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    parameters_are(kit, "6", 0);
    script(kit, "AmazonSSM.", 200, "{}", 0);
    (void)make(kit, "first", "CREATE", BODY);
    (void)ask(kit, "ExecuteChangeSet", "StackName", "Demo", "ChangeSetName", "first", NULL);
    (void)make(kit, "second", "UPDATE",
               "Resources:\n  P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Name: /q, "
               "Value: '6'}}\n  Q: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: "
               "!Ref P}}\n");
    struct testkit_request *req =
        ask(kit, "DescribeChangeSet", "StackName", "Demo", "ChangeSetName", "second",
            "IncludePropertyValues", "true", NULL);
    assert_answer(req, 200,
                  "<PolicyAction>ReplaceAndDelete</PolicyAction><Action>Modify</Action>"
                  "<LogicalResourceId>P</LogicalResourceId><PhysicalResourceId>/p<");
    assert_has(testkit_body(req), "<Replacement>True</Replacement><Scope><member>Properties<");
    assert_has(testkit_body(req), "<Name>Name</Name><RequiresRecreation>Always</"
                                  "RequiresRecreation><Path>/Properties/Name</Path><BeforeValue>/p"
                                  "</BeforeValue><AfterValue>/q</AfterValue>");
    assert_has(testkit_body(req), "{{changeSet:KNOWN_AFTER_APPLY}}");
    (void)ask(kit, "ExecuteChangeSet", "StackName", "Demo", "ChangeSetName", "second", NULL);
    assert_stack(kit, "Demo", "UPDATE_COMPLETE", "<LastUpdatedTime>");
    kit_end(kit);
}

static void rules_and_missing_parameters_refuse_a_change_set(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    parameters_are(kit, "2", 1);
    script(kit, "AmazonSSM.GetParameter", 400, "{\"__type\":\"ParameterNotFound\"}", 0);
    assert_answer(make(kit, "first", "CREATE", BODY), 400,
                  "Template validation error: rule R: too old");
    assert_answer(make(kit, "first", "CREATE", BODY), 400,
                  "Unable to fetch parameters [/version] from parameter store for this account.");
    assert_answer(ask(kit, "DescribeStacks", "StackName", "Demo", NULL), 400, "does not exist");
    kit_end(kit);
}

static void a_template_is_read_from_a_bucket_whatever_the_host(void **state) {
    static const struct {
        const char *url;
        const char *path;
    } cases[] = {
        {"http://127.0.0.1:4566/bucket/key.json", "GET /bucket/key.json "},
        {"http://localhost:4566/bucket/a/b%20c.yaml", "GET /bucket/a/b%20c.yaml "},
        {"https://s3.eu-west-1.amazonaws.com/bucket/key", "GET /bucket/key "},
        {"https://bucket.s3.eu-west-1.amazonaws.com/dir/key", "GET /bucket/dir/key "},
        {"https://my.bucket.s3.amazonaws.com/key?versionId=1", "GET /my.bucket/key?versionId=1 "},
        {"http://bucket.s3.localhost.localstack.cloud:4566/key", "GET /bucket/key "},
    };
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "GET /", 200, "Resources: {X: {Type: AWS::CDK::Metadata}}", 6);
    script(kit, "GET /", 404,
           "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>"
           "</Error>",
           1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_answer(ask(kit, "ValidateTemplate", "TemplateURL", cases[i].url, NULL), 200, "");
        assert_sent(kit, cases[i].path);
    }
    assert_answer(ask(kit, "ValidateTemplate", "TemplateURL", cases[0].url, NULL), 400,
                  "S3 error: The specified key does not exist.\nFor more information check");
    assert_answer(ask(kit, "ValidateTemplate", "TemplateURL", "ftp://x/y", NULL), 400,
                  "TemplateURL must be a supported URL.");
    kit_end(kit);
}

static void templates_are_summarized(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    struct testkit_request *req =
        ask(kit, "GetTemplateSummary", "TemplateBody",
            "AWSTemplateFormatVersion: 2010-09-09\nDescription: d\n"
            "Parameters: {P: {Type: String, Default: x, NoEcho: true, AllowedValues: [x, y]}}\n"
            "Resources: {R: {Type: AWS::IAM::Role, Properties: {RoleName: r}}, S: {Type: "
            "AWS::IAM::Role}}",
            NULL);
    assert_answer(req, 200, "<ParameterType>String</ParameterType><NoEcho>true</NoEcho>");
    assert_has(testkit_body(req), "<AllowedValues><member>x</member><member>y</member>");
    assert_has(testkit_body(req), "<Capabilities><member>CAPABILITY_NAMED_IAM</member>");
    assert_has(testkit_body(req), "<ResourceTypes><member>AWS::IAM::Role</member></ResourceTypes>");
    assert_has(testkit_body(req), "<Version>2010-09-09</Version>");
    char *big = malloc(51300);
    memset(big, 'x', 51299);
    big[51299] = '\0';
    assert_answer(ask(kit, "ValidateTemplate", "TemplateBody", big, NULL), 400,
                  "at 'templateBody' failed to satisfy constraint: Member must have length "
                  "less than or equal to 51200");
    free(big);
    kit_end(kit);
}

static void cloudtrail_has_no_events(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    static const char *const prefixes[] = {
        "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
        "CloudTrail_20131101.LookupEvents"};
    for (size_t i = 0; i < 2; i++) {
        struct testkit_request *req = testkit_ask_target(kit, prefixes[i], "{}");
        assert_int_equal(testkit_status(req), 200);
        assert_string_equal(testkit_body(req), "{\"Events\":[]}");
    }
    kit_end(kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_set_creates_a_stack),
        cmocka_unit_test(a_missing_change_set_is_deleted_with_success_and_described_with_404),
        cmocka_unit_test(a_change_set_without_changes_fails_with_the_text_that_clients_look_for),
        cmocka_unit_test(an_update_says_what_it_replaces),
        cmocka_unit_test(rules_and_missing_parameters_refuse_a_change_set),
        cmocka_unit_test(a_template_is_read_from_a_bucket_whatever_the_host),
        cmocka_unit_test(templates_are_summarized),
        cmocka_unit_test(cloudtrail_has_no_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
