/* SPDX-License-Identifier: MIT */
/* The testkit: life, settings, requests, answers, failures, and what it calls a problem. */
#include "testkit_fixture.h"

/* --- life --- */

static void failed_start_says_why_and_can_be_tried_again(void **state) {
    (void)state;
    probe = (struct probe){.start_result = -EPERM};
    struct testkit *kit = testkit_create(&probe_plugin);
    assert_int_equal(testkit_start(kit), -EPERM);
    assert_string_equal(testkit_error(kit), "no luck today");
    probe.start_result = 0;
    assert_int_equal(testkit_start(kit), 0);
    assert_int_equal(testkit_start(kit), -EALREADY);
    assert_int_equal(testkit_destroy(kit), 0);
    assert_int_equal(probe.stops, 1);
}

static void withheld_need_is_not_met(void **state) {
    static const char *const needs[] = {VIRGA_STORE_ID, "other.thing/1", NULL};
    static const int thing = 7;
    struct virga_plugin plugin = probe_plugin;
    (void)state;
    probe = (struct probe){0};
    plugin.needs = needs;
    struct testkit *kit = testkit_create(&plugin);
    assert_int_equal(testkit_start(kit), -ENOENT);
    assert_non_null(strstr(testkit_error(kit), "other.thing/1"));
    testkit_offer(kit, "other.thing/1", &thing);
    assert_int_equal(testkit_start(kit), 0);
    assert_ptr_equal(probe.host->get_interface(probe.host, "other.thing/1"), &thing);
    testkit_stop(kit);
    testkit_withhold(kit, VIRGA_STORE_ID);
    assert_int_equal(testkit_start(kit), -ENOENT);
    assert_int_equal(testkit_destroy(kit), 0);
}

static void provided_interface_must_be_in_the_descriptor(void **state) {
    static const int table = 1;
    (void)state;
    struct testkit *kit = probe_kit();
    assert_int_equal(probe.host->provide(probe.host, "probe.thing/1", &table), 0);
    assert_int_equal(probe.host->provide(probe.host, "probe.thing/1", &table), -EEXIST);
    assert_ptr_equal(testkit_provided(kit, "probe.thing/1"), &table);
    assert_int_equal(probe.host->provide(probe.host, "probe.other/1", &table), -EINVAL);
    assert_only_problem(kit, "probe.other/1");
}

static void status_is_readable(void **state) {
    const char *detail;
    (void)state;
    struct testkit *kit = probe_kit();
    assert_int_equal(testkit_plugin_status(kit, NULL), VIRGA_STATUS_RUNNING);
    probe.host->set_status(probe.host, VIRGA_STATUS_DEGRADED, "half of it");
    assert_int_equal(testkit_plugin_status(kit, &detail), VIRGA_STATUS_DEGRADED);
    assert_string_equal(detail, "half of it");
    assert_int_equal(testkit_destroy(kit), 0);
}

static void call_stopped(void *arg) {
    probe.calls++;
    INTERFACE(virga_timer, VIRGA_TIMER_ID)->stop(*(struct virga_timer_handle **)arg);
    probe.host->stopped(probe.host);
}

static void stop_in_progress_is_waited_for(void **state) {
    struct virga_timer_handle *timer;
    (void)state;
    struct testkit *kit = probe_kit();
    probe.stop_result = -EINPROGRESS;
    assert_int_equal(INTERFACE(virga_timer, VIRGA_TIMER_ID)
                         ->start(probe.host, 5000, 0, call_stopped, &timer, &timer),
                     0);
    testkit_stop(kit);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(testkit_destroy(kit), 0);
}

static void stop_that_never_ends_is_a_problem(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    probe.stop_result = -EINPROGRESS;
    assert_only_problem(kit, "stopped() was not called");
}

static int reset_result;

static int probe_reset(void *self) {
    (void)self;
    return reset_result;
}

static void reset_empties_the_store_unless_the_plugin_refuses(void **state) {
    struct virga_plugin plugin = probe_plugin;
    (void)state;
    probe = (struct probe){0};
    plugin.reset = probe_reset;
    struct testkit *kit = testkit_create(&plugin);
    testkit_store_put(kit, "a", "1");
    assert_int_equal(testkit_start(kit), 0);
    reset_result = -EBUSY;
    assert_int_equal(testkit_reset(kit), -EBUSY);
    assert_int_equal(testkit_store_count(kit), 1);
    reset_result = -EINPROGRESS;
    assert_int_equal(testkit_reset(kit), -ETIMEDOUT);
    reset_result = 0;
    assert_int_equal(testkit_reset(kit), 0);
    assert_int_equal(testkit_store_count(kit), 0);
    assert_int_equal(probe.stops, 3);
    assert_int_equal(testkit_destroy(kit), 0);
}

