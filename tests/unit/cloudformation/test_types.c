/* SPDX-License-Identifier: MIT */
/* AWS's resource types: what they ask the other services for. */
#include "kit_fixture.h"

static void create(struct testkit *kit, const char *template) {
    struct testkit_request *req =
        ask(kit, "CreateStack", "StackName", "Demo", "TemplateBody", template,
            "Capabilities.member.1", "CAPABILITY_NAMED_IAM", NULL);
    assert_answer(req, 200, "<StackId>");
    for (int i = 0; i < 20; i++) {
        (void)testkit_advance(kit, 500);
    }
}

static void update(struct testkit *kit, const char *template) {
    struct testkit_request *req =
        ask(kit, "UpdateStack", "StackName", "Demo", "TemplateBody", template,
            "Capabilities.member.1", "CAPABILITY_NAMED_IAM", NULL);
    assert_answer(req, 200, "<StackId>");
    (void)testkit_advance(kit, 5000);
    assert_stack(kit, "Demo", "UPDATE_COMPLETE", "");
}

static void buckets_get_their_settings(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, " /", 200, "", 0);
    create(kit,
           "Resources:\n"
           "  B:\n    Type: AWS::S3::Bucket\n    Properties:\n"
           "      BucketName: my-bucket\n      AccessControl: Private\n"
           "      BucketEncryption: {ServerSideEncryptionConfiguration: "
           "[{ServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms'}}]}\n"
           "      PublicAccessBlockConfiguration: {BlockPublicAcls: true}\n"
           "      VersioningConfiguration: {Status: Enabled}\n"
           "      LifecycleConfiguration: {Rules: [{Id: a<b, Status: Enabled, Prefix: p/, "
           "NoncurrentVersionExpiration: {NoncurrentDays: 30}, AbortIncompleteMultipartUpload: "
           "{DaysAfterInitiation: 1}}]}\n"
           "  P:\n    Type: AWS::S3::BucketPolicy\n    Properties: {Bucket: !Ref B, "
           "PolicyDocument: {Version: '2012-10-17', Statement: []}}\n"
           "Outputs: {D: {Value: !GetAtt B.RegionalDomainName}}\n");
    assert_stack(kit, "Demo", "CREATE_COMPLETE", "my-bucket.s3.us-east-1.amazonaws.com");
    assert_has(testkit_sent(kit, TESTKIT_DISPATCH, 0)->headers, "x-amz-acl: private");
    assert_sent(kit, "PUT /my-bucket \n");
    assert_sent(kit, "PUT /my-bucket?encryption <ServerSideEncryptionConfiguration xmlns=");
    assert_sent(kit, "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>");
    assert_sent(kit, "<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>false<");
    assert_sent(kit, "PUT /my-bucket?versioning");
    assert_sent(kit, "<Rule><ID>a&lt;b</ID><Filter><Prefix>p/</Prefix></Filter><Status>Enabled<");
    assert_sent(kit, "<NoncurrentVersionExpiration><NoncurrentDays>30<");
    assert_sent(kit, "PUT /my-bucket?policy {\"Version\":\"2012-10-17\",\"Statement\":[]}");
    update(kit, "Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n"
                "      BucketName: my-bucket\n      AccessControl: Private\n"
                "      VersioningConfiguration: {Status: Enabled}\n");
    assert_not_sent(kit, "PUT /my-bucket?acl"); /* absent is Private */
    assert_sent(kit, "DELETE /my-bucket?encryption");
    assert_sent(kit, "DELETE /my-bucket?lifecycle");
    assert_sent(kit, "DELETE /my-bucket?policy");
    (void)ask(kit, "DeleteStack", "StackName", "Demo", NULL);
    assert_sent(kit, "DELETE /my-bucket \n");
    kit_end(kit);
}

static void a_bucket_that_is_not_named_gets_a_name_for_buckets(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, " /", 200, "", 0);
    create(kit, "Resources: {MyBucketWithCapitals: {Type: AWS::S3::Bucket}}");
    assert_sent(kit, "PUT /demo-mybucketwithcapitals-");
    kit_end(kit);
}

#define REPOSITORY(more)                                                                           \
    "Resources:\n  R:\n    Type: AWS::ECR::Repository\n    Properties:\n"                          \
    "      RepositoryName: app\n" more "Outputs: {A: {Value: !GetAtt R.Arn}}\n"

