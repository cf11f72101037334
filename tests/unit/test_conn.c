/* SPDX-License-Identifier: MIT */
/* Connections: order, keep-alive, the client's going, timeouts, limits. */
#include "wire_fixture.h"

#include <sys/resource.h>

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

/* Answers with what was asked: method, path, body. */
static void echo(struct request *req) {
    struct virga_str text = arena_printf(&req->arena, "%s %s %s", req->pub.method.ptr,
                                         req->pub.path.ptr, req->pub.body.ptr);
    assert_int_equal(request_respond_text(req, 200, "text/plain", text.ptr, text.len), 0);
}

static struct request *held;
static int cancelled_with;
static int cancels;

static void on_cancel(void *arg, struct virga_request *pub, int status) {
    (void)arg;
    (void)pub;
    cancelled_with = status;
    cancels++;
}

static void hold(struct request *req) {
    held = req;
    cancels = 0;
    cancelled_with = 0;
    request_http.on_cancel(&req->pub, on_cancel, NULL);
}

static void wait_for_held(void) {
    for (int i = 0; i < WIRE_WAIT_MS && held == NULL; i++) {
        pump_for(1);
    }
    assert_non_null(held);
}

static struct request *take_held(void) {
    wait_for_held();
    struct request *req = held;
    held = NULL;
    return req;
}

static int reset_held(void **state) {
    held = NULL;
    return wire_setup(state);
}

/* ---- the exchange ---- */

static void request_split_at_every_byte_is_answered(void **state) {
    (void)state;
    static const char text[] = "POST /a?q HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    wire_serve(echo);
    int fd = client();
    for (size_t cut = 0; cut <= sizeof text - 1; cut++) {
        send_bytes(fd, text, cut);
        pump_for(1);
        send_bytes(fd, text + cut, sizeof text - 1 - cut);
        assert_int_equal(read_reply(fd), 200);
        assert_string_equal(reply.body, "POST /a hello");
    }
    for (size_t at = 0; at < sizeof text - 1; at++) {
        send_bytes(fd, text + at, 1);
    }
    assert_int_equal(read_reply(fd), 200);
    assert_int_equal(wire_requests, (int)sizeof text + 1);
    (void)close(fd);
}

static void answer_carries_id_date_and_length_and_no_server(void **state) {
    (void)state;
    wire_serve(echo);
    int fd = client();
    char first[64];
    for (int i = 0; i < 2; i++) {
        send_text(fd, GET);
        assert_int_equal(read_reply(fd), 200);
        assert_non_null(reply_header("Date"));
        assert_int_equal(strlen(reply_header("Date")), 29);
        const char *id = reply_header("x-amzn-RequestId");
        assert_int_equal(strlen(id), 36);
        assert_int_equal(id[14], '4');
        assert_non_null(strchr("89ab", id[19]));
        if (i == 0) {
            memcpy(first, id, 37);
        } else {
            assert_string_not_equal(id, first);
        }
        assert_null(reply_header("Server"));
        assert_null(reply_header("Connection"));
    }
    (void)close(fd);
}

static void hundred_pipelined_requests_are_answered_in_order(void **state) {
    (void)state;
    wire_serve(echo);
    int fd = client();
    char text[100 * 64];
    size_t len = 0;
    for (int i = 0; i < 100; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i);
    }
    send_bytes(fd, text, len);
    for (int i = 0; i < 100; i++) {
        char expected[32];
        assert_int_equal(read_reply(fd), 200);
        (void)snprintf(expected, sizeof expected, "GET /%d ", i);
        assert_string_equal(reply.body, expected);
    }
    (void)close(fd);
}

static void pipelined_request_waits_for_the_late_answer_before_it(void **state) {
    (void)state;
    wire_serve(hold);
    int fd = client();
    send_text(fd, GET "GET /second HTTP/1.1\r\nHost: h\r\n\r\n");
    struct request *first = take_held();
    pump_for(5);
    assert_int_equal(wire_requests, 1);
    assert_int_equal(answer(first, 200, "one"), 0);
    struct request *second = take_held();
    assert_string_equal(second->pub.path.ptr, "/second");
    assert_int_equal(answer(second, 200, "two"), 0);
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "one");
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "two");
    (void)close(fd);
}

