/* SPDX-License-Identifier: MIT */
/* CreateFunction: shapes, states, and every refusal in AWS's words. */
#include "api_fixture.h"

#define DETECTED "1 validation error detected: Value "
#define FAILED " failed to satisfy constraint: "
#define PARAMETER "InvalidParameterValueException"

static void refused(const char *body, int status, const char *code, const char *message) {
    assert_fails("POST", FUNCTIONS, body, status, code, message);
    assert_int_equal(fixture.had, 0);
}

static void a_new_function_is_shown_as_aws_shows_it(void **state) {
    (void)state;
    assert_int_equal(call("POST", FUNCTIONS, create_body("f", "")), 201);
    char revision[64];
    (void)snprintf(revision, sizeof revision, "%s", field("RevisionId"));
    assert_int_equal(strlen(revision), 36);
    assert_string_equal(
        answer,
        format("{\"FunctionName\":\"f\",\"FunctionArn\":\"" ARN(
                   "f") "\",\"Role\":\"" ROLE
                        "\",\"CodeSize\":0,\"Description\":\"\",\"Timeout\":3,\"MemorySize\":128,"
                        "\"LastModified\":\"2023-11-14T22:13:20.123+0000\",\"CodeSha256\":\"" HEX_A
                        "\",\"Version\":\"$LATEST\",\"State\":\"Pending\",\"StateReason\":\"The "
                        "function is "
                        "being "
                        "created.\",\"StateReasonCode\":\"Creating\",\"TracingConfig\":{\"Mode\":"
                        "\"PassThrough\"},\"RevisionId\":\"%s\",\"PackageType\":\"Image\","
                        "\"Architectures\":[\"x86_64\"],\"EphemeralStorage\":{\"Size\":512},"
                        "\"SnapStart\":{"
                        "\"ApplyOn\":\"None\",\"OptimizationStatus\":\"Off\"},\"LoggingConfig\":{"
                        "\"LogFormat\":\"Text\",\"LogGroup\":\"/aws/lambda/f\"}}",
               revision));

    assert_int_equal(call("GET", FUNCTIONS "/f", NULL), 200);
    assert_string_equal(field("Configuration.State"), "Active");
    assert_string_equal(field("Configuration.StateReason"), "");
    assert_string_equal(field("Configuration.StateReasonCode"), "");
    assert_string_equal(field("Configuration.LastUpdateStatus"), "Successful");
    assert_string_not_equal(field("Configuration.RevisionId"), revision);
    assert_string_equal(field("Code"), "{ \"RepositoryType\": \"ECR\", \"ImageUri\": \"" REGISTRY
                                       "\\/app:latest\", \"ResolvedImageUri\": \"" REGISTRY
                                       "\\/app@sha256:" HEX_A "\" }");
    assert_string_equal(field("Tags"), "");
    assert_string_equal(field("Concurrency"), "");
}