static void repositories_are_made_and_changed(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "DescribeRepositories", 200,
           "{\"repositories\":[{\"repositoryArn\":\"arn:repo\",\"repositoryUri\":\"uri\"}]}", 0);
    script(kit, "AmazonEC2ContainerRegistry", 200, "{}", 0);
    create(kit, REPOSITORY("      ImageTagMutability: IMMUTABLE\n"
                           "      ImageScanningConfiguration: {ScanOnPush: true}\n"
                           "      LifecyclePolicy: {LifecyclePolicyText: '{\"rules\":[]}'}\n"
                           "      RepositoryPolicyText: {Statement: []}\n"
                           "      Tags: [{Key: a, Value: b}]\n"));
    assert_stack(kit, "Demo", "CREATE_COMPLETE", "arn:repo");
    assert_sent(kit, "V20150921.CreateRepository {\"repositoryName\":\"app\","
                     "\"imageTagMutability\":\"IMMUTABLE\",\"tags\":[{\"Key\":\"a\",\"Value\":"
                     "\"b\"}],\"imageScanningConfiguration\":{\"scanOnPush\":true}}");
    assert_sent(kit, "SetRepositoryPolicy {\"repositoryName\":\"app\",\"policyText\":"
                     "\"{\\\"Statement\\\":[]}\"}");
    assert_sent(kit, "PutLifecyclePolicy {\"repositoryName\":\"app\",\"lifecyclePolicyText\":"
                     "\"{\\\"rules\\\":[]}\"}");
    update(kit, REPOSITORY("      ImageTagMutability: MUTABLE\n"
                           "      ImageScanningConfiguration: {ScanOnPush: true}\n"
                           "      EmptyOnDelete: true\n"));
    assert_sent(kit, "PutImageTagMutability {\"repositoryName\":\"app\",\"imageTagMutability\":"
                     "\"MUTABLE\"}");
    assert_sent(kit, "DeleteRepositoryPolicy");
    assert_sent(kit, "UntagResource {\"resourceArn\":\"arn:repo\",\"tagKeys\":[\"a\"]}");
    assert_not_sent(kit, "PutImageScanningConfiguration");
    (void)ask(kit, "DeleteStack", "StackName", "Demo", NULL);
    assert_sent(kit, "DeleteRepository {\"repositoryName\":\"app\",\"force\":true}");
    kit_end(kit);
}

static void roles_and_policies_are_made_and_changed(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "POST /", 200, IAM_ANSWER, 0);
    create(kit, "Resources:\n"
                "  R: {Type: AWS::IAM::Role, Properties: {RoleName: r, AssumeRolePolicyDocument: "
                "{a: 1}, ManagedPolicyArns: ['arn:one', 'arn:two'], Policies: [{PolicyName: in, "
                "PolicyDocument: {b: 2}}]}}\n"
                "  P: {Type: AWS::IAM::Policy, Properties: {PolicyName: p, PolicyDocument: {c: 3}, "
                "Roles: [!Ref R]}}\n");
    assert_stack(kit, "Demo", "CREATE_COMPLETE", "");
    assert_sent(kit, "Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument="
                     "%7B%22a%22%3A1%7D");
    assert_sent(kit, "Action=AttachRolePolicy&Version=2010-05-08&RoleName=r&PolicyArn=arn%3Atwo");
    assert_sent(kit, "Action=PutRolePolicy&Version=2010-05-08&RoleName=r&PolicyName=in&");
    assert_sent(kit, "Action=PutRolePolicy&Version=2010-05-08&RoleName=r&PolicyName=p&");
    update(kit, "Resources:\n"
                "  R: {Type: AWS::IAM::Role, Properties: {RoleName: r, AssumeRolePolicyDocument: "
                "{a: 2}, ManagedPolicyArns: ['arn:two', 'arn:three']}}\n");
    assert_sent(kit, "Action=UpdateAssumeRolePolicy&");
    assert_sent(kit, "Action=DetachRolePolicy&Version=2010-05-08&RoleName=r&PolicyArn=arn%3Aone");
    assert_sent(kit, "Action=AttachRolePolicy&Version=2010-05-08&RoleName=r&PolicyArn=arn%3Athree");
    assert_sent(kit, "Action=DeleteRolePolicy&Version=2010-05-08&RoleName=r&PolicyName=in");
    assert_sent(kit, "Action=DeleteRolePolicy&Version=2010-05-08&RoleName=r&PolicyName=p");
    (void)ask(kit, "DeleteStack", "StackName", "Demo", NULL);
    assert_sent(kit, "Action=DetachRolePolicy&Version=2010-05-08&RoleName=r&PolicyArn=arn%3Athree");
    assert_sent(kit, "Action=DeleteRole&Version=2010-05-08&RoleName=r");
    kit_end(kit);
}