static void reading_ahead_is_bounded(void **state) {
    (void)state;
    size_t size = 16 << 20;
    char *text = malloc(size);
    for (size_t at = 0; at + sizeof GET <= size; at += sizeof GET - 1) {
        memcpy(text + at, GET, sizeof GET - 1);
    }
    wire_serve(hold);
    int fd = client();
    size_t sent = send_some(fd, text, size / (sizeof GET - 1) * (sizeof GET - 1), 300);
    assert_true(sent < size / 2);
    assert_int_equal(wire_requests, 1);
    assert_true(the_conn()->input_size <= 4 * CONN_AHEAD_BYTES);
    assert_true(the_conn()->input_len - the_conn()->input_at >= CONN_AHEAD_BYTES);
    assert_false(the_conn()->reading);
    wire_on_request = echo;
    assert_int_equal(answer(take_held(), 200, "go"), 0);
    assert_int_equal(read_reply(fd), 200);
    for (size_t i = 1; i < sent / (sizeof GET - 1); i++) {
        if (i % 100 == 0) {
            pump();
        }
        assert_int_equal(read_reply(fd), 200);
        if (i == 2000) {
            break;
        }
    }
    free(text);
    (void)close(fd);
}

static void version_decides_about_keep_alive(void **state) {
    (void)state;
    wire_serve(echo);
    int fd = client();
    send_text(fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply_header("Connection"), "keep-alive");
    send_text(fd, "GET / HTTP/1.0\r\n\r\n");
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply_header("Connection"), "close");
    assert_closed(fd);
    fd = client();
    send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" GET);
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply_header("Connection"), "close");
    assert_closed(fd);
}

static void refused_request_gets_an_answer_and_the_end(void **state) {
    (void)state;
    wire_serve(echo);
    int fd = client();
    send_text(fd, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" GET);
    assert_int_equal(read_reply(fd), 400);
    assert_int_equal(strlen(reply_header("x-amzn-RequestId")), 36);
    assert_string_equal(reply_header("Connection"), "close");
    assert_closed(fd);
    assert_int_equal(wire_requests, 0);
}

static void header_limit_is_answered_with_431(void **state) {
    (void)state;
    wire_serve(echo);
    int fd = client();
    char fill[20000];
    memset(fill, 'f', sizeof fill);
    send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\nX: ");
    send_bytes(fd, fill, sizeof fill);
    assert_int_equal(read_reply(fd), 431);
    assert_closed(fd);
}

/* ---- the client goes ---- */

static void half_closed_client_gets_its_answer(void **state) {
    (void)state;
    wire_serve(hold);
    int fd = client();
    send_text(fd, GET);
    struct request *req = take_held();
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    pump_for(5);
    assert_int_equal(cancels, 0);
    assert_int_equal(answer(req, 200, "still here"), 0);
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "still here");
    assert_closed(fd);
    wait_until_gone();
}

static void pipelined_requests_before_a_half_close_are_all_answered(void **state) {
    (void)state;
    wire_serve(hold);
    int fd = client();
    send_text(fd, GET GET GET);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(answer(take_held(), 200, "x"), 0);
        assert_int_equal(read_reply(fd), 200);
    }
    assert_closed(fd);
}

static void reset_tells_the_handler_once_and_refuses_its_answer(void **state) {
    (void)state;
    static const struct linger now = {1, 0};
    wire_serve(hold);
    int fd = client();
    send_text(fd, GET);
    struct request *req = take_held();
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    (void)close(fd);
    wait_until_gone();
    pump_for(5);
    assert_int_equal(cancels, 1);
    assert_int_equal(cancelled_with, -ECONNRESET);
    assert_string_equal(req->pub.path.ptr, "/");
    assert_non_null(request_http.alloc(&req->pub, 10));
    assert_int_equal(answer(req, 200, "too late"), -ECANCELED);
    pump_for(5);
    assert_int_equal(cancels, 1);
}

