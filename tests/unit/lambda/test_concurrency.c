/* SPDX-License-Identifier: MIT */
/* Reserved and provisioned concurrency through the front door. */
#include "side_fixture.h"

#include "side.h"

#define PUT_RESERVED "/2017-10-31/functions/f/concurrency"
#define GET_RESERVED "/2019-09-30/functions/f/concurrency"
#define PROVISIONED "/2019-09-30/functions/f/provisioned-concurrency"
#define NOT_PUBLISHED "The function resource provided must be an alias or a published version."

static const char *reserve(int count) {
    return format("{\"ReservedConcurrentExecutions\":%d}", count);
}

static const char *provision(int count) {
    return format("{\"ProvisionedConcurrentExecutions\":%d}", count);
}

static void make_alias(const char *name, const char *version) {
    assert_int_equal(call("POST", F15 "f/aliases",
                          format("{\"Name\":\"%s\",\"FunctionVersion\":\"%s\"}", name, version)),
                     201);
    pool_adjusted = 0;
}

/* --- reserved --- */

static void reserved_concurrency_is_kept_and_told_to_the_pool(void **state) {
    (void)state;
    make_function();
    assert_answer("GET", GET_RESERVED, "", 200, "{}");
    assert_answer("PUT", PUT_RESERVED, reserve(0), 200, "{\"ReservedConcurrentExecutions\":0}");
    assert_answer("PUT", PUT_RESERVED, reserve(900), 200, "{\"ReservedConcurrentExecutions\":900}");
    assert_answer("GET", GET_RESERVED, "", 200, "{\"ReservedConcurrentExecutions\":900}");
    assert_int_equal(pool_adjusted, 2);
    assert_answer("DELETE", PUT_RESERVED, "", 204, "");
    assert_answer("DELETE", PUT_RESERVED, "", 204, "");
    assert_answer("GET", GET_RESERVED, "", 200, "{}");
    assert_int_equal(pool_adjusted, 4);
}

