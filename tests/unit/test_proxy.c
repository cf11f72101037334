/* SPDX-License-Identifier: MIT */
/* What the proxy makes of answers: relayed, collected, dropped, rewritten. */
#include "proxy_client.h"

/* --- answers --- */

static void small_answer_is_relayed_in_one_piece(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct setup setup;
        struct run run;
        setup_begin(&setup, kind == 0, say_hello, NULL);
        run_init(&run, &setup, "GET", "/");
        run_to_end(&run, &setup);
        assert_true(run.client.responded);
        assert_hello(&run);
        setup_end(&setup);
    }
}

static void big_answer_to_a_slow_reader_costs_one_buffer(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct setup setup;
        struct run run;
        atomic_uint sent = 0;
        setup_begin(&setup, kind == 0, send_big, NULL);
        setup.server.arg = &sent;
        run_init(&run, &setup, "GET", "/blob");
        run.client.pattern = true;
        run.client.slow = true;
        run.client.stopped = true;
        run_start(&run, &setup);
        assert_true(fixture_run_until(&setup.fixture, &run.client.begun, WAIT_MS));
        fixture_run_for(&setup.fixture, 200);
        /* Nothing is taken: the kernel's buffers and one of ours are full, and that is all. */
        unsigned stuck = atomic_load(&sent);
        assert_int_equal(run.client.writes_waiting, 1);
        assert_in_range(stuck, 1, 16 * 1024 * 1024);
        fixture_run_for(&setup.fixture, 50);
        assert_int_equal(atomic_load(&sent), stuck);
        run.client.stopped = false;
        assert_true(fixture_run_until(&setup.fixture, &run.done, WAIT_MS));
        run_finish(&run, &setup);
        assert_true(run.client.ended);
        assert_int_equal(run.client.length, BIG);
        assert_int_equal(run.client.body_len, BIG);
        assert_in_range(run.client.largest_write, 1, UPSTREAM_BUFFER_BYTES);
        assert_int_equal(run.done_status, 0);
        setup_end(&setup);
    }
}

static void slow_readers_do_not_share_a_buffer(void **state) {
    (void)state;
    struct setup setup;
    static struct run runs[4];
    setup_begin(&setup, true, send_big, NULL);
    for (size_t i = 0; i < 4; i++) {
        run_init(&runs[i], &setup, "GET", "/blob");
        runs[i].client.pattern = true;
        runs[i].client.slow = i != 3;
        run_start(&runs[i], &setup);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_true(fixture_run_until(&setup.fixture, &runs[i].done, WAIT_MS));
        run_finish(&runs[i], &setup);
        assert_int_equal(runs[i].client.body_len, BIG);
    }
    setup_end(&setup);
}

static void send_chunked(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n");
    (void)peer_say(peer, "5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX: y\r\n\r\n");
    say_hello(peer);
}

static void chunked_answer_is_relayed_without_its_coding(void **state) {
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        struct setup setup;
        struct run run;
        setup_begin(&setup, true, send_chunked, NULL);
        run_init(&run, &setup, "GET", "/");
        run.client.slow = slow == 1;
        run_to_end(&run, &setup);
        assert_true(run.client.ended);
        assert_int_equal(run.client.length, VIRGA_LENGTH_UNKNOWN);
        assert_string_equal(run.client.body, "hello world");
        assert_string_equal(run.client.fields, "");
        /* And the connection is good for the next. */
        run_init(&run, &setup, "GET", "/");
        run_to_end(&run, &setup);
        assert_hello(&run);
        assert_int_equal(atomic_load(&setup.server.accepted), 1);
        setup_end(&setup);
    }
}

static void answer_until_close_is_relayed(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, send_until_close, NULL);
    run_init(&run, &setup, "GET", "/");
    run.client.pattern = true;
    run.client.slow = true;
    run_to_end(&run, &setup);
    assert_true(run.client.ended);
    assert_int_equal(run.client.length, VIRGA_LENGTH_UNKNOWN);
    assert_int_equal(run.client.body_len, 300000);
    assert_int_equal(run.done_status, 0);
    assert_int_equal(upstream_idle_count(setup.upstream), 0);
    setup_end(&setup);
}

