/* SPDX-License-Identifier: MIT */
/* Extensions: registration, events, errors, shutdown, subscriptions. */
#include "environment_fixture.h"

#define REGISTER "/2020-01-01/extension/register"
#define EVENT "/2020-01-01/extension/event/next"
#define ID "Lambda-Extension-Identifier"
#define UNKNOWN "11111111-2222-3333-4444-555555555555"

static struct testkit_request *try_register(const char *name, const char *body) {
    struct testkit_request *req = testkit_request_create(rig.kit, "POST", REGISTER);
    if (name != NULL) {
        testkit_request_header(req, "Lambda-Extension-Name", name);
    }
    testkit_request_header(req, "Lambda-Extension-Accept-Feature", "accountId");
    testkit_request_body(req, body, strlen(body));
    return send_to_runtime_api(req);
}

static const char *do_register(const char *name, const char *events) {
    struct testkit_request *req = try_register(name, events);
    assert_int_equal(testkit_status(req), 200);
    assert_non_null(testkit_header(req, ID));
    return testkit_header(req, ID);
}

static struct testkit_request *ask(const char *method, const char *path, const char *id,
                                   const char *body) {
    struct testkit_request *req = testkit_request_create(rig.kit, method, path);
    if (id != NULL) {
        testkit_request_header(req, ID, id);
    }
    if (body != NULL) {
        testkit_request_body(req, body, strlen(body));
    }
    return send_to_runtime_api(req);
}

static struct testkit_request *next_event(const char *id) {
    return ask("GET", EVENT, id, NULL);
}

static void registration_tells_of_the_function(void **state) {
    (void)state;
    begin(NULL);
    struct testkit_request *req = try_register("e", "{\"events\":[\"INVOKE\"]}");
    assert_int_equal(testkit_status(req), 200);
    assert_string_equal(testkit_body(req),
                        "{\"functionName\":\"f\",\"functionVersion\":\"$LATEST\",\"handler\":"
                        "\"app.handler\",\"accountId\":\"000000000000\"}");
}

static void malformed_registrations_are_refused(void **state) {
    (void)state;
    char name[8];
    begin(NULL);
    assert_refused(try_register(NULL, "{}"), 403, "Extension.InvalidExtensionName");
    assert_refused(try_register("e", "[]"), 403, "InvalidRequestFormat");
    assert_refused(try_register("e", "{\"events\":[\"DANCE\"]}"), 403,
                   "Extension.InvalidEventType");
    do_register("e", "{\"events\":[]}");
    assert_refused(try_register("e", "{}"), 403, "Extension.InvalidExtensionState");
    for (int i = 1; i < 10; i++) {
        (void)snprintf(name, sizeof name, "e%d", i);
        do_register(name, "{}");
    }
    assert_refused(try_register("f", "{}"), 403, "Extension.TooManyExtensions");
}

static void registration_closes_with_the_init(void **state) {
    (void)state;
    begin(NULL);
    next();
    assert_refused(try_register("e", "{}"), 403, "Extension.RegistrationClosed");
}

static void requests_without_a_right_identifier_are_refused(void **state) {
    (void)state;
    begin(NULL);
    assert_refused(next_event(NULL), 403, "Extension.MissingExtensionIdentifier");
    assert_refused(next_event("x"), 403, "Extension.InvalidExtensionIdentifier");
    assert_refused(next_event(UNKNOWN), 403, "Unknown extension " UNKNOWN);
}