static void unfinished_head_is_forgotten_when_the_client_goes(void **state) {
    (void)state;
    wire_serve(echo);
    int fd = client();
    send_text(fd, "GET / HTTP/1.1\r\nHo");
    pump_for(5);
    assert_int_equal(wire_host.connections_count, 1);
    (void)close(fd);
    wait_until_gone();
    assert_int_equal(wire_requests, 0);
}

/* ---- timeouts ---- */

static void late_answer_after_the_deadline_returns_ecanceled(void **state) {
    (void)state;
    wire_on_request = hold;
    wire_open((struct listener_options){.deadline_ms = 30});
    int fd = client();
    send_text(fd, GET);
    assert_int_equal(read_reply(fd), 504);
    assert_non_null(strstr(reply.body, "\"message\":"));
    assert_string_equal(reply_header("Content-Type"), "application/json");
    pump_for(5);
    assert_int_equal(cancels, 1);
    assert_int_equal(cancelled_with, -ETIMEDOUT);
    struct request *late = take_held();
    /* The connection is free for the next one meanwhile. */
    wire_on_request = echo;
    send_text(fd, GET);
    assert_int_equal(read_reply(fd), 200);
    assert_int_equal(answer(late, 200, "too late"), -ECANCELED);
    assert_silent(fd, 5);
    (void)close(fd);
}

static void not_to_be_called(void *arg, struct virga_request *pub, int status) {
    (void)arg;
    (void)pub;
    fail_msg("called with %d", status);
}