static void probe_doctor(const struct virga_host *host, const struct virga_doctor *doctor) {
    const char *const argv[] = {"engine", "--version", NULL};
    char line[64];
    assert_non_null(host->get_interface(host, VIRGA_CONFIG_ID));
    assert_null(host->get_interface(host, VIRGA_STORE_ID));
    int result = doctor->run(doctor, argv, line, sizeof line);
    virga_doctor_report(doctor, result == 0 ? VIRGA_DOCTOR_OK : VIRGA_DOCTOR_FAIL, "engine",
                        "install it", "%d %s", result, line);
    assert_int_equal(doctor->try_port(doctor, 5000), -EADDRINUSE);
    assert_int_equal(doctor->try_port(doctor, 5001), 0);
}

static void doctor_reports_and_runs_scripted_programs(void **state) {
    struct virga_plugin plugin = probe_plugin;
    char expected[64];
    (void)state;
    plugin.doctor = probe_doctor;
    struct testkit *kit = testkit_create(&plugin);
    testkit_take_port(kit, 5000);
    (void)snprintf(expected, sizeof expected, "fail engine: %d ; install it\n", -ENOENT);
    assert_string_equal(testkit_doctor(kit), expected);
    testkit_script(kit, TESTKIT_RUN, "engine --version",
                   &(struct testkit_answer){.body = "1.2\nand more"}, 0);
    assert_string_equal(testkit_doctor(kit), "ok engine: 0 1.2; install it\n");
    assert_int_equal(testkit_destroy(kit), 0);
}

/* --- settings --- */

static void settings_have_the_descriptors_defaults(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_config *config = INTERFACE(virga_config, VIRGA_CONFIG_ID);
    assert_string_equal(config->get_string(probe.host, "word").ptr, "Hello");
    assert_null(config->get_string(probe.host, "unset").ptr);
    assert_int_equal(config->get_int(probe.host, "count"), 3);
    assert_int_equal(config->get_bool(probe.host, "loud"), 0);
    assert_string_equal(config->get_string(probe.host, "loud").ptr, "false");
    assert_int_equal(config->is_set(probe.host, "word"), 0);
    assert_string_equal(config->get_string(probe.host, "floci.default-region").ptr, "us-east-1");
    assert_int_equal(testkit_destroy(kit), 0);
}

static void set_values_are_checked_like_the_hosts(void **state) {
    (void)state;
    probe = (struct probe){0};
    struct testkit *kit = testkit_create(&probe_plugin);
    assert_int_equal(testkit_set(kit, "count", "10"), -EINVAL);
    assert_int_equal(testkit_set(kit, "count", "2x"), -EINVAL);
    assert_int_equal(testkit_set(kit, "loud", "maybe"), -EINVAL);
    assert_int_equal(testkit_set(kit, "mode", "aut"), -EINVAL);
    assert_non_null(strstr(testkit_error(kit), "auto|fast"));
    assert_int_equal(testkit_set(kit, "wort", "x"), -ENOENT);
    assert_int_equal(testkit_set(kit, "count", "9"), 0);
    assert_int_equal(testkit_set(kit, "mode", "fast"), 0);
    assert_int_equal(testkit_set(kit, "loud", "on"), 0);
    assert_int_equal(testkit_set(kit, "floci.port", "4577"), 0);
    assert_int_equal(testkit_start(kit), 0);
    const struct virga_config *config = INTERFACE(virga_config, VIRGA_CONFIG_ID);
    assert_int_equal(config->get_int(probe.host, "count"), 9);
    assert_int_equal(config->get_bool(probe.host, "loud"), 1);
    assert_int_equal(config->get_int(probe.host, "floci.port"), 4577);
    assert_int_equal(config->is_set(probe.host, "count"), 1);
    assert_int_equal(testkit_set(kit, "word", "x"), -EBUSY);
    assert_int_equal(testkit_destroy(kit), 0);
}