static void reserving_is_for_functions_only(void **state) {
    (void)state;
    assert_fails("PUT", PUT_RESERVED, reserve(1), 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f:$LATEST"));
    assert_fails("GET", GET_RESERVED, NULL, 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f"));
    assert_fails("DELETE", PUT_RESERVED, NULL, 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f"));
    make_function();
    assert_fails(
        "PUT", "/2017-10-31/functions/" ARN("f:1") "/concurrency", reserve(1), 400,
        "InvalidParameterValueException",
        "This operation is permitted on Lambda functions only. Aliases and versions do not "
        "support this operation. Please specify either a function name or an unqualified "
        "function ARN.");
    assert_fails("PUT", PUT_RESERVED, "{}", 400, "ValidationException",
                 "1 validation error detected: Value null at 'reservedConcurrentExecutions' failed "
                 "to satisfy constraint: Member must not be null");
    assert_fails("PUT", PUT_RESERVED, reserve(-1), 400, "ValidationException",
                 "1 validation error detected: Value '-1' at 'reservedConcurrentExecutions' failed "
                 "to satisfy constraint: Member must have value greater than or equal to 0");
}

static void an_account_keeps_its_unreserved_minimum(void **state) {
    (void)state;
    static const char text[] =
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100].";
    make_function();
    make_version("g", FUNCTIONS_LATEST);
    assert_fails("PUT", PUT_RESERVED, reserve(901), 400, "InvalidParameterValueException", text);
    assert_null(strstr(answer, "\"Type\""));
    assert_int_equal(call("PUT", PUT_RESERVED, reserve(600)), 200);
    assert_int_equal(call("PUT", "/2017-10-31/functions/g/concurrency", reserve(301)), 400);
    assert_int_equal(call("PUT", "/2017-10-31/functions/g/concurrency", reserve(300)), 200);
    /* What the function had itself does not count. */
    assert_int_equal(call("PUT", PUT_RESERVED, reserve(600)), 200);
    int64_t unreserved = 0;
    assert_int_equal(side_unreserved(&fixture.lambda, &here, NULL, &unreserved), 0);
    assert_int_equal(unreserved, 100);
}

static void small_accounts_have_a_smaller_minimum(void **state) {
    (void)state;
    make_function();
    fixture.lambda.concurrency_max = 10;
    assert_fails("PUT", PUT_RESERVED, reserve(1), 400, "InvalidParameterValueException",
                 "Specified ReservedConcurrentExecutions for function decreases account's "
                 "UnreservedConcurrentExecution below its minimum value of [10].");
    assert_int_equal(call("PUT", PUT_RESERVED, reserve(0)), 200);
    fixture.lambda.concurrency_max = 4;
    assert_int_equal(side_unreserved_min(&fixture.lambda), 4);
}

/* --- provisioned --- */

static void provisioned_concurrency_is_ready_when_the_pool_has_it(void **state) {
    (void)state;
    make_function();
    assert_answer("PUT", PROVISIONED "?Qualifier=1", provision(2), 202,
                  "{\"RequestedProvisionedConcurrentExecutions\":2,"
                  "\"AvailableProvisionedConcurrentExecutions\":0,"
                  "\"AllocatedProvisionedConcurrentExecutions\":0,\"Status\":\"IN_PROGRESS\","
                  "\"LastModified\":\"2023-11-14T22:13:20.123+0000\"}");
    assert_int_equal(pool_adjusted, 1);
    pool_says = (struct pool_counts){.provisioned_wanted = 2, .provisioned_ready = 1};
    assert_int_equal(call("GET", PROVISIONED "?Qualifier=1", ""), 200);
    assert_string_equal(member("Status"), "IN_PROGRESS");
    assert_non_null(strstr(answer, "\"AvailableProvisionedConcurrentExecutions\":1"));
    assert_string_equal(pool_asked, "1");
    pool_says.provisioned_ready = 2;
    assert_int_equal(call("GET", PROVISIONED "?Qualifier=1", ""), 200);
    assert_string_equal(member("Status"), "READY");
    assert_answer("DELETE", PROVISIONED "?Qualifier=1", "", 204, "");
    assert_answer("DELETE", PROVISIONED "?Qualifier=1", "", 204, "");
    assert_int_equal(pool_adjusted, 3);
    assert_fails("GET", PROVISIONED "?Qualifier=1", NULL, 404,
                 "ProvisionedConcurrencyConfigNotFoundException",
                 "No Provisioned Concurrency Config found for this function");
}

static void a_function_that_cannot_run_fails_with_its_reason(void **state) {
    (void)state;
    make_function();
    assert_int_equal(call("PUT", PROVISIONED "?Qualifier=1", provision(1)), 202);
    struct json_object *document = json_tokener_parse(
        "{\"FunctionName\":\"f\",\"Version\":\"1\",\"RevisionId\":\"r\",\"State\":\"Failed\","
        "\"StateReason\":\"The image is gone.\",\"Image\":{\"Digest\":\"sha256:00\"}}");
    assert_int_equal(functions_put(&fixture.lambda, &here, document, NULL), 0);
    assert_int_equal(call("GET", PROVISIONED "?Qualifier=1", ""), 200);
    assert_string_equal(member("Status"), "FAILED");
    assert_string_equal(member("StatusReason"), "The image is gone.");
}

static void only_what_is_published_is_provisioned(void **state) {
    (void)state;
    static const char unpublished[] =
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
    assert_fails("PUT", PROVISIONED "?Qualifier=live", provision(1), 404,
                 "ResourceNotFoundException", "Cannot find alias arn: " ARN("f:live"));
    make_function();
    assert_fails("PUT", PROVISIONED "?Qualifier=$LATEST", provision(1), 400,
                 "InvalidParameterValueException", unpublished);
    assert_fails("GET", PROVISIONED "?Qualifier=$LATEST", NULL, 400,
                 "InvalidParameterValueException", NOT_PUBLISHED);
    assert_fails("DELETE", PROVISIONED "?Qualifier=$LATEST", NULL, 400,
                 "InvalidParameterValueException", NOT_PUBLISHED);
    assert_fails("PUT", PROVISIONED "?Qualifier=9", provision(1), 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f:9"));
    assert_fails("GET", PROVISIONED, NULL, 400, "ValidationException",
                 "1 validation error detected: Value null at 'qualifier' failed to satisfy "
                 "constraint: Member must not be null");
    assert_fails("PUT", PROVISIONED "?Qualifier=1", provision(0), 400, "ValidationException",
                 "1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' "
                 "failed to satisfy constraint: Member must have value greater than or equal to 1");
    make_alias("head", "$LATEST");
    assert_fails("PUT", PROVISIONED "?Qualifier=head", provision(1), 400,
                 "InvalidParameterValueException", unpublished);
}

static void a_version_and_its_alias_are_not_both_provisioned(void **state) {
    (void)state;
    make_function();
    make_alias("live", "1");
    assert_int_equal(call("PUT", PROVISIONED "?Qualifier=live", provision(1)), 202);
    assert_fails("PUT", PROVISIONED "?Qualifier=1", provision(1), 409, "ResourceConflictException",
                 "Version is pointed by a Provisioned Concurrency alias");
    assert_int_equal(call("DELETE", PROVISIONED "?Qualifier=live", ""), 204);
    assert_int_equal(call("PUT", PROVISIONED "?Qualifier=1", provision(1)), 202);
    assert_fails("PUT", PROVISIONED "?Qualifier=live", provision(1), 409,
                 "ResourceConflictException",
                 "Alias can't be used for Provisioned Concurrency configuration on an already "
                 "Provisioned version");
}

static void provisioned_and_reserved_have_to_fit(void **state) {
    (void)state;
    make_function();
    assert_int_equal(call("PUT", PUT_RESERVED, reserve(3)), 200);
    assert_int_equal(call("PUT", PROVISIONED "?Qualifier=1", provision(2)), 202);
    assert_fails("PUT", PROVISIONED "?Qualifier=2", provision(2), 400,
                 "InvalidParameterValueException",
                 "Requested Provisioned Concurrency should not be greater than the "
                 "reservedConcurrentExecution for function");
    assert_fails("PUT", PUT_RESERVED, reserve(1), 400, "InvalidParameterValueException",
                 " ReservedConcurrentExecutions  1 should not be lower than function's total "
                 "provisioned concurrency [2].");
    int64_t unreserved = 0;
    assert_int_equal(side_unreserved(&fixture.lambda, &here, NULL, &unreserved), 0);
    assert_int_equal(unreserved, 997);
    assert_int_equal(call("DELETE", PUT_RESERVED, ""), 204);
    assert_int_equal(side_unreserved(&fixture.lambda, &here, NULL, &unreserved), 0);
    assert_int_equal(unreserved, 998);
    assert_fails("PUT", PROVISIONED "?Qualifier=2", provision(999), 400,
                 "InvalidParameterValueException",
                 "Specified ConcurrentExecutions for function is greater than account's unreserved "
                 "concurrency [1000].");
    assert_fails("PUT", PROVISIONED "?Qualifier=2", provision(899), 400,
                 "InvalidParameterValueException",
                 "Specified ConcurrentExecutions for function decreases account's "
                 "UnreservedConcurrentExecution below its minimum value of [100].");
    assert_int_equal(call("PUT", PROVISIONED "?Qualifier=2", provision(898)), 202);
}

static void configs_are_listed_in_pages(void **state) {
    (void)state;
    assert_fails("GET", PROVISIONED "?List=ALL", NULL, 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f"));
    make_function();
    assert_answer("GET", PROVISIONED "?List=ALL", "", 200,
                  "{\"ProvisionedConcurrencyConfigs\":[]}");
    assert_int_equal(call("PUT", PROVISIONED "?Qualifier=1", provision(1)), 202);
    assert_int_equal(call("PUT", PROVISIONED "?Qualifier=2", provision(1)), 202);
    assert_int_equal(call("GET", PROVISIONED "?List=ALL&MaxItems=1", ""), 200);
    assert_non_null(strstr(answer, "\"FunctionArn\":\"" ARN("f:1") "\""));
    assert_null(strstr(answer, ARN("f:2")));
    assert_int_equal(call("GET", format(PROVISIONED "?List=ALL&Marker=%s", marker()), ""), 200);
    assert_non_null(strstr(answer, "\"FunctionArn\":\"" ARN("f:2") "\""));
    assert_null(strstr(answer, ARN("f:1")));
}

static void deleting_an_alias_ends_what_was_provisioned_for_it(void **state) {
    (void)state;
    make_function();
    make_alias("live", "1");
    assert_int_equal(call("PUT", PROVISIONED "?Qualifier=live", provision(1)), 202);
    assert_int_equal(call("DELETE", F15 "f/aliases/live", ""), 204);
    assert_answer("GET", PROVISIONED "?List=ALL", "", 200,
                  "{\"ProvisionedConcurrencyConfigs\":[]}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(reserved_concurrency_is_kept_and_told_to_the_pool),
        TEST(reserving_is_for_functions_only),
        TEST(an_account_keeps_its_unreserved_minimum),
        TEST(small_accounts_have_a_smaller_minimum),
        TEST(provisioned_concurrency_is_ready_when_the_pool_has_it),
        TEST(a_function_that_cannot_run_fails_with_its_reason),
        TEST(only_what_is_published_is_provisioned),
        TEST(a_version_and_its_alias_are_not_both_provisioned),
        TEST(provisioned_and_reserved_have_to_fit),
        TEST(configs_are_listed_in_pages),
        TEST(deleting_an_alias_ends_what_was_provisioned_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