static void send_head_then_wait(struct peer *peer) {
    char byte;
    (void)peer_read_head(peer);
    (void)peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    (void)read(*(int *)peer->server->arg, &byte, 1);
    (void)peer_say(peer, "hello");
}

static void head_is_relayed_before_the_body_comes(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    int gate[2];
    assert_int_equal(pipe(gate), 0);
    setup_begin(&setup, true, send_head_then_wait, NULL);
    setup.server.arg = &gate[0];
    run_init(&run, &setup, "GET", "/");
    run_start(&run, &setup);
    assert_true(fixture_run_until(&setup.fixture, &run.client.begun, WAIT_MS));
    assert_int_equal(run.client.body_len, 0);
    assert_int_equal(write(gate[1], "x", 1), 1);
    assert_true(fixture_run_until(&setup.fixture, &run.done, WAIT_MS));
    run_finish(&run, &setup);
    assert_hello(&run);
    setup_end(&setup);
    (void)close(gate[0]);
    (void)close(gate[1]);
}

static void answer_without_bodies(struct peer *peer) {
    while (peer_read_head(peer)) {
        (void)peer_say(peer, strncmp(peer->head, "HEAD", 4) == 0
                                 ? "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n"
                             : strstr(peer->head, " /304 ") != NULL
                                 ? "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"
                                 : "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    }
}

static void answers_without_a_body_are_relayed(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, answer_without_bodies, NULL);
    run_init(&run, &setup, "HEAD", "/");
    run_to_end(&run, &setup);
    assert_int_equal(run.client.head_length, 12345);
    assert_int_equal(run.client.status, 200);
    run_init(&run, &setup, "GET", "/304");
    run_to_end(&run, &setup);
    assert_int_equal(run.client.status, 304);
    assert_int_equal(run.client.head_length, 0);
    run_init(&run, &setup, "DELETE", "/204");
    run_to_end(&run, &setup);
    assert_int_equal(run.client.status, 204);
    assert_int_equal(atomic_load(&setup.server.accepted), 1);
    setup_end(&setup);
}

/* --- a registry's error answers --- */

static void send_cut_416(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "HTTP/1.1 416 Range\r\nContent-Type: application/json\r\n"
                         "Content-Length: 1000000\r\n\r\n{\"errors\":[{\"code\":\"RANGE\"}]}");
}

static void cut_error_answer_gets_its_right_length(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, send_cut_416, NULL);
    run_init(&run, &setup, "GET", "/blob");
    run_to_end(&run, &setup);
    assert_int_equal(run.done_status, 0);
    assert_true(run.client.responded);
    assert_int_equal(run.client.status, 416);
    assert_string_equal(run.client.body, "{\"errors\":[{\"code\":\"RANGE\"}]}");
    /* The same to a plugin that collects. */
    run_init(&run, &setup, "GET", "/blob");
    run.decision = VIRGA_PROXY_BUFFER;
    run.options.on_response = on_response;
    run.options.on_body = answer_collected;
    run_to_end(&run, &setup);
    assert_int_equal(run.collected_len, 29);
    assert_int_equal(run.client.status, 416);
    setup_end(&setup);
}

static void stall_after_416(struct peer *peer) {
    send_cut_416(peer);
    peer_await_end(peer);
}

static void stalled_error_answer_is_relayed_as_far_as_it_came(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    struct virga_upstream_options options = {.stall_timeout_ms = 80};
    setup_begin(&setup, true, stall_after_416, &options);
    run_init(&run, &setup, "GET", "/blob");
    run_to_end(&run, &setup);
    assert_int_equal(run.client.status, 416);
    assert_int_equal(run.client.body_len, 29);
    setup_end(&setup);
}

static void send_big_error(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "HTTP/1.1 500 No\r\nContent-Length: 400000\r\n\r\n");
    (void)peer_send_pattern(peer, 400000);
    say_hello(peer);
}