static void init_waits_for_every_extension(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    const char *one = do_register("one", "{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}");
    const char *two = do_register("two", "{\"events\":[]}");
    struct testkit_request *event = next();
    assert_int_equal(testkit_status(event), 0);
    struct testkit_request *first = next_event(one);
    assert_int_equal(testkit_status(event), 0);
    struct testkit_request *second = next_event(two);
    assert_int_equal(testkit_status(event), 200);
    assert_int_equal(testkit_status(second), 0); /* has not asked for INVOKE */
    assert_int_equal(testkit_status(first), 200);
    assert_string_equal(
        testkit_body(first),
        "{\"eventType\":\"INVOKE\",\"deadlineMs\":1767225603000,\"requestId\":\"" RID
        "\",\"invokedFunctionArn\":\"arn:aws:lambda:us-east-1:000000000000:"
        "function:f:live\",\"tracing\":{\"type\":\"X-Amzn-Trace-Id\",\"value\":"
        "\"Root=1-2-3\"}}");
    assert_non_null(testkit_header(first, "Lambda-Extension-Event-Identifier"));
}

static void environment_is_idle_when_extensions_are_done_too(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    const char *id = do_register("one", "{\"events\":[\"INVOKE\"]}");
    next_event(id);
    next();
    post(RESPONSE, NULL, NULL, "1");
    next();
    assert_int_equal(rig.seen.dones, 0);
    testkit_advance(rig.kit, 20);
    assert_int_equal(rig.seen.dones, 1); /* the caller does not wait for extensions */
    assert_int_equal(rig.seen.idles, 0);
    next_event(id);
    assert_int_equal(rig.seen.idles, 1);
    environment_invoke(rig.environment, make_invocation("{}"));
    assert_int_equal(rig.seen.dones, 1);
}

static void extension_that_never_asks_again_times_out(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    const char *id = do_register("one", "{\"events\":[\"INVOKE\"]}");
    next_event(id);
    next();
    post(RESPONSE, NULL, NULL, "1");
    next();
    testkit_advance(rig.kit, 3000);
    assert_int_equal(rig.seen.outcome, INVOCATION_DONE);
    assert_int_equal(rig.seen.ends, 1);
    assert_has(read_log(), "\tStatus: timeout\n");
}

static void parked_twice_is_refused_and_a_broken_connection_may_ask_again(void **state) {
    (void)state;
    begin(NULL);
    const char *id = do_register("one", "{\"events\":[\"INVOKE\"]}");
    struct testkit_request *parked = next_event(id);
    assert_refused(next_event(id), 403, "from Ready to Ready");
    next();
    testkit_request_cancel(parked, -ECONNRESET);
    testkit_run(rig.kit);
    environment_invoke(rig.environment, make_invocation("{}"));
    assert_int_equal(testkit_status(next_event(id)), 200);
}

static void shutdown_is_told_and_waited_for(void **state) {
    (void)state;
    begin(NULL);
    const char *id = do_register("one", "{\"events\":[\"SHUTDOWN\"]}");
    struct testkit_request *event = next_event(id);
    next();
    environment_shutdown(rig.environment);
    testkit_run(rig.kit);
    assert_string_equal(testkit_body(event), "{\"eventType\":\"SHUTDOWN\",\"shutdownReason\":"
                                             "\"spindown\",\"deadlineMs\":1767225601500}");
    assert_int_equal(rig.process.last_signal, 0);
    next_event(id); /* it is done */
    assert_int_equal(rig.process.last_signal, SIGTERM);
    process_ends(EXECUTOR_EXITED, 0, "");
    assert_int_equal(rig.seen.ends, 1);
}

static void shutdown_does_not_wait_for_ever(void **state) {
    (void)state;
    begin(NULL);
    next_event(do_register("one", "{\"events\":[\"SHUTDOWN\"]}"));
    next();
    environment_shutdown(rig.environment);
    testkit_advance(rig.kit, 1500);
    assert_int_equal(rig.process.last_signal, SIGTERM);
    testkit_advance(rig.kit, 500);
    assert_int_equal(rig.seen.ends, 1);
}

static void late_answer_after_a_timeout_is_refused(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    const char *id = do_register("one", "{\"events\":[\"SHUTDOWN\"]}");
    struct testkit_request *event = next_event(id);
    next();
    testkit_advance(rig.kit, 3000);
    assert_string_equal(rig.seen.error_type, "Sandbox.Timedout");
    assert_has(testkit_body(event), "\"shutdownReason\":\"timeout\"");
    assert_refused(post(RESPONSE, NULL, NULL, "1"), 400, "InvalidRequestID");
    assert_int_equal(rig.seen.dones, 1);
    assert_int_equal(rig.seen.ends, 0);
    testkit_advance(rig.kit, 2000);
    assert_int_equal(rig.seen.ends, 1);
}

