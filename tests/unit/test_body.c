/* SPDX-License-Identifier: MIT */
/* Request bodies: collected and streamed, with back-pressure, errors and early ends. */
#include "wire_fixture.h"

#include <malloc.h>

#include "http_engine.h"

#define POST "POST / HTTP/1.1\r\nHost: h\r\n"
#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

/* ---- collected ---- */

static uint64_t checksum_of(const char *bytes, size_t len) {
    uint64_t sum = 14695981039346656037u;
    for (size_t i = 0; i < len; i++) {
        sum = (sum ^ (unsigned char)bytes[i]) * 1099511628211u;
    }
    return sum;
}

static void digest(struct request *req) {
    struct virga_str body = req->pub.body;
    assert_int_equal(body.ptr[body.len], '\0');
    struct virga_str text = arena_printf(&req->arena, "%zu %llx", body.len,
                                         (unsigned long long)checksum_of(body.ptr, body.len));
    assert_int_equal(answer(req, 200, text.ptr), 0);
}

static char *pattern(size_t len) {
    char *bytes = malloc(len + 1);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)(i * 31 + (i >> 8));
    }
    return bytes;
}

static void expect_digest(int fd, const char *bytes, size_t len) {
    char expected[64];
    (void)snprintf(expected, sizeof expected, "%zu %llx", len,
                   (unsigned long long)checksum_of(bytes, len));
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, expected);
}

static void bodies_of_all_sizes_arrive_whole(void **state) {
    (void)state;
    static const size_t sizes[] = {1,     100,   4096,  16384,  16385,
                                   65535, 65536, 65537, 262144, 1 << 20};
    wire_serve(digest);
    int fd = client();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *bytes = pattern(sizes[i]);
        char head[128];
        (void)snprintf(head, sizeof head, POST "Content-Length: %zu\r\n\r\n", sizes[i]);
        send_text(fd, head);
        send_bytes(fd, bytes, sizes[i]);
        expect_digest(fd, bytes, sizes[i]);
        send_text(fd, POST "Transfer-Encoding: chunked\r\n\r\n");
        for (size_t at = 0; at < sizes[i];) {
            size_t part = sizes[i] - at < 50000 ? sizes[i] - at : 50000;
            (void)snprintf(head, sizeof head, "%zx\r\n", part);
            send_text(fd, head);
            send_bytes(fd, bytes + at, part);
            send_text(fd, "\r\n");
            at += part;
        }
        send_text(fd, "0\r\n\r\n");
        expect_digest(fd, bytes, sizes[i]);
        free(bytes);
    }
    (void)close(fd);
}

static void announced_length_above_the_limit_is_413_at_once(void **state) {
    (void)state;
    wire_serve(digest);
    int fd = client();
    send_text(fd, POST "Content-Length: 1048577\r\n\r\n");
    assert_int_equal(read_reply(fd), 413);
    assert_closed(fd);
    assert_int_equal(wire_requests, 0);
}

static void chunked_body_above_the_limit_is_413_on_its_way(void **state) {
    (void)state;
    static char block[65536];
    wire_serve(digest);
    int fd = client();
    send_text(fd, POST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 20; i++) {
        send_text(fd, "10000\r\n");
        send_bytes(fd, block, sizeof block);
        send_text(fd, "\r\n");
    }
    assert_int_equal(read_reply(fd), 413);
    assert_closed(fd);
    assert_int_equal(wire_requests, 0);
}

static void set_own_limit(struct request *req) {
    req->body_limit_bytes = 10;
}

static void limit_of_the_route_is_used(void **state) {
    (void)state;
    wire_on_head = set_own_limit;
    wire_serve(digest);
    int fd = client();
    send_text(fd, POST "Content-Length: 10\r\n\r\n0123456789");
    expect_digest(fd, "0123456789", 10);
    send_text(fd, POST "Content-Length: 11\r\n\r\n0123456789a");
    assert_int_equal(read_reply(fd), 413);
    (void)close(fd);
}

