/* SPDX-License-Identifier: MIT */
#include "http1_client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What came of a whole input. */
struct seen {
    int status;
    int heads;
    int last; /* END, MORE or an error */
    size_t left;
    char body[4096];
    size_t body_len;
    bool keeps_alive;
};

/* Feeds `text` in pieces of `step` bytes, each in memory of its own so that no byte beyond can be
 * read. */
static struct http1_client *feed(const char *text, size_t step, bool to_head, struct seen *seen) {
    struct http1_client *client;
    size_t len = strlen(text);
    memset(seen, 0, sizeof *seen);
    assert_int_equal(http1_client_create(to_head, &client), 0);
    for (size_t at = 0; at < len && seen->last == HTTP1_CLIENT_MORE; at += step) {
        size_t piece_len = len - at < step ? len - at : step;
        char *piece = malloc(piece_len);
        assert_non_null(piece);
        memcpy(piece, text + at, piece_len);
        const char *bytes = piece;
        size_t left = piece_len;
        struct virga_str part;
        for (;;) {
            seen->last = http1_client_next(client, &bytes, &left, &part);
            if (seen->last == HTTP1_CLIENT_HEAD) {
                seen->heads++;
                seen->status = http1_client_head(client)->status;
            } else if (seen->last == HTTP1_CLIENT_BODY) {
                memcpy(seen->body + seen->body_len, part.ptr, part.len);
                seen->body_len += part.len;
            } else {
                break;
            }
        }
        seen->left = left + (len - at - piece_len);
        free(piece);
    }
    if (seen->last == HTTP1_CLIENT_END) {
        seen->keeps_alive = http1_client_keeps_alive(client);
    }
    return client;
}

/* The same whatever the pieces. */
static void check(const char *text, bool to_head, int status, const char *body, size_t left,
                  bool keeps_alive) {
    for (size_t step = 1; step <= strlen(text); step++) {
        struct seen seen;
        struct http1_client *client = feed(text, step, to_head, &seen);
        assert_int_equal(seen.last, HTTP1_CLIENT_END);
        assert_int_equal(seen.heads, 1);
        assert_int_equal(seen.status, status);
        assert_int_equal(seen.body_len, strlen(body));
        assert_memory_equal(seen.body, body, seen.body_len);
        assert_int_equal(seen.left, left);
        assert_int_equal(seen.keeps_alive, keeps_alive);
        http1_client_destroy(client);
    }
}

static void body_with_a_length_is_read_in_any_pieces(void **state) {
    (void)state;
    check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello", false, 200, "hello", 0,
          true);
}

static void chunked_body_is_decoded_in_any_pieces(void **state) {
    (void)state;
    check("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
          "chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: v\r\n\r\n",
          false, 200, "abcdefg", 0, true);
}

static void interim_answers_are_skipped(void **state) {
    (void)state;
    check("HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
          "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
          false, 201, "ok", 0, true);
}

static void answer_to_head_has_no_body(void **state) {
    (void)state;
    check("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", true, 200, "", 0, true);
    check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, 200, "", 0, true);
}

static void no_content_and_not_modified_have_no_body(void **state) {
    (void)state;
    check("HTTP/1.1 204 No Content\r\n\r\n", false, 204, "", 0, true);
    check("HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n", false, 304, "", 0, true);
}

static void bytes_behind_the_answer_are_left(void **state) {
    (void)state;
    check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokgarbage", false, 200, "ok", 7, true);
}

static void connection_close_is_noticed(void **state) {
    (void)state;
    check("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false, 200, "", 0,
          false);
    check("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", false, 200, "x", 0, false);
}

static void body_without_a_length_ends_with_the_connection(void **state) {
    (void)state;
    struct seen seen;
    struct http1_client *client = feed("HTTP/1.1 200 OK\r\n\r\nuntil the end", 4, false, &seen);
    assert_int_equal(seen.last, HTTP1_CLIENT_MORE);
    assert_int_equal(seen.body_len, 13);
    assert_int_equal(http1_client_eof(client), HTTP1_CLIENT_END);
    assert_false(http1_client_keeps_alive(client));
    http1_client_destroy(client);
}