static void big_error_answer_is_streamed(void **state) {
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        struct setup setup;
        struct run run;
        setup_begin(&setup, true, send_big_error, NULL);
        run_init(&run, &setup, "GET", "/");
        run.client.pattern = true;
        run.client.slow = slow == 1;
        run_to_end(&run, &setup);
        assert_true(run.client.ended);
        assert_int_equal(run.client.length, 400000);
        assert_int_equal(run.client.body_len, 400000);
        assert_int_equal(upstream_idle_count(setup.upstream), 1);
        setup_end(&setup);
    }
}

/* --- decisions --- */

static void collected_answer_is_the_plugins_to_give(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, say_hello, NULL);
    run_init(&run, &setup, "GET", "/");
    run.decision = VIRGA_PROXY_BUFFER;
    run.options.on_response = on_response;
    run.options.on_body = answer_collected;
    run_to_end(&run, &setup);
    assert_int_equal(run.answers, 1);
    assert_int_equal(run.collected_len, 5);
    assert_string_equal(run.collected, "hello");
    assert_string_equal(run.client.body, "changed");
    assert_int_equal(run.done_status, 0);
    assert_int_equal(upstream_idle_count(setup.upstream), 1);
    setup_end(&setup);
}

static void answer_beyond_the_buffer_limit_is_emsgsize(void **state) {
    (void)state;
    static void (*const scripts[])(struct peer * peer) = {send_big, send_until_close};
    for (size_t i = 0; i < 2; i++) {
        struct setup setup;
        struct run run;
        setup_begin(&setup, true, scripts[i], NULL);
        run_init(&run, &setup, "GET", "/");
        run.decision = VIRGA_PROXY_BUFFER;
        run.options.on_response = on_response;
        run.options.on_body = answer_collected;
        run.options.on_error = on_error;
        run.options.buffer_limit_bytes = 200000;
        run_to_end(&run, &setup);
        assert_int_equal(run.error, -EMSGSIZE);
        assert_int_equal(run.collected_len, 0);
        setup_end(&setup);
    }
}

static void cut_answer_is_not_collected(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, die_in_the_middle, NULL);
    run_init(&run, &setup, "GET", "/length");
    run.decision = VIRGA_PROXY_BUFFER;
    run.options.on_response = on_response;
    run.options.on_body = answer_collected;
    run.options.on_error = on_error;
    run_to_end(&run, &setup);
    assert_int_equal(run.error, -ECONNRESET);
    assert_int_equal(run.collected_len, 0);
    setup_end(&setup);
}

static void dropped_answer_leaves_a_good_connection(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, say_hello, NULL);
    for (int i = 0; i < 2; i++) {
        run_init(&run, &setup, "GET", "/");
        run.decision = VIRGA_PROXY_DROP;
        run.options.on_response = on_response;
        run_to_end(&run, &setup);
        assert_int_equal(run.client.status, 418);
        assert_string_equal(run.client.body, "own");
        assert_int_equal(run.done_status, 0);
    }
    assert_int_equal(atomic_load(&setup.server.accepted), 1);
    setup_end(&setup);
}

static void dropped_big_answer_is_not_read_to_its_end(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    atomic_uint sent = 0;
    setup_begin(&setup, true, send_big, NULL);
    setup.server.arg = &sent;
    run_init(&run, &setup, "GET", "/");
    run.decision = VIRGA_PROXY_DROP;
    run.options.on_response = on_response;
    run_to_end(&run, &setup);
    fixture_run_for(&setup.fixture, 50);
    assert_in_range(atomic_load(&sent), 0, BIG / 4);
    assert_int_equal(upstream_idle_count(setup.upstream), 0);
    setup_end(&setup);
}

static void mistaken_decision_is_an_error(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, say_hello, NULL);
    run_init(&run, &setup, "GET", "/");
    run.decision = VIRGA_PROXY_BUFFER; /* without an on_body */
    run.options.on_response = on_response;
    run_to_end(&run, &setup);
    assert_int_equal(run.client.status, 500);
    assert_int_equal(run.done_status, -EINVAL);
    setup_end(&setup);
}

