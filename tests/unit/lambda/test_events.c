/* SPDX-License-Identifier: MIT */
/* Asynchronous events: kept, run, tried again, reported. The pool does what the test says. */
#include "invoke_fixture.h"

#include "events.h"
#include "events_impl.h"
#include "pool.h"

#define QUEUE "arn:aws:sqs:us-east-1:" ACCOUNT ":q"

/* --- the pool --- */

#define RUNS_MAX 512
static struct invocation *runs[RUNS_MAX]; /* under way, in order */
static size_t runs_count, runs_all;
static char last_payload[200];

int pool_create(struct lambda *self, struct pool **ret_pool) {
    (void)self;
    *ret_pool = NULL;
    return 0;
}
void pool_stop(struct pool *pool, void (*on_stopped)(void *arg), void *arg) {
    (void)pool;
    on_stopped(arg);
}
void pool_destroy(struct pool *pool) {
    (void)pool;
}
void pool_retire(struct pool *pool, const struct tenant *tenant, const char *name) {
    (void)pool;
    (void)tenant;
    (void)name;
}
void pool_adjust(struct pool *pool, const struct tenant *tenant, const char *name) {
    pool_retire(pool, tenant, name);
}
void pool_count(struct pool *pool, const struct tenant *tenant, const char *name,
                const char *qualifier, struct pool_counts *ret_counts) {
    pool_retire(pool, tenant, name);
    (void)qualifier;
    *ret_counts = (struct pool_counts){0};
}
void pool_invoke(struct pool *pool, struct invocation *invocation) {
    (void)pool;
    assert_true(runs_count < RUNS_MAX);
    runs[runs_count++] = invocation;
    runs_all++;
    (void)snprintf(last_payload, sizeof last_payload, "%s", invocation->payload);
}

static void run_ends(enum invocation_outcome outcome, const char *payload) {
    assert_true(runs_count > 0);
    struct invocation *invocation = runs[0];
    memmove(runs, runs + 1, --runs_count * sizeof runs[0]);
    const struct invocation_result result = {
        .outcome = outcome, .payload = STR(payload), .status = 500, .code = "", .message = ""};
    invocation->on_done(invocation, &result);
    testkit_run(kit);
}

static void fails(void) {
    run_ends(INVOCATION_ERROR, "{\"errorMessage\":\"no luck\",\"errorType\":\"Error\"}");
}

/* --- life --- */

static int start_parts(void) {
    return events_create(&lambda, &lambda.events);
}

static bool stopped, stopping_later;

static void on_stopped(void *arg) {
    (void)arg;
    stopped = true;
    if (stopping_later) {
        lambda.host->stopped(lambda.host);
    }
}

static bool answers_at_stop; /* just before, so that its report is on its way */

static int stop_parts(void) {
    stopped = stopping_later = false;
    if (answers_at_stop && runs_count > 0) {
        struct invocation *invocation = runs[--runs_count];
        const struct invocation_result result = {.outcome = INVOCATION_DONE, .payload = STR("1")};
        answers_at_stop = false;
        invocation->on_done(invocation, &result);
    }
    events_stop(lambda.events, on_stopped, NULL);
    while (runs_count > 0) {
        struct invocation *invocation = runs[--runs_count];
        const struct invocation_result result = {.outcome = INVOCATION_CANCELLED};
        invocation->on_done(invocation, &result);
    }
    stopping_later = !stopped;
    return stopped ? 0 : -EINPROGRESS;
}

static void destroy_parts(void) {
    events_destroy(lambda.events);
}

static void handle_request(struct virga_request *req) {
    (void)req;
}

static int setup(void **state) {
    runs_count = runs_all = 0;
    return fixture_setup(state);
}

static int teardown(void **state) {
    int result = fixture_teardown(state);
    assert_int_equal(invocations, 0);
    return result;
}

static int add_to(struct function *function, const char *qualifier, const char *payload) {
    struct invocation *invocation = NULL;
    assert_int_equal(invocation_create(function, qualifier, STR(payload), NULL, &invocation), 0);
    size_t before = runs_all;
    int result = events_add(lambda.events, invocation, qualifier);
    assert_int_equal(runs_all, before); /* never inside */
    invocation_destroy(invocation);
    return result;
}

static void add(const char *payload) {
    assert_int_equal(add_to(put_function("f", "$LATEST", ""), "", payload), 0);
    testkit_run(kit);
}

/* What belongs to events in the store: all but the one function. */
static size_t rows(void) {
    return testkit_store_count(kit) - 1;
}

