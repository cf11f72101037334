/* SPDX-License-Identifier: MIT */
/* Answers: framing, borrowed bodies, streaming with back-pressure, and what is refused. */
#include "wire_fixture.h"

#include <malloc.h>

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define HEAD "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"

static struct request *held;

static void hold(struct request *req) {
    held = req;
}

static struct request *take_held(void) {
    for (int i = 0; i < WIRE_WAIT_MS && held == NULL; i++) {
        pump_for(1);
    }
    assert_non_null(held);
    struct request *req = held;
    held = NULL;
    return req;
}

static int writables;
static int writable_status;

static void on_writable(void *arg, struct virga_request *pub, int status) {
    (void)pub;
    assert_ptr_equal(arg, &writables);
    writables++;
    writable_status = status;
}

static int releases;

static void on_release(void *arg) {
    assert_ptr_equal(arg, &releases);
    releases++;
}

static int response_setup(void **state) {
    held = NULL;
    writables = 0;
    writable_status = 1;
    releases = 0;
    return wire_setup(state);
}

static const struct virga_response plain = {.struct_size = sizeof plain, .status = 200};

/* A client that has asked, and the request. */
static int ask(const char *text, struct request **ret_req) {
    if (wire_listener == NULL) {
        wire_serve(hold);
    }
    int fd = client();
    send_text(fd, text);
    *ret_req = take_held();
    return fd;
}

static int begin(struct request *req, uint64_t length) {
    return request_http.respond_begin(&req->pub, &plain, length, on_writable, &writables);
}

static int write_text(struct request *req, const char *text) {
    return request_http.write(&req->pub, virga_str_from(text));
}

/* ---- whole answers ---- */

static void small_borrowed_body_is_released_once(void **state) {
    (void)state;
    struct request *req;
    int fd = ask(GET, &req);
    const struct virga_response res = {
        .struct_size = sizeof res,
        .status = 201,
        .body = {"hello", 5},
        .release = on_release,
        .release_arg = &releases,
    };
    assert_int_equal(request_http.respond(&req->pub, &res), 0);
    assert_int_equal(releases, 1);
    assert_int_equal(read_reply(fd), 201);
    assert_string_equal(reply.body, "hello");
    (void)close(fd);
}

static void big_borrowed_body_is_released_after_it_was_sent(void **state) {
    (void)state;
    struct request *req;
    size_t size = 24 << 20;
    char *big = calloc(1, size);
    int fd = ask(GET, &req);
    const struct virga_response res = {
        .struct_size = sizeof res,
        .status = 200,
        .body = {big, size},
        .release = on_release,
        .release_arg = &releases,
    };
    assert_int_equal(request_http.respond(&req->pub, &res), 0);
    pump_for(5);
    assert_int_equal(releases, 0);
    read_head(fd);
    for (size_t got = 0; got < size;) {
        ssize_t count = receive(fd, reply.body, sizeof reply.body);
        assert_true(count > 0);
        got += (size_t)count;
    }
    pump_for(5);
    assert_int_equal(releases, 1);
    free(big);
    send_text(fd, GET);
    assert_int_equal(answer(take_held(), 200, "next"), 0);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static void big_copied_body_may_change_after_the_call(void **state) {
    (void)state;
    struct request *req;
    size_t size = 8 << 20;
    char *big = malloc(size);
    memset(big, 'a', size);
    int fd = ask(GET, &req);
    assert_int_equal(request_respond_text(req, 200, "x/y", big, size), 0);
    memset(big, 'b', size);
    read_head(fd);
    for (size_t got = 0; got < size;) {
        ssize_t count = receive(fd, reply.body, sizeof reply.body);
        assert_true(count > 0);
        for (ssize_t i = 0; i < count; i++) {
            assert_int_equal(reply.body[i], 'a');
        }
        got += (size_t)count;
    }
    free(big);
    (void)close(fd);
}

static void borrowed_body_is_released_when_the_client_goes(void **state) {
    (void)state;
    struct request *req;
    size_t size = 24 << 20;
    char *big = calloc(1, size);
    int fd = ask(GET, &req);
    const struct virga_response res = {
        .struct_size = sizeof res,
        .status = 200,
        .body = {big, size},
        .release = on_release,
        .release_arg = &releases,
    };
    assert_int_equal(request_http.respond(&req->pub, &res), 0);
    (void)close(fd);
    wait_until_gone();
    pump_for(3);
    assert_int_equal(releases, 1);
    free(big);
}

static void second_answer_is_refused(void **state) {
    (void)state;
    struct request *req;
    int fd = ask(GET, &req);
    log_setup((enum virga_log_level)(VIRGA_LOG_ERROR + 1), LOG_TEXT);
    const struct virga_response res = {
        .struct_size = sizeof res, .status = 200, .release = on_release, .release_arg = &releases};
    assert_int_equal(answer(req, 200, "one"), 0);
    assert_int_equal(request_http.respond(&req->pub, &res), -EINVAL);
    assert_int_equal(releases, 1);
    assert_int_equal(begin(req, 3), -EINVAL);
    assert_int_equal(write_text(req, "x"), -ECANCELED);
    request_http.end(&req->pub);
    request_http.abort(&req->pub);
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "one");
    assert_silent(fd, 3);
    (void)close(fd);
}

