/* SPDX-License-Identifier: MIT */
/* Invoke, InvokeAsync and InvokeWithResponseStream as a client sees them, without environments. */
#include "pool_fake.h"

#include "actions.h"
#include "event_stream.h"
#include "events.h"

#define INVOKE "/2015-03-31/functions/f/invocations"
#define STREAM "/2021-11-15/functions/f/response-streaming-invocations"

/* --- the queue --- */

static size_t events_added;
static char event_payload[100], event_qualifier[100];
static int events_error;

int events_create(struct lambda *self, struct events **ret_events) {
    (void)self;
    *ret_events = NULL;
    return 0;
}

void events_stop(struct events *events, void (*on_stopped)(void *arg), void *arg) {
    (void)events;
    on_stopped(arg);
}

void events_destroy(struct events *events) {
    (void)events;
}

int events_add(struct events *events, const struct invocation *invocation, const char *qualifier) {
    (void)events;
    events_added++;
    (void)snprintf(event_payload, sizeof event_payload, "%s", invocation->payload);
    (void)snprintf(event_qualifier, sizeof event_qualifier, "%s", qualifier);
    return events_error;
}

void events_forget(struct events *events, const struct tenant *tenant, const char *name) {
    (void)events;
    (void)tenant;
    (void)name;
}

/* --- life --- */