static void bad_default_keeps_it_from_starting(void **state) {
    static const struct virga_config_key keys[] = {
        {.key = "count", .type = VIRGA_CONFIG_INT, .default_value = "many"}};
    struct virga_plugin plugin = probe_plugin;
    (void)state;
    plugin.config_keys = keys;
    plugin.config_keys_count = 1;
    struct testkit *kit = testkit_create(&plugin);
    assert_int_equal(testkit_start(kit), -EINVAL);
    assert_non_null(strstr(testkit_error(kit), "many"));
    assert_int_equal(testkit_destroy(kit), 0);
}

static void asking_for_an_undeclared_setting_is_a_problem(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    assert_null(INTERFACE(virga_config, VIRGA_CONFIG_ID)->get_string(probe.host, "wort").ptr);
    assert_only_problem(kit, "\"wort\"");
}

static void log_lines_are_kept(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    virga_log_printf(INTERFACE(virga_log, VIRGA_LOG_ID), probe.host, VIRGA_LOG_WARN, NULL,
                     "%d left", 3);
    assert_string_equal(testkit_log(kit), "warn: 3 left\n");
    assert_int_equal(testkit_destroy(kit), 0);
}

/* --- routes --- */

static void note_route(struct virga_request *req) {
    (void)snprintf(probe.text, sizeof probe.text, "%d %s %s|%s", (int)req->route->tag,
                   req->action.ptr, req->params_count > 0 ? req->params[0].ptr : "",
                   req->params_count > 1 ? req->params[1].ptr : "");
    probe_answer(req, 200, "");
}

static void request_finds_its_route(void **state) {
    static const struct {
        const char *method;
        const char *target;
        const char *header;
        const char *value;
        const char *found;
    } cases[] = {
        {"POST", "/", "X-Amz-Target", "Probe_1.DoIt", "1 DoIt |"},
        {"GET", "/things/x%20y", NULL, NULL, "2  x y|"},
        {"GET", "/things/all", NULL, NULL, "3  |"},
        {"GET", "/things/a/b/c%2Fd", NULL, NULL, "4  a|b/c/d"},
        {"GET", "/?Action=Do%20It&Version=2011-06-15", NULL, NULL, "6 Do It |"},
        {"GET", "/things/all", "Host", "abc.Probe-URL.us-east-1.localhost:4566", "7  |"},
        {"POST", "/service/Probe/operation/DoIt", NULL, NULL, "8 DoIt |"},
        {"GET", "/_floci/probe/x", NULL, NULL, "9  x|"},
    };
    (void)state;
    struct testkit *kit = probe_kit();
    probe.handle = note_route;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct testkit_request *req = testkit_request_create(kit, cases[i].method, cases[i].target);
        if (cases[i].header != NULL) {
            testkit_request_header(req, cases[i].header, cases[i].value);
        }
        assert_int_equal(testkit_send(req), 0);
        assert_string_equal(probe.text, cases[i].found);
        assert_int_equal(testkit_send(req), -EINVAL);
    }
    (void)testkit_ask_query(kit, "probe", "Version=2011-06-15&Action=Form");
    assert_string_equal(probe.text, "6 Form |");
    assert_int_equal(testkit_destroy(kit), 0);
}

static void request_that_no_route_takes_gets_what_a_client_would(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    assert_int_equal(testkit_status(testkit_ask(kit, "GET", "/nothing", NULL)), 404);
    assert_int_equal(testkit_status(testkit_ask(kit, "GET", "/things/", NULL)), 404);
    assert_int_equal(testkit_status(testkit_ask(kit, "DELETE", "/things/a", NULL)), 405);
    assert_int_equal(testkit_status(testkit_ask(kit, "POST", "/small", "12345")), 413);
    assert_int_equal(testkit_status(testkit_ask_target(kit, "Probe_1.a.b", NULL)), 404);
    assert_int_equal(testkit_status(testkit_ask_query(kit, "other", "Action=A&Version=2011-06-15")),
                     404);
    assert_int_equal(probe.calls, 0);
    assert_int_equal(testkit_status(testkit_ask(kit, "POST", "/small", "1234")), 200);
    assert_int_equal(testkit_destroy(kit), 0);
}

static void note_request(struct virga_request *req) {
    (void)snprintf(probe.text, sizeof probe.text, "%s %s %s %s %s %llu %s", req->account.ptr,
                   req->region.ptr, req->service.ptr, req->query.ptr, req->body.ptr,
                   (unsigned long long)req->content_length,
                   req->http->header(req, "x-thing").ptr != NULL ? "thing" : "none");
    probe_answer(req, 200, "");
}

