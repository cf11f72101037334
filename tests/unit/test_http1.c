/* SPDX-License-Identifier: MIT */
/* The request parser without sockets: what it reads, what it refuses, and that the way in which
 * bytes are split makes no difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http1.h"

#define HEAD_LIMIT 4096
#define RESULT_MAX 65536

/* What a message came to, as text: "HEAD POST /x?y host=h len=3 ka|a: b|BODY abc|END". */
struct result {
    char text[RESULT_MAX];
    size_t len;
    int status;
    size_t used;
};

static void note(struct result *result, const char *format, ...) VIRGA_PRINTF(2, 3);
static void note(struct result *result, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len =
        vsnprintf(result->text + result->len, sizeof result->text - result->len, format, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < sizeof result->text - result->len);
    result->len += (size_t)len;
}

static void note_str(struct result *result, struct virga_str text) {
    assert_non_null(text.ptr);
    assert_int_equal(text.ptr[text.len], '\0');
    note(result, "%.*s", (int)text.len, text.ptr);
}

static void note_head(struct result *result, const struct http1_head *head) {
    note(result, "HEAD ");
    note_str(result, head->method);
    note(result, " ");
    note_str(result, head->path);
    note(result, "?");
    note_str(result, head->query);
    note(result, " (");
    note_str(result, head->target);
    note(result, ") host=");
    note_str(result, head->host);
    note(result, " len=%lld%s%s%s", (long long)head->content_length, head->keep_alive ? " ka" : "",
         head->http_1_0 ? " 1.0" : "", head->expects_continue ? " continue" : "");
    for (size_t i = 0; i < head->headers_count; i++) {
        note(result, "|");
        note_str(result, head->headers[i].name);
        note(result, ": ");
        note_str(result, head->headers[i].value);
    }
}

/* Feeds pieces that end at first, first + step, first + 2 * step ... */
static void parse(const char *bytes, size_t len, size_t first, size_t step, uint32_t limit,
                  struct result *result) {
    struct arena arena;
    struct http1 http;
    bool in_body = false;
    arena_init(&arena);
    http1_init(&http, &arena, limit);
    memset(result, 0, sizeof *result);
    size_t end = first < len ? first : len;
    for (;;) {
        struct virga_str piece;
        size_t used;
        /* A copy of its own, so that a read beyond it is seen. */
        size_t count = end - result->used;
        char *copy = malloc(count + 1);
        memcpy(copy, bytes + result->used, count);
        enum http1_event event = http1_next(&http, copy, count, &used, &piece);
        assert_true(used <= count);
        result->used += used;
        if (event == HTTP1_HEAD) {
            note_head(result, &http.head);
        } else if (event == HTTP1_BODY) {
            assert_true(piece.ptr >= copy && piece.ptr + piece.len <= copy + count);
            note(result, "%s%.*s", in_body ? "" : "|BODY ", (int)piece.len, piece.ptr);
            in_body = true;
        }
        free(copy);
        if (event == HTTP1_END) {
            note(result, "|END");
            for (size_t i = 0; i < http.head.trailers_count; i++) {
                note(result, "|");
                note_str(result, http.head.trailers[i].name);
                note(result, ": ");
                note_str(result, http.head.trailers[i].value);
            }
            break;
        }
        if (event == HTTP1_BAD) {
            result->status = http.status;
            assert_non_null(http.reason);
            break;
        }
        if (event == HTTP1_MORE) {
            assert_int_equal(result->used, end);
            if (end == len) {
                note(result, "|MORE");
                break;
            }
            end = end + step < len ? end + step : len;
        }
    }
    arena_finish(&arena);
}

static struct result whole, split;

/* Parses whole, byte by byte, and cut in two at every place; all must come to the same. */
static const char *parse_all_ways(const char *text) {
    size_t len = strlen(text);
    parse(text, len, len, 1, HEAD_LIMIT, &whole);
    parse(text, len, 1, 1, HEAD_LIMIT, &split);
    assert_string_equal(split.text, whole.text);
    assert_int_equal(split.status, whole.status);
    for (size_t cut = 0; cut <= len; cut++) {
        parse(text, len, cut, len, HEAD_LIMIT, &split);
        assert_string_equal(split.text, whole.text);
        assert_int_equal(split.status, whole.status);
        if (whole.status == 0) {
            assert_int_equal(split.used, whole.used);
        }
    }
    return whole.text;
}