static const struct testkit_message *sent(size_t n) {
    return testkit_sent(kit, TESTKIT_DISPATCH, n);
}

static void assert_has(struct virga_str text, const char *part) {
    if (memmem(text.ptr, text.len, part, strlen(part)) == NULL) {
        fail_msg("\"%s\" is not in %.*s", part, (int)text.len, text.ptr);
    }
}

static void script_ok(void) {
    testkit_script(kit, TESTKIT_DISPATCH, NULL, &(struct testkit_answer){.body = "{}"}, 0);
}

/* --- tests --- */

static void an_event_is_kept_until_it_has_run(void **state) {
    (void)state;
    add("{\"a\":1}");
    assert_int_equal(rows(), 2);
    assert_int_equal(runs_count, 1);
    assert_string_equal(last_payload, "{\"a\":1}");
    run_ends(INVOCATION_DONE, "1");
    assert_int_equal(rows(), 0);
}

static void events_go_on_after_a_restart(void **state) {
    (void)state;
    add("1");
    char id[LAMBDA_ID_LEN + 1];
    (void)snprintf(id, sizeof id, "%s", runs[0]->request_id);
    testkit_stop(kit);
    assert_int_equal(rows(), 2);
    assert_int_equal(testkit_start(kit), 0);
    testkit_run(kit);
    assert_int_equal(runs_count, 1);
    assert_string_equal(runs[0]->request_id, id);
    run_ends(INVOCATION_DONE, "1");
    assert_int_equal(rows(), 0);
}

static void errors_are_tried_again_after_one_and_two_minutes(void **state) {
    (void)state;
    add("1");
    fails();
    testkit_advance(kit, 59999);
    assert_int_equal(runs_count, 0);
    testkit_advance(kit, 1);
    assert_int_equal(runs_count, 1);
    fails();
    testkit_stop(kit); /* the second pause goes on after a restart */
    assert_int_equal(testkit_start(kit), 0);
    testkit_advance(kit, 119999);
    assert_int_equal(runs_count, 0);
    testkit_advance(kit, 1);
    assert_int_equal(runs_count, 1);
    fails();
    assert_int_equal(rows(), 0);
    testkit_advance(kit, 1000000);
    assert_int_equal(runs_all, 3);
}

static void the_functions_config_says_how_often(void **state) {
    (void)state;
    put_function("f", "$LATEST", "");
    put_side(SIDE_EVENT_CONFIG, "f", "$LATEST", "{\"MaximumRetryAttempts\":0}");
    add("1");
    fails();
    assert_int_equal(rows(), 1); /* the config */
    testkit_advance(kit, 1000000);
    assert_int_equal(runs_all, 1);
}

static void throttled_events_wait_longer_each_time_and_count_for_nothing(void **state) {
    (void)state;
    add("1");
    run_ends(INVOCATION_THROTTLED, "");
    testkit_advance(kit, 999);
    assert_int_equal(runs_count, 0);
    testkit_advance(kit, 1);
    assert_int_equal(runs_count, 1);
    run_ends(INVOCATION_REFUSED, "");
    testkit_advance(kit, 1999);
    assert_int_equal(runs_count, 0);
    testkit_advance(kit, 1);
    run_ends(INVOCATION_DONE, "1");
    assert_int_equal(rows(), 0);
}

static void a_throttled_function_drains_as_fast_as_it_runs(void **state) {
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(add_to(f, "", "1"), 0);
    }
    testkit_run(kit);
    assert_int_equal(runs_count, 3);
    struct invocation *first = runs[0];
    memmove(runs, runs + 1, --runs_count * sizeof runs[0]);
    run_ends(INVOCATION_THROTTLED, "");
    run_ends(INVOCATION_THROTTLED, "");
    testkit_advance(kit, 600000);
    assert_int_equal(runs_count, 0); /* the first still runs */
    runs[runs_count++] = first;
    run_ends(INVOCATION_DONE, "1");
    assert_true(runs_count >= 1); /* at once */
    while (runs_count > 0) {
        run_ends(INVOCATION_DONE, "1");
    }
    assert_int_equal(rows(), 0);
}

static void one_functions_throttling_does_not_stop_another(void **state) {
    (void)state;
    add("1");
    run_ends(INVOCATION_THROTTLED, "");
    assert_int_equal(add_to(put_function("g", "$LATEST", ""), "", "2"), 0);
    testkit_run(kit);
    assert_int_equal(runs_count, 1);
    assert_string_equal(runs[0]->function->name, "g");
    run_ends(INVOCATION_DONE, "1");
}

