/* SPDX-License-Identifier: MIT */
/* Settings beside the configuration, the account, and what functions of images do not have. */
#include "api_fixture.h"

#define PARAMETER "InvalidParameterValueException"
#define RECURSION "/2024-08-31/functions/%s/recursion-config"
#define RUNTIME "/2021-07-20/functions/%s/runtime-management-config"
#define SCALING "/2025-11-30/functions/f/function-scaling-config?Qualifier="
#define SIGNING "/2020-06-30/functions/f/code-signing-config"
#define CONFIG_ARN "arn:aws:lambda:us-east-1:" ACCOUNT ":code-signing-config:csc-0123456789abcdefg"
#define MISSING "The resource you requested does not exist."

static void recursion_is_terminated_unless_allowed(void **state) {
    (void)state;
    assert_fails("GET", format(RECURSION, "f"), NULL, 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f"));
    create("f");
    assert_answer("GET", format(RECURSION, "f"), NULL, 200, "{\"RecursiveLoop\":\"Terminate\"}");
    assert_answer("PUT", format(RECURSION, "f"), "{\"RecursiveLoop\":\"Allow\"}", 200,
                  "{\"RecursiveLoop\":\"Allow\"}");
    assert_answer("GET", format(RECURSION, "f"), NULL, 200, "{\"RecursiveLoop\":\"Allow\"}");
    assert_fails("PUT", format(RECURSION, "f"), "{\"RecursiveLoop\":\"InvalidValue\"}", 400,
                 "ValidationException",
                 "1 validation error detected: Value 'InvalidValue' at 'recursiveLoop' failed to "
                 "satisfy constraint: Member must satisfy enum value set: [Terminate, Allow]");
    assert_int_equal(call("GET", format(RECURSION, "f:1"), NULL), 400);
    assert_string_equal(error_type, "ValidationException");
}

static void runtime_management_is_automatic_unless_set(void **state) {
    (void)state;
    create("f");
    assert_int_equal(call("POST", FUNCTIONS "/f/versions", ""), 201);
    assert_answer("GET", format(RUNTIME, "f"), NULL, 200,
                  "{\"UpdateRuntimeOn\":\"Auto\",\"FunctionArn\":\"" ARN("f") "\"}");
    assert_answer("PUT", format(RUNTIME, "f:1"), "{\"UpdateRuntimeOn\":\"FunctionUpdate\"}", 200,
                  "{\"UpdateRuntimeOn\":\"FunctionUpdate\",\"FunctionArn\":\"" ARN("f:1") "\"}");
    assert_int_equal(call("GET", format(RUNTIME, "f:1"), NULL), 200);
    assert_string_equal(field("UpdateRuntimeOn"), "FunctionUpdate");
    assert_int_equal(call("GET", format(RUNTIME, "f:$LATEST"), NULL), 200);
    assert_string_equal(field("UpdateRuntimeOn"), "Auto");
    assert_int_equal(call("PUT", format(RUNTIME, "f"), "{\"UpdateRuntimeOn\":\"Manual\"}"), 400);
    assert_int_equal(call("GET", format(RUNTIME, "f:9"), NULL), 404);
}

static void scaling_is_kept_per_version(void **state) {
    (void)state;
    create("f");
    assert_int_equal(call("POST", FUNCTIONS "/f/versions", ""), 201);
    assert_answer("GET", SCALING "1", NULL, 200, "{\"FunctionArn\":\"" ARN("f:1") "\"}");
    assert_answer("PUT", SCALING "1",
                  "{\"FunctionScalingConfig\":{\"MinExecutionEnvironments\":1}}", 202,
                  "{\"FunctionState\":\"Active\"}");
    assert_int_equal(call("GET", SCALING "1", NULL), 200);
    assert_string_equal(field("AppliedFunctionScalingConfig.MinExecutionEnvironments"), "1");
    assert_string_equal(field("RequestedFunctionScalingConfig.MinExecutionEnvironments"), "1");
    assert_int_equal(call("PUT", SCALING "1", "{}"), 202);
    assert_answer("GET", SCALING "1", NULL, 200, "{\"FunctionArn\":\"" ARN("f:1") "\"}");
    assert_int_equal(call("GET", SCALING "2", NULL), 404);
    assert_int_equal(call("GET", SCALING "live", NULL), 400);
}

static void images_have_no_code_signing(void **state) {
    (void)state;
    assert_int_equal(call("GET", SIGNING, NULL), 404);
    create("f");
    assert_answer("GET", SIGNING, NULL, 200, "{}");
    assert_fails("PUT", SIGNING, "{\"CodeSigningConfigArn\":\"" CONFIG_ARN "\"}", 404,
                 "CodeSigningConfigNotFoundException",
                 "The code signing configuration cannot be found. Check that the provided "
                 "configuration is not deleted: " CONFIG_ARN ".");
    assert_answer("DELETE", SIGNING, NULL, 204, "");
}

static void the_account_counts_functions_and_concurrency(void **state) {
    (void)state;
    struct json_object *json = json_tokener_parse("{\"ReservedConcurrentExecutions\":300}");
    create("f");
    create("g");
    assert_int_equal(side_put(&fixture.lambda, SIDE_CONCURRENCY, &here, "f", "", json), 0);
    json_object_put(json);
    static const char *const expected =
        "{\"AccountLimit\":{\"TotalCodeSize\":80530636800,\"CodeSizeUnzipped\":262144000,"
        "\"CodeSizeZipped\":52428800,\"ConcurrentExecutions\":1000,"
        "\"UnreservedConcurrentExecutions\":700},\"AccountUsage\":{\"TotalCodeSize\":0,"
        "\"FunctionCount\":2}}";
    assert_answer("GET", "/2016-08-19/account-settings", NULL, 200, expected);
    assert_answer("GET", "/2016-08-19/account-settings/", NULL, 200, expected);
}

static void lists_of_what_is_not_here_are_empty(void **state) {
    (void)state;
    static const struct {
        const char *target, *body;
    } lists[] = {
        {"/2018-10-31/layers", "{\"Layers\":[]}"},
        {"/2018-10-31/layers?CompatibleRuntime=python3.12&MaxItems=50", "{\"Layers\":[]}"},
        {"/2018-10-31/layers/l/versions", "{\"LayerVersions\":[]}"},
        {"/2015-03-31/event-source-mappings", "{\"EventSourceMappings\":[]}"},
        {"/2015-03-31/event-source-mappings/?FunctionName=f", "{\"EventSourceMappings\":[]}"},
        {"/2020-04-22/code-signing-configs", "{\"CodeSigningConfigs\":[]}"},
        {"/2020-04-22/code-signing-configs/", "{\"CodeSigningConfigs\":[]}"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        assert_answer("GET", lists[i].target, NULL, 200, lists[i].body);
    }
    assert_int_equal(call("GET", "/2018-10-31/layers?MaxItems=51", NULL), 400);
}

static void one_of_what_is_not_here_is_not_found_and_not_made(void **state) {
    (void)state;
    static const struct {
        const char *method, *target;
    } missing[] = {
        {"GET", "/2018-10-31/layers/l/versions/1"},
        {"GET", "/2018-10-31/layers?find=LayerVersion&Arn=arn"},
        {"GET", "/2015-03-31/event-source-mappings/0"},
        {"PUT", "/2015-03-31/event-source-mappings/0"},
        {"DELETE", "/2015-03-31/event-source-mappings/0"},
        {"GET", "/2020-04-22/code-signing-configs/" CONFIG_ARN},
    };
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        assert_fails(missing[i].method, missing[i].target, NULL, 404, "ResourceNotFoundException",
                     MISSING);
    }
    assert_fails("POST", "/2015-03-31/event-source-mappings/", "{\"FunctionName\":\"f\"}", 400,
                 PARAMETER,
                 "Event source mappings are not supported by virga: its lambda-image plugin runs "
                 "functions of container images and has none.");
    assert_int_equal(call("POST", "/2020-04-22/code-signing-configs", "{}"), 400);
    assert_int_equal(call("POST", "/2018-10-31/layers/l/versions", "{}"), 400);
    assert_non_null(strstr(answer, "Layers are not supported by virga"));
}

/* --- the front door --- */

static void malformed_requests_are_told_apart(void **state) {
    (void)state;
    create("f");
    assert_fails("PUT", FUNCTIONS "/f/configuration", "{", 400, "SerializationException",
                 "Could not parse request body into json");
    assert_fails("PUT", FUNCTIONS "/f/configuration", "{\"Timeout\":\"3\"}", 400,
                 "SerializationException", "STRING_VALUE can not be converted to an Integer");
    assert_int_equal(call("GET", FUNCTIONS "?MaxItems=x", NULL), 400);
    assert_string_equal(error_type, "SerializationException");
    assert_int_equal(call("GET", FUNCTIONS "?MaxItems=%zz", NULL), 400);
    /* What is not the action's is not its business. */
    assert_int_equal(call("GET", FUNCTIONS "/f?X-Amz-Signature=a&&x", NULL), 200);
}

static void an_account_that_is_none_is_refused(void **state) {
    (void)state;
    struct fake fake;
    start_call_as(&fake, "1", "GET", FUNCTIONS, NULL);
    assert_int_equal(finish_call(&fake), 403);
    assert_string_equal(error_type, "InvalidSignatureException");
}

static void page_tokens_outlive_a_restart(void **state) {
    (void)state;
    char marker[2048];
    create("f");
    create("g");
    assert_int_equal(call("GET", FUNCTIONS "?MaxItems=1", NULL), 200);
    (void)snprintf(marker, sizeof marker, "%s", escape(field("NextMarker")));
    actions_destroy(fixture.lambda.actions);
    assert_int_equal(actions_create(&fixture.lambda, &fixture.lambda.actions), 0);
    (void)call("GET", format(FUNCTIONS "?Marker=%s", marker), NULL);
    assert_string_equal(field("Functions.0.FunctionName"), "g");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(recursion_is_terminated_unless_allowed),
        TEST(runtime_management_is_automatic_unless_set),
        TEST(scaling_is_kept_per_version),
        TEST(images_have_no_code_signing),
        TEST(the_account_counts_functions_and_concurrency),
        TEST(lists_of_what_is_not_here_are_empty),
        TEST(one_of_what_is_not_here_is_not_found_and_not_made),
        TEST(malformed_requests_are_told_apart),
        TEST(an_account_that_is_none_is_refused),
        TEST(page_tokens_outlive_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
