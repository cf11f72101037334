/* SPDX-License-Identifier: MIT */
/* Environments: init, reuse, all the ways in which they fail, and their ends. */
#include "environment_fixture.h"

static struct testkit_request *begin_and_take(const char *payload) {
    begin(make_invocation(payload));
    struct testkit_request *event = next();
    assert_int_equal(testkit_status(event), 200);
    return event;
}

static void assert_error(const char *type, const char *payload) {
    assert_int_equal(rig.seen.dones, 1);
    assert_int_equal(rig.seen.outcome, INVOCATION_ERROR);
    assert_string_equal(rig.seen.error_type, type);
    assert_string_equal(rig.seen.payload, payload);
}

/* --- the good way --- */

static void process_is_started_with_the_functions_command_and_variables(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    assert_true(rig.process.started);
    assert_string_equal(rig.process.argv, "/bootstrap app.handler ");
    assert_string_equal(rig.process.cwd, "/var/task");
    char line[64];
    (void)snprintf(line, sizeof line, "AWS_LAMBDA_RUNTIME_API=10.0.0.1:%u\n",
                   testkit_listener_port(rig.kit, 0));
    assert_has(rig.process.env, line);
    assert_has(rig.process.env, "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand\n");
}

static void event_waits_for_the_init_and_its_answer_is_the_result(void **state) {
    (void)state;
    struct testkit_request *event = begin_and_take("{\"a\":1}");
    assert_string_equal(testkit_body(event), "{\"a\":1}");
    assert_string_equal(testkit_header(event, "Content-Type"), "application/json");
    assert_string_equal(testkit_header(event, "Lambda-Runtime-Aws-Request-Id"), RID);
    assert_string_equal(testkit_header(event, "Lambda-Runtime-Trace-Id"), "Root=1-2-3");
    assert_string_equal(testkit_header(event, "Lambda-Runtime-Invoked-Function-Arn"),
                        "arn:aws:lambda:us-east-1:000000000000:function:f:live");
    /* 2026-01-01 and the timeout of three seconds. */
    assert_string_equal(testkit_header(event, "Lambda-Runtime-Deadline-Ms"), "1767225603000");
    assert_null(testkit_header(event, "Lambda-Runtime-Client-Context"));
    struct testkit_request *answer = post(RESPONSE, "Content-Type", "text/x", "\"yes\"");
    assert_int_equal(testkit_status(answer), 202);
    assert_string_equal(testkit_body(answer), "{\"status\":\"OK\"}\n");
    assert_int_equal(rig.seen.dones, 0); /* held until the runtime asks again */
    struct testkit_request *second = next();
    assert_int_equal(testkit_status(second), 0);
    assert_int_equal(rig.seen.dones, 1);
    assert_int_equal(rig.seen.outcome, INVOCATION_DONE);
    assert_string_equal(rig.seen.payload, "\"yes\"");
    assert_string_equal(rig.seen.content_type, "text/x");
    assert_int_equal(rig.seen.idles, 1);
    assert_int_equal(rig.seen.ends, 0);
}

static void a_start_is_told_once_when_the_first_event_is_taken(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    assert_int_equal(rig.seen.starts, 0);
    next();
    assert_int_equal(rig.seen.starts, 1);
    post(RESPONSE, NULL, NULL, "1");
    next();
    assert_int_equal(rig.seen.idles, 1);
    assert_int_equal(rig.seen.starts, 1);
}

static void answer_is_not_held_for_ever(void **state) {
    (void)state;
    begin_and_take("{}");
    post(RESPONSE, NULL, NULL, "1");
    testkit_advance(rig.kit, 50);
    assert_int_equal(rig.seen.dones, 1);
    assert_int_equal(rig.seen.idles, 0);
    next();
    assert_int_equal(rig.seen.idles, 1);
}

static void client_context_is_one_line(void **state) {
    (void)state;
    struct invocation *invocation = make_invocation("{}");
    invocation->client_context = strdup("{\n \"a\": 1\r\n}");
    begin(invocation);
    struct testkit_request *event = next();
    assert_string_equal(testkit_header(event, "Lambda-Runtime-Client-Context"), "{  \"a\": 1  }");
}

