/* SPDX-License-Identifier: MIT */
/* What a runtime answers, whole and streamed, and what is refused. */
#include "environment_fixture.h"

#define MODE "Lambda-Runtime-Function-Response-Mode"

static void begin_with(struct invocation *invocation) {
    begin(invocation);
    assert_int_equal(testkit_status(next()), 200);
}

static struct invocation *make_streamed(void) {
    struct invocation *invocation = make_invocation("{}");
    invocation->streams = true;
    return invocation;
}

static struct testkit_request *stream(const char *const *pieces) {
    struct testkit_request *req = testkit_request_create(rig.kit, "POST", RESPONSE);
    testkit_request_header(req, MODE, "streaming");
    testkit_request_header(req, "Transfer-Encoding", "chunked");
    testkit_request_header(req, "Content-Type", "text/html");
    for (size_t i = 0; pieces[i] != NULL; i++) {
        testkit_request_piece(req, pieces[i], strlen(pieces[i]));
    }
    return req;
}

/* --- answers --- */

static void error_of_the_function_is_passed_on(void **state) {
    (void)state;
    begin_with(make_invocation("{}"));
    struct testkit_request *answer = post(ERROR, "Lambda-Runtime-Function-Error-Type",
                                          "Runtime.Boom", "{\"errorType\":\"Boom\"}");
    assert_int_equal(testkit_status(answer), 202);
    next();
    assert_int_equal(rig.seen.outcome, INVOCATION_ERROR);
    assert_string_equal(rig.seen.error_type, "Runtime.Boom");
    assert_string_equal(rig.seen.payload, "{\"errorType\":\"Boom\"}");
    assert_int_equal(rig.seen.idles, 1);
    assert_null(strstr(read_log(), "Status:"));
}

static void bytes_that_are_no_json_are_passed_on(void **state) {
    (void)state;
    begin_with(make_invocation("{}"));
    post(RESPONSE, NULL, NULL, "{not json");
    next();
    assert_int_equal(rig.seen.outcome, INVOCATION_DONE);
    assert_string_equal(rig.seen.payload, "{not json");
}

static void empty_answer_is_an_answer(void **state) {
    (void)state;
    begin_with(make_invocation("{}"));
    struct testkit_request *answer = testkit_request_create(rig.kit, "POST", RESPONSE);
    send_to_runtime_api(answer);
    assert_int_equal(testkit_status(answer), 202);
    next();
    assert_int_equal(rig.seen.outcome, INVOCATION_DONE);
    assert_int_equal(rig.seen.payload_len, 0);
}

static void answer_of_exactly(size_t size) {
    struct testkit_request *answer = testkit_request_create(rig.kit, "POST", RESPONSE);
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, 'x', size);
    for (size_t done = 0; done < size;) {
        size_t part = size - done < 1000000 ? size - done : 1000000;
        testkit_request_piece(answer, bytes + done, part);
        done += part;
    }
    free(bytes);
    send_to_runtime_api(answer);
    assert_int_equal(testkit_status(answer), size > INVOCATION_PAYLOAD_MAX ? 413 : 202);
    if (size > INVOCATION_PAYLOAD_MAX) {
        assert_string_equal(testkit_body(answer),
                            "{\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 "
                            "bytes).\",\"errorType\":\"RequestEntityTooLarge\"}");
    }
    next();
}

static void largest_answer_is_taken(void **state) {
    (void)state;
    begin_with(make_invocation("{}"));
    answer_of_exactly(INVOCATION_PAYLOAD_MAX);
    assert_int_equal(rig.seen.outcome, INVOCATION_DONE);
    assert_int_equal(rig.seen.payload_len, INVOCATION_PAYLOAD_MAX);
}