static void an_event_that_is_too_old_is_reported_and_not_run(void **state) {
    (void)state;
    script_ok();
    put_function("f", "$LATEST", "");
    put_side(SIDE_EVENT_CONFIG, "f", "$LATEST",
             "{\"MaximumEventAgeInSeconds\":60,\"DestinationConfig\":{\"OnFailure\":{"
             "\"Destination\":\"" QUEUE "\"}}}");
    add("1");
    fails();
    testkit_advance(kit, 60000);
    assert_int_equal(runs_all, 1);
    assert_has(sent(0)->body, "\\\"condition\\\":\\\"EventAgeExceeded\\\"");
    assert_has(sent(0)->body, "\\\"approximateInvokeCount\\\":1");
    assert_int_equal(rows(), 1);
}

static void success_is_reported_to_a_queue(void **state) {
    (void)state;
    script_ok();
    put_function("f", "$LATEST", "");
    put_side(SIDE_EVENT_CONFIG, "f", "$LATEST",
             "{\"DestinationConfig\":{\"OnSuccess\":{\"Destination\":\"" QUEUE "\"}}}");
    add("{\"a\":1}");
    run_ends(INVOCATION_DONE, "{\"b\":2}");
    const struct testkit_message *message = sent(0);
    assert_non_null(message);
    assert_has(STR(message->headers), "AmazonSQS.SendMessage");
    assert_has(message->body, "\"QueueUrl\":\"http://localhost:4566/" ACCOUNT "/q\"");
    assert_has(message->body, "\\\"condition\\\":\\\"Success\\\",\\\"approximateInvokeCount\\\":1");
    assert_has(message->body, "\\\"functionArn\\\":\\\"" ARN("f") ":$LATEST\\\"");
    assert_has(message->body, "\\\"requestPayload\\\":{\\\"a\\\":1},\\\"responseContext\\\":{"
                              "\\\"statusCode\\\":200,\\\"executedVersion\\\":\\\"$LATEST\\\"},"
                              "\\\"responsePayload\\\":{\\\"b\\\":2}}");
    assert_int_equal(rows(), 1);
}

static void failure_is_reported_to_the_destination_and_the_dead_letter_queue(void **state) {
    (void)state;
    script_ok();
    struct function *f = put_function(
        "f", "$LATEST",
        "\"DeadLetterConfig\":{\"TargetArn\":\"arn:aws:sns:us-east-1:" ACCOUNT ":t\"}");
    put_side(SIDE_EVENT_CONFIG, "f", "$LATEST",
             "{\"MaximumRetryAttempts\":0,\"DestinationConfig\":{\"OnFailure\":{\"Destination\":"
             "\"arn:aws:events:us-east-1:" ACCOUNT ":event-bus/b\"}}}");
    assert_int_equal(add_to(f, "", "{\"a\":1}"), 0);
    testkit_run(kit);
    fails();
    assert_has(STR(sent(0)->headers), "AWSEvents.PutEvents");
    assert_has(sent(0)->body, "\"DetailType\":\"Lambda Function Invocation Result - Failure\"");
    assert_has(sent(0)->body, "\\\"condition\\\":\\\"RetriesExhausted\\\"");
    assert_has(sent(0)->body, "\\\"functionError\\\":\\\"Unhandled\\\"");
    assert_has(sent(1)->body, "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns");
    assert_has(sent(1)->body, "Message=%7B%22a%22%3A1%7D");
    assert_has(sent(1)->body, "MessageAttributes.entry.3.Value.StringValue=no%20luck");
    assert_int_equal(rows(), 1);
}

static void a_bucket_gets_an_object(void **state) {
    (void)state;
    script_ok();
    put_function("f", "$LATEST", "");
    put_side(SIDE_EVENT_CONFIG, "f", "$LATEST",
             "{\"MaximumRetryAttempts\":0,\"DestinationConfig\":{\"OnFailure\":{\"Destination\":"
             "\"arn:aws:s3:::b\"}}}");
    add("1");
    fails();
    assert_string_equal(sent(0)->method, "PUT");
    assert_int_equal(strncmp(sent(0)->target, "/b/aws/lambda/async/f/2026/01/01/", 33), 0);
    assert_has(sent(0)->body, "{\"version\":\"1.0\",\"timestamp\":\"2026-01-01T");
}