#define FUNCTION(tag, timeout)                                                                     \
    "Resources:\n  F: {Type: AWS::Lambda::Function, Properties: {FunctionName: f, Role: 'arn:r', " \
    "Code: {ImageUri: 'repo:" tag "'}, PackageType: Image, Timeout: '" timeout                     \
    "', Environment: {Variables: {A: 1}}, Tags: [{Key: k, Value: v}]}}\n"                          \
    "Outputs: {A: {Value: !GetAtt F.Arn}}\n"

static void functions_are_made_and_waited_for(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "GET /2015-03-31/functions/f/configuration", 200, "{\"State\":\"Pending\"}", 2);
    script(kit, "GET /2015-03-31/functions/f/configuration", 200,
           "{\"State\":\"Active\",\"FunctionArn\":\"arn:f\"}", 0);
    script(kit, " /2015-03-31/", 200, "{}", 0);
    create(kit, FUNCTION("one", "30"));
    assert_stack(kit, "Demo", "CREATE_COMPLETE", "<OutputValue>arn:f</OutputValue>");
    assert_sent(kit, "POST /2015-03-31/functions {\"FunctionName\":\"f\",\"Code\":{\"ImageUri\":"
                     "\"repo:one\"},\"PackageType\":\"Image\",\"Role\":\"arn:r\",\"Environment\":{"
                     "\"Variables\":{\"A\":\"1\"}},\"Timeout\":30,\"Tags\":{\"k\":\"v\"}}");
    update(kit, FUNCTION("two", "30"));
    assert_sent(kit, "PUT /2015-03-31/functions/f/code {\"ImageUri\":\"repo:two\"}");
    assert_not_sent(kit, "PUT /2015-03-31/functions/f/configuration");
    update(kit, FUNCTION("two", "60"));
    assert_sent(kit, "PUT /2015-03-31/functions/f/configuration {\"Role\":");
    (void)ask(kit, "DeleteStack", "StackName", "Demo", NULL);
    assert_sent(kit, "DELETE /2015-03-31/functions/f \n");
    kit_end(kit);
}

static void a_function_that_does_not_become_active_fails(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "GET /2015-03-31/functions/f/configuration", 200,
           "{\"State\":\"Failed\",\"StateReason\":\"the image is gone\"}", 0);
    script(kit, " /2015-03-31/", 200, "{}", 0);
    create(kit, FUNCTION("one", "30"));
    assert_stack(kit, "Demo", "ROLLBACK_COMPLETE", "");
    assert_has(testkit_body(ask(kit, "DescribeStackEvents", "StackName", "Demo", NULL)),
               "Function f did not become active: the image is gone");
    assert_sent(kit, "DELETE /2015-03-31/functions/f \n");
    kit_end(kit);
}