static void init_error_of_an_extension_fails_the_invocation(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    const char *id = do_register("one", "{}");
    assert_refused(ask("POST", "/2020-01-01/extension/init/error", id, "{}"), 403,
                   "Extension.MissingHeader");
    struct testkit_request *req =
        testkit_request_create(rig.kit, "POST", "/2020-01-01/extension/init/error");
    testkit_request_header(req, ID, id);
    testkit_request_header(req, "Lambda-Extension-Function-Error-Type", "Extension.NoKey");
    send_to_runtime_api(req);
    assert_int_equal(testkit_status(req), 202);
    assert_string_equal(rig.seen.error_type, "Extension.InitError");
    assert_has(rig.seen.payload, "extension one: Extension.NoKey");
    assert_int_equal(rig.seen.ends, 1);
}

static void exit_error_of_an_extension_ends_the_environment(void **state) {
    (void)state;
    begin(NULL);
    const char *id = do_register("one", "{\"events\":[\"SHUTDOWN\"]}");
    next_event(id);
    next();
    struct testkit_request *req =
        testkit_request_create(rig.kit, "POST", "/2020-01-01/extension/exit/error");
    testkit_request_header(req, ID, id);
    testkit_request_header(req, "Lambda-Extension-Function-Error-Type", "Extension.Bye");
    send_to_runtime_api(req);
    assert_int_equal(testkit_status(req), 202);
    assert_int_equal(rig.seen.ends, 1);
}

static void subscriptions_are_checked_and_accepted(void **state) {
    static const char right[] =
        "{\"schemaVersion\":\"2022-12-13\",\"types\":[\"platform\",\"function\"],\"destination\":"
        "{\"protocol\":\"HTTP\",\"URI\":\"http://sandbox.localdomain:8080\"}}";
    (void)state;
    begin(NULL);
    const char *id = do_register("one", "{}");
    struct testkit_request *req = ask("PUT", "/2022-07-01/telemetry", id, right);
    assert_int_equal(testkit_status(req), 200);
    assert_string_equal(testkit_body(req), "OK");
    assert_int_equal(testkit_status(ask("PUT", "/2020-08-15/logs", id, right)), 200);
    assert_refused(ask("PUT", "/2022-07-01/telemetry", id, "{\"types\":[\"platform\"]}"), 400,
                   "ValidationError");
    assert_refused(ask("PUT", "/2022-07-01/telemetry", id,
                       "{\"types\":[],\"destination\":{\"protocol\":\"TCP\",\"port\":1}}"),
                   400, "types is missing");
    assert_refused(ask("PUT", "/2022-07-01/telemetry", UNKNOWN, right), 403,
                   "Extension.UnknownExtensionIdentifier");
    next();
    next_event(id);
    assert_refused(ask("PUT", "/2022-07-01/telemetry", id, right), 403,
                   "Telemetry.SubscriptionClosed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(registration_tells_of_the_function),
        TEST(malformed_registrations_are_refused),
        TEST(registration_closes_with_the_init),
        TEST(requests_without_a_right_identifier_are_refused),
        TEST(init_waits_for_every_extension),
        TEST(environment_is_idle_when_extensions_are_done_too),
        TEST(extension_that_never_asks_again_times_out),
        TEST(parked_twice_is_refused_and_a_broken_connection_may_ask_again),
        TEST(shutdown_is_told_and_waited_for),
        TEST(shutdown_does_not_wait_for_ever),
        TEST(late_answer_after_a_timeout_is_refused),
        TEST(init_error_of_an_extension_fails_the_invocation),
        TEST(exit_error_of_an_extension_ends_the_environment),
        TEST(subscriptions_are_checked_and_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