static void malformed_answer_becomes_500(void **state) {
    (void)state;
    static const struct virga_header bad[] = {
        {{"X", 1}, {"a\r\nSet-Cookie: b", 16}},
        {{"X", 1}, {"a\nb", 3}},
        {{"X", 1}, {"a\0b", 3}},
        {{"X Y", 3}, {"a", 1}},
        {{"X:", 2}, {"a", 1}},
        {{"", 0}, {"a", 1}},
        {{"X\r\nY", 4}, {"a", 1}},
    };
    log_setup((enum virga_log_level)(VIRGA_LOG_ERROR + 1), LOG_TEXT);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct request *req;
        int fd = ask(GET, &req);
        const struct virga_response res = {
            .struct_size = sizeof res, .status = 200, .headers = &bad[i], .headers_count = 1};
        assert_int_equal(request_http.respond(&req->pub, &res), -EINVAL);
        assert_int_equal(read_reply(fd), 500);
        assert_null(strstr(reply.head, "Set-Cookie"));
        (void)close(fd);
    }
    static const int statuses[] = {0, 100, 199, 600, -1};
    for (size_t i = 0; i < 5; i++) {
        struct request *req;
        int fd = ask(GET, &req);
        assert_int_equal(answer(req, statuses[i], "x"), -EINVAL);
        assert_int_equal(read_reply(fd), 500);
        (void)close(fd);
    }
}

static void framing_headers_of_the_handler_are_replaced(void **state) {
    (void)state;
    struct request *req;
    static const struct virga_header headers[] = {
        {{"Content-Length", 14}, {"999", 3}}, {{"transfer-encoding", 17}, {"chunked", 7}},
        {{"Date", 4}, {"never", 5}},          {{"X-Amzn-Requestid", 16}, {"mine", 4}},
        {{"Keep-Alive", 10}, {"x", 1}},       {{"X-Long", 6}, {"", 0}},
    };
    int fd = ask(GET, &req);
    const struct virga_response res = {.struct_size = sizeof res,
                                       .status = 200,
                                       .headers = headers,
                                       .headers_count = 6,
                                       .body = {"ab", 2}};
    assert_int_equal(request_http.respond(&req->pub, &res), 0);
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "ab");
    assert_string_equal(reply_header("Content-Length"), "2");
    assert_null(reply_header("Transfer-Encoding"));
    assert_null(reply_header("Keep-Alive"));
    assert_string_equal(reply_header("Date"), "never");
    assert_string_equal(reply_header("x-amzn-requestid"), "mine");
    assert_string_equal(reply_header("X-Long"), "");
    assert_null(strcasestr(strcasestr(reply.head, "requestid") + 1, "requestid"));
    (void)close(fd);
}