static void larger_answer_is_an_error_and_the_environment_lives(void **state) {
    (void)state;
    begin_with(make_invocation("{}"));
    answer_of_exactly(INVOCATION_PAYLOAD_MAX + 1);
    assert_int_equal(rig.seen.outcome, INVOCATION_ERROR);
    assert_string_equal(rig.seen.error_type, "Function.ResponseSizeTooLarge");
    assert_string_equal(rig.seen.payload,
                        "{\"errorMessage\":\"Response payload size exceeded maximum allowed "
                        "payload size (6291556 bytes).\",\"errorType\":"
                        "\"Function.ResponseSizeTooLarge\"}");
    assert_int_equal(rig.seen.idles, 1);
}

static void truncated_answer_of_a_process_that_lives_on(void **state) {
    (void)state;
    begin_with(make_invocation("{}"));
    struct testkit_request *answer = testkit_request_create(rig.kit, "POST", RESPONSE);
    testkit_request_piece(answer, "{", 1);
    testkit_request_break_body(answer, -ECONNRESET);
    send_to_runtime_api(answer);
    next();
    assert_int_equal(rig.seen.dones, 0);
    testkit_advance(rig.kit, 200);
    assert_string_equal(rig.seen.error_type, "Runtime.TruncatedResponse");
    assert_int_equal(rig.seen.idles, 1);
}

static void truncated_answer_of_a_process_that_died_is_its_death(void **state) {
    (void)state;
    begin_with(make_invocation("{}"));
    struct testkit_request *answer = testkit_request_create(rig.kit, "POST", RESPONSE);
    testkit_request_piece(answer, "{", 1);
    testkit_request_break_body(answer, -ECONNRESET);
    send_to_runtime_api(answer);
    process_ends(EXECUTOR_SIGNALLED, SIGABRT, "");
    assert_string_equal(rig.seen.error_type, "Runtime.ExitError");
    assert_has(rig.seen.payload, "signal: aborted");
}

/* --- refusals --- */

static void wrong_request_id_is_refused(void **state) {
    (void)state;
    begin_with(make_invocation("{}"));
    assert_refused(post("/2018-06-01/runtime/invocation/other/response", NULL, NULL, "1"), 400,
                   "\"errorType\":\"InvalidRequestID\"");
    assert_int_equal(rig.seen.dones, 0);
    post(RESPONSE, NULL, NULL, "1");
    next();
    assert_int_equal(rig.seen.dones, 1);
    assert_refused(post(RESPONSE, NULL, NULL, "1"), 400, "InvalidRequestID");
}

static void second_answer_is_refused(void **state) {
    (void)state;
    begin_with(make_invocation("{}"));
    post(RESPONSE, NULL, NULL, "1");
    struct testkit_request *second = post(ERROR, NULL, NULL, "2");
    assert_refused(second, 403, "\"errorType\":\"InvalidStateTransition\"");
    assert_has(testkit_body(second), "from RuntimeResponseSentState to InvocationErrorResponse");
    next();
    assert_string_equal(rig.seen.payload, "1");
}

static void init_error_after_the_init_is_refused(void **state) {
    (void)state;
    begin_with(make_invocation("{}"));
    assert_refused(post("/2018-06-01/runtime/init/error", NULL, NULL, "{}"), 403,
                   "InvalidStateTransition");
}

static void next_after_an_init_error_is_refused(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    post("/2018-06-01/runtime/init/error", NULL, NULL, "{}");
    assert_refused(next(), 403, "from InitError to Ready");
}

static bool admits_nobody(struct executor *executor, struct virga_str peer) {
    (void)executor;
    assert_true(peer.len > 0);
    return false;
}

static void others_than_the_function_are_refused(void **state) {
    (void)state;
    begin_with(make_invocation("{}"));
    rig.executor.admits = admits_nobody;
    assert_int_equal(testkit_status(post(RESPONSE, NULL, NULL, "{}")), 403);
    assert_int_equal(rig.seen.dones, 0);
    rig.executor.admits = NULL;
    assert_int_equal(testkit_status(post(RESPONSE, NULL, NULL, "{}")), 202);
}

static void unknown_mode_of_response_is_refused(void **state) {
    (void)state;
    begin_with(make_invocation("{}"));
    assert_refused(post(RESPONSE, MODE, "buffered", "1"), 400, "InvalidFunctionResponseMode");
    next();
    assert_string_equal(rig.seen.error_type, "Runtime.InvalidResponseModeHeader");
}