static void invoke_again(struct environment *environment) {
    if (rig.seen.idles == 1) {
        environment_invoke(environment, make_invocation("2"));
    }
}

static void warm_environment_is_used_again(void **state) {
    (void)state;
    rig.seen.in_idle = invoke_again;
    begin_and_take("1");
    post(RESPONSE, NULL, NULL, "1");
    struct testkit_request *event = next();
    assert_string_equal(testkit_body(event), "2");
    assert_int_equal(rig.seen.dones, 1);
    post(RESPONSE, NULL, NULL, "22");
    next();
    assert_int_equal(rig.seen.dones, 2);
    assert_string_equal(rig.seen.payload, "22");
    assert_int_equal(rig.seen.idles, 2);
    const char *log = read_log();
    const char *first = strstr(log, "Init Duration: ");
    assert_non_null(first);
    assert_null(strstr(first + 1, "Init Duration: "));
}

static void event_is_given_again_to_a_runtime_that_asks_again(void **state) {
    (void)state;
    begin_and_take("1");
    assert_string_equal(testkit_body(next()), "1");
    post(RESPONSE, NULL, NULL, "1");
    next();
    assert_int_equal(rig.seen.dones, 1);
}

static void event_waits_for_a_runtime_whose_connection_broke(void **state) {
    (void)state;
    begin(NULL);
    struct testkit_request *parked = next();
    assert_int_equal(rig.seen.idles, 1);
    testkit_request_cancel(parked, -ECONNRESET);
    testkit_run(rig.kit);
    environment_invoke(rig.environment, make_invocation("1"));
    assert_string_equal(testkit_body(next()), "1");
}

static void log_has_start_output_end_and_report(void **state) {
    (void)state;
    struct invocation *invocation = make_invocation("{}");
    invocation->wants_tail = true;
    begin(invocation);
    process_says(1, "from the init\n");
    testkit_advance(rig.kit, 110);
    next();
    process_says(1, "half");
    process_says(2, "other\n");
    process_says(1, " line\nlast");
    testkit_advance(rig.kit, 2);
    post(RESPONSE, NULL, NULL, "1");
    assert_int_equal(rig.seen.dones, 0);
    next();
    process_says(1, " one");
    testkit_advance(rig.kit, 10);
    assert_int_equal(rig.seen.dones, 1);
    const char *report = strstr(rig.seen.tail, "REPORT");
    assert_non_null(report);
    char head[512];
    (void)snprintf(head, sizeof head, "%.*s", (int)(report - rig.seen.tail), rig.seen.tail);
    assert_string_equal(head, "START RequestId: " RID " Version: $LATEST\nother\nhalf line\nlast "
                              "one\nEND RequestId: " RID "\n");
    assert_has(report, "REPORT RequestId: " RID "\tDuration: 2.00 ms\tBilled Duration: 2 ms\t");
    assert_has(report,
               "\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: 110.00 ms\t\n");
    assert_has(read_log(), "from the init\nSTART");
}

static void tail_is_the_last_4_kib(void **state) {
    (void)state;
    char line[102];
    struct invocation *invocation = make_invocation("{}");
    invocation->wants_tail = true;
    begin(invocation);
    next();
    memset(line, 'x', 100);
    memcpy(line + 100, "\n", 2);
    for (int i = 0; i < 100; i++) {
        process_says(1, line);
    }
    post(RESPONSE, NULL, NULL, "1");
    next();
    testkit_advance(rig.kit, 10);
    assert_int_equal(strlen(rig.seen.tail), INVOCATION_TAIL_MAX);
    assert_has(rig.seen.tail, "REPORT RequestId");
    assert_null(strstr(rig.seen.tail, "START"));
}

/* --- failures --- */

