/* SPDX-License-Identifier: MIT */
/* Event invoke configs through the front door. */
#include "side_fixture.h"

#define CONFIG "/2019-09-25/functions/f/event-invoke-config"
#define NONE_FOUND "The function " ARN("f:$LATEST") " doesn't have an EventInvokeConfig"
#define NO_DESTINATIONS "\"DestinationConfig\":{\"OnSuccess\":{},\"OnFailure\":{}}"
#define LAST_MODIFIED "\"LastModified\":1700000000.123}"

static const char *to(const char *when, const char *arn) {
    return format("{\"DestinationConfig\":{\"%s\":{\"Destination\":\"%s\"}}}", when, arn);
}

static void a_config_is_put_read_and_deleted(void **state) {
    (void)state;
    static const char expected[] =
        "{\"FunctionArn\":\"" ARN("f:$LATEST") "\",\"MaximumRetryAttempts\":0,"
                                               "\"MaximumEventAgeInSeconds\":"
                                               "60," NO_DESTINATIONS "," LAST_MODIFIED;
    make_function();
    assert_fails("GET", CONFIG, NULL, 404, "ResourceNotFoundException", NONE_FOUND);
    assert_answer("PUT", CONFIG, "{\"MaximumRetryAttempts\":0,\"MaximumEventAgeInSeconds\":60}",
                  200, expected);
    assert_answer("GET", CONFIG, "", 200, expected);
    assert_answer("GET", CONFIG "?Qualifier=$LATEST", "", 200, expected);
    assert_answer("DELETE", CONFIG, "", 204, "");
    assert_fails("DELETE", CONFIG, NULL, 404, "ResourceNotFoundException", NONE_FOUND);
}

static void put_replaces_and_update_adds(void **state) {
    (void)state;
    make_function();
    assert_fails("POST", CONFIG, "{\"MaximumRetryAttempts\":1}", 404, "ResourceNotFoundException",
                 NONE_FOUND);
    assert_int_equal(call("PUT", CONFIG, to("OnFailure", "arn:aws:sqs:us-east-1:" ACCOUNT ":q")),
                     200);
    assert_int_equal(call("POST", CONFIG, "{\"MaximumRetryAttempts\":1}"), 200);
    assert_non_null(strstr(answer, "\"OnSuccess\":{},\"OnFailure\":{\"Destination\":"
                                   "\"arn:aws:sqs:us-east-1:" ACCOUNT ":q\"}"));
    assert_non_null(strstr(answer, "\"MaximumRetryAttempts\":1"));
    assert_int_equal(call("PUT", CONFIG, "{\"MaximumEventAgeInSeconds\":60}"), 200);
    assert_null(strstr(answer, "MaximumRetryAttempts"));
    assert_non_null(strstr(answer, NO_DESTINATIONS));
}

static void settings_are_checked_in_awss_words(void **state) {
    (void)state;
    static const char empty[] =
        "You must specify at least one of error handling or destination setting.";
    assert_fails("PUT", CONFIG, "{}", 400, "InvalidParameterValueException", empty);
    assert_fails("PUT", CONFIG, "{\"MaximumRetryAttempts\":1}", 404, "ResourceNotFoundException",
                 "The function doesn't exist.");
    assert_fails("GET", CONFIG, NULL, 404, "ResourceNotFoundException", NONE_FOUND);
    make_function();
    assert_fails("POST", CONFIG, "{}", 400, "InvalidParameterValueException", empty);
    assert_fails("PUT", CONFIG "?Qualifier=live", "{\"MaximumRetryAttempts\":1}", 404,
                 "ResourceNotFoundException", "The function doesn't exist.");
    assert_fails(
        "PUT", CONFIG, "{\"MaximumRetryAttempts\":3}", 400, "ValidationException",
        "1 validation error detected: Value '3' at 'maximumRetryAttempts' failed to satisfy "
        "constraint: Member must have value less than or equal to 2");
    assert_fails("PUT", CONFIG, "{\"MaximumEventAgeInSeconds\":59}", 400, "ValidationException",
                 "1 validation error detected: Value '59' at 'maximumEventAgeInSeconds' failed to "
                 "satisfy constraint: Member must have value greater than or equal to 60");
}