static void head_gets_the_length_and_no_body(void **state) {
    (void)state;
    struct request *req;
    int fd = ask(HEAD, &req);
    assert_int_equal(answer(req, 200, "hello"), 0);
    assert_int_equal(read_reply_to(fd, true), 200);
    assert_string_equal(reply_header("Content-Length"), "5");
    send_text(fd, HEAD);
    req = take_held();
    const struct virga_response res = {
        .struct_size = sizeof res, .status = 200, .head_length = 5000000000};
    assert_int_equal(request_http.respond(&req->pub, &res), 0);
    assert_int_equal(read_reply_to(fd, true), 200);
    assert_string_equal(reply_header("Content-Length"), "5000000000");
    send_text(fd, HEAD);
    req = take_held();
    assert_int_equal(begin(req, 7), 0);
    assert_int_equal(write_text(req, "ignored"), 1);
    request_http.end(&req->pub);
    assert_int_equal(read_reply_to(fd, true), 200);
    assert_string_equal(reply_header("Content-Length"), "7");
    send_text(fd, HEAD);
    req = take_held();
    assert_int_equal(begin(req, 9), 0);
    request_http.end(&req->pub); /* without writing what nobody would read */
    assert_int_equal(read_reply_to(fd, true), 200);
    assert_silent(fd, 3);
    (void)close(fd);
}

static void answers_without_body_have_no_length(void **state) {
    (void)state;
    struct request *req;
    int fd = ask(GET, &req);
    assert_int_equal(answer(req, 204, ""), 0);
    assert_int_equal(read_reply(fd), 204);
    assert_null(reply_header("Content-Length"));
    send_text(fd, GET);
    assert_int_equal(answer(take_held(), 304, ""), 0);
    assert_int_equal(read_reply(fd), 304);
    assert_null(reply_header("Content-Length"));
    send_text(fd, GET);
    req = take_held();
    const struct virga_response res = {.struct_size = sizeof res, .status = 304, .head_length = 42};
    assert_int_equal(request_http.respond(&req->pub, &res), 0);
    assert_int_equal(read_reply(fd), 304);
    assert_string_equal(reply_header("Content-Length"), "42");
    send_text(fd, GET);
    assert_int_equal(answer(take_held(), 200, ""), 0);
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply_header("Content-Length"), "0");
    (void)close(fd);
}

static void handler_may_end_the_connection(void **state) {
    (void)state;
    struct request *req;
    static const struct virga_header close_it = {{"Connection", 10}, {"close", 5}};
    int fd = ask(GET, &req);
    const struct virga_response res = {
        .struct_size = sizeof res, .status = 200, .headers = &close_it, .headers_count = 1};
    assert_int_equal(request_http.respond(&req->pub, &res), 0);
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply_header("Connection"), "close");
    assert_closed(fd);
}

static void answer_has_the_id_of_its_request(void **state) {
    (void)state;
    struct request *req;
    char id[40];
    int fd = ask(GET, &req);
    memcpy(id, req->pub.id.ptr, 37);
    assert_int_equal(answer(req, 200, "x"), 0);
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply_header("x-amzn-requestid"), id);
    (void)close(fd);
}

/* ---- streamed answers ---- */

static void streamed_answer_of_known_length(void **state) {
    (void)state;
    struct request *req;
    int fd = ask(GET, &req);
    assert_int_equal(begin(req, 11), 0);
    assert_int_equal(write_text(req, "hello"), 1);
    assert_int_equal(write_text(req, ""), 1);
    assert_int_equal(write_text(req, " worlds"), -EMSGSIZE);
    assert_int_equal(write_text(req, " world"), 1);
    request_http.end(&req->pub);
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "hello world");
    assert_string_equal(reply_header("Content-Length"), "11");
    assert_int_equal(writables, 0);
    (void)close(fd);
}

static void streamed_answer_of_unknown_length_is_chunked(void **state) {
    (void)state;
    struct request *req;
    int fd = ask(GET, &req);
    assert_int_equal(begin(req, VIRGA_LENGTH_UNKNOWN), 0);
    assert_int_equal(write_text(req, "hello"), 1);
    assert_int_equal(write_text(req, " world"), 1);
    request_http.end(&req->pub);
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply_header("Transfer-Encoding"), "chunked");
    assert_string_equal(reply.body, "hello world");
    send_text(fd, GET);
    req = take_held();
    assert_int_equal(begin(req, VIRGA_LENGTH_UNKNOWN), 0);
    request_http.end(&req->pub);
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "");
    (void)close(fd);
}

static void http_1_0_client_reads_to_the_end_of_the_connection(void **state) {
    (void)state;
    struct request *req;
    int fd = ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &req);
    assert_int_equal(begin(req, VIRGA_LENGTH_UNKNOWN), 0);
    assert_int_equal(write_text(req, "hello"), 1);
    request_http.end(&req->pub);
    assert_int_equal(read_reply(fd), 200);
    assert_true(reply.until_close);
    assert_string_equal(reply.body, "hello");
    assert_null(reply_header("Transfer-Encoding"));
    (void)close(fd);
}