static void exit_with_a_status_in_the_init_is_an_exit_error(void **state) {
    (void)state;
    struct invocation *invocation = make_invocation("{}");
    invocation->wants_tail = true;
    begin(invocation);
    process_says(2, "no handler");
    process_ends(EXECUTOR_EXITED, 127, "");
    assert_error("Runtime.ExitError",
                 "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: " RID
                 " Error: Runtime exited with error: exit status 127\"}");
    assert_int_equal(rig.seen.ends, 1);
    assert_int_equal(rig.seen.idles, 0);
    assert_int_equal(rig.process.closes, 1);
    const char *log = read_log();
    assert_has(log, "no handler\nINIT_REPORT Init Duration: ");
    assert_has(log, "\tPhase: init\tStatus: error\tError Type: Runtime.ExitError\nSTART RequestId");
    assert_has(rig.seen.tail, "RequestId: " RID " Error: Runtime exited with error: exit status "
                              "127\nRuntime.ExitError\nEND RequestId: " RID "\nREPORT");
    assert_has(rig.seen.tail, "\tStatus: error\tError Type: Runtime.ExitError\n");
}

static void exit_without_a_reason_during_an_invocation(void **state) {
    (void)state;
    begin_and_take("{}");
    process_ends(EXECUTOR_EXITED, 0, "");
    assert_error("Runtime.ExitError",
                 "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: " RID
                 " Error: Runtime exited without providing a reason\"}");
    assert_int_equal(rig.seen.ends, 1);
}

static void death_by_signal_names_it(void **state) {
    (void)state;
    begin_and_take("{}");
    process_ends(EXECUTOR_SIGNALLED, SIGSEGV, "");
    assert_error("Runtime.ExitError",
                 "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: " RID
                 " Error: Runtime exited with error: signal: segmentation fault\"}");
}

static void out_of_memory_has_its_own_type(void **state) {
    (void)state;
    begin_and_take("{}");
    process_ends(EXECUTOR_OOM, 0, "");
    assert_error("Runtime.OutOfMemory",
                 "{\"errorType\":\"Runtime.OutOfMemory\",\"errorMessage\":\"RequestId: " RID
                 " Error: Runtime exited with error: signal: killed\"}");
    assert_has(read_log(), "\tStatus: error\tError Type: Runtime.OutOfMemory\n");
}

static void bad_entry_point_says_what_execve_said(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    process_ends(EXECUTOR_ENTRYPOINT, 0, "fork/exec /bootstrap: exec format error");
    assert_error("Runtime.InvalidEntrypoint",
                 "{\"errorType\":\"Runtime.InvalidEntrypoint\",\"errorMessage\":\"RequestId: " RID
                 " Error: fork/exec /bootstrap: exec format error\"}");
}

static void working_directory_that_is_not_there_is_named(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    process_ends(EXECUTOR_WORKDIR, 0, "");
    assert_error("Runtime.InvalidWorkingDir",
                 "{\"errorType\":\"Runtime.InvalidWorkingDir\",\"errorMessage\":\"RequestId: " RID
                 " Error: the working directory doesn't exist: /var/task\"}");
}

static void relative_working_directory_starts_nothing(void **state) {
    (void)state;
    function_unref(rig.function);
    rig.function = make_function("{\"FunctionName\":\"f\",\"Version\":\"1\",\"RevisionId\":\"r\","
                                 "\"Image\":{\"Digest\":\"d\",\"Cmd\":[\"/a\"],\"WorkingDir\":"
                                 "\"tmp\"}}");
    begin(make_invocation("{}"));
    assert_int_equal(rig.seen.dones, 0);
    testkit_run(rig.kit);
    assert_false(rig.process.started);
    assert_string_equal(rig.seen.error_type, "Runtime.InvalidWorkingDir");
    assert_has(rig.seen.payload, "'tmp' is invalid, it needs to be an absolute path");
    assert_int_equal(rig.seen.ends, 1);
}

static void image_without_a_command_has_no_entry_point(void **state) {
    (void)state;
    function_unref(rig.function);
    rig.function = make_function("{\"FunctionName\":\"f\",\"Version\":\"1\",\"RevisionId\":\"r\","
                                 "\"Image\":{\"Digest\":\"d\"}}");
    begin(make_invocation("{}"));
    testkit_run(rig.kit);
    assert_false(rig.process.started);
    assert_string_equal(rig.seen.error_type, "Runtime.InvalidEntrypoint");
    assert_int_equal(rig.seen.ends, 1);
}