static void destinations_are_checked(void **state) {
    (void)state;
    static const char *const good[] = {"arn:aws:sqs:us-east-1:" ACCOUNT ":q",
                                       "arn:aws:sns:us-east-1:" ACCOUNT ":t",
                                       "arn:aws:events:us-east-1:" ACCOUNT ":event-bus/default",
                                       "arn:aws:s3:::bucket",
                                       ARN("g"),
                                       "arn:aws:lambda:us-east-1:111122223333:function:theirs"};
    make_function();
    make_version("g", FUNCTIONS_LATEST);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(call("PUT", CONFIG, to("OnFailure", good[i])), 200);
    }
    assert_fails("PUT", CONFIG, to("OnFailure", ARN("f")), 400, "InvalidParameterValueException",
                 "You can't specify the function as a destination for itself.");
    assert_fails("PUT", CONFIG, to("OnSuccess", ARN("nobody")), 400,
                 "InvalidParameterValueException",
                 "The destination ARN " ARN("nobody") " is invalid.");
    assert_fails("PUT", CONFIG, to("OnSuccess", "arn:aws:s3:::bucket"), 400,
                 "InvalidParameterValueException",
                 "The provided destination config "
                 "DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:s3:::bucket), "
                 "onFailure=null) is invalid.");
    assert_fails("PUT", CONFIG, to("OnFailure", "arn:aws:iam::" ACCOUNT ":role/r"), 400,
                 "InvalidParameterValueException",
                 "The provided destination config DestinationConfig(onSuccess=null, "
                 "onFailure=OnFailure(destination=arn:aws:iam::" ACCOUNT ":role/r)) is invalid.");
    (void)call("PUT", CONFIG, to("OnFailure", "nowhere"));
    assert_string_equal(exception, "ValidationException");
    static const char begin[] =
        "1 validation error detected: Value 'nowhere' at 'destinationConfig.onFailure.destination' "
        "failed to satisfy constraint: Member must satisfy regular expression pattern: $|kafka://";
    assert_memory_equal(member("message"), begin, sizeof begin - 1);
    /* An empty one means none. */
    assert_int_equal(call("PUT", CONFIG, to("OnFailure", "")), 200);
    assert_non_null(strstr(answer, NO_DESTINATIONS));
}

static void configs_are_listed_in_pages(void **state) {
    (void)state;
    assert_fails("GET", CONFIG "/list", NULL, 404, "ResourceNotFoundException",
                 "The function doesn't exist.");
    make_function();
    assert_answer("GET", CONFIG "/list", "", 200, "{\"FunctionEventInvokeConfigs\":[]}");
    assert_int_equal(call("PUT", CONFIG, "{\"MaximumRetryAttempts\":1}"), 200);
    assert_int_equal(call("PUT", CONFIG "?Qualifier=1", "{\"MaximumRetryAttempts\":1}"), 200);
    assert_int_equal(call("GET", CONFIG "/list?MaxItems=1", ""), 200);
    assert_non_null(strstr(answer, ARN("f:$LATEST")));
    assert_int_equal(call("GET", format(CONFIG "/list?MaxItems=1&Marker=%s", marker()), ""), 200);
    assert_non_null(strstr(answer, ARN("f:1")));
    assert_null(strstr(answer, "$LATEST"));
    assert_string_equal(member("NextMarker"), "");
    assert_fails("GET", CONFIG "/list?MaxItems=51", NULL, 400, "ValidationException",
                 "1 validation error detected: Value '51' at 'maxItems' failed to satisfy "
                 "constraint: Member must have value less than or equal to 50");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_config_is_put_read_and_deleted),   TEST(put_replaces_and_update_adds),
        TEST(settings_are_checked_in_awss_words), TEST(destinations_are_checked),
        TEST(configs_are_listed_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