static void other_paths_and_methods_are_not_there(void **state) {
    (void)state;
    begin(NULL);
    assert_int_equal(testkit_status(post("/2018-06-01/runtime/restore/next", NULL, NULL, "")), 404);
    assert_int_equal(testkit_status(post("/", NULL, NULL, "")), 404);
    assert_int_equal(testkit_status(post(NEXT, NULL, NULL, "")), 405);
    assert_int_equal(
        testkit_status(send_to_runtime_api(testkit_request_create(rig.kit, "GET", RESPONSE))), 405);
    assert_int_equal(testkit_status(send_to_runtime_api(
                         testkit_request_create(rig.kit, "GET", "/2018-06-01/ping"))),
                     200);
}

/* --- streams --- */

static void stream_comes_as_it_is_written(void **state) {
    static const char *const pieces[] = {"one ", "two ", "three", NULL};
    (void)state;
    begin_with(make_streamed());
    struct testkit_request *answer = send_to_runtime_api(stream(pieces));
    assert_int_equal(testkit_status(answer), 202);
    assert_int_equal(rig.seen.heads, 1);
    assert_string_equal(rig.seen.head, "text/html");
    assert_int_equal(rig.seen.chunks, 3);
    assert_string_equal(rig.seen.bytes, "one two three");
    next();
    assert_int_equal(rig.seen.outcome, INVOCATION_DONE);
    assert_int_equal(rig.seen.payload_len, 0);
}

static void stream_waits_for_its_reader(void **state) {
    static const char *const pieces[] = {"one ", "two", NULL};
    struct invocation *invocation = make_streamed();
    (void)state;
    rig.seen.pauses = 2;
    begin_with(invocation);
    struct testkit_request *answer = send_to_runtime_api(stream(pieces));
    assert_int_equal(rig.seen.chunks, 1);
    invocation_resume(invocation);
    assert_int_equal(rig.seen.chunks, 1);
    testkit_run(rig.kit);
    assert_int_equal(rig.seen.chunks, 2);
    assert_int_equal(testkit_status(answer), 0);
    invocation_resume(invocation);
    testkit_run(rig.kit);
    assert_int_equal(testkit_status(answer), 202);
    next();
    assert_int_equal(rig.seen.dones, 1);
}

static void stream_nobody_reads_is_thrown_away(void **state) {
    static const char *const pieces[] = {"one ", "two ", "three", NULL};
    struct invocation *invocation = make_streamed();
    (void)state;
    rig.seen.pauses = 1;
    begin_with(invocation);
    struct testkit_request *answer = send_to_runtime_api(stream(pieces));
    invocation_abandon(invocation);
    testkit_run(rig.kit);
    assert_int_equal(testkit_status(answer), 202);
    assert_int_equal(rig.seen.chunks, 1);
    next();
    assert_int_equal(rig.seen.dones, 1);
}

static void stream_for_one_who_wants_it_whole_is_collected(void **state) {
    static const char *const pieces[] = {"one ", "two", NULL};
    (void)state;
    begin_with(make_invocation("{}"));
    send_to_runtime_api(stream(pieces));
    next();
    assert_int_equal(rig.seen.heads, 0);
    assert_string_equal(rig.seen.payload, "one two");
    assert_string_equal(rig.seen.content_type, "text/html");
}

static void whole_answer_for_one_who_wants_a_stream_is_one_chunk(void **state) {
    struct invocation *invocation = make_streamed();
    (void)state;
    rig.seen.pauses = 1;
    begin_with(invocation);
    post(RESPONSE, NULL, NULL, "whole");
    next();
    assert_int_equal(rig.seen.heads, 1);
    assert_string_equal(rig.seen.head, "-");
    assert_string_equal(rig.seen.bytes, "whole");
    testkit_advance(rig.kit, 100);
    assert_int_equal(rig.seen.dones, 0);
    assert_int_equal(rig.seen.idles, 0);
    invocation_resume(invocation);
    assert_int_equal(rig.seen.dones, 0);
    testkit_run(rig.kit);
    assert_int_equal(rig.seen.dones, 1);
    assert_int_equal(rig.seen.payload_len, 0);
    assert_int_equal(rig.seen.idles, 1);
}

