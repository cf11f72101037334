/* SPDX-License-Identifier: MIT */
/* Aliases through the front door. */
#include "side_fixture.h"

#define ALIASES F15 "f/aliases"
#define LIVE ALIASES "/live"

static void create(const char *name, const char *version) {
    assert_int_equal(call("POST", ALIASES,
                          format("{\"Name\":\"%s\",\"FunctionVersion\":\"%s\"}", name, version)),
                     201);
}

static void an_alias_is_created_and_read(void **state) {
    (void)state;
    make_function();
    create("live", "1");
    assert_string_equal(member("AliasArn"), ARN("f:live"));
    assert_string_equal(member("FunctionVersion"), "1");
    assert_non_null(strstr(answer, "\"Description\":\"\""));
    assert_null(strstr(answer, "RoutingConfig"));
    const char *created = format("%s", answer);
    assert_answer("GET", LIVE, "", 200, created);
    assert_answer("GET", F15 ARN("f") "/aliases/live", "", 200, created);
}

static void creating_checks_what_the_alias_points_to(void **state) {
    (void)state;
    assert_fails("POST", ALIASES, "{\"Name\":\"live\",\"FunctionVersion\":\"1\"}", 404,
                 "ResourceNotFoundException", "Function not found: " ARN("f:1"));
    make_function();
    assert_fails("POST", ALIASES, "{\"Name\":\"live\",\"FunctionVersion\":\"7\"}", 404,
                 "ResourceNotFoundException", "Function not found: " ARN("f:7"));
    create("live", "$LATEST");
    assert_fails("POST", ALIASES, "{\"Name\":\"live\",\"FunctionVersion\":\"1\"}", 409,
                 "ResourceConflictException", "Alias already exists: " ARN("f:live"));
    assert_fails(
        "POST", ALIASES, "{\"Name\":\"2024\",\"FunctionVersion\":\"1\"}", 400,
        "ValidationException",
        "1 validation error detected: Value '2024' at 'name' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)");
    assert_fails("POST", ALIASES, "{\"Name\":\"x\"}", 400, "ValidationException",
                 "1 validation error detected: Value null at 'functionVersion' failed to satisfy "
                 "constraint: Member must not be null");
    assert_fails("POST", ALIASES, "{\"Name\":\"x\",\"FunctionVersion\":\"live\"}", 400,
                 "ValidationException",
                 "1 validation error detected: Value 'live' at 'functionVersion' failed to satisfy "
                 "constraint: Member must satisfy regular expression pattern: "
                 "(\\$LATEST(\\.PUBLISHED)?|[0-9]+)");
}

static void routing_is_checked_in_awss_words(void **state) {
    (void)state;
    static const struct {
        const char *version, *weights;
        const char *code, *message;
    } cases[] = {
        {"1", "{\"2\":0.1,\"3\":0.1}", "InvalidParameterValueException",
         "Number of items in AdditionalVersionWeights cannot be greater than 1"},
        {"1", "{\"1\":0.5}", "InvalidParameterValueException",
         "Invalid function version 1. Function version 1 is already included in routing "
         "configuration."},
        {"$LATEST", "{\"1\":0.5}", "InvalidParameterValueException",
         "$LATEST is not supported for an alias pointing to more than 1 version"},
        {"1", "{\"2\":2}", "ValidationException",
         "1 validation error detected: Value '{2=2.0}' at 'routingConfig.additionalVersionWeights' "
         "failed to satisfy constraint: Map value must satisfy constraint: [Member must have value "
         "less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member "
         "must not be null]"},
        {"1", "{\"$LATEST\":0.5}", "ValidationException",
         "1 validation error detected: Value '{$LATEST=0.5}' at "
         "'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map keys must "
         "satisfy constraint: [Member must have length less than or equal to 1024, Member must "
         "have "
         "length greater than or equal to 1, Member must satisfy regular expression pattern: "
         "[0-9]+, Member must not be null]"},
    };
    make_function();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_fails("POST", ALIASES,
                     format("{\"Name\":\"live\",\"FunctionVersion\":\"%s\",\"RoutingConfig\":"
                            "{\"AdditionalVersionWeights\":%s}}",
                            cases[i].version, cases[i].weights),
                     400, cases[i].code, cases[i].message);
        assert_int_equal(strstr(answer, "\"Type\"") != NULL, i < 2);
    }
    assert_fails("POST", ALIASES,
                 "{\"Name\":\"live\",\"FunctionVersion\":\"1\",\"RoutingConfig\":"
                 "{\"AdditionalVersionWeights\":{\"9\":0.5}}}",
                 404, "ResourceNotFoundException", "Function not found: " ARN("f:9"));
    assert_int_equal(call("GET", LIVE, ""), 404);
}

/* Which version an invocation of the alias gets for a throw of the dice. */
static const char *version_for(double dice) {
    static char version[32];
    struct function *function = NULL;
    assert_int_equal(functions_resolve(&fixture.lambda, &here, "f", "live", dice, &function), 0);
    (void)snprintf(version, sizeof version, "%s", function->version);
    function_unref(function);
    return version;
}