/* --- headers --- */

static void report_head(struct peer *peer) {
    char answer[70000];
    while (peer_read_head(peer)) {
        size_t len = strlen(peer->head);
        (void)snprintf(
            answer, sizeof answer,
            "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: keep-alive, X-Secret\r\n"
            "Keep-Alive: timeout=5\r\nX-Secret: a\r\nLocation: /internal\r\nVia: one\r\n"
            "via: two\r\nETag: \"e\"\r\n\r\n%s",
            len, peer->head);
        (void)peer_say(peer, answer);
    }
}

static void request_headers_are_rewritten(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    const struct virga_header set[] = {{{"x-set", 5}, {"new", 3}}, {{"X-Empty", 7}, {"", 0}}};
    const struct virga_str removed[] = {{"authorization", 13}};
    setup_begin(&setup, true, report_head, NULL);
    run_init(&run, &setup, "GET", "/a%2Fb?c=d");
    run_header(&run, "Host", "client.example");
    run_header(&run, "Connection", "close, X-Hop");
    run_header(&run, "X-Hop", "1");
    run_header(&run, "TE", "trailers");
    run_header(&run, "Expect", "100-continue");
    run_header(&run, "X-Set", "old");
    run_header(&run, "Authorization", "Basic c2VjcmV0");
    run_header(&run, "Accept", "a/b");
    run.options.set_headers = set;
    run.options.set_headers_count = 2;
    run.options.remove_headers = removed;
    run.options.remove_headers_count = 1;
    run_to_end(&run, &setup);
    assert_string_equal(run.client.body,
                        "GET /a%2Fb?c=d HTTP/1.1\r\nHost: localhost\r\nx-set: new\r\n"
                        "X-Empty: \r\nAccept: a/b\r\n\r\n");
    const struct virga_header host = {{"Host", 4}, {"registry.internal", 17}};
    run_init(&run, &setup, "PUT", "/");
    run_header(&run, "Host", "client.example");
    run.options.set_headers = &host;
    run.options.set_headers_count = 1;
    run_to_end(&run, &setup);
    assert_string_equal(run.client.body,
                        "PUT / HTTP/1.1\r\nHost: registry.internal\r\nContent-Length: 0\r\n\r\n");
    setup_end(&setup);
}

static void change_headers(struct run *run, struct virga_proxy_response *res) {
    (void)run;
    assert_string_equal(ext_proxy.header(res, "LOCATION").ptr, "/internal");
    assert_string_equal(ext_proxy.header(res, "Content-Length").ptr, "39");
    assert_null(ext_proxy.header(res, "X-Secret").ptr);
    assert_null(ext_proxy.header(res, "Connection").ptr);
    assert_null(ext_proxy.header(res, "No-Such").ptr);
    assert_int_equal(ext_proxy.set_header(res, "location", virga_str_from("/public")), 0);
    assert_int_equal(ext_proxy.set_header(res, "via", (struct virga_str){NULL, 0}), 0);
    assert_int_equal(ext_proxy.set_header(res, "X-New", virga_str_from("n")), 0);
    assert_int_equal(ext_proxy.set_header(res, "X-Bad", virga_str_from("a\r\nSet-Cookie: b")),
                     -EINVAL);
    assert_int_equal(ext_proxy.set_header(res, "X Bad", virga_str_from("a")), -EINVAL);
    assert_int_equal(ext_proxy.set_header(res, "Transfer-Encoding", virga_str_from("chunked")),
                     -EINVAL);
    assert_string_equal(ext_proxy.header(res, "Location").ptr, "/public");
    ext_proxy.set_status(res, 201);
    assert_int_equal(ext_proxy.status(res), 201);
}

static void answer_headers_are_rewritten(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, report_head, NULL);
    run_init(&run, &setup, "GET", "/long");
    run.options.on_response = on_response;
    run.on_answer = change_headers;
    run_to_end(&run, &setup);
    assert_int_equal(run.seen_status, 200);
    assert_int_equal(run.client.status, 201);
    assert_string_equal(run.client.fields,
                        "Content-Length: 39\nETag: \"e\"\nlocation: /public\nX-New: n\n");
    setup_end(&setup);
}