static int refusal(const char *text) {
    (void)parse_all_ways(text);
    return whole.status;
}

/* ---- heads ---- */

static void head_is_read_alike_for_every_split(void **state) {
    (void)state;
    assert_string_equal(
        parse_all_ways("GET /a/b?x=1&y=2 HTTP/1.1\r\nHost: h:80\r\nX-Empty:\r\n"
                       "x-Padded:  \t v w \t \r\n\r\n"),
        "HEAD GET /a/b?x=1&y=2 (/a/b?x=1&y=2) host=h:80 len=0 ka|Host: h:80|X-Empty: |"
        "x-Padded: v w|END");
}

static void body_of_known_length_ends_where_it_says(void **state) {
    (void)state;
    const char *text =
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n";
    assert_string_equal(
        parse_all_ways(text),
        "HEAD POST /? (/) host=h len=5 ka|Host: h|Content-Length: 5|BODY hello|END");
    assert_string_equal(text + whole.used, "GET / HTTP/1.1\r\n");
}

static void chunked_body_is_joined_and_trailers_are_kept_apart(void **state) {
    (void)state;
    const char *text =
        "PUT /u HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n7;name=\"v\"\r\n, world\r\n0\r\nX-Sum: 1 \r\nX-Empty:\r\n\r\nnext";
    assert_string_equal(
        parse_all_ways(text),
        "HEAD PUT /u? (/u) host=h len=-1 ka|Host: h|Transfer-Encoding: chunked|BODY "
        "hello, world|END|X-Sum: 1|X-Empty: ");
    assert_string_equal(text + whole.used, "next");
}