static void announcement_alone_costs_no_memory(void **state) {
    (void)state;
    wire_host.body_limit_bytes = 1 << 30;
    wire_serve(digest);
    int fd = client();
    send_text(fd, POST "Content-Length: 1000000000\r\n\r\nx");
    pump_for(5);
    struct request *req = the_conn()->req;
    assert_non_null(req);
    assert_true(req->collected_size <= 65536);
    (void)close(fd);
    wait_until_gone();
}

static void upload_that_breaks_off_reaches_no_handler(void **state) {
    (void)state;
    wire_serve(digest);
    int fd = client();
    send_text(fd, POST "Content-Length: 10\r\n\r\nhello");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_closed(fd);
    assert_int_equal(wire_requests, 0);
}

/* ---- streamed ---- */

static struct request *req_now;
static char got[1 << 16];
static size_t got_len;
static uint64_t got_bytes;
static uint64_t got_sum;
static int got_calls;
static int got_status; /* the last one that was not DATA; 100 = none */
static int pause_each;
static const char *paused_at;
static size_t paused_len;
static bool inside_call;

static int on_body(void *arg, struct virga_request *pub, int status, struct virga_str chunk) {
    assert_ptr_equal(arg, got);
    assert_ptr_equal(pub, &req_now->pub);
    assert_false(inside_call);
    assert_int_equal(got_status, 100);
    got_calls++;
    if (status != VIRGA_BODY_DATA) {
        assert_int_equal(chunk.len, 0);
        got_status = status;
        return VIRGA_BODY_GO_ON;
    }
    assert_true(chunk.len > 0);
    got_bytes += chunk.len;
    for (size_t i = 0; i < chunk.len; i += 4096) {
        got_sum = got_sum * 31 + (unsigned char)chunk.ptr[i];
    }
    if (got_len + chunk.len < sizeof got) {
        memcpy(got + got_len, chunk.ptr, chunk.len);
        got_len += chunk.len;
    }
    if (pause_each > 0 && got_calls % pause_each == 0) {
        paused_at = chunk.ptr;
        paused_len = chunk.len;
        return VIRGA_BODY_PAUSE;
    }
    return VIRGA_BODY_GO_ON;
}

static void begin(struct request *req) {
    inside_call = true;
    assert_int_equal(request_http.body_start(&req->pub, on_body, got), 0);
    assert_int_equal(request_http.body_start(&req->pub, on_body, got), -EINVAL);
    inside_call = false;
}

static void take(struct request *req) {
    req_now = req;
    assert_true(req->pub.flags & VIRGA_REQUEST_STREAMS);
    assert_null(req->pub.body.ptr);
}

static void take_and_begin(struct request *req) {
    take(req);
    begin(req);
}

static void resume(void) {
    inside_call = true;
    paused_at = NULL;
    request_http.body_resume(&req_now->pub);
    inside_call = false;
}

static int stream_setup(void **state) {
    req_now = NULL;
    got_len = 0;
    got_bytes = got_sum = 0;
    got_calls = 0;
    got_status = 100;
    pause_each = 0;
    paused_at = NULL;
    return wire_setup(state);
}

static void wait_for_status(void) {
    for (int i = 0; i < WIRE_WAIT_MS && got_status == 100; i++) {
        pump_for(1);
    }
    assert_int_not_equal(got_status, 100);
}

static void finish(int status) {
    assert_int_equal(answer(req_now, status, "done"), 0);
}