static const struct virga_route routes[] = {
#define ROUTE(name, suffix, verb, path, bits, limit)                                               \
    {.kind = VIRGA_ROUTE_REST,                                                                     \
     .method = (verb),                                                                             \
     .pattern = (path),                                                                            \
     .body_limit_bytes = (limit),                                                                  \
     .tag = ACTION_##name},
    ACTIONS_EVENT(ROUTE)
#undef ROUTE
};

static int start_parts(void) {
    return actions_create(&lambda, &lambda.actions);
}

static int stop_parts(void) {
    return 0;
}

static void destroy_parts(void) {
    actions_destroy(lambda.actions);
}

static void handle_request(struct virga_request *req) {
    actions_handle(&lambda, &actions_table[req->route->tag], req);
}

static int setup(void **state) {
    events_added = resumed = abandoned = 0;
    events_error = 0;
    fixture_plugin.routes = routes;
    fixture_plugin.routes_count = sizeof routes / sizeof routes[0];
    fixture_plugin.route_size = sizeof routes[0];
    int result = fixture_setup(state);
    put_function("f", "$LATEST", "");
    return result;
}

static int teardown(void **state) {
    assert_null(held);
    int result = fixture_teardown(state);
    assert_int_equal(invocations, 0);
    return result;
}

/* --- requests --- */

static struct testkit_request *ask(const char *target, const char *header, const char *value,
                                   const char *body) {
    struct testkit_request *req = testkit_request_create(kit, "POST", target);
    testkit_request_identity(req, ACCOUNT, "us-east-1", "lambda");
    if (header != NULL) {
        testkit_request_header(req, header, value);
    }
    testkit_request_body(req, body, strlen(body));
    assert_int_equal(testkit_send(req), 0);
    testkit_run(kit);
    return req;
}

static void assert_says(struct testkit_request *req, int status, const char *code,
                        const char *body) {
    assert_int_equal(testkit_status(req), status);
    assert_string_equal(testkit_header(req, "x-amzn-ErrorType"), code);
    assert_string_equal(testkit_body(req), body);
}

#define ENUM_FAULT(value, member, values)                                                          \
    "{\"message\":\"1 validation error detected: Value '" value "' at '" member                    \
    "' failed to satisfy constraint: Member must satisfy enum value set: [" values "]\"}"

/* --- Invoke --- */

static void an_answer_comes_with_its_headers(void **state) {
    (void)state;
    struct testkit_request *req = ask(INVOKE, NULL, NULL, "{\"a\":1}");
    assert_int_equal(testkit_status(req), 0);
    assert_string_equal(held->payload, "{\"a\":1}");
    assert_string_equal(held->invoked_arn, ARN("f"));
    assert_false(held->wants_tail);
    assert_int_equal(strlen(held->request_id), LAMBDA_ID_LEN);
    held_answers("{\"b\":2}");
    assert_int_equal(testkit_status(req), 200);
    assert_string_equal(testkit_body(req), "{\"b\":2}");
    assert_string_equal(testkit_header(req, "Content-Type"), "application/json");
    assert_string_equal(testkit_header(req, "X-Amz-Executed-Version"), "$LATEST");
    assert_null(testkit_header(req, "X-Amz-Function-Error"));
    assert_null(testkit_header(req, "X-Amz-Log-Result"));
}

static void no_event_is_an_empty_object(void **state) {
    (void)state;
    (void)ask(INVOKE, NULL, NULL, "");
    assert_string_equal(held->payload, "{}");
    held_answers("null");
}

static void a_function_error_is_an_answer(void **state) {
    (void)state;
    struct testkit_request *req = ask(INVOKE, NULL, NULL, "{}");
    held_fails("{\"errorMessage\":\"x\"}");
    assert_int_equal(testkit_status(req), 200);
    assert_string_equal(testkit_header(req, "X-Amz-Function-Error"), "Unhandled");
    assert_string_equal(testkit_header(req, "X-Amz-Executed-Version"), "$LATEST");
    assert_string_equal(testkit_body(req), "{\"errorMessage\":\"x\"}");
}

static void the_log_comes_when_it_is_asked_for(void **state) {
    (void)state;
    struct testkit_request *req = ask(INVOKE, "X-Amz-Log-Type", "Tail", "{}");
    assert_true(held->wants_tail);
    const struct invocation_result result = {
        .outcome = INVOCATION_DONE, .payload = STR("1"), .tail = STR("START\n")};
    end_held(&result);
    assert_string_equal(testkit_header(req, "X-Amz-Log-Result"), "U1RBUlQK");
}

static void versions_and_aliases_run_and_are_named(void **state) {
    (void)state;
    put_function("f", "1", "");
    put_side(SIDE_ALIAS, "f", "live", "{\"Name\":\"live\",\"FunctionVersion\":\"1\"}");
    struct testkit_request *req = ask(INVOKE "?Qualifier=live", NULL, NULL, "{}");
    assert_string_equal(held->invoked_arn, ARN("f:live"));
    held_answers("1");
    assert_string_equal(testkit_header(req, "X-Amz-Executed-Version"), "1");
    req = ask("/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A" ACCOUNT
              "%3Afunction%3Af%3A1/invocations",
              NULL, NULL, "{}");
    assert_string_equal(held->invoked_arn, ARN("f:1"));
    held_answers("1");
}

static void what_is_not_there_is_named_with_its_qualifier(void **state) {
    (void)state;
    assert_says(ask("/2015-03-31/functions/g/invocations", NULL, NULL, "{}"), 404,
                "ResourceNotFoundException",
                "{\"Type\":\"User\",\"Message\":\"Function not found: " ARN("g:$LATEST") "\"}");
    assert_says(ask(INVOKE "?Qualifier=7", NULL, NULL, "{}"), 404, "ResourceNotFoundException",
                "{\"Type\":\"User\",\"Message\":\"Function not found: " ARN("f:7") "\"}");
}

static void headers_are_checked(void **state) {
    (void)state;
    assert_says(ask(INVOKE, "X-Amz-Invocation-Type", "event", "{}"), 400, "ValidationException",
                ENUM_FAULT("event", "invocationType", "Event, RequestResponse, DryRun"));
    assert_says(ask(INVOKE, "X-Amz-Log-Type", "Head", "{}"), 400, "ValidationException",
                ENUM_FAULT("Head", "logType", "None, Tail"));
    assert_says(ask(STREAM, "X-Amz-Invocation-Type", "Event", "{}"), 400, "ValidationException",
                ENUM_FAULT("Event", "invocationType", "RequestResponse, DryRun"));
}

static void an_event_is_acknowledged_when_it_is_kept(void **state) {
    (void)state;
    put_function("f", "1", "");
    struct testkit_request *req =
        ask(INVOKE "?Qualifier=1", "X-Amz-Invocation-Type", "Event", "{\"a\":1}");
    assert_int_equal(testkit_status(req), 202);
    assert_string_equal(testkit_body(req), "");
    assert_null(testkit_header(req, "X-Amz-Executed-Version"));
    assert_int_equal(events_added, 1);
    assert_string_equal(event_payload, "{\"a\":1}");
    assert_string_equal(event_qualifier, "1");
    req = ask("/2014-11-13/functions/f/invoke-async", NULL, NULL, "[]");
    assert_int_equal(testkit_status(req), 202);
    assert_int_equal(events_added, 2);
    events_error = -EAGAIN;
    req = ask(INVOKE, "X-Amz-Invocation-Type", "Event", "{}");
    assert_int_equal(testkit_status(req), 429);
    events_error = -ENOSPC;
    req = ask(INVOKE, "X-Amz-Invocation-Type", "Event", "{}");
    assert_int_equal(testkit_status(req), 500);
}

static void a_dry_run_runs_nothing(void **state) {
    (void)state;
    struct testkit_request *req = ask(INVOKE, "X-Amz-Invocation-Type", "DryRun", "{}");
    assert_int_equal(testkit_status(req), 204);
    assert_null(held);
    assert_int_equal(testkit_status(ask("/2015-03-31/functions/g/invocations",
                                        "X-Amz-Invocation-Type", "DryRun", "{}")),
                     404);
}

static void payloads_are_checked(void **state) {
    (void)state;
    assert_says(ask(INVOKE, NULL, NULL, "<xml>"), 400, "InvalidRequestContentException",
                "{\"Type\":\"User\",\"message\":\"Could not parse request body into json: Could "
                "not parse payload into json: Unexpected character ('<' (code 60)): expected a "
                "valid value (JSON String, Number, Array, Object or token 'null', 'true' or "
                "'false')\\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` "
                "disabled); line: 1, column: 1]\"}");
    char *large = malloc(INVOCATION_EVENT_MAX + 2);
    memset(large, '1', INVOCATION_EVENT_MAX + 1);
    large[INVOCATION_EVENT_MAX + 1] = '\0';
    assert_says(ask(INVOKE, NULL, NULL, large), 413, "RequestEntityTooLargeException",
                "{\"message\":\"Request must be smaller than 6291456 bytes for the InvokeFunction "
                "operation\"}");
    large[INVOCATION_ASYNC_MAX + 1] = '\0';
    assert_says(ask(INVOKE, "X-Amz-Invocation-Type", "Event", large), 413,
                "RequestEntityTooLargeException",
                "{\"message\":\"Request must be smaller than 1048576 bytes for the InvokeFunction "
                "operation\"}");
    free(large);
    assert_int_equal(events_added, 0);
}

static void the_client_context_is_decoded(void **state) {
    (void)state;
    static const char fault[] = "{\"Type\":\"User\",\"message\":\"Client context must be a valid "
                                "Base64-encoded JSON object.\"}";
    (void)ask(INVOKE, "X-Amz-Client-Context", "eyJhIjoxfQ==", "{}");
    assert_string_equal(held->client_context, "{\"a\":1}");
    held_answers("1");
    assert_says(ask(INVOKE, "X-Amz-Client-Context", "?", "{}"), 400,
                "InvalidRequestContentException", fault);
    assert_says(ask(INVOKE, "X-Amz-Client-Context", "WzFd", "{}"), 400,
                "InvalidRequestContentException", fault);
}

static void a_function_that_is_being_made_cannot_run(void **state) {
    (void)state;
    struct json_object *document = json_tokener_parse(
        "{\"FunctionName\":\"p\",\"Version\":\"$LATEST\",\"RevisionId\":\"r\",\"State\":\"Pending\""
        ",\"Image\":{\"Digest\":\"sha256:0\"}}");
    assert_int_equal(functions_put(&lambda, &here, document, NULL), 0);
    assert_says(ask("/2015-03-31/functions/p/invocations", NULL, NULL, "{}"), 409,
                "ResourceConflictException",
                "{\"Type\":\"User\",\"message\":\"The operation cannot be performed at this time. "
                "The function is currently in the following state: Pending\"}");
}

static void throttling_says_which_limit_it_was(void **state) {
    (void)state;
    struct testkit_request *req = ask(INVOKE, NULL, NULL, "{}");
    held_is_throttled();
    assert_says(req, 429, "TooManyRequestsException",
                "{\"Reason\":\"ReservedFunctionConcurrentInvocationLimitExceeded\",\"Type\":"
                "\"User\",\"message\":\"Rate Exceeded.\"}");
    req = ask(INVOKE, NULL, NULL, "{}");
    held_is_refused();
    assert_says(req, 409, "CodeArtifactUserFailedException",
                "{\"Type\":\"User\",\"message\":\"it has no layers\"}");
}

static void another_accounts_function_runs_where_its_policy_allows_it(void **state) {
    (void)state;
    static const char target[] = "/2015-03-31/functions/arn:aws:lambda:us-east-1:999999999999:"
                                 "function:g/invocations";
    static const struct tenant there = {"999999999999", "us-east-1"};
    struct json_object *document = json_tokener_parse(
        "{\"FunctionName\":\"g\",\"Version\":\"$LATEST\",\"RevisionId\":\"r\",\"Image\":{"
        "\"Digest\":\"sha256:0\"}}");
    assert_int_equal(functions_put(&lambda, &there, document, NULL), 0);
    lambda.enforce = true;
    assert_says(ask(target, NULL, NULL, "{}"), 403, "AccessDeniedException",
                "{\"Message\":\"User: arn:aws:iam::" ACCOUNT ":root is not authorized to perform: "
                "lambda:InvokeFunction on resource: "
                "arn:aws:lambda:us-east-1:999999999999:function:g because no resource-based policy "
                "allows the lambda:InvokeFunction action\"}");
    struct json_object *policy = json_tokener_parse(
        "{\"Policy\":{\"Version\":\"2012-10-17\",\"Id\":\"default\",\"Statement\":[{\"Sid\":\"s\","
        "\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::" ACCOUNT
        ":root\"},\"Action\":\"lambda:InvokeFunction\",\"Resource\":"
        "\"arn:aws:lambda:us-east-1:999999999999:function:g\"}]},\"RevisionId\":\"r\"}");
    assert_int_equal(side_put(&lambda, SIDE_POLICY, &there, "g", "", policy), 0);
    json_object_put(policy);
    (void)ask(target, NULL, NULL, "{}");
    assert_string_equal(held->function->tenant.account, "999999999999");
    held_answers("1");
}

static void a_client_that_goes_does_not_stop_the_function(void **state) {
    (void)state;
    struct testkit_request *req = ask(INVOKE, NULL, NULL, "{}");
    testkit_request_cancel(req, -ECONNRESET);
    testkit_run(kit);
    held_answers("1");
    assert_int_equal(testkit_times_answered(req), 1);
    assert_int_equal(abandoned, 0);
}

/* --- InvokeWithResponseStream --- */

static void assert_message(const char **at, const char *type, const char *content_type,
                           const char *payload) {
    char expected[1000];
    size_t len = event_stream_write(type, content_type, STR(payload), expected);
    assert_memory_equal(*at, expected, len);
    *at += len;
}

static void chunks_become_events_as_they_come(void **state) {
    (void)state;
    struct testkit_request *req = ask(STREAM, "X-Amz-Log-Type", "Tail", "{}");
    assert_true(held->streams);
    held->on_head(held, "text/plain");
    testkit_run(kit);
    assert_int_equal(testkit_status(req), 200);
    assert_string_equal(testkit_header(req, "Content-Type"), "application/vnd.amazon.eventstream");
    assert_string_equal(testkit_header(req, "X-Amz-Executed-Version"), "$LATEST");
    assert_int_equal(held->on_chunk(held, STR("hello ")), VIRGA_BODY_GO_ON);
    testkit_run(kit);
    const char *at = testkit_body(req);
    assert_message(&at, "PayloadChunk", "application/octet-stream", "hello ");
    assert_int_equal(held->on_chunk(held, STR("world")), VIRGA_BODY_GO_ON);
    const struct invocation_result result = {
        .outcome = INVOCATION_DONE, .payload = STR(""), .tail = STR("END\n")};
    end_held(&result);
    assert_true(testkit_is_complete(req));
    at = testkit_body(req);
    assert_message(&at, "PayloadChunk", "application/octet-stream", "hello ");
    assert_message(&at, "PayloadChunk", "application/octet-stream", "world");
    assert_message(&at, "InvokeComplete", "application/json", "{\"LogResult\":\"RU5ECg==\"}");
    assert_int_equal(at - testkit_body(req), testkit_body_length(req));
}

static void an_error_is_the_last_event(void **state) {
    (void)state;
    struct testkit_request *req = ask(STREAM, NULL, NULL, "{}");
    held_fails("{\"errorMessage\":\"x\"}");
    assert_int_equal(testkit_status(req), 200);
    const char *at = testkit_body(req);
    assert_message(&at, "InvokeComplete", "application/json",
                   "{\"ErrorCode\":\"Unhandled\",\"ErrorDetails\":\"{\\\"errorMessage\\\":\\\"x\\\""
                   "}\"}");
    assert_true(testkit_is_complete(req));
}

static void what_is_not_run_is_an_ordinary_error(void **state) {
    (void)state;
    struct testkit_request *req = ask(STREAM, NULL, NULL, "{}");
    held_is_throttled();
    assert_int_equal(testkit_status(req), 429);
    assert_int_equal(testkit_status(ask(STREAM, "X-Amz-Invocation-Type", "DryRun", "{}")), 204);
}

static void a_slow_client_makes_the_function_wait(void **state) {
    (void)state;
    struct testkit_request *req = testkit_request_create(kit, "POST", STREAM);
    testkit_request_identity(req, ACCOUNT, "us-east-1", "lambda");
    testkit_request_slow(req);
    assert_int_equal(testkit_send(req), 0);
    testkit_run(kit);
    assert_int_equal(held->on_chunk(held, STR("1")), VIRGA_BODY_PAUSE);
    assert_int_equal(resumed, 0);
    testkit_run(kit);
    assert_int_equal(resumed, 1);
    assert_int_equal(held->on_chunk(held, STR("2")), VIRGA_BODY_PAUSE);
    held_answers(""); /* before the client has taken it */
    const char *at = testkit_body(req);
    assert_message(&at, "PayloadChunk", "application/octet-stream", "1");
    assert_message(&at, "PayloadChunk", "application/octet-stream", "2");
    assert_message(&at, "InvokeComplete", "application/json", "{}");
    assert_true(testkit_is_complete(req));
    assert_int_equal(resumed, 1);
}

static void a_client_that_goes_lets_the_stream_run_dry(void **state) {
    (void)state;
    struct testkit_request *req = ask(STREAM, NULL, NULL, "{}");
    assert_int_equal(held->on_chunk(held, STR("1")), VIRGA_BODY_GO_ON);
    testkit_request_cancel(req, -ECONNRESET);
    testkit_run(kit);
    assert_int_equal(abandoned, 1);
    assert_int_equal(held->on_chunk(held, STR("2")), VIRGA_BODY_GO_ON);
    held_answers("");
    assert_int_equal(testkit_times_answered(req), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_answer_comes_with_its_headers),
        TEST(no_event_is_an_empty_object),
        TEST(a_function_error_is_an_answer),
        TEST(the_log_comes_when_it_is_asked_for),
        TEST(versions_and_aliases_run_and_are_named),
        TEST(what_is_not_there_is_named_with_its_qualifier),
        TEST(headers_are_checked),
        TEST(an_event_is_acknowledged_when_it_is_kept),
        TEST(a_dry_run_runs_nothing),
        TEST(payloads_are_checked),
        TEST(the_client_context_is_decoded),
        TEST(a_function_that_is_being_made_cannot_run),
        TEST(throttling_says_which_limit_it_was),
        TEST(another_accounts_function_runs_where_its_policy_allows_it),
        TEST(a_client_that_goes_does_not_stop_the_function),
        TEST(chunks_become_events_as_they_come),
        TEST(an_error_is_the_last_event),
        TEST(what_is_not_run_is_an_ordinary_error),
        TEST(a_slow_client_makes_the_function_wait),
        TEST(a_client_that_goes_lets_the_stream_run_dry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