static void missing_bytes_are_a_reset(void **state) {
    (void)state;
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 100 Continue\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct seen seen;
        struct http1_client *client = feed(texts[i], 7, false, &seen);
        assert_int_equal(seen.last, HTTP1_CLIENT_MORE);
        assert_int_equal(http1_client_eof(client), -ECONNRESET);
        http1_client_destroy(client);
    }
}

static void headers_come_trimmed_and_in_order(void **state) {
    (void)state;
    struct seen seen;
    struct http1_client *client = feed(
        "HTTP/1.1 200 OK\r\nOne:  first \t\r\nEmpty:\r\nTwo: second\r\nContent-Length: 0\r\n\r\n",
        3, false, &seen);
    const struct http1_client_head *head = http1_client_head(client);
    assert_int_equal(head->headers_count, 4);
    assert_string_equal(head->headers[0].name.ptr, "One");
    assert_string_equal(head->headers[0].value.ptr, "first");
    assert_int_equal(head->headers[0].value.len, 5);
    assert_string_equal(head->headers[1].name.ptr, "Empty");
    assert_string_equal(head->headers[1].value.ptr, "");
    assert_string_equal(head->headers[2].value.ptr, "second");
    assert_int_equal(head->content_length, 0);
    http1_client_destroy(client);
}

static void what_is_not_http_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "SSH-2.0-OpenSSH_9.2p1\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct seen seen;
        struct http1_client *client = feed(texts[i], 5, false, &seen);
        assert_int_equal(seen.last, -EBADMSG);
        http1_client_destroy(client);
    }
}

static void endless_heads_are_refused(void **state) {
    (void)state;
    struct http1_client *client;
    char line[1024];
    struct virga_str part;
    memset(line, 'a', sizeof line);
    assert_int_equal(http1_client_create(false, &client), 0);
    const char *bytes = "HTTP/1.1 200 OK\r\nX: ";
    size_t len = strlen(bytes);
    int result = http1_client_next(client, &bytes, &len, &part);
    for (int i = 0; i < 100 && result == HTTP1_CLIENT_MORE; i++) {
        bytes = line;
        len = sizeof line;
        result = http1_client_next(client, &bytes, &len, &part);
    }
    assert_int_equal(result, -EMSGSIZE);
    http1_client_destroy(client);
}

static void endless_interim_answers_are_refused(void **state) {
    (void)state;
    struct http1_client *client;
    struct virga_str part;
    int result = HTTP1_CLIENT_MORE;
    assert_int_equal(http1_client_create(false, &client), 0);
    for (int i = 0; i < 100000 && result == HTTP1_CLIENT_MORE; i++) {
        const char *bytes = "HTTP/1.1 100\r\n\r\n";
        size_t len = strlen(bytes);
        result = http1_client_next(client, &bytes, &len, &part);
    }
    assert_int_equal(result, -EMSGSIZE);
    http1_client_destroy(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_with_a_length_is_read_in_any_pieces),
        cmocka_unit_test(chunked_body_is_decoded_in_any_pieces),
        cmocka_unit_test(interim_answers_are_skipped),
        cmocka_unit_test(answer_to_head_has_no_body),
        cmocka_unit_test(no_content_and_not_modified_have_no_body),
        cmocka_unit_test(bytes_behind_the_answer_are_left),
        cmocka_unit_test(connection_close_is_noticed),
        cmocka_unit_test(body_without_a_length_ends_with_the_connection),
        cmocka_unit_test(missing_bytes_are_a_reset),
        cmocka_unit_test(headers_come_trimmed_and_in_order),
        cmocka_unit_test(what_is_not_http_is_refused),
        cmocka_unit_test(endless_heads_are_refused),
        cmocka_unit_test(endless_interim_answers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