static void failing_machine_is_the_services_fault(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    process_ends(EXECUTOR_FAILED, 0, "no space left");
    assert_int_equal(rig.seen.outcome, INVOCATION_REFUSED);
    assert_int_equal(rig.seen.status, 500);
    assert_string_equal(rig.seen.code, "ServiceException");
    assert_has(rig.seen.message, "no space left");
    assert_has(testkit_log(rig.kit), "no space left");
}

static void init_error_that_the_runtime_posted_is_the_payload(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    struct testkit_request *answer =
        post("/2018-06-01/runtime/init/error", "Lambda-Runtime-Function-Error-Type",
             "Runtime.ImportModuleError", "{\"errorMessage\":\"no module\",\"requestId\":\"\"}");
    assert_int_equal(testkit_status(answer), 202);
    assert_int_equal(rig.seen.dones, 0);
    process_says(1, "trace\n");
    process_ends(EXECUTOR_EXITED, 1, "");
    assert_error("Runtime.ImportModuleError",
                 "{\"errorMessage\":\"no module\",\"requestId\":\"\"}");
    assert_int_equal(rig.seen.ends, 1);
    const char *log = read_log();
    assert_has(log, "trace\nINIT_REPORT");
    assert_has(log, "Status: error\tError Type: Runtime.ImportModuleError\nSTART");
    assert_null(strstr(log, "Runtime exited"));
}

static void runtime_that_stays_after_an_init_error_is_ended(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    post("/2018-06-01/runtime/init/error", NULL, NULL, "{}");
    testkit_advance(rig.kit, 1000);
    assert_error("Runtime.Unknown", "{}");
    assert_int_equal(rig.seen.ends, 1);
    assert_int_equal(rig.process.closes, 1);
}

static void timeout_ends_invocation_and_environment(void **state) {
    (void)state;
    begin_and_take("{}");
    testkit_advance(rig.kit, 2999);
    assert_int_equal(rig.seen.dones, 0);
    testkit_advance(rig.kit, 1);
    assert_error("Sandbox.Timedout",
                 "{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":\"RequestId: " RID
                 " Error: Task timed out after 3.00 seconds\"}");
    assert_int_equal(rig.seen.ends, 1);
    assert_has(read_log(), "Task timed out after 3.00 seconds\n\nEND");
    assert_has(read_log(), "\tStatus: timeout\n");
}

static void slow_init_goes_on_within_the_invocation(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    testkit_advance(rig.kit, 12000);
    assert_int_equal(rig.seen.dones, 0);
    struct testkit_request *event = next();
    assert_int_equal(testkit_status(event), 200);
    /* The time runs since the init was late. */
    assert_string_equal(testkit_header(event, "Lambda-Runtime-Deadline-Ms"), "1767225613000");
    post(RESPONSE, NULL, NULL, "1");
    next();
    assert_int_equal(rig.seen.outcome, INVOCATION_DONE);
    const char *log = read_log();
    assert_has(log, "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout\nSTART");
    assert_null(strstr(log, "\tInit Duration"));
}

static void init_that_never_ends_times_out(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    testkit_advance(rig.kit, 13000);
    assert_string_equal(rig.seen.error_type, "Sandbox.Timedout");
    assert_has(rig.seen.payload, "Task timed out after 3.00 seconds");
    assert_int_equal(rig.seen.ends, 1);
    assert_has(read_log(), "\tPhase: invoke\tStatus: timeout\n");
}

static void provisioned_environment_that_fails_only_ends(void **state) {
    (void)state;
    begin(NULL);
    assert_has(rig.process.env, "AWS_LAMBDA_INITIALIZATION_TYPE=provisioned-concurrency\n");
    process_ends(EXECUTOR_EXITED, 1, "");
    assert_int_equal(rig.seen.ends, 1);
    assert_int_equal(rig.seen.dones, 0);
    assert_null(strstr(read_log(), "START"));
    begin(NULL);
    testkit_advance(rig.kit, 13000);
    assert_int_equal(rig.seen.ends, 2);
}

static void exit_after_the_answer_does_not_take_it_back(void **state) {
    (void)state;
    begin_and_take("{}");
    post(RESPONSE, NULL, NULL, "7");
    process_ends(EXECUTOR_EXITED, 0, "");
    assert_int_equal(rig.seen.dones, 1);
    assert_int_equal(rig.seen.outcome, INVOCATION_DONE);
    assert_string_equal(rig.seen.payload, "7");
    assert_int_equal(rig.seen.ends, 1);
}