static void make_bodyless(struct run *run, struct virga_proxy_response *res) {
    (void)run;
    ext_proxy.set_status(res, 204);
}

static void status_without_a_body_drops_the_body(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, say_hello, NULL);
    run_init(&run, &setup, "GET", "/");
    run.options.on_response = on_response;
    run.on_answer = make_bodyless;
    run_to_end(&run, &setup);
    assert_int_equal(run.client.status, 204);
    assert_int_equal(run.client.body_len, 0);
    assert_int_equal(run.done_status, 0);
    assert_int_equal(upstream_idle_count(setup.upstream), 1);
    setup_end(&setup);
}

static void malformed_requests_are_refused(void **state) {
    (void)state;
    static const struct virga_header headers[] = {
        {{"A B", 3}, {"x", 1}},
        {{"A", 1}, {"x\r\nB: y", 7}},
        {{"A", 1}, {"a\0b", 3}},
        {{"Content-Length", 14}, {"1", 1}},
        {{"connection", 10}, {"close", 5}},
        {{"", 0}, {"x", 1}},
        {{"A", 1}, {NULL, 0}},
    };
    struct setup setup;
    struct run run;
    const struct virga_host *host = &setup.fixture.plugin.api;
    setup_begin(&setup, true, say_hello, NULL);
    run_init(&run, &setup, "GET", "/");
    struct virga_request *req = &run.client.request.pub;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        run.options.set_headers = &headers[i];
        run.options.set_headers_count = 1;
        assert_int_equal(ext_proxy.forward(host, req, setup.upstream, &run.options), -EINVAL);
    }
    run.options.set_headers_count = 0;
    run.options.target = virga_str_from("/a b");
    assert_int_equal(ext_proxy.forward(host, req, setup.upstream, &run.options), -EINVAL);
    run.options.target = virga_str_from("/a\r\n");
    assert_int_equal(ext_proxy.forward(host, req, setup.upstream, &run.options), -EINVAL);
    run.options.target.ptr = NULL;
    run.options.method = virga_str_from("GET /");
    assert_int_equal(ext_proxy.forward(host, req, setup.upstream, &run.options), -EINVAL);
    run.options.method.ptr = NULL;
    run.options.struct_size = 8;
    assert_int_equal(ext_proxy.forward(host, req, setup.upstream, &run.options), -EINVAL);
    run.options.struct_size = sizeof run.options;
    assert_false(run.client.given_back);
    run_to_end(&run, &setup);
    assert_hello(&run);
    setup_end(&setup);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_answer_is_relayed_in_one_piece),
        cmocka_unit_test(big_answer_to_a_slow_reader_costs_one_buffer),
        cmocka_unit_test(slow_readers_do_not_share_a_buffer),
        cmocka_unit_test(chunked_answer_is_relayed_without_its_coding),
        cmocka_unit_test(answer_until_close_is_relayed),
        cmocka_unit_test(head_is_relayed_before_the_body_comes),
        cmocka_unit_test(answers_without_a_body_are_relayed),
        cmocka_unit_test(cut_error_answer_gets_its_right_length),
        cmocka_unit_test(stalled_error_answer_is_relayed_as_far_as_it_came),
        cmocka_unit_test(big_error_answer_is_streamed),
        cmocka_unit_test(collected_answer_is_the_plugins_to_give),
        cmocka_unit_test(answer_beyond_the_buffer_limit_is_emsgsize),
        cmocka_unit_test(cut_answer_is_not_collected),
        cmocka_unit_test(dropped_answer_leaves_a_good_connection),
        cmocka_unit_test(dropped_big_answer_is_not_read_to_its_end),
        cmocka_unit_test(mistaken_decision_is_an_error),
        cmocka_unit_test(request_headers_are_rewritten),
        cmocka_unit_test(answer_headers_are_rewritten),
        cmocka_unit_test(status_without_a_body_drops_the_body),
        cmocka_unit_test(malformed_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