static void head_goes_out_without_waiting_for_the_first_write(void **state) {
    (void)state;
    struct request *req;
    int fd = ask(GET, &req);
    assert_int_equal(begin(req, 2), 0);
    read_head(fd);
    assert_int_equal(reply.status, 200);
    assert_int_equal(write_text(req, "ok"), 1);
    request_http.end(&req->pub);
    read_exactly(fd, reply.body, 2);
    (void)close(fd);
}

static void slow_reader_holds_the_writer_back_without_copies(void **state) {
    (void)state;
    struct request *req;
    enum { PART = 1 << 20, PARTS = 64 };
    char *part = malloc(PART);
    size_t written = 0, got = 0;
    int fd = ask(GET, &req);
    assert_int_equal(begin(req, (uint64_t)PART * PARTS), 0);
    size_t before = mallinfo2().uordblks;
    int waits = 0, asked = 0;
    bool waiting = false;
    while (got < (size_t)PART * PARTS) {
        if (written < PARTS && !waiting) {
            memset(part, (int)('a' + written % 26), PART);
            asked = writables;
            int result = request_http.write(&req->pub, (struct virga_str){part, PART});
            assert_true(result == 0 || result == 1);
            written++;
            waiting = result == 0;
            if (waiting) {
                waits++;
                assert_int_equal(write_text(req, "x"), -EBUSY);
                pump_for(2);
            }
        }
        assert_true(mallinfo2().uordblks < before + PART);
        if (got == 0) {
            read_head(fd);
        }
        ssize_t count = receive(fd, reply.body, 300000);
        assert_true(count > 0);
        for (ssize_t i = 0; i < count; i += 1000) {
            assert_int_equal(reply.body[i], 'a' + (int)((got + (size_t)i) / PART) % 26);
        }
        got += (size_t)count;
        pump();
        if (waiting && writables > asked) {
            assert_int_equal(writable_status, 0);
            waiting = false;
        }
    }
    assert_true(waits > 0);
    pump_for(2);
    assert_int_equal(writables, waits);
    request_http.end(&req->pub);
    free(part);
    send_text(fd, GET);
    assert_int_equal(answer(take_held(), 200, "next"), 0);
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static void write_behind_a_stuck_head_is_sent_later(void **state) {
    (void)state;
    struct request *req;
    /* Two answers fill the socket, so that the head of the third has to wait. */
    size_t size = 16 << 20;
    char *big = calloc(1, size);
    wire_serve(hold);
    int fd = client();
    send_text(fd, GET GET);
    req = take_held();
    assert_int_equal(begin(req, size), 0);
    int result = request_http.write(&req->pub, (struct virga_str){big, size});
    assert_int_equal(result, 0);
    /* Reads just so much that all is handed to the kernel. */
    size_t got = 0;
    read_head(fd);
    while (writables == 0) {
        ssize_t count = recv(fd, reply.body, 65536, 0);
        got += count > 0 ? (size_t)count : 0;
        pump();
    }
    request_http.end(&req->pub);
    req = take_held();
    assert_int_equal(begin(req, VIRGA_LENGTH_UNKNOWN), 0);
    pump();
    pump();
    bool stuck = req->sending;
    writables = 0;
    result = write_text(req, "hello");
    if (stuck) {
        assert_int_equal(result, 0);
    }
    while (got < size) {
        ssize_t count = receive(fd, reply.body, size - got < 65536 ? size - got : 65536);
        assert_true(count > 0);
        got += (size_t)count;
    }
    pump_for(3);
    assert_int_equal(writables, result == 0 ? 1 : 0);
    request_http.end(&req->pub);
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "hello");
    free(big);
    (void)close(fd);
}

static void client_that_goes_ends_the_waiting_write(void **state) {
    (void)state;
    struct request *req;
    size_t size = 32 << 20;
    char *big = calloc(1, size);
    int fd = ask(GET, &req);
    assert_int_equal(begin(req, size), 0);
    assert_int_equal(request_http.write(&req->pub, (struct virga_str){big, size}), 0);
    (void)close(fd);
    wait_until_gone();
    pump_for(3);
    assert_int_equal(writables, 1);
    assert_int_equal(writable_status, -ECONNRESET);
    assert_int_equal(write_text(req, "x"), -ECANCELED);
    request_http.end(&req->pub);
    free(big);
}