static void what_belongs_to_a_function_is_made(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "/versions", 201, "{\"FunctionArn\":\"arn:f:7\",\"Version\":\"7\"}", 0);
    script(kit, "/aliases", 201, "{\"AliasArn\":\"arn:f:live\"}", 0);
    script(kit, "/url", 201, "{\"FunctionArn\":\"arn:f\",\"FunctionUrl\":\"http://u/\"}", 0);
    script(kit, " /20", 200, "{}", 0);
    create(kit, "Resources:\n"
                "  V: {Type: AWS::Lambda::Version, Properties: {FunctionName: f}}\n"
                "  A: {Type: AWS::Lambda::Alias, Properties: {FunctionName: f, Name: live, "
                "FunctionVersion: !GetAtt V.Version, RoutingConfig: {AdditionalVersionWeights: "
                "[{FunctionVersion: '6', FunctionWeight: 0.5}]}}}\n"
                "  P: {Type: AWS::Lambda::Permission, Properties: {FunctionName: f, Action: "
                "'lambda:InvokeFunction', Principal: s3.amazonaws.com}}\n"
                "  U: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: f, AuthType: "
                "NONE}}\n"
                "  E: {Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: f, "
                "Qualifier: $LATEST, MaximumRetryAttempts: '1'}}\n"
                "Outputs: {U: {Value: !GetAtt U.FunctionUrl}}\n");
    assert_stack(kit, "Demo", "CREATE_COMPLETE", "<OutputValue>http://u/</OutputValue>");
    assert_sent(kit, "\"AdditionalVersionWeights\":{\"6\":0.5}},\"FunctionVersion\":\"7\"");
    assert_sent(kit, "POST /2015-03-31/functions/f/policy {\"StatementId\":\"Demo-P-");
    assert_sent(kit, "PUT /2019-09-25/functions/f/event-invoke-config?Qualifier=$LATEST "
                     "{\"MaximumRetryAttempts\":1}");
    (void)ask(kit, "DeleteStack", "StackName", "Demo", NULL);
    assert_sent(kit, "DELETE /2015-03-31/functions/f?Qualifier=7 ");
    assert_sent(kit, "DELETE /2015-03-31/functions/f/aliases/live ");
    assert_sent(kit, "DELETE /2015-03-31/functions/f/policy/Demo-P-");
    assert_sent(kit, "DELETE /2021-10-31/functions/f/url ");
    kit_end(kit);
}

static void kept_types_need_no_service(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    create(kit, "Resources:\n"
                "  K: {Type: AWS::KMS::Key, Properties: {KeyPolicy: {a: 1}}}\n"
                "  A: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/x, TargetKeyId: !Ref "
                "K}}\n"
                "  L: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /x}}\n"
                "  W: {Type: AWS::CloudFormation::WaitConditionHandle}\n"
                "  M: {Type: AWS::CDK::Metadata, Properties: {Analytics: x}}\n"
                "Outputs:\n  K: {Value: !GetAtt K.Arn}\n  L: {Value: !GetAtt L.Arn}\n  A: {Value: "
                "!Ref A}\n");
    assert_stack(kit, "Demo", "CREATE_COMPLETE",
                 "arn:aws:logs:us-east-1:000000000000:log-group:/x:*");
    assert_stack(kit, "Demo", "CREATE_COMPLETE", "arn:aws:kms:us-east-1:000000000000:key/");
    assert_null(testkit_sent(kit, TESTKIT_DISPATCH, 0));
    kit_end(kit);
}

static void dynamic_references_are_resolved(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "GetParameter", 200, "{\"Parameter\":{\"Value\":\"found\"}}", 0);
    script(kit, "AmazonSSM.", 200, "{}", 0);
    create(kit, "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: "
                "'a-{{resolve:ssm:/x:2}}-{{resolve:ssm:/x:2}}'}}}");
    assert_stack(kit, "Demo", "CREATE_COMPLETE", "");
    assert_sent(kit, "GetParameter {\"Name\":\"/x:2\",\"WithDecryption\":true}");
    assert_sent(kit, "\"Value\":\"a-found-found\"");
    assert_answer(ask(kit, "UpdateStack", "StackName", "Demo", "UsePreviousTemplate", "true", NULL),
                  400, "No updates are to be performed.");
    kit_end(kit);
}

static void a_stack_in_a_stack_is_waited_for(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "POST /", 200, "<r><StackId>arn:inner</StackId></r>", 1);
    script(kit, "POST /", 200, "<r><StackStatus>CREATE_IN_PROGRESS</StackStatus></r>", 2);
    script(kit, "POST /", 200,
           "<r><StackStatus>CREATE_COMPLETE</StackStatus><member><OutputKey>A</OutputKey>"
           "<OutputValue>one</OutputValue></member><member><OutputKey>B</OutputKey><OutputValue>two"
           "</OutputValue></member></r>",
           0);
    create(kit, "Resources: {S: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: "
                "'http://x/b/k', Parameters: {P: 1, L: [a, b]}}}}\n"
                "Outputs: {O: {Value: !GetAtt S.Outputs.B}, I: {Value: !Ref S}}\n");
    assert_stack(kit, "Demo", "CREATE_COMPLETE", "<OutputValue>two</OutputValue>");
    assert_stack(kit, "Demo", "CREATE_COMPLETE", "<OutputValue>arn:inner</OutputValue>");
    assert_sent(kit, "Parameters.member.2.ParameterKey=L&Parameters.member.2.ParameterValue=a%2Cb");
    kit_end(kit);
}