static void keep_alive_follows_version_and_connection(void **state) {
    (void)state;
    assert_non_null(strstr(parse_all_ways("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), " ka|"));
    assert_null(
        strstr(parse_all_ways("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), " ka"));
    assert_null(strstr(parse_all_ways("GET / HTTP/1.0\r\n\r\n"), " ka"));
    assert_non_null(
        strstr(parse_all_ways("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), " ka 1.0"));
    assert_null(
        strstr(parse_all_ways("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, close\r\n\r\n"), " ka"));
}

static void upgrade_is_served_as_plain_http(void **state) {
    (void)state;
    const char *text = "POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                       "Upgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: 2\r\n\r\nokGET";
    assert_non_null(strstr(parse_all_ways(text), "|BODY ok|END"));
    assert_string_equal(text + whole.used, "GET");
    text = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET";
    assert_non_null(strstr(parse_all_ways(text), "|END"));
    assert_string_equal(text + whole.used, "GET");
}

static void absolute_target_replaces_the_host(void **state) {
    (void)state;
    assert_non_null(strstr(parse_all_ways("GET http://a.b:1/c?d HTTP/1.1\r\nHost: other\r\n\r\n"),
                           "HEAD GET /c?d (http://a.b:1/c?d) host=a.b:1 "));
    assert_non_null(strstr(parse_all_ways("GET HTTP://a.b HTTP/1.1\r\nHost: other\r\n\r\n"),
                           "HEAD GET /? (HTTP://a.b) host=a.b "));
    assert_non_null(strstr(parse_all_ways("GET http://a.b?q HTTP/1.1\r\nHost: o\r\n\r\n"),
                           "HEAD GET /?q (http://a.b?q) host=a.b "));
    assert_int_equal(refusal("GET http://u@a.b/ HTTP/1.1\r\nHost: other\r\n\r\n"), 400);
}

static void asterisk_and_encoded_paths_stay_as_sent(void **state) {
    (void)state;
    assert_non_null(
        strstr(parse_all_ways("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"), "OPTIONS *? (*)"));
    assert_non_null(strstr(parse_all_ways("GET /%2e%2F//a?b?c HTTP/1.1\r\nHost: h\r\n\r\n"),
                           "GET /%2e%2F//a?b?c "));
}

static void leading_empty_lines_are_skipped(void **state) {
    (void)state;
    assert_non_null(
        strstr(parse_all_ways("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), "HEAD GET /?"));
}

static void expectation_is_told(void **state) {
    (void)state;
    assert_non_null(strstr(parse_all_ways("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\n"
                                          "Content-Length: 1\r\n\r\nx"),
                           " continue|"));
    assert_int_equal(refusal("PUT / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n"), 417);
}

static void empty_host_is_served(void **state) {
    (void)state;
    assert_non_null(strstr(parse_all_ways("GET / HTTP/1.1\r\nHost:\r\n\r\n"), "host= len=0"));
}

/* ---- refusals ---- */

#define H "Host: h\r\n"
#define CHUNKED "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"

static void trailers_that_are_too_many_are_forgotten_and_malformed_ones_refused(void **state) {
    char text[4096];
    (void)state;
    size_t len = (size_t)snprintf(text, sizeof text, CHUNKED "0\r\n");
    for (int i = 0; i < HTTP1_TRAILERS_MAX + 5; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "a%d:%d\r\n", i, i);
    }
    (void)snprintf(text + len, sizeof text - len, "\r\n");
    const char *result = parse_all_ways(text);
    assert_non_null(strstr(result, "|END|a0: 0|"));
    assert_string_equal(strstr(result, "|a15"), "|a15: 15");
    (void)parse_all_ways(CHUNKED "0\r\na b: 1\r\n\r\n");
    assert_int_equal(whole.status, 400);
}

static void smuggling_pairs_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         400},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
         400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\nhello", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\nhello", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\nhello", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 5 5\r\n\r\nhello", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\nhello", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551615\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\n" H
         "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         501},
        {"POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n", 400},
        {"GET / HTTP/1.1\n" H "\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\n\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\rX: y\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X: a\001b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X: a\177b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X\200: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X Y: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H ": a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X\r\n\r\n", 400},
        {CHUNKED "5\nhello\r\n0\r\n\r\n", 400},
        {CHUNKED "5\r\nhello\n0\r\n\r\n", 400},
        {CHUNKED "5;x\ny\r\nhello\r\n0\r\n\r\n", 400},
        {CHUNKED "5\r\nhello0\r\n\r\n", 400},
        {CHUNKED "5\r\nhelloXX0\r\n\r\n", 400},
        {CHUNKED "g\r\nhello\r\n0\r\n\r\n", 400},
        {CHUNKED "0x5\r\nhello\r\n0\r\n\r\n", 400},
        {CHUNKED "-1\r\nhello\r\n0\r\n\r\n", 400},
        {CHUNKED "\r\nhello\r\n0\r\n\r\n", 400},
        {CHUNKED "10000000000000000\r\nhello\r\n0\r\n\r\n", 400},
        {CHUNKED "0\r\nX: a\nY: b\r\n\r\n", 400},
        {CHUNKED "0\r\n\n", 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (refusal(cases[i].text) != cases[i].status) {
            fail_msg("case %zu came to %d %s:\n%s", i, whole.status, whole.text, cases[i].text);
        }
    }
}

static void nul_bytes_are_refused_wherever_they_stand(void **state) {
    (void)state;
    static const char text[] = "GET /abc HTTP/1.1\r\nHost: h\r\nName: value\r\n\r\n";
    for (size_t at = 0; at < sizeof text - 1; at++) {
        char copy[sizeof text];
        memcpy(copy, text, sizeof text);
        copy[at] = '\0';
        parse(copy, sizeof text - 1, sizeof text, 1, HEAD_LIMIT, &whole);
        if (whole.status == 0) {
            fail_msg("a NUL at %zu passed: %s", at, whole.text);
        }
    }
}

static void hosts_other_than_one_are_refused(void **state) {
    (void)state;
    assert_int_equal(refusal("GET / HTTP/1.1\r\n\r\n"), 400);
    assert_int_equal(refusal("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(refusal("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(refusal("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
    assert_int_equal(refusal("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
}

static void other_protocols_and_methods_are_refused(void **state) {
    (void)state;
    assert_int_equal(refusal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    assert_int_equal(refusal("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505);
    assert_int_equal(refusal("GET / HTTP/0.9\r\nHost: h\r\n\r\n"), 505);
    assert_true(refusal("GET /\r\n\r\n") >= 400);
    assert_int_equal(refusal("BREW / HTTP/1.1\r\nHost: h\r\n\r\n"), 501);
    assert_int_equal(refusal("get / HTTP/1.1\r\nHost: h\r\n\r\n"), 501);
    assert_true(refusal("DESCRIBE / HTTP/1.1\r\nHost: h\r\n\r\n") >= 400);
    assert_true(refusal("DESCRIBE / RTSP/1.0\r\nHost: h\r\n\r\n") >= 400);
    assert_int_equal(refusal("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"), 405);
    assert_true(refusal("\x16\x03\x01\x02\r\n\r\n") >= 400);
}

static void malformed_targets_are_refused(void **state) {
    (void)state;
    assert_int_equal(refusal("GET a HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    assert_int_equal(refusal("GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    assert_int_equal(refusal("GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    assert_int_equal(refusal("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    assert_int_equal(refusal("GET http:/// HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
}

/* ---- limits ---- */

/* A head of exactly `len` bytes with a header that fills it. */
static char *head_of(size_t len) {
    static const char begin[] = "GET / HTTP/1.1\r\nHost: h\r\nFill: ";
    char *text = malloc(len + 1);
    memset(text, 'f', len);
    memcpy(text, begin, sizeof begin - 1);
    memcpy(text + len - 4, "\r\n\r\n", 5);
    return text;
}

static void head_limit_is_exact(void **state) {
    (void)state;
    for (size_t step = 1; step <= 5000; step += 4999) {
        char *text = head_of(HEAD_LIMIT);
        parse(text, HEAD_LIMIT, step, step, HEAD_LIMIT, &whole);
        assert_int_equal(whole.status, 0);
        assert_non_null(strstr(whole.text, "|END"));
        free(text);
        text = head_of(HEAD_LIMIT + 1);
        parse(text, HEAD_LIMIT + 1, step, step, HEAD_LIMIT, &whole);
        assert_int_equal(whole.status, 431);
        free(text);
    }
}

static void long_target_is_told_from_long_headers(void **state) {
    (void)state;
    char *text = malloc(HEAD_LIMIT);
    memset(text, 'a', HEAD_LIMIT);
    memcpy(text, "GET /", 5);
    parse(text, HEAD_LIMIT, HEAD_LIMIT, 1, HEAD_LIMIT, &whole);
    assert_int_equal(whole.status, 414);
    parse(text, HEAD_LIMIT, 100, 100, HEAD_LIMIT, &whole);
    assert_int_equal(whole.status, 414);
    free(text);
}

static void number_of_headers_is_limited(void **state) {
    (void)state;
    char text[4096];
    for (int count = HTTP1_HEADERS_MAX; count <= HTTP1_HEADERS_MAX + 1; count++) {
        size_t len = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: h\r\n");
        for (int i = 1; i < count; i++) {
            len += (size_t)snprintf(text + len, sizeof text - len, "a:%d\r\n", i);
        }
        len += (size_t)snprintf(text + len, sizeof text - len, "\r\n");
        parse(text, len, len, 1, sizeof text, &whole);
        assert_int_equal(whole.status, count > HTTP1_HEADERS_MAX ? 431 : 0);
    }
}

static void chunk_extensions_and_trailers_are_bounded(void **state) {
    (void)state;
    struct arena arena;
    struct http1 http;
    struct virga_str piece;
    size_t used;
    static const char head[] = CHUNKED;
    static const char *const repeated[] = {";x=yyyyyyyyyyyyyyyyyyyyyyy", "0\r\nX: y\r\n"};
    for (size_t i = 0; i < 2; i++) {
        arena_init(&arena);
        http1_init(&http, &arena, HEAD_LIMIT);
        assert_int_equal(http1_next(&http, head, sizeof head - 1, &used, &piece), HTTP1_HEAD);
        size_t sent = 0;
        const char *next = i == 0 ? "1" : repeated[1];
        while (http1_next(&http, next, strlen(next), &used, &piece) == HTTP1_MORE) {
            sent += strlen(next);
            assert_true(sent < 4 * HTTP1_CHUNK_OVERHEAD_BYTES);
            next = i == 0 ? repeated[0] : "X: yyyyyyyyyyyyyyyyyyyyyyyy\r\n";
        }
        assert_int_equal(http.event, HTTP1_BAD);
        assert_int_equal(http.status, 400);
        arena_finish(&arena);
    }
}

static void tiny_chunks_of_a_large_body_pass(void **state) {
    (void)state;
    struct arena arena;
    struct http1 http;
    struct virga_str piece;
    size_t used;
    arena_init(&arena);
    http1_init(&http, &arena, HEAD_LIMIT);
    assert_int_equal(http1_next(&http, CHUNKED, sizeof CHUNKED - 1, &used, &piece), HTTP1_HEAD);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(http1_next(&http, "1\r\nx\r\n", 6, &used, &piece), HTTP1_BODY);
        assert_int_equal(http1_next(&http, "\r\n", 2, &used, &piece), HTTP1_MORE);
    }
    assert_int_equal(http1_next(&http, "0\r\n\r\n", 5, &used, &piece), HTTP1_END);
    arena_finish(&arena);
}

static void arena_use_of_a_head_fed_bytewise_is_bounded(void **state) {
    (void)state;
    char *text = head_of(HEAD_LIMIT);
    struct arena arena;
    struct http1 http;
    struct virga_str piece;
    size_t used;
    arena_init(&arena);
    http1_init(&http, &arena, HEAD_LIMIT);
    for (size_t i = 0; i + 1 < HEAD_LIMIT; i++) {
        assert_int_equal(http1_next(&http, text + i, 1, &used, &piece), HTTP1_MORE);
    }
    assert_true(http.text_size <= 4 * HEAD_LIMIT);
    arena_finish(&arena);
    free(text);
}

/* ---- noise ---- */

static void mutated_requests_never_differ_by_their_splits(void **state) {
    (void)state;
    static const char *const seeds[] = {
        "POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
        CHUNKED "5\r\nhello\r\n3;e=f\r\nabc\r\n0\r\nT: v\r\n\r\n",
        "GET http://h/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    };
    static const char spice[] = "\r\n\t :;,0aZ/\x80\x7f\x01%#?";
    unsigned random = 12345;
    for (int round = 0; round < 20000; round++) {
        char text[256];
        const char *seed = seeds[round % 3];
        size_t len = strlen(seed);
        memcpy(text, seed, len);
        for (int i = 0; i < 1 + round % 3; i++) {
            random = random * 1664525u + 1013904223u;
            text[(random >> 8) % len] = spice[(random >> 20) % (sizeof spice - 1)];
        }
        parse(text, len, len, 1, HEAD_LIMIT, &whole);
        parse(text, len, 1, 1, HEAD_LIMIT, &split);
        /* Of several faults any may be told. */
        if ((whole.status == 0) != (split.status == 0) ||
            (whole.status == 0 && strcmp(whole.text, split.text) != 0)) {
            fail_msg("round %d: whole %d %s\nsplit %d %s", round, whole.status, whole.text,
                     split.status, split.text);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_is_read_alike_for_every_split),
        cmocka_unit_test(body_of_known_length_ends_where_it_says),
        cmocka_unit_test(chunked_body_is_joined_and_trailers_are_kept_apart),
        cmocka_unit_test(trailers_that_are_too_many_are_forgotten_and_malformed_ones_refused),
        cmocka_unit_test(keep_alive_follows_version_and_connection),
        cmocka_unit_test(upgrade_is_served_as_plain_http),
        cmocka_unit_test(absolute_target_replaces_the_host),
        cmocka_unit_test(asterisk_and_encoded_paths_stay_as_sent),
        cmocka_unit_test(leading_empty_lines_are_skipped),
        cmocka_unit_test(expectation_is_told),
        cmocka_unit_test(empty_host_is_served),
        cmocka_unit_test(smuggling_pairs_are_refused),
        cmocka_unit_test(nul_bytes_are_refused_wherever_they_stand),
        cmocka_unit_test(hosts_other_than_one_are_refused),
        cmocka_unit_test(other_protocols_and_methods_are_refused),
        cmocka_unit_test(malformed_targets_are_refused),
        cmocka_unit_test(head_limit_is_exact),
        cmocka_unit_test(long_target_is_told_from_long_headers),
        cmocka_unit_test(number_of_headers_is_limited),
        cmocka_unit_test(chunk_extensions_and_trailers_are_bounded),
        cmocka_unit_test(tiny_chunks_of_a_large_body_pass),
        cmocka_unit_test(arena_use_of_a_head_fed_bytewise_is_bounded),
        cmocka_unit_test(mutated_requests_never_differ_by_their_splits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