static void request_carries_what_the_test_said(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    probe.handle = note_request;
    struct testkit_request *req = testkit_request_create(kit, "POST", "/small?a=1");
    testkit_request_identity(req, "111122223333", "eu-west-1", "probe");
    testkit_request_header(req, "X-Thing", "yes");
    testkit_request_body(req, "1234", 4);
    assert_int_equal(testkit_send(req), 0);
    assert_string_equal(probe.text, "111122223333 eu-west-1 probe a=1 1234 4 thing");
    assert_int_equal(testkit_destroy(kit), 0);
}

/* --- answers --- */

static void answer_is_caught_whole(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    struct testkit_request *req = testkit_ask(kit, "GET", "/things/a", NULL);
    assert_int_equal(testkit_status(req), 200);
    assert_string_equal(testkit_body(req), "fine");
    assert_string_equal(testkit_header(req, "content-type"), "text/plain");
    assert_null(testkit_header(req, "X-Other"));
    assert_int_equal(testkit_is_complete(req), 1);
    assert_int_equal(testkit_times_answered(req), 1);
    assert_int_equal(testkit_destroy(kit), 0);
}

static void answer_twice(struct virga_request *req) {
    probe_answer(req, 200, "one");
    probe_answer(req, 200, "two");
}

static void second_answer_is_a_problem_and_changes_nothing(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    probe.handle = answer_twice;
    struct testkit_request *req = testkit_ask(kit, "GET", "/things/a", NULL);
    assert_int_equal(probe.status, -EINVAL);
    assert_string_equal(testkit_body(req), "one");
    assert_int_equal(testkit_times_answered(req), 2);
    assert_only_problem(kit, "request 1 (GET /things/a): respond() after it was answered");
}

static void keep(struct virga_request *req) {
    probe.kept = req;
}

static void unanswered_request_is_a_problem_at_stop(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    probe.handle = keep;
    assert_int_equal(testkit_status(testkit_ask_target(kit, "Probe_1.Wait", "{}")), 0);
    assert_only_problem(kit, "request 1 (POST / Probe_1.Wait) was never answered");
}

static void answer_that_comes_later_is_fine(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    probe.handle = keep;
    struct testkit_request *req = testkit_ask(kit, "GET", "/things/a", NULL);
    assert_int_equal(testkit_status(req), 0);
    probe_answer(probe.kept, 201, "late");
    assert_int_equal(testkit_status(req), 201);
    assert_int_equal(testkit_destroy(kit), 0);
}

static void on_cancel(void *arg, struct virga_request *req, int status) {
    (void)arg;
    probe.calls = status;
    probe_answer(req, 200, "too late");
}

static void keep_with_on_cancel(struct virga_request *req) {
    req->http->on_cancel(req, on_cancel, NULL);
}

static void client_that_leaves_is_told_of(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    probe.handle = keep_with_on_cancel;
    struct testkit_request *gone = testkit_ask(kit, "GET", "/things/a", NULL);
    testkit_request_cancel(gone, -ECONNRESET);
    (void)testkit_run(kit);
    assert_int_equal(probe.calls, -ECONNRESET);
    assert_int_equal(probe.status, -ECANCELED);
    assert_int_equal(testkit_status(gone), 0);
    struct testkit_request *late = testkit_ask(kit, "GET", "/things/a", NULL);
    testkit_request_cancel(late, -ETIMEDOUT);
    (void)testkit_run(kit);
    assert_int_equal(testkit_status(late), 504);
    /* At stop the last clients are sent away: a handler that listens has nothing open. */
    (void)testkit_ask(kit, "GET", "/things/a", NULL);
    assert_int_equal(testkit_destroy(kit), 0);
    assert_int_equal(probe.calls, -ECANCELED);
}

static void answer_malformed(struct virga_request *req) {
    const struct virga_header header = {STR("X-Bad"), STR("a\r\nb")};
    const struct virga_response res = {
        .struct_size = sizeof res, .status = 200, .headers = &header, .headers_count = 1};
    probe.status = req->http->respond(req, &res);
}

static void malformed_answer_is_a_500_and_a_problem(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    probe.handle = answer_malformed;
    assert_int_equal(testkit_status(testkit_ask(kit, "GET", "/things/a", NULL)), 500);
    assert_int_equal(probe.status, -EINVAL);
    assert_only_problem(kit, "X-Bad");
}