static void every_setting_is_kept_and_shown(void **state) {
    (void)state;
    const char *settings =
        ",\"Description\":\"d\",\"Timeout\":9,\"MemorySize\":256,\"Architectures\":[\"arm64\"],"
        "\"Environment\":{\"Variables\":{\"AB\":\"1\",\"NONE\":null}},\"EphemeralStorage\":{"
        "\"Size\":1024},\"ImageConfig\":{\"EntryPoint\":[\"/e\"],\"Command\":[\"c\"],"
        "\"WorkingDirectory\":\"/w\"},\"VpcConfig\":{\"SubnetIds\":[\"subnet-1\"],"
        "\"SecurityGroupIds\":[]},\"TracingConfig\":{\"Mode\":\"Active\"},\"DeadLetterConfig\":{"
        "\"TargetArn\":\"arn:aws:sqs:us-east-1:" ACCOUNT ":q\"},\"LoggingConfig\":{\"LogFormat\":"
        "\"JSON\",\"SystemLogLevel\":\"DEBUG\"},\"KMSKeyArn\":\"arn:aws:kms:us-east-1:" ACCOUNT
        ":key/k\",\"SnapStart\":{\"ApplyOn\":\"PublishedVersions\"},\"FileSystemConfigs\":[{"
        "\"Arn\":\"arn:aws:elasticfilesystem:us-east-1:" ACCOUNT
        ":access-point/fsap-0123456789abcdef0\",\"LocalMountPath\":\"/mnt/x\"}],\"Tags\":{\"k\":"
        "\"v\"}";
    assert_int_equal(call("POST", FUNCTIONS, create_body("f", settings)), 201);
    assert_string_equal(fixture.architecture, "arm64");
    assert_int_equal(call("GET", FUNCTIONS "/f", NULL), 200);
    assert_string_equal(field("Tags"), "{ \"k\": \"v\" }");
    get("f");
    assert_string_equal(field("Description"), "d");
    assert_string_equal(field("Timeout"), "9");
    assert_string_equal(field("MemorySize"), "256");
    assert_string_equal(field("Architectures.0"), "arm64");
    assert_string_equal(field("Environment"), "{ \"Variables\": { \"AB\": \"1\" } }");
    assert_string_equal(field("EphemeralStorage.Size"), "1024");
    assert_string_equal(field("ImageConfigResponse.ImageConfig"),
                        "{ \"EntryPoint\": [ \"\\/e\" ], \"Command\": [ \"c\" ], "
                        "\"WorkingDirectory\": \"\\/w\" }");
    assert_string_equal(field("VpcConfig"),
                        "{ \"SubnetIds\": [ \"subnet-1\" ], \"SecurityGroupIds\": [ ], \"VpcId\": "
                        "\"\", \"Ipv6AllowedForDualStack\": false }");
    assert_string_equal(field("TracingConfig.Mode"), "Active");
    assert_string_equal(field("DeadLetterConfig.TargetArn"), "arn:aws:sqs:us-east-1:" ACCOUNT ":q");
    assert_string_equal(field("LoggingConfig"),
                        "{ \"LogFormat\": \"JSON\", \"SystemLogLevel\": \"DEBUG\", "
                        "\"ApplicationLogLevel\": \"INFO\", \"LogGroup\": \"\\/aws\\/lambda\\/f\" "
                        "}");
    assert_string_equal(field("KMSKeyArn"), "arn:aws:kms:us-east-1:" ACCOUNT ":key/k");
    assert_string_equal(field("SnapStart.ApplyOn"), "PublishedVersions");
    assert_string_equal(field("FileSystemConfigs.0.LocalMountPath"), "/mnt/x");
}

static void an_empty_environment_is_shown(void **state) {
    (void)state;
    assert_int_equal(
        call("POST", FUNCTIONS, create_body("f", ",\"Environment\":{\"Variables\":{}}")), 201);
    assert_string_equal(field("Environment"), "{ \"Variables\": { } }");
}

static void publishing_at_once_answers_version_1_under_the_functions_own_arn(void **state) {
    (void)state;
    assert_int_equal(call("POST", FUNCTIONS, create_body("f", ",\"Publish\":true")), 201);
    assert_string_equal(field("Version"), "1");
    assert_string_equal(field("FunctionArn"), ARN("f"));
    assert_string_equal(field("State"), "Pending");
    char revision[64];
    (void)snprintf(revision, sizeof revision, "%s", field("RevisionId"));
    get("f:1");
    assert_string_equal(field("FunctionArn"), ARN("f:1"));
    assert_string_equal(field("State"), "Active");
    assert_string_equal(field("RevisionId"), revision); /* does not change with the state */
    get("f");
    assert_string_equal(field("Version"), "$LATEST");
    assert_string_equal(field("State"), "Active");
}

static void a_name_may_be_a_partial_or_full_arn(void **state) {
    (void)state;
    create(ARN("full"));
    create(ACCOUNT ":function:partial");
    create("function:short");
    create("latest:$LATEST");
    get("full");
    get("partial");
    get("short");
    get("latest");
}