static void answer_before_the_deadline_stops_it(void **state) {
    (void)state;
    wire_on_request = hold;
    wire_open((struct listener_options){.deadline_ms = 40});
    int fd = client();
    send_text(fd, GET);
    struct request *req = take_held();
    const struct virga_response res = {.struct_size = sizeof res, .status = 200};
    assert_int_equal(request_http.respond_begin(&req->pub, &res, 1, not_to_be_called, NULL), 0);
    pump_for(100);
    assert_int_equal(cancels, 0);
    assert_int_equal(request_http.write(&req->pub, virga_str_from("x")), 1);
    request_http.end(&req->pub);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static void slow_head_is_answered_with_408(void **state) {
    (void)state;
    wire_host.header_timeout_ms = 60;
    wire_serve(echo);
    int fd = client();
    uint64_t begin = uv_hrtime();
    /* A byte now and then does not help. */
    for (int i = 0; i < 6; i++) {
        send_bytes(fd, "GET / " + i, 1);
        pump_for(5);
    }
    assert_int_equal(read_reply(fd), 408);
    assert_true(uv_hrtime() - begin < UINT64_C(500) * 1000000);
    assert_closed(fd);
}

static void idle_connection_is_closed_silently(void **state) {
    (void)state;
    wire_host.idle_timeout_ms = 40;
    wire_serve(echo);
    int fresh = client();
    int used = client();
    send_text(used, GET);
    assert_int_equal(read_reply(used), 200);
    assert_closed(fresh);
    assert_closed(used);
}

static void activity_keeps_an_idle_connection_open(void **state) {
    (void)state;
    wire_host.idle_timeout_ms = 100;
    wire_serve(echo);
    int fd = client();
    for (int i = 0; i < 8; i++) {
        send_text(fd, GET);
        assert_int_equal(read_reply(fd), 200);
        pump_for(30);
    }
    (void)close(fd);
}

static void stalled_upload_is_answered_with_408(void **state) {
    (void)state;
    wire_host.stall_timeout_ms = 60;
    wire_serve(echo);
    int fd = client();
    send_text(fd, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n");
    for (int i = 0; i < 5; i++) {
        pump_for(30);
        send_text(fd, "x"); /* progress: no timeout yet */
    }
    assert_int_equal(read_reply(fd), 408);
    assert_closed(fd);
    assert_int_equal(wire_requests, 0);
}

static void reader_that_stops_reading_is_reset(void **state) {
    (void)state;
    wire_host.stall_timeout_ms = 80;
    wire_serve(hold);
    int fd = client();
    send_text(fd, GET);
    size_t size = 32 << 20;
    char *big = calloc(1, size);
    assert_int_equal(request_respond_text(take_held(), 200, "x/y", big, size), 0);
    free(big);
    assert_int_equal(wire_host.connections_count, 1);
    wait_until_gone();
    (void)close(fd);
}

static void busy_handler_is_not_timed_out_by_the_connection(void **state) {
    (void)state;
    wire_host.stall_timeout_ms = wire_host.idle_timeout_ms = wire_host.header_timeout_ms = 20;
    wire_serve(hold);
    int fd = client();
    send_text(fd, GET);
    struct request *req = take_held();
    pump_for(100);
    assert_int_equal(cancels, 0);
    assert_int_equal(answer(req, 200, "done"), 0);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

/* ---- early answers ---- */

#define UPLOAD "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: "

static void refuse_at_head(struct request *req) {
    assert_int_equal(answer(req, 403, "no"), 0);
}

static void client_in_the_middle_of_a_big_upload_reads_the_early_answer(void **state) {
    (void)state;
    static char block[65536];
    wire_on_head = refuse_at_head;
    wire_serve(echo);
    int fd = client();
    send_text(fd, UPLOAD "33554432\r\n\r\n");
    /* Sends on for a while before it looks. */
    for (int i = 0; i < 256; i++) {
        send_bytes(fd, block, sizeof block);
    }
    assert_int_equal(read_reply(fd), 403);
    assert_string_equal(reply_header("Connection"), "close");
    assert_closed(fd);
    assert_int_equal(wire_requests, 0);
    wait_until_gone();
}

static void small_rest_of_an_upload_is_read_away(void **state) {
    (void)state;
    static char block[60000];
    wire_on_head = refuse_at_head;
    wire_serve(echo);
    int fd = client();
    send_text(fd, UPLOAD "60000\r\n\r\n");
    assert_int_equal(read_reply(fd), 403);
    assert_null(reply_header("Connection"));
    send_bytes(fd, block, sizeof block);
    wire_on_head = NULL;
    send_text(fd, GET);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static void body_in_hand_is_not_taken_for_a_request_after_an_early_answer(void **state) {
    (void)state;
    wire_on_head = refuse_at_head;
    wire_serve(echo);
    int fd = client();
    send_text(fd, UPLOAD "27\r\n\r\n" GET "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(sizeof GET - 1, 27);
    assert_int_equal(read_reply(fd), 403);
    assert_int_equal(read_reply(fd), 403);
    assert_silent(fd, 5);
    (void)close(fd);
}

static void lingering_ends_after_its_time(void **state) {
    (void)state;
    wire_on_head = refuse_at_head;
    wire_serve(echo);
    int fd = client();
    send_text(fd, UPLOAD "1000000\r\n\r\n");
    assert_int_equal(read_reply(fd), 403);
    uint64_t begin = uv_hrtime();
    wait_until_gone();
    assert_true(uv_hrtime() - begin < UINT64_C(4000) * 1000000);
    (void)close(fd);
}

/* ---- 100-continue ---- */

#define EXPECT "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"

static void continue_is_sent_when_the_body_is_wanted(void **state) {
    (void)state;
    wire_serve(echo);
    int fd = client();
    send_text(fd, EXPECT);
    read_head(fd);
    assert_int_equal(reply.status, 100);
    assert_int_equal(wire_requests, 0);
    send_text(fd, "hello");
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "POST / hello");
    (void)close(fd);
}

static void continue_is_not_sent_to_a_refused_client(void **state) {
    (void)state;
    wire_on_head = refuse_at_head;
    wire_serve(echo);
    int fd = client();
    send_text(fd, EXPECT);
    assert_int_equal(read_reply(fd), 403);
    assert_string_equal(reply_header("Connection"), "close");
    assert_closed(fd);
    wire_on_head = NULL;
    fd = client();
    send_text(
        fd,
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n");
    assert_int_equal(read_reply(fd), 413);
    assert_closed(fd);
}

static void continue_is_not_sent_without_a_body_or_to_http_1_0(void **state) {
    (void)state;
    wire_serve(echo);
    int fd = client();
    send_text(fd,
              "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(read_reply(fd), 200);
    send_text(fd, "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
    assert_int_equal(read_reply(fd), 200);
    assert_closed(fd);
}

/* ---- limits and ends ---- */

static void connection_above_the_limit_is_told_so(void **state) {
    (void)state;
    wire_host.max_connections = 2;
    wire_serve(echo);
    int first = client(), second = client();
    send_text(first, GET);
    assert_int_equal(read_reply(first), 200);
    send_text(second, GET);
    assert_int_equal(read_reply(second), 200);
    int third = client();
    send_text(third, GET);
    assert_int_equal(read_reply(third), 503);
    assert_int_equal(strlen(reply_header("x-amzn-RequestId")), 36);
    assert_closed(third);
    (void)close(first);
    pump_for(5);
    third = client();
    send_text(third, GET);
    assert_int_equal(read_reply(third), 200);
    (void)close(second);
    (void)close(third);
}

static void on_turn(uv_timer_t *timer) {
    (void)timer;
}

static void loop_does_not_spin_without_descriptors(void **state) {
    (void)state;
    struct rlimit before, none;
    int clients[4], fillers[64];
    int fillers_count = 0;
    wire_serve(echo);
    pump();
    for (int i = 0; i < 4; i++) {
        clients[i] = client();
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)clients[3] + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    while (fillers_count < 64 && (fillers[fillers_count] = open("/dev/null", O_RDONLY)) >= 0) {
        fillers_count++;
    }
    int turns = 0;
    uint64_t end = uv_hrtime() + UINT64_C(50) * 1000000;
    static uv_timer_t timer; /* its close callback comes after this function */
    assert_int_equal(uv_timer_init(&wire_loop, &timer), 0);
    while (uv_hrtime() < end) {
        (void)uv_timer_start(&timer, on_turn, 10, 0);
        (void)uv_run(&wire_loop, UV_RUN_ONCE);
        turns++;
    }
    assert_true(turns < 100);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    while (fillers_count > 0) {
        (void)close(fillers[--fillers_count]);
    }
    int fd = client();
    send_text(fd, GET);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
    for (int i = 0; i < 4; i++) {
        (void)close(clients[i]);
    }
    uv_close((uv_handle_t *)&timer, NULL);
}

static void closed_listener_lets_the_request_under_way_end(void **state) {
    (void)state;
    wire_serve(hold);
    int idle = client(), busy = client(), half = client();
    send_text(half, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe");
    send_text(busy, GET GET);
    struct request *req = take_held();
    pump_for(5);
    assert_int_equal(wire_host.connections_count, 3);
    listener_close(wire_listener);
    wire_listener = NULL;
    assert_closed(idle);
    assert_closed(half);
    assert_int_equal(answer(req, 200, "last"), 0);
    assert_int_equal(read_reply(busy), 200);
    assert_string_equal(reply_header("Connection"), "close");
    assert_closed(busy);
    assert_int_equal(wire_requests, 1);
}

static void
stopping_host_closes_idle_connections_and_ends_busy_ones_after_their_answer(void **state) {
    (void)state;
    wire_serve(hold);
    int idle = client(), busy = client();
    send_text(busy, GET);
    struct request *req = take_held();
    pump_for(CONN_DRAIN_IDLE_MS + 50);
    wire_host.stopping = true;
    (void)conn_drain(&wire_host, false);
    assert_closed(idle);
    assert_int_equal(wire_host.connections_count, 1);
    assert_int_equal(answer(req, 200, "bye"), 0);
    assert_int_equal(read_reply(busy), 200);
    assert_closed(busy);
    wait_until_gone();
}

static void abort_of_all_cancels_what_is_handled(void **state) {
    (void)state;
    wire_serve(hold);
    int fd = client();
    char byte;
    send_text(fd, GET);
    struct request *req = take_held();
    conn_abort_all(&wire_host);
    assert_int_equal(wire_host.connections_count, 0);
    assert_int_equal(cancels, 0); /* never inside the call */
    pump_for(2);
    assert_int_equal(cancels, 1);
    assert_int_equal(cancelled_with, -ECANCELED);
    assert_int_equal(answer(req, 200, "x"), -ECANCELED);
    assert_int_equal(receive(fd, &byte, 1), -1);
    (void)close(fd);
}

static void idle_connection_is_small(void **state) {
    (void)state;
    assert_true(sizeof(struct conn) < 1024);
    wire_serve(echo);
    int fd = client();
    send_text(fd, GET);
    assert_int_equal(read_reply(fd), 200);
    assert_null(the_conn()->req);
    assert_null(the_conn()->input);
    (void)close(fd);
}

static void client_of_a_unix_socket_is_served(void **state) {
    (void)state;
    char path[64];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(path, sizeof path, "/tmp/virga-test-conn-%d.sock", (int)getpid());
    wire_on_request = hold;
    wire_open((struct listener_options){.unix_path = path});
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    send_text(fd, GET);
    struct request *req = take_held();
    assert_string_equal(req->pub.peer.ptr, "unix");
    assert_int_equal(answer(req, 200, "x"), 0);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static void peer_is_the_clients_address_and_port(void **state) {
    (void)state;
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    char expected[64];
    wire_serve(hold);
    int fd = client();
    send_text(fd, GET);
    struct request *req = take_held();
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(expected, sizeof expected, "127.0.0.1:%u", ntohs(address.sin_port));
    assert_string_equal(req->pub.peer.ptr, expected);
    assert_int_equal(answer(req, 200, "x"), 0);
    (void)close(fd);
}

#define WIRED(test) cmocka_unit_test_setup_teardown(test, reset_held, wire_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WIRED(request_split_at_every_byte_is_answered),
        WIRED(answer_carries_id_date_and_length_and_no_server),
        WIRED(hundred_pipelined_requests_are_answered_in_order),
        WIRED(pipelined_request_waits_for_the_late_answer_before_it),
        WIRED(reading_ahead_is_bounded),
        WIRED(version_decides_about_keep_alive),
        WIRED(refused_request_gets_an_answer_and_the_end),
        WIRED(header_limit_is_answered_with_431),
        WIRED(half_closed_client_gets_its_answer),
        WIRED(pipelined_requests_before_a_half_close_are_all_answered),
        WIRED(reset_tells_the_handler_once_and_refuses_its_answer),
        WIRED(unfinished_head_is_forgotten_when_the_client_goes),
        WIRED(late_answer_after_the_deadline_returns_ecanceled),
        WIRED(answer_before_the_deadline_stops_it),
        WIRED(slow_head_is_answered_with_408),
        WIRED(idle_connection_is_closed_silently),
        WIRED(activity_keeps_an_idle_connection_open),
        WIRED(stalled_upload_is_answered_with_408),
        WIRED(reader_that_stops_reading_is_reset),
        WIRED(busy_handler_is_not_timed_out_by_the_connection),
        WIRED(client_in_the_middle_of_a_big_upload_reads_the_early_answer),
        WIRED(small_rest_of_an_upload_is_read_away),
        WIRED(body_in_hand_is_not_taken_for_a_request_after_an_early_answer),
        WIRED(lingering_ends_after_its_time),
        WIRED(continue_is_sent_when_the_body_is_wanted),
        WIRED(continue_is_not_sent_to_a_refused_client),
        WIRED(continue_is_not_sent_without_a_body_or_to_http_1_0),
        WIRED(connection_above_the_limit_is_told_so),
        WIRED(loop_does_not_spin_without_descriptors),
        WIRED(closed_listener_lets_the_request_under_way_end),
        WIRED(stopping_host_closes_idle_connections_and_ends_busy_ones_after_their_answer),
        WIRED(abort_of_all_cancels_what_is_handled),
        WIRED(idle_connection_is_small),
        WIRED(client_of_a_unix_socket_is_served),
        WIRED(peer_is_the_clients_address_and_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