static void on_written(void *arg, struct virga_request *req, int status) {
    (void)arg;
    probe.calls++;
    probe.status = status;
    if (status < 0 || probe.calls == 3) {
        req->http->end(req);
        return;
    }
    probe.text[0] = (char)('a' + probe.calls);
    int result = req->http->write(req, (struct virga_str){probe.text, 1});
    if (result == 1) {
        on_written(NULL, req, 0);
    }
}

static void stream_out(struct virga_request *req) {
    const struct virga_response res = {.struct_size = sizeof res, .status = 200};
    probe.calls = 0;
    assert_int_equal(req->http->respond_begin(req, &res, 2, on_written, NULL), 0);
    assert_int_equal(req->http->write(req, STR("too long")), -EMSGSIZE);
    on_written(NULL, req, 0);
}

static void streamed_answer_is_caught_piece_by_piece(void **state) {
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        struct testkit *kit = probe_kit();
        probe.handle = stream_out;
        struct testkit_request *req = testkit_request_create(kit, "GET", "/things/a");
        if (slow) {
            testkit_request_slow(req);
        }
        assert_int_equal(testkit_send(req), 0);
        assert_int_equal(testkit_is_complete(req), !slow);
        (void)testkit_run(kit);
        assert_string_equal(testkit_body(req), "bc");
        assert_int_equal(testkit_writes_count(req), 2);
        assert_memory_equal(testkit_write_bytes(req, 1).ptr, "c", 1);
        assert_int_equal(testkit_is_complete(req), 1);
        assert_int_equal(testkit_destroy(kit), 0);
    }
}

static void write_that_waits_is_cancelled_with_the_client(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    probe.handle = stream_out;
    struct testkit_request *req = testkit_request_create(kit, "GET", "/things/a");
    testkit_request_slow(req);
    assert_int_equal(testkit_send(req), 0);
    testkit_request_cancel(req, -ECONNRESET);
    (void)testkit_run(kit);
    assert_int_equal(probe.status, -ECONNRESET);
    assert_int_equal(testkit_is_complete(req), 0);
    assert_int_equal(testkit_destroy(kit), 0);
}

static void end_short(struct virga_request *req) {
    const struct virga_response res = {.struct_size = sizeof res, .status = 200};
    (void)req->http->respond_begin(req, &res, 10, on_written, NULL);
    (void)req->http->write(req, STR("half"));
    req->http->end(req);
}

static void answer_shorter_than_announced_is_not_complete(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    probe.handle = end_short;
    struct testkit_request *req = testkit_ask(kit, "GET", "/things/a", NULL);
    assert_string_equal(testkit_body(req), "half");
    assert_int_equal(testkit_is_complete(req), 0);
    assert_int_equal(testkit_destroy(kit), 0);
}

/* --- streamed bodies --- */

static int on_body(void *arg, struct virga_request *req, int status, struct virga_str chunk) {
    (void)arg;
    probe.calls++;
    if (status != VIRGA_BODY_DATA) {
        probe_answer(req, status == VIRGA_BODY_END ? 200 : 400, probe.text);
        probe.status = status;
        return VIRGA_BODY_GO_ON;
    }
    (void)strncat(probe.text, chunk.ptr, chunk.len);
    if (chunk.ptr[0] == 'p') {
        probe.kept = req;
        return VIRGA_BODY_PAUSE;
    }
    return VIRGA_BODY_GO_ON;
}

static void stream_in(struct virga_request *req) {
    assert_null(req->body.ptr);
    assert_int_equal(req->flags, VIRGA_REQUEST_STREAMS | VIRGA_REQUEST_HAS_BODY);
    assert_int_equal(req->http->body_start(req, on_body, NULL), 0);
    assert_int_equal(req->http->body_start(req, on_body, NULL), -EINVAL);
}

static void streamed_body_comes_in_pieces_and_waits_for_resume(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    probe.handle = stream_in;
    struct testkit_request *req = testkit_request_create(kit, "PUT", "/stream");
    testkit_request_piece(req, "one", 3);
    testkit_request_piece(req, "pause", 5);
    testkit_request_piece(req, "two", 3);
    assert_int_equal(testkit_send(req), 0);
    assert_int_equal(probe.calls, 1);
    (void)testkit_run(kit);
    assert_string_equal(probe.text, "onepause");
    probe.kept->http->body_resume(probe.kept);
    assert_string_equal(probe.text, "onepause");
    (void)testkit_run(kit);
    assert_string_equal(testkit_body(req), "onepausetwo");
    assert_int_equal(testkit_destroy(kit), 0);
}