static void runtime_that_never_asks_again_is_ended_at_the_timeout(void **state) {
    (void)state;
    begin_and_take("{}");
    post(RESPONSE, NULL, NULL, "7");
    testkit_advance(rig.kit, 3000);
    assert_int_equal(rig.seen.dones, 1);
    assert_int_equal(rig.seen.outcome, INVOCATION_DONE);
    assert_int_equal(rig.seen.ends, 1);
}

static void idle_process_that_ends_takes_its_environment_along(void **state) {
    (void)state;
    begin(NULL);
    next();
    rig.process.holds_close = true;
    process_ends(EXECUTOR_EXITED, 0, "");
    assert_false(environment_is_idle(rig.environment));
    assert_int_equal(rig.seen.ends, 0);
    /* The pool has not heard of it yet. */
    environment_invoke(rig.environment, make_invocation("{}"));
    assert_int_equal(rig.seen.dones, 0);
    testkit_run(rig.kit);
    assert_string_equal(rig.seen.error_type, "Runtime.ExitError");
    rig.process.on_closed(rig.process.closed_arg);
    assert_int_equal(rig.seen.ends, 0);
    testkit_run(rig.kit);
    assert_int_equal(rig.seen.ends, 1);
}

static void start_that_fails_leaves_nothing(void **state) {
    const struct environment_events events = {on_idle, on_started, on_ended, &rig};
    (void)state;
    rig.process.start_result = -ENOMEM;
    struct invocation *invocation = make_invocation("{}");
    assert_int_equal(environment_create(&rig.lambda, &rig.executor, rig.function, invocation,
                                        &events, &rig.environment),
                     -ENOMEM);
    invocation_destroy(invocation);
    for (unsigned n = 1; n < 4; n++) {
        testkit_fail_alloc(rig.kit, n);
        rig.process.start_result = 0;
        invocation = make_invocation("{}");
        int result = environment_create(&rig.lambda, &rig.executor, rig.function, invocation,
                                        &events, &rig.environment);
        if (result != 0) {
            assert_int_equal(result, -ENOMEM);
            invocation_destroy(invocation);
        } else {
            testkit_fail_alloc(rig.kit, 0);
            break;
        }
    }
    assert_int_equal(rig.seen.dones, 0);
}

/* --- ends --- */

static void shutdown_of_an_idle_environment_is_sigterm_then_close(void **state) {
    (void)state;
    begin(NULL);
    next();
    environment_shutdown(rig.environment);
    assert_int_equal(rig.process.last_signal, SIGTERM);
    assert_int_equal(rig.process.closes, 0);
    testkit_advance(rig.kit, 499);
    assert_int_equal(rig.process.closes, 0);
    testkit_advance(rig.kit, 1);
    assert_int_equal(rig.process.closes, 1);
    assert_int_equal(rig.seen.ends, 1);
}

static void shutdown_is_over_when_the_process_has_ended(void **state) {
    (void)state;
    begin(NULL);
    next();
    environment_shutdown(rig.environment);
    process_ends(EXECUTOR_SIGNALLED, SIGTERM, "");
    assert_int_equal(rig.seen.ends, 1);
}

static void shutdown_waits_for_the_invocation(void **state) {
    (void)state;
    begin_and_take("{}");
    environment_shutdown(rig.environment);
    assert_int_equal(rig.process.last_signal, 0);
    post(RESPONSE, NULL, NULL, "1");
    next();
    assert_int_equal(rig.seen.dones, 1);
    assert_int_equal(rig.seen.idles, 0);
    assert_int_equal(rig.process.last_signal, SIGTERM);
    process_ends(EXECUTOR_EXITED, 0, "");
    assert_int_equal(rig.seen.ends, 1);
}

static void shutdown_during_the_init_waits_for_its_invocation(void **state) {
    (void)state;
    begin(make_invocation("{}"));
    environment_shutdown(rig.environment);
    next();
    post(RESPONSE, NULL, NULL, "1");
    next();
    assert_int_equal(rig.seen.outcome, INVOCATION_DONE);
    assert_int_equal(rig.process.last_signal, SIGTERM);
}