static void stalled_reader_ends_the_waiting_write(void **state) {
    (void)state;
    struct request *req;
    size_t size = 32 << 20;
    char *big = calloc(1, size);
    wire_host.stall_timeout_ms = 50;
    int fd = ask(GET, &req);
    assert_int_equal(begin(req, size), 0);
    assert_int_equal(request_http.write(&req->pub, (struct virga_str){big, size}), 0);
    wait_until_gone();
    pump_for(3);
    assert_int_equal(writables, 1);
    assert_int_equal(writable_status, -ETIMEDOUT);
    request_http.abort(&req->pub);
    free(big);
    (void)close(fd);
}

static void short_answer_closes_the_connection(void **state) {
    (void)state;
    struct request *req;
    int fd = ask(GET, &req);
    assert_int_equal(begin(req, 10), 0);
    assert_int_equal(write_text(req, "hello"), 1);
    request_http.end(&req->pub);
    read_head(fd);
    read_exactly(fd, reply.body, 5);
    assert_closed(fd);
}

static void abort_before_a_byte_was_sent_is_500(void **state) {
    (void)state;
    struct request *req;
    int fd = ask(GET, &req);
    request_http.abort(&req->pub);
    assert_int_equal(read_reply(fd), 500);
    send_text(fd, GET);
    req = take_held();
    assert_int_equal(begin(req, 5), 0);
    request_http.abort(&req->pub);
    assert_int_equal(read_reply(fd), 500);
    assert_silent(fd, 3);
    (void)close(fd);
}

static void abort_in_the_middle_resets(void **state) {
    (void)state;
    struct request *req;
    char byte;
    int fd = ask(GET, &req);
    assert_int_equal(begin(req, VIRGA_LENGTH_UNKNOWN), 0);
    assert_int_equal(write_text(req, "hello"), 1);
    read_head(fd);
    read_exactly(fd, reply.body, 10);
    request_http.abort(&req->pub);
    assert_int_equal(receive(fd, &byte, 1), -1);
    assert_int_equal(errno, ECONNRESET);
    (void)close(fd);
}

static void misuse_in_the_middle_breaks_off(void **state) {
    (void)state;
    struct request *req;
    char byte;
    log_setup((enum virga_log_level)(VIRGA_LOG_ERROR + 1), LOG_TEXT);
    int fd = ask(GET, &req);
    assert_int_equal(begin(req, 10), 0);
    assert_int_equal(begin(req, 10), -EINVAL);
    assert_int_equal(write_text(req, "hello"), 1);
    assert_int_equal(answer(req, 200, "again"), -EINVAL);
    read_head(fd);
    while (receive(fd, &byte, 1) > 0) {
    }
    (void)close(fd);
    wait_until_gone();
}

#define WIRED(test) cmocka_unit_test_setup_teardown(test, response_setup, wire_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WIRED(small_borrowed_body_is_released_once),
        WIRED(big_borrowed_body_is_released_after_it_was_sent),
        WIRED(big_copied_body_may_change_after_the_call),
        WIRED(borrowed_body_is_released_when_the_client_goes),
        WIRED(second_answer_is_refused),
        WIRED(malformed_answer_becomes_500),
        WIRED(framing_headers_of_the_handler_are_replaced),
        WIRED(head_gets_the_length_and_no_body),
        WIRED(answers_without_body_have_no_length),
        WIRED(handler_may_end_the_connection),
        WIRED(answer_has_the_id_of_its_request),
        WIRED(streamed_answer_of_known_length),
        WIRED(streamed_answer_of_unknown_length_is_chunked),
        WIRED(http_1_0_client_reads_to_the_end_of_the_connection),
        WIRED(head_goes_out_without_waiting_for_the_first_write),
        WIRED(slow_reader_holds_the_writer_back_without_copies),
        WIRED(write_behind_a_stuck_head_is_sent_later),
        WIRED(client_that_goes_ends_the_waiting_write),
        WIRED(stalled_reader_ends_the_waiting_write),
        WIRED(short_answer_closes_the_connection),
        WIRED(abort_before_a_byte_was_sent_is_500),
        WIRED(abort_in_the_middle_resets),
        WIRED(misuse_in_the_middle_breaks_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