static void a_stack_in_a_stack_that_fails_says_why(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "POST /", 200, "<r><StackId>arn:inner</StackId></r>", 1);
    script(kit, "POST /", 200, "<r><StackStatus>ROLLBACK_COMPLETE</StackStatus></r>", 1);
    script(kit, "POST /", 200,
           "<r><member><ResourceStatus>ROLLBACK_IN_PROGRESS</ResourceStatus><ResourceStatusReason>"
           "x</ResourceStatusReason></member><member><ResourceStatus>CREATE_FAILED</ResourceStatus>"
           "<ResourceStatusReason>the cause</ResourceStatusReason></member><member><ResourceStatus>"
           "CREATE_IN_PROGRESS</ResourceStatus><ResourceStatusReason>User Initiated"
           "</ResourceStatusReason></member><member><ResourceStatus>CREATE_FAILED</ResourceStatus>"
           "<ResourceStatusReason>older</ResourceStatusReason></member></r>",
           1);
    script(kit, "POST /", 200, "<r><StackStatus>DELETE_COMPLETE</StackStatus></r>", 0);
    create(kit, "Resources: {S: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: "
                "'http://x/b/k'}}}\n");
    assert_stack(kit, "Demo", "ROLLBACK_COMPLETE", "");
    assert_has(testkit_body(ask(kit, "DescribeStackEvents", "StackName", "Demo", NULL)),
               "Embedded stack arn:inner was not successfully created. Currently in "
               "ROLLBACK_COMPLETE with reason: the cause<");
    assert_sent(kit, "Action=DeleteStack&Version=2010-05-15&StackName=arn%3Ainner");
    kit_end(kit);
}

static void a_stack_in_a_stack_that_rolled_itself_back_is_as_before(void **state) {
    struct testkit *kit = kit_begin();
    (void)state;
    script(kit, "POST /", 200, "<r><StackId>arn:inner</StackId></r>", 1);
    script(kit, "POST /", 200, "<r><StackStatus>CREATE_COMPLETE</StackStatus></r>", 1);
    script(kit, "POST /", 200, "<r><StackId>arn:inner</StackId></r>", 1);
    script(kit, "POST /", 200, "<r><StackStatus>UPDATE_ROLLBACK_COMPLETE</StackStatus></r>", 1);
    script(kit, "POST /", 200, "<r/>", 1);
    script(kit, "POST /", 400,
           "<r><Code>ValidationError</Code><Message>No updates are to be performed.</Message></r>",
           1);
    script(kit, "POST /", 200, "<r><StackStatus>UPDATE_ROLLBACK_COMPLETE</StackStatus></r>", 0);
    create(kit, "Resources: {S: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: "
                "'http://x/b/k'}}}\n");
    (void)ask(kit, "UpdateStack", "StackName", "Demo", "TemplateBody",
              "Resources: {S: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: "
              "'http://x/b/other'}}}\n",
              NULL);
    assert_stack(kit, "Demo", "UPDATE_ROLLBACK_COMPLETE", "");
    kit_end(kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_get_their_settings),
        cmocka_unit_test(a_bucket_that_is_not_named_gets_a_name_for_buckets),
        cmocka_unit_test(repositories_are_made_and_changed),
        cmocka_unit_test(roles_and_policies_are_made_and_changed),
        cmocka_unit_test(functions_are_made_and_waited_for),
        cmocka_unit_test(a_function_that_does_not_become_active_fails),
        cmocka_unit_test(what_belongs_to_a_function_is_made),
        cmocka_unit_test(kept_types_need_no_service),
        cmocka_unit_test(dynamic_references_are_resolved),
        cmocka_unit_test(a_stack_in_a_stack_is_waited_for),
        cmocka_unit_test(a_stack_in_a_stack_that_fails_says_why),
        cmocka_unit_test(a_stack_in_a_stack_that_rolled_itself_back_is_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