static void kill_ends_at_once_in_every_state(void **state) {
    (void)state;
    for (int when = 0; when < 5; when++) {
        rig.seen = (struct seen){0};
        begin(when == 0 ? NULL : make_invocation("{}"));
        if (when >= 2) {
            next();
        }
        if (when == 3) {
            struct testkit_request *answer = testkit_request_create(rig.kit, "POST", RESPONSE);
            testkit_request_piece(answer, "x", 1);
            assert_int_equal(testkit_send_listener(answer, 0), 0);
        }
        if (when == 4) {
            post(RESPONSE, NULL, NULL, "1");
        }
        environment_kill(rig.environment);
        assert_int_equal(rig.seen.dones + rig.seen.ends, 0);
        testkit_run(rig.kit);
        assert_int_equal(rig.seen.dones, when == 0 ? 0 : 1);
        assert_int_equal(rig.seen.outcome,
                         when == 0 || when == 4 ? INVOCATION_DONE : INVOCATION_CANCELLED);
        assert_int_equal(rig.seen.ends, 1);
    }
}

static void kill_during_a_shutdown_does_not_wait(void **state) {
    (void)state;
    begin(NULL);
    next();
    environment_shutdown(rig.environment);
    environment_kill(rig.environment);
    testkit_run(rig.kit);
    assert_int_equal(rig.seen.ends, 1);
    assert_int_equal(rig.process.closes, 1);
}

static void kill_in_done(struct invocation *invocation) {
    (void)invocation;
    environment_kill(rig.environment);
}

static void environment_may_be_killed_inside_on_done(void **state) {
    (void)state;
    rig.seen.in_done = kill_in_done;
    begin_and_take("{}");
    post(RESPONSE, NULL, NULL, "1");
    next();
    assert_int_equal(rig.seen.dones, 1);
    assert_int_equal(rig.seen.idles, 0);
    assert_int_equal(rig.seen.ends, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(process_is_started_with_the_functions_command_and_variables),
        TEST(event_waits_for_the_init_and_its_answer_is_the_result),
        TEST(a_start_is_told_once_when_the_first_event_is_taken),
        TEST(answer_is_not_held_for_ever),
        TEST(client_context_is_one_line),
        TEST(warm_environment_is_used_again),
        TEST(event_is_given_again_to_a_runtime_that_asks_again),
        TEST(event_waits_for_a_runtime_whose_connection_broke),
        TEST(log_has_start_output_end_and_report),
        TEST(tail_is_the_last_4_kib),
        TEST(exit_with_a_status_in_the_init_is_an_exit_error),
        TEST(exit_without_a_reason_during_an_invocation),
        TEST(death_by_signal_names_it),
        TEST(out_of_memory_has_its_own_type),
        TEST(bad_entry_point_says_what_execve_said),
        TEST(working_directory_that_is_not_there_is_named),
        TEST(relative_working_directory_starts_nothing),
        TEST(image_without_a_command_has_no_entry_point),
        TEST(failing_machine_is_the_services_fault),
        TEST(init_error_that_the_runtime_posted_is_the_payload),
        TEST(runtime_that_stays_after_an_init_error_is_ended),
        TEST(timeout_ends_invocation_and_environment),
        TEST(slow_init_goes_on_within_the_invocation),
        TEST(init_that_never_ends_times_out),
        TEST(provisioned_environment_that_fails_only_ends),
        TEST(exit_after_the_answer_does_not_take_it_back),
        TEST(runtime_that_never_asks_again_is_ended_at_the_timeout),
        TEST(idle_process_that_ends_takes_its_environment_along),
        TEST(start_that_fails_leaves_nothing),
        TEST(shutdown_of_an_idle_environment_is_sigterm_then_close),
        TEST(shutdown_is_over_when_the_process_has_ended),
        TEST(shutdown_waits_for_the_invocation),
        TEST(shutdown_during_the_init_waits_for_its_invocation),
        TEST(kill_ends_at_once_in_every_state),
        TEST(kill_during_a_shutdown_does_not_wait),
        TEST(environment_may_be_killed_inside_on_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