static void weights_decide_which_version_runs(void **state) {
    (void)state;
    make_function();
    assert_int_equal(call("POST", ALIASES,
                          "{\"Name\":\"live\",\"FunctionVersion\":\"1\",\"RoutingConfig\":"
                          "{\"AdditionalVersionWeights\":{\"2\":0.25}}}"),
                     201);
    assert_non_null(
        strstr(answer, "\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":0.25}}"));
    assert_string_equal(version_for(0.24), "2");
    assert_string_equal(version_for(0.26), "1");
    /* An empty one takes the routing away; none leaves it. */
    assert_int_equal(call("PUT", LIVE, "{\"Description\":\"d\"}"), 200);
    assert_non_null(strstr(answer, "0.25"));
    assert_int_equal(call("PUT", LIVE, "{\"RoutingConfig\":{\"AdditionalVersionWeights\":{}}}"),
                     200);
    assert_null(strstr(answer, "RoutingConfig"));
    assert_string_equal(version_for(0.24), "1");
}

static void updating_asks_for_the_latest_revision(void **state) {
    (void)state;
    make_function();
    assert_fails("PUT", LIVE, "{}", 404, "ResourceNotFoundException",
                 "Alias not found: " ARN("f:live"));
    create("live", "1");
    const char *revision = format("%s", member("RevisionId"));
    assert_int_equal(
        call("PUT", LIVE, format("{\"FunctionVersion\":\"2\",\"RevisionId\":\"%s\"}", revision)),
        200);
    assert_string_equal(member("FunctionVersion"), "2");
    assert_string_not_equal(member("RevisionId"), revision);
    assert_fails("PUT", LIVE, format("{\"RevisionId\":\"%s\"}", revision), 412,
                 "PreconditionFailedException",
                 "The Revision Id provided does not match the latest Revision Id. Call the "
                 "GetFunction/GetAlias API to retrieve the latest Revision Id");
    assert_fails("PUT", LIVE, "{\"FunctionVersion\":\"9\"}", 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f:9"));
    assert_int_equal(call("GET", LIVE, ""), 200);
    assert_string_equal(member("FunctionVersion"), "2");
}

static void the_pool_hears_of_every_change(void **state) {
    (void)state;
    make_function();
    create("live", "1");
    assert_int_equal(pool_adjusted, 1);
    assert_int_equal(call("PUT", LIVE, "{\"FunctionVersion\":\"2\"}"), 200);
    assert_int_equal(pool_adjusted, 2);
    assert_int_equal(call("DELETE", LIVE, ""), 204);
    assert_int_equal(pool_adjusted, 3);
}

static void deleting_takes_the_policy_along_and_never_fails(void **state) {
    (void)state;
    make_function();
    create("live", "1");
    assert_int_equal(call("POST", F15 "f/policy?Qualifier=live",
                          "{\"StatementId\":\"s\",\"Action\":\"lambda:InvokeFunction\","
                          "\"Principal\":\"*\"}"),
                     201);
    assert_answer("DELETE", LIVE, "", 204, "");
    assert_answer("DELETE", LIVE, "", 204, "");
    assert_fails("GET", LIVE, NULL, 404, "ResourceNotFoundException",
                 "Cannot find alias arn: " ARN("f:live"));
    create("live", "1");
    assert_int_equal(call("GET", F15 "f/policy?Qualifier=live", ""), 404);
    assert_int_equal(call("DELETE", F15 "nobody/aliases/live", ""), 204);
}

static void aliases_are_listed_in_pages_and_by_version(void **state) {
    (void)state;
    assert_fails("GET", ALIASES, NULL, 404, "ResourceNotFoundException",
                 "Function not found: " ARN("f"));
    make_function();
    assert_answer("GET", ALIASES, "", 200, "{\"Aliases\":[]}");
    create("a", "1");
    create("b", "2");
    create("c", "1");
    assert_int_equal(call("GET", ALIASES "?MaxItems=2", ""), 200);
    assert_non_null(strstr(answer, ARN("f:b")));
    assert_null(strstr(answer, ARN("f:c")));
    assert_int_equal(call("GET", format(ALIASES "?MaxItems=2&Marker=%s", marker()), ""), 200);
    assert_non_null(strstr(answer, ARN("f:c")));
    assert_null(strstr(answer, ARN("f:b")));
    assert_string_equal(member("NextMarker"), "");
    assert_int_equal(call("GET", ALIASES "?FunctionVersion=2", ""), 200);
    assert_non_null(strstr(answer, ARN("f:b")));
    assert_null(strstr(answer, ARN("f:a")));
    assert_fails("GET", ALIASES "?Marker=nonsense", NULL, 400, "InvalidParameterValueException",
                 "Invalid Marker");
}

static void a_broken_store_is_a_service_exception(void **state) {
    (void)state;
    make_function();
    create("live", "1");
    fixture.store_error = -EIO;
    assert_fails("GET", LIVE, NULL, 500, "ServiceException",
                 "The alias could not be read: Input/output error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_alias_is_created_and_read),
        TEST(creating_checks_what_the_alias_points_to),
        TEST(routing_is_checked_in_awss_words),
        TEST(weights_decide_which_version_runs),
        TEST(updating_asks_for_the_latest_revision),
        TEST(the_pool_hears_of_every_change),
        TEST(deleting_takes_the_policy_along_and_never_fails),
        TEST(aliases_are_listed_in_pages_and_by_version),
        TEST(a_broken_store_is_a_service_exception),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