static void another_function_gets_the_record_as_an_event(void **state) {
    (void)state;
    put_function("g", "$LATEST", "");
    put_function("f", "$LATEST", "");
    put_side(SIDE_EVENT_CONFIG, "f", "$LATEST",
             "{\"DestinationConfig\":{\"OnSuccess\":{\"Destination\":\"" ARN("g") "\"}}}");
    add("1");
    run_ends(INVOCATION_DONE, "2");
    assert_int_equal(runs_count, 1);
    assert_string_equal(runs[0]->function->name, "g");
    assert_has(STR(last_payload), "\"requestContext\":{\"requestId\"");
    run_ends(INVOCATION_DONE, "3");
    assert_int_equal(rows(), 2); /* g and the config */
}

static void a_destination_that_nobody_provides_is_logged(void **state) {
    (void)state;
    put_function("f", "$LATEST", "");
    put_side(SIDE_EVENT_CONFIG, "f", "$LATEST",
             "{\"DestinationConfig\":{\"OnSuccess\":{\"Destination\":\"" QUEUE "\"}}}");
    add("1");
    run_ends(INVOCATION_DONE, "2");
    assert_has(STR(testkit_log(kit)),
               "nothing was delivered to " QUEUE ": its service answered 400");
    assert_int_equal(rows(), 1);
}

static void a_report_that_a_stop_breaks_off_is_made_again(void **state) {
    (void)state;
    put_function("f", "$LATEST", "");
    put_side(SIDE_EVENT_CONFIG, "f", "$LATEST",
             "{\"DestinationConfig\":{\"OnSuccess\":{\"Destination\":\"" QUEUE "\"}}}");
    add("1");
    answers_at_stop = true;
    testkit_stop(kit);
    assert_int_equal(rows(), 3);
    script_ok();
    assert_int_equal(testkit_start(kit), 0);
    testkit_run(kit);
    run_ends(INVOCATION_DONE, "1");
    assert_int_equal(rows(), 1);
}

static void events_of_a_deleted_function_are_gone(void **state) {
    (void)state;
    add("1");
    fails();
    add("2");
    assert_int_equal(rows(), 4);
    events_forget(lambda.events, &here, "f");
    assert_int_equal(rows(), 0);
    fails();
    testkit_advance(kit, 1000000);
    assert_int_equal(runs_all, 2);
    assert_int_equal(rows(), 0);
}

static void an_alias_that_is_gone_drops_its_events(void **state) {
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    assert_int_equal(add_to(f, "live", "1"), 0);
    testkit_run(kit);
    assert_int_equal(runs_all, 0);
    assert_int_equal(rows(), 0);
    assert_has(STR(testkit_log(kit)), "an event of f is dropped");
}

static void so_many_run_at_once(void **state) {
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    for (int i = 0; i < EVENTS_RUNNING_MAX + 5; i++) {
        assert_int_equal(add_to(f, "", "1"), 0);
    }
    testkit_run(kit);
    assert_int_equal(runs_count, EVENTS_RUNNING_MAX);
    while (runs_count > 0) {
        run_ends(INVOCATION_DONE, "1");
    }
    assert_int_equal(runs_all, EVENTS_RUNNING_MAX + 5);
    assert_int_equal(rows(), 0);
}

static void a_store_that_fails_is_told_at_once(void **state) {
    (void)state;
    struct function *f = put_function("f", "$LATEST", "");
    testkit_store_fail(kit, -ENOSPC);
    assert_int_equal(add_to(f, "", "1"), -ENOSPC);
    testkit_store_fail(kit, 0);
    testkit_run(kit);
    assert_int_equal(runs_all, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_event_is_kept_until_it_has_run),
        TEST(events_go_on_after_a_restart),
        TEST(errors_are_tried_again_after_one_and_two_minutes),
        TEST(the_functions_config_says_how_often),
        TEST(throttled_events_wait_longer_each_time_and_count_for_nothing),
        TEST(a_throttled_function_drains_as_fast_as_it_runs),
        TEST(one_functions_throttling_does_not_stop_another),
        TEST(an_event_that_is_too_old_is_reported_and_not_run),
        TEST(success_is_reported_to_a_queue),
        TEST(failure_is_reported_to_the_destination_and_the_dead_letter_queue),
        TEST(a_bucket_gets_an_object),
        TEST(another_function_gets_the_record_as_an_event),
        TEST(a_destination_that_nobody_provides_is_logged),
        TEST(a_report_that_a_stop_breaks_off_is_made_again),
        TEST(events_of_a_deleted_function_are_gone),
        TEST(an_alias_that_is_gone_drops_its_events),
        TEST(so_many_run_at_once),
        TEST(a_store_that_fails_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