static void broken_body_ends_with_its_status(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    probe.handle = stream_in;
    struct testkit_request *req = testkit_request_create(kit, "PUT", "/stream");
    testkit_request_piece(req, "one", 3);
    testkit_request_break_body(req, -ECONNRESET);
    assert_int_equal(testkit_send(req), 0);
    (void)testkit_run(kit);
    assert_int_equal(probe.status, -ECONNRESET);
    assert_int_equal(testkit_status(req), 400);
    assert_int_equal(testkit_destroy(kit), 0);
}

/* --- failures --- */

static void allocate_thrice(struct virga_request *req) {
    for (int i = 0; i < 3; i++) {
        char *memory = req->http->alloc(req, 100);
        if (memory == NULL) {
            req->http->abort(req);
            return;
        }
        memory[99] = 'x';
    }
    probe_answer(req, 200, "fine");
}

static void each_allocation_can_fail(void **state) {
    unsigned n;
    (void)state;
    struct testkit *kit = probe_kit();
    probe.handle = allocate_thrice;
    for (n = 1;; n++) {
        testkit_fail_alloc(kit, n);
        struct testkit_request *req = testkit_ask(kit, "GET", "/things/a", NULL);
        if (!testkit_alloc_failed(kit)) {
            assert_int_equal(testkit_status(req), 200);
            break;
        }
        assert_int_equal(testkit_status(req), 500);
    }
    assert_int_equal(n, 5); /* three of the handler, one of respond() */
    assert_int_equal(testkit_destroy(kit), 0);
}

static char heard[64];

static void on_call(void *arg, const char *what, int entered) {
    (void)arg;
    (void)snprintf(heard + strlen(heard), sizeof heard - strlen(heard), "%c%s ",
                   entered ? '+' : '-', what);
}

static void calls_into_the_plugin_are_heard_and_timed(void **state) {
    const char *what;
    (void)state;
    struct testkit *kit = probe_kit();
    heard[0] = '\0';
    testkit_on_call(kit, on_call, NULL);
    (void)testkit_ask(kit, "GET", "/things/a", NULL);
    assert_string_equal(heard, "+handle -handle ");
    assert_true(testkit_slowest_ms(kit, &what) < 10000);
    assert_true(strcmp(what, "handle") == 0 || strcmp(what, "start") == 0);
    assert_int_equal(testkit_destroy(kit), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_start_says_why_and_can_be_tried_again),
        cmocka_unit_test(withheld_need_is_not_met),
        cmocka_unit_test(provided_interface_must_be_in_the_descriptor),
        cmocka_unit_test(status_is_readable),
        cmocka_unit_test(stop_in_progress_is_waited_for),
        cmocka_unit_test(stop_that_never_ends_is_a_problem),
        cmocka_unit_test(reset_empties_the_store_unless_the_plugin_refuses),
        cmocka_unit_test(doctor_reports_and_runs_scripted_programs),
        cmocka_unit_test(settings_have_the_descriptors_defaults),
        cmocka_unit_test(set_values_are_checked_like_the_hosts),
        cmocka_unit_test(bad_default_keeps_it_from_starting),
        cmocka_unit_test(asking_for_an_undeclared_setting_is_a_problem),
        cmocka_unit_test(log_lines_are_kept),
        cmocka_unit_test(request_finds_its_route),
        cmocka_unit_test(request_that_no_route_takes_gets_what_a_client_would),
        cmocka_unit_test(request_carries_what_the_test_said),
        cmocka_unit_test(answer_is_caught_whole),
        cmocka_unit_test(second_answer_is_a_problem_and_changes_nothing),
        cmocka_unit_test(unanswered_request_is_a_problem_at_stop),
        cmocka_unit_test(answer_that_comes_later_is_fine),
        cmocka_unit_test(client_that_leaves_is_told_of),
        cmocka_unit_test(malformed_answer_is_a_500_and_a_problem),
        cmocka_unit_test(streamed_answer_is_caught_piece_by_piece),
        cmocka_unit_test(write_that_waits_is_cancelled_with_the_client),
        cmocka_unit_test(answer_shorter_than_announced_is_not_complete),
        cmocka_unit_test(streamed_body_comes_in_pieces_and_waits_for_resume),
        cmocka_unit_test(broken_body_ends_with_its_status),
        cmocka_unit_test(each_allocation_can_fail),
        cmocka_unit_test(calls_into_the_plugin_are_heard_and_timed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