static void error_for_one_who_wants_a_stream_has_no_head(void **state) {
    (void)state;
    begin_with(make_streamed());
    post(ERROR, NULL, NULL, "{}");
    next();
    assert_int_equal(rig.seen.heads, 0);
    assert_int_equal(rig.seen.outcome, INVOCATION_ERROR);
    assert_string_equal(rig.seen.payload, "{}");
}

static void error_behind_a_stream_is_its_result(void **state) {
    static const char *const pieces[] = {"one ", NULL};
    (void)state;
    begin_with(make_streamed());
    struct testkit_request *answer = stream(pieces);
    testkit_request_trailer(answer, "Lambda-Runtime-Function-Error-Type", "Runtime.Broken");
    testkit_request_trailer(answer, "Lambda-Runtime-Function-Error-Body", "eyJhIjoxfQ==");
    send_to_runtime_api(answer);
    assert_int_equal(testkit_status(answer), 202);
    next();
    assert_string_equal(rig.seen.bytes, "one ");
    assert_int_equal(rig.seen.outcome, INVOCATION_ERROR);
    assert_string_equal(rig.seen.error_type, "Runtime.Broken");
    assert_string_equal(rig.seen.payload, "{\"a\":1}");
}

static void timeout_ends_a_stream_that_stands(void **state) {
    static const char *const pieces[] = {"one ", "two", NULL};
    (void)state;
    rig.seen.pauses = 1;
    begin_with(make_streamed());
    send_to_runtime_api(stream(pieces));
    testkit_advance(rig.kit, 3000);
    assert_int_equal(rig.seen.chunks, 1);
    assert_string_equal(rig.seen.error_type, "Sandbox.Timedout");
    assert_int_equal(rig.seen.ends, 1);
}

static void death_in_the_middle_of_a_stream_is_an_error(void **state) {
    struct testkit_request *answer;
    static const char *const pieces[] = {"one ", NULL};
    (void)state;
    begin_with(make_streamed());
    answer = stream(pieces);
    testkit_request_break_body(answer, -ECONNRESET);
    send_to_runtime_api(answer);
    process_ends(EXECUTOR_OOM, 0, "");
    assert_int_equal(rig.seen.dones, 1);
    assert_string_equal(rig.seen.bytes, "one ");
    assert_string_equal(rig.seen.error_type, "Runtime.OutOfMemory");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(error_of_the_function_is_passed_on),
        TEST(bytes_that_are_no_json_are_passed_on),
        TEST(empty_answer_is_an_answer),
        TEST(largest_answer_is_taken),
        TEST(larger_answer_is_an_error_and_the_environment_lives),
        TEST(truncated_answer_of_a_process_that_lives_on),
        TEST(truncated_answer_of_a_process_that_died_is_its_death),
        TEST(wrong_request_id_is_refused),
        TEST(second_answer_is_refused),
        TEST(init_error_after_the_init_is_refused),
        TEST(next_after_an_init_error_is_refused),
        TEST(others_than_the_function_are_refused),
        TEST(unknown_mode_of_response_is_refused),
        TEST(other_paths_and_methods_are_not_there),
        TEST(stream_comes_as_it_is_written),
        TEST(stream_waits_for_its_reader),
        TEST(stream_nobody_reads_is_thrown_away),
        TEST(stream_for_one_who_wants_it_whole_is_collected),
        TEST(whole_answer_for_one_who_wants_a_stream_is_one_chunk),
        TEST(error_for_one_who_wants_a_stream_has_no_head),
        TEST(error_behind_a_stream_is_its_result),
        TEST(timeout_ends_a_stream_that_stands),
        TEST(death_in_the_middle_of_a_stream_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