static void streamed_body_comes_in_pieces_and_ends(void **state) {
    (void)state;
    wire_serve_streams(take_and_begin);
    int fd = client();
    send_text(fd, POST "Content-Length: 11\r\n\r\nhello");
    pump_for(5);
    assert_int_equal(got_bytes, 5);
    send_text(fd, " world");
    wait_for_status();
    assert_int_equal(got_status, VIRGA_BODY_END);
    assert_memory_equal(got, "hello world", 11);
    finish(200);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static void chunked_stream_is_joined(void **state) {
    (void)state;
    wire_serve_streams(take_and_begin);
    int fd = client();
    send_text(
        fd, POST
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\n\r\n");
    wait_for_status();
    assert_int_equal(got_status, VIRGA_BODY_END);
    assert_int_equal(got_len, 11);
    assert_memory_equal(got, "hello world", 11);
    finish(200);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static void empty_stream_ends_at_once_but_not_inside_the_call(void **state) {
    (void)state;
    wire_serve_streams(take_and_begin);
    int fd = client();
    send_text(fd, GET);
    wait_for_status();
    assert_int_equal(got_status, VIRGA_BODY_END);
    assert_int_equal(got_calls, 1);
    finish(200);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static void body_begun_late_has_lost_nothing(void **state) {
    (void)state;
    wire_serve_streams(take);
    int fd = client();
    send_text(fd, POST "Content-Length: 11\r\n\r\nhel");
    pump_for(5);
    send_text(fd, "lo wor");
    pump_for(5);
    assert_int_equal(got_calls, 0);
    begin(req_now);
    send_text(fd, "ld");
    wait_for_status();
    assert_int_equal(got_status, VIRGA_BODY_END);
    assert_memory_equal(got, "hello world", 11);
    finish(200);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static void continue_waits_for_body_start(void **state) {
    (void)state;
    wire_serve_streams(take);
    int fd = client();
    send_text(fd, POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_silent(fd, 10);
    begin(req_now);
    read_head(fd);
    assert_int_equal(reply.status, 100);
    send_text(fd, "ok");
    wait_for_status();
    finish(200);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static void paused_chunk_stays_and_nothing_more_is_read(void **state) {
    (void)state;
    size_t size = 32 << 20;
    char *bytes = pattern(size);
    char head[128];
    pause_each = 1;
    wire_serve_streams(take_and_begin);
    int fd = client();
    (void)snprintf(head, sizeof head, POST "Content-Length: %zu\r\n\r\n", size);
    send_text(fd, head);
    size_t sent = send_some(fd, bytes, size, 200);
    assert_true(sent < size / 2);
    assert_int_equal(got_calls, 1);
    /* Other connections use other buffers. */
    int other = client();
    send_text(other, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n");
    assert_int_equal(read_reply(other), 400);
    (void)close(other);
    assert_memory_equal(paused_at, bytes, paused_len);
    uint64_t taken = 0;
    while (taken < size) {
        while (paused_at == NULL) {
            if (sent < size) {
                sent += send_some(fd, bytes + sent, size - sent, 1);
            } else {
                pump();
            }
        }
        assert_memory_equal(paused_at, bytes + taken, paused_len);
        taken += paused_len;
        resume();
    }
    wait_for_status();
    assert_int_equal(got_status, VIRGA_BODY_END);
    assert_int_equal(got_bytes, size);
    finish(200);
    assert_int_equal(read_reply(fd), 200);
    assert_true(wire_host.http->spares_count <= 2);
    free(bytes);
    (void)close(fd);
}

static void chunks_behind_a_pause_come_after_resume(void **state) {
    (void)state;
    pause_each = 1;
    wire_serve_streams(take_and_begin);
    int fd = client();
    send_text(fd,
              POST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n" GET);
    for (int i = 1; i <= 3; i++) {
        pump_for(3);
        assert_int_equal(got_calls, i);
        assert_int_equal(*paused_at, 'a' + i - 1);
        resume();
        assert_int_equal(got_calls, i);
    }
    wait_for_status();
    assert_int_equal(got_status, VIRGA_BODY_END);
    assert_int_equal(wire_requests, 1);
    wire_on_request = take;
    struct request *first = req_now;
    assert_int_equal(answer(first, 200, "first"), 0);
    assert_int_equal(read_reply(fd), 200);
    pump_for(3);
    assert_int_equal(wire_requests, 2);
    finish(200);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static int resume_inside(void *arg, struct virga_request *pub, int status, struct virga_str chunk) {
    (void)arg;
    (void)chunk;
    if (status != VIRGA_BODY_DATA) {
        got_status = status;
        return VIRGA_BODY_GO_ON;
    }
    got_calls++;
    request_http.body_resume(pub);
    return VIRGA_BODY_PAUSE;
}

static void start_resume_inside(struct request *req) {
    req_now = req;
    assert_int_equal(request_http.body_start(&req->pub, resume_inside, NULL), 0);
}

static void resume_before_the_pause_is_not_lost(void **state) {
    (void)state;
    wire_serve_streams(start_resume_inside);
    int fd = client();
    send_text(fd, POST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
    wait_for_status();
    assert_int_equal(got_calls, 2);
    assert_int_equal(got_status, VIRGA_BODY_END);
    finish(200);
    (void)close(fd);
}

static void gigabyte_passes_in_constant_memory(void **state) {
    (void)state;
    static char block[1 << 20];
    uint64_t size = UINT64_C(1) << 30;
    char head[128];
    pause_each = 7;
    wire_serve_streams(take_and_begin);
    int fd = client();
    (void)snprintf(head, sizeof head, POST "Content-Length: %llu\r\n\r\n",
                   (unsigned long long)size);
    send_text(fd, head);
    struct mallinfo2 before = mallinfo2();
    for (uint64_t sent = 0; sent < size;) {
        uint64_t left = size - sent;
        sent += send_some(fd, block, left < sizeof block ? (size_t)left : sizeof block, 1);
        if (paused_at != NULL) {
            resume();
        }
    }
    for (int i = 0; i < 5000 && got_status == 100; i++) {
        if (paused_at != NULL) {
            resume();
        }
        pump_for(1);
    }
    assert_int_equal(got_status, VIRGA_BODY_END);
    assert_true(got_bytes == size);
    struct mallinfo2 after = mallinfo2();
    assert_true(after.uordblks + after.hblkhd < before.uordblks + before.hblkhd + (8u << 20));
    finish(200);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

/* ---- what goes wrong ---- */

static void end_of_the_client_in_mid_body_is_econnreset_and_it_reads_the_answer(void **state) {
    (void)state;
    wire_serve_streams(take_and_begin);
    int fd = client();
    send_text(fd, POST "Content-Length: 10\r\n\r\nhello");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    wait_for_status();
    assert_int_equal(got_status, -ECONNRESET);
    finish(400);
    assert_int_equal(read_reply(fd), 400);
    assert_closed(fd);
}

static void end_before_body_start_is_told_after_it(void **state) {
    (void)state;
    wire_serve_streams(take);
    int fd = client();
    send_text(fd, POST "Content-Length: 10\r\n\r\nhello");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    pump_for(5);
    begin(req_now);
    wait_for_status();
    assert_int_equal(got_bytes, 5);
    assert_int_equal(got_status, -ECONNRESET);
    finish(400);
    (void)close(fd);
}

static void reset_the_client(int fd) {
    static const struct linger now = {1, 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    (void)close(fd);
    wait_until_gone();
    pump_for(3);
}

static void reset_in_mid_body_is_econnreset(void **state) {
    (void)state;
    wire_serve_streams(take_and_begin);
    int fd = client();
    send_text(fd, POST "Content-Length: 10\r\n\r\nhello");
    pump_for(3);
    reset_the_client(fd);
    assert_int_equal(got_status, -ECONNRESET);
    assert_int_equal(answer(req_now, 200, "x"), -ECANCELED);
}

static void paused_chunk_outlives_the_connection(void **state) {
    (void)state;
    pause_each = 1;
    wire_serve_streams(take_and_begin);
    int fd = client();
    send_text(fd, POST "Content-Length: 10\r\n\r\nhello");
    pump_for(3);
    assert_int_equal(paused_len, 5);
    conn_abort_all(&wire_host);
    pump_for(3);
    assert_int_equal(got_status, -ECANCELED);
    int other = client();
    send_text(other, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n");
    assert_int_equal(read_reply(other), 400);
    (void)close(other);
    assert_memory_equal(paused_at, "hello", 5);
    request_http.body_resume(&req_now->pub);
    pump_for(3);
    assert_int_equal(answer(req_now, 200, "x"), -ECANCELED);
    (void)close(fd);
}

static void body_start_after_the_client_has_gone_is_told_so(void **state) {
    (void)state;
    wire_serve_streams(take);
    int fd = client();
    send_text(fd, POST "Content-Length: 10\r\n\r\nhello");
    pump_for(3);
    reset_the_client(fd);
    begin(req_now);
    wait_for_status();
    assert_int_equal(got_status, -ECONNRESET);
    assert_int_equal(answer(req_now, 200, "x"), -ECANCELED);
}

static void stall_is_etimedout(void **state) {
    (void)state;
    wire_host.stall_timeout_ms = 40;
    wire_serve_streams(take_and_begin);
    int fd = client();
    send_text(fd, POST "Content-Length: 10\r\n\r\nhello");
    wait_for_status();
    assert_int_equal(got_status, -ETIMEDOUT);
    finish(408);
    assert_int_equal(read_reply(fd), 408);
    assert_closed(fd);
}

static void pause_is_no_stall(void **state) {
    (void)state;
    wire_host.stall_timeout_ms = 30;
    pause_each = 1;
    wire_serve_streams(take_and_begin);
    int fd = client();
    send_text(fd, POST "Content-Length: 10\r\n\r\nhello");
    pump_for(100);
    assert_int_equal(got_status, 100);
    pause_each = 0;
    send_text(fd, "world");
    resume();
    wait_for_status();
    assert_int_equal(got_status, VIRGA_BODY_END);
    finish(200);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static void malformed_chunk_is_ebadmsg(void **state) {
    (void)state;
    wire_serve_streams(take_and_begin);
    int fd = client();
    send_text(fd, POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n" GET);
    wait_for_status();
    assert_int_equal(got_bytes, 5);
    assert_int_equal(got_status, -EBADMSG);
    finish(400);
    assert_int_equal(read_reply(fd), 400);
    assert_closed(fd);
    assert_int_equal(wire_requests, 1);
}

static const struct virga_route limited = {.pattern = "/", .body_limit_bytes = 8};

static void set_route(struct request *req) {
    req->pub.route = &limited;
}

static void stream_above_the_limit_of_its_route_is_emsgsize(void **state) {
    (void)state;
    wire_on_head = set_route;
    wire_serve_streams(take_and_begin);
    int fd = client();
    send_text(fd, POST "Content-Length: 20\r\n\r\n01234567");
    pump_for(3);
    assert_int_equal(got_bytes, 8);
    send_text(fd, "8");
    wait_for_status();
    assert_int_equal(got_status, -EMSGSIZE);
    finish(413);
    assert_int_equal(read_reply(fd), 413);
    assert_closed(fd);
}

static void stopped_flow_is_silent_and_the_rest_is_read_away(void **state) {
    (void)state;
    wire_serve_streams(take_and_begin);
    int fd = client();
    send_text(fd, POST "Content-Length: 10\r\n\r\nhello");
    pump_for(3);
    request_http.body_stop(&req_now->pub);
    send_text(fd, "wo");
    pump_for(3);
    assert_int_equal(got_calls, 1);
    finish(200);
    assert_int_equal(read_reply(fd), 200);
    send_text(fd, "rld");
    wire_on_request = take;
    send_text(fd, GET);
    pump_for(3);
    assert_int_equal(wire_requests, 2);
    finish(200);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static int answer_inside(void *arg, struct virga_request *pub, int status, struct virga_str chunk) {
    (void)arg;
    (void)status;
    (void)chunk;
    got_calls++;
    assert_int_equal(answer(request_from(pub), 409, "enough"), 0);
    return VIRGA_BODY_PAUSE;
}

static void start_answer_inside(struct request *req) {
    assert_int_equal(request_http.body_start(&req->pub, answer_inside, NULL), 0);
}

static void answer_inside_on_body_ends_the_flow(void **state) {
    (void)state;
    static char block[1 << 20];
    wire_serve_streams(start_answer_inside);
    int fd = client();
    send_text(fd, POST "Content-Length: 5\r\n\r\nhello");
    assert_int_equal(read_reply(fd), 409);
    send_text(fd, POST "Content-Length: 6291456\r\n\r\n");
    for (int i = 0; i < 6; i++) {
        send_bytes(fd, block, sizeof block);
    }
    assert_int_equal(read_reply(fd), 409);
    assert_closed(fd);
    assert_int_equal(got_calls, 2);
}

static void not_to_be_called(void *arg, struct virga_request *pub, int status) {
    (void)arg;
    (void)pub;
    fail_msg("called with %d", status);
}

static void full_duplex_answer_keeps_the_connection(void **state) {
    (void)state;
    static const struct virga_response ok = {.struct_size = sizeof ok, .status = 200};
    wire_serve_streams(take_and_begin);
    int fd = client();
    send_text(fd, POST "Content-Length: 100000\r\n\r\nhello");
    pump_for(3);
    assert_int_equal(request_http.respond_begin(&req_now->pub, &ok, 2, not_to_be_called, NULL), 0);
    assert_int_equal(request_http.write(&req_now->pub, virga_str_from("o")), 1);
    char *rest = pattern(99995);
    send_bytes(fd, rest, 99995);
    free(rest);
    wait_for_status();
    assert_int_equal(got_status, VIRGA_BODY_END);
    assert_int_equal(request_http.write(&req_now->pub, virga_str_from("k")), 1);
    request_http.end(&req_now->pub);
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "ok");
    assert_null(reply_header("Connection"));
    assert_silent(fd, 3);
    (void)close(fd);
}

static void deadline_ends_the_flow(void **state) {
    (void)state;
    wire_on_request = take_and_begin;
    pause_each = 1;
    wire_open((struct listener_options){.streams = true, .deadline_ms = 30});
    int fd = client();
    send_text(fd, POST "Content-Length: 10\r\n\r\nhello");
    assert_int_equal(read_reply(fd), 504);
    wait_for_status();
    assert_int_equal(got_status, -ETIMEDOUT);
    assert_memory_equal(paused_at, "hello", 5);
    assert_closed(fd);
    assert_int_equal(answer(req_now, 200, "x"), -ECANCELED);
}

static int start_result;

static void start_buffered(struct request *req) {
    start_result = request_http.body_start(&req->pub, on_body, got);
    assert_int_equal(answer(req, 200, "x"), 0);
}

static void buffered_body_cannot_be_started(void **state) {
    (void)state;
    wire_serve(start_buffered);
    int fd = client();
    send_text(fd, POST "Content-Length: 2\r\n\r\nok");
    assert_int_equal(read_reply(fd), 200);
    assert_int_equal(start_result, -EINVAL);
    assert_int_equal(got_calls, 0);
    (void)close(fd);
}

#define WIRED(test) cmocka_unit_test_setup_teardown(test, stream_setup, wire_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WIRED(bodies_of_all_sizes_arrive_whole),
        WIRED(announced_length_above_the_limit_is_413_at_once),
        WIRED(chunked_body_above_the_limit_is_413_on_its_way),
        WIRED(limit_of_the_route_is_used),
        WIRED(announcement_alone_costs_no_memory),
        WIRED(upload_that_breaks_off_reaches_no_handler),
        WIRED(streamed_body_comes_in_pieces_and_ends),
        WIRED(chunked_stream_is_joined),
        WIRED(empty_stream_ends_at_once_but_not_inside_the_call),
        WIRED(body_begun_late_has_lost_nothing),
        WIRED(continue_waits_for_body_start),
        WIRED(paused_chunk_stays_and_nothing_more_is_read),
        WIRED(chunks_behind_a_pause_come_after_resume),
        WIRED(resume_before_the_pause_is_not_lost),
        WIRED(gigabyte_passes_in_constant_memory),
        WIRED(end_of_the_client_in_mid_body_is_econnreset_and_it_reads_the_answer),
        WIRED(end_before_body_start_is_told_after_it),
        WIRED(reset_in_mid_body_is_econnreset),
        WIRED(paused_chunk_outlives_the_connection),
        WIRED(body_start_after_the_client_has_gone_is_told_so),
        WIRED(stall_is_etimedout),
        WIRED(pause_is_no_stall),
        WIRED(malformed_chunk_is_ebadmsg),
        WIRED(stream_above_the_limit_of_its_route_is_emsgsize),
        WIRED(stopped_flow_is_silent_and_the_rest_is_read_away),
        WIRED(answer_inside_on_body_ends_the_flow),
        WIRED(full_duplex_answer_keeps_the_connection),
        WIRED(deadline_ends_the_flow),
        WIRED(buffered_body_cannot_be_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