static void names_are_checked_in_aws_words(void **state) {
    (void)state;
    char name[200];
    refused(create_body("*", ""), 400, "ValidationException",
            DETECTED
            "'*' at 'functionName'" FAILED
            "Member must satisfy regular expression pattern: " FUNCTION_NAME_CREATE_PATTERN);
    refused(create_body("a.b", ""), 400, "ValidationException",
            DETECTED
            "'a.b' at 'functionName'" FAILED
            "Member must satisfy regular expression pattern: " FUNCTION_NAME_CREATE_PATTERN);
    memset(name, 'a', sizeof name);
    name[65] = '\0';
    refused(create_body(name, ""), 400, PARAMETER,
            format(DETECTED "'%s' at 'functionName'" FAILED
                            "Member must have length less than or equal to 64",
                   name));
    name[65] = 'a';
    name[141] = '\0';
    refused(create_body(name, ""), 400, "ValidationException",
            format(DETECTED "'%s' at 'functionName'" FAILED
                            "Member must have length less than or equal to 140",
                   name));
    refused(create_body("arn:aws:lambda:eu-west-1:" ACCOUNT ":function:f", ""), 404,
            "ResourceNotFoundException",
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')");
    assert_int_equal(call("POST", FUNCTIONS,
                          create_body("arn:aws:lambda:us-east-1:999999999999:function:f", "")),
                     403);
    assert_string_equal(error_type, "AccessDeniedException");
    assert_string_equal(answer, "{\"Message\":null}");
    refused("{\"Role\":\"" ROLE "\"," IMAGE "}", 400, "ValidationException",
            DETECTED "null at 'functionName'" FAILED "Member must not be null");
}

static void members_are_checked_in_aws_words(void **state) {
    (void)state;
    static const struct {
        const char *more, *message;
    } cases[] = {
        {",\"Timeout\":901",
         "'901' at 'timeout'" FAILED "Member must have value less than or equal to 900"},
        {",\"Timeout\":0",
         "'0' at 'timeout'" FAILED "Member must have value greater than or equal to 1"},
        {",\"MemorySize\":64",
         "'64' at 'memorySize'" FAILED "Member must have value greater than or equal to 128"},
        {",\"EphemeralStorage\":{\"Size\":10241}",
         "'10241' at 'ephemeralStorage.size'" FAILED
         "Member must have value less than or equal to 10240"},
        {",\"Architectures\":[\"x86_64\",\"arm64\"]",
         "'[x86_64, arm64]' at 'architectures'" FAILED
         "Member must have length less than or equal to 1"},
        {",\"Architectures\":[\"X86_64\"]",
         "'[X86_64]' at 'architectures'" FAILED "Member must satisfy constraint: [Member must "
         "satisfy enum value set: [x86_64, arm64], Member must not be null]"},
        {",\"Handler\":\"\"",
         "'' at 'handler'" FAILED "Member must satisfy regular expression pattern: [^\\s]+"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refused(create_body("f", cases[i].more), 400, "ValidationException",
                format(DETECTED "%s", cases[i].message));
    }
    refused(create_body("f", ",\"Environment\":{\"Variables\":{\"1A\":\"x\"}}"), 400,
            "ValidationException",
            "1 validation error detected: Value at 'environment.variables'" FAILED
            "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: "
            "[a-zA-Z]([a-zA-Z0-9_])+]");
    refused(create_body("f", ",\"MemorySize\":10241"), 400, PARAMETER,
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or "
            "equal to 10240");
    refused("{\"FunctionName\":\"f\",\"Role\":\"r1\"," IMAGE "}", 400, "ValidationException",
            DETECTED "'r1' at 'role'" FAILED "Member must satisfy regular expression pattern: "
                     "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+");
}

static void what_images_cannot_have_is_refused(void **state) {
    (void)state;
    static const char *const more[] = {",\"Handler\":\"a.b\"", ",\"Runtime\":\"python3.12\"",
                                       ",\"Layers\":[\"arn:aws:lambda:us-east-1:" ACCOUNT
                                       ":layer:l:1\"]"};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        refused(create_body("f", more[i]), 400, PARAMETER,
                "Please don't provide Handler or Runtime or Layer when the intended function "
                "PackageType is Image.");
    }
    refused(create_body("f", ",\"CodeSigningConfigArn\":\"arn:aws:lambda:us-east-1:" ACCOUNT
                             ":code-signing-config:csc-0123456789abcdefg\""),
            400, PARAMETER,
            "Code signing is not supported for functions created with container images.");
    refused("{\"FunctionName\":\"f\",\"Role\":\"arn:aws:iam::999999999999:role/r\"," IMAGE "}", 403,
            "AccessDeniedException", "Cross-account pass role is not allowed.");
    assert_string_equal(answer, "{\"Message\":\"Cross-account pass role is not allowed.\"}");
}

static void what_virga_does_not_have_is_told(void **state) {
    (void)state;
    static const char *const keys[] = {"CapacityProviderConfig", "DurableConfig", "TenancyConfig"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        assert_int_equal(call("POST", FUNCTIONS, create_body("f", format(",\"%s\":{}", keys[i]))),
                         400);
        assert_non_null(strstr(answer, format("%s is not supported by virga", keys[i])));
    }
    create("f");
    assert_int_equal(call("POST", FUNCTIONS "/f/versions", "{\"PublishTo\":\"LATEST_PUBLISHED\"}"),
                     400);
    assert_non_null(strstr(answer, "PublishTo is not supported by virga"));
}

static void the_environment_is_bounded_and_has_reserved_keys(void **state) {
    (void)state;
    char value[4096];
    memset(value, 'x', sizeof value);
    value[4096 - (int)strlen("{\"BIG\":\"\"}") + 1] = '\0'; /* a byte too long */
    refused(create_body("f", format(",\"Environment\":{\"Variables\":{\"BIG\":\"%s\"}}", value)),
            400, PARAMETER,
            format("Lambda was unable to configure your environment variables because the "
                   "environment variables you have provided exceeded the 4KB limit. String "
                   "measured: {\"BIG\":\"%s\"}",
                   value));
    value[strlen(value) - 1] = '\0';
    assert_int_equal(
        call("POST", FUNCTIONS,
             create_body("fits",
                         format(",\"Environment\":{\"Variables\":{\"BIG\":\"%s\"}}", value))),
        201);
    assert_fails("POST", FUNCTIONS,
                 create_body("f", ",\"Environment\":{\"Variables\":{\"AWS_REGION\":\"x\",\"OK\":"
                                  "\"1\",\"AWS_LAMBDA_RUNTIME_API\":\"y\"}}"),
                 400, PARAMETER,
                 "Lambda was unable to configure your environment variables because the "
                 "environment variables you have provided contains reserved keys that are "
                 "currently not supported for modification. Reserved keys used in this request: "
                 "AWS_REGION, AWS_LAMBDA_RUNTIME_API");
}

static void deployment_packages_are_refused_by_aws_rules_first(void **state) {
    (void)state;
    static const char *const mandatory = "Runtime and Handler are mandatory parameters for "
                                         "functions created with deployment packages.";
    static const char *const source = "Please provide a source for function code.";
#define ZIP(members) "{\"FunctionName\":\"f\",\"Role\":\"" ROLE "\"," members "}"
#define RUNS "\"Runtime\":\"python3.12\",\"Handler\":\"a.b\","
    refused(ZIP("\"Code\":{\"ImageUri\":\"x\"}"), 400, PARAMETER, mandatory);
    refused(ZIP("\"Code\":{\"ZipFile\":\"QUI=\"}"), 400, PARAMETER, mandatory);
    refused(ZIP(RUNS "\"Code\":{\"ImageUri\":\"x\"}"), 400, PARAMETER, source);
    refused(ZIP(RUNS "\"Code\":{}"), 400, PARAMETER, source);
    refused(ZIP("\"PackageType\":\"Image\",\"Code\":{}"), 400, PARAMETER, source);
    assert_int_equal(call("POST", FUNCTIONS, ZIP(RUNS "\"Code\":{\"ZipFile\":\"QUI=\"}")), 400);
    assert_string_equal(error_type, PARAMETER);
    assert_non_null(strstr(answer, "PackageType Zip"));
    assert_non_null(strstr(answer, "not supported by virga"));
}

static void an_image_that_cannot_be_used_is_told_at_once(void **state) {
    (void)state;
    fixture.answer = (struct images_answer){
        IMAGES_REFUSED, 400, PARAMETER,
        "Source image " REGISTRY "/app:latest does not exist. Provide a valid source image.", NULL};
    refused(create_body("f", ""), 400, PARAMETER, fixture.answer.message);
    fixture.answer = (struct images_answer){
        IMAGES_REFUSED, 403, "AccessDeniedException",
        "Lambda does not have permission to access the ECR image. Check the ECR permissions.",
        NULL};
    refused(create_body("f", ""), 403, "AccessDeniedException", fixture.answer.message);
    fixture.answer = (struct images_answer){IMAGES_BROKEN, 0, NULL, "no registry", NULL};
    refused(create_body("f", ""), 500, "ServiceException", "no registry");
    assert_int_equal(call("GET", FUNCTIONS "/f", NULL), 404);
}

static void a_function_that_exists_is_not_created_again(void **state) {
    (void)state;
    struct fake faster;
    create("f");
    assert_fails("POST", FUNCTIONS, create_body("f", ""), 409, "ResourceConflictException",
                 "Function already exist: f");
    assert_int_equal(fixture.looked_up, 1);
    /* Two at once: the slower one is told. */
    start_call_as(&faster, ACCOUNT, "POST", FUNCTIONS, create_body("g", ""));
    assert_fails("POST", FUNCTIONS, create_body("g", ""), 409, "ResourceConflictException",
                 "Function already exist: g");
    assert_int_equal(fixture.looked_up, 3);
    assert_int_equal(finish_call(&faster), 201);
}

static void more_than_50_tags_are_refused(void **state) {
    (void)state;
    char tags[2000] = "";
    for (int i = 0; i < 51; i++) {
        size_t len = strlen(tags);
        (void)snprintf(tags + len, sizeof tags - len, "%s\"k%d\":\"v\"", i > 0 ? "," : "", i);
    }
    refused(create_body("f", format(",\"Tags\":{%s}", tags)), 400, PARAMETER,
            "Number of tags exceeds resource tag limit.");
}

static void a_failed_image_is_the_functions_state(void **state) {
    (void)state;
    fixture.failure = (struct images_failure){-ENOENT, "ImageDeleted", "gone"};
    create("f");
    get("f");
    assert_string_equal(field("State"), "Failed");
    assert_string_equal(field("StateReason"), "gone");
    assert_string_equal(field("StateReasonCode"), "ImageDeleted");
    assert_string_equal(field("LastUpdateStatus"), "Failed");
    assert_string_equal(field("LastUpdateStatusReasonCode"), "ImageDeleted");
}

static void a_disk_that_fails_is_an_error_and_no_function(void **state) {
    (void)state;
    fixture.store_error = -EIO;
    assert_int_equal(call("POST", FUNCTIONS, create_body("f", "")), 500);
    assert_string_equal(error_type, "ServiceException");
    fixture.store_error = 0;
    assert_int_equal(call("GET", FUNCTIONS "/f", NULL), 404);
}

static void the_older_path_is_the_same(void **state) {
    (void)state;
    assert_int_equal(call("POST", FUNCTIONS "/", create_body("f", "")), 201);
    assert_int_equal(call("GET", FUNCTIONS "/", NULL), 200);
    assert_string_equal(field("Functions.0.FunctionName"), "f");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_new_function_is_shown_as_aws_shows_it),
        TEST(every_setting_is_kept_and_shown),
        TEST(an_empty_environment_is_shown),
        TEST(publishing_at_once_answers_version_1_under_the_functions_own_arn),
        TEST(a_name_may_be_a_partial_or_full_arn),
        TEST(names_are_checked_in_aws_words),
        TEST(members_are_checked_in_aws_words),
        TEST(what_images_cannot_have_is_refused),
        TEST(what_virga_does_not_have_is_told),
        TEST(the_environment_is_bounded_and_has_reserved_keys),
        TEST(deployment_packages_are_refused_by_aws_rules_first),
        TEST(an_image_that_cannot_be_used_is_told_at_once),
        TEST(a_function_that_exists_is_not_created_again),
        TEST(more_than_50_tags_are_refused),
        TEST(a_failed_image_is_the_functions_state),
        TEST(a_disk_that_fails_is_an_error_and_no_function),
        TEST(the_older_path_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
