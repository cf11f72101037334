/* SPDX-License-Identifier: MIT */
/* Streamed fetches: heads, chunks and request bodies as they come, with pauses on both ways. */
#include "ext_fetch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "plugin_fixture.h"
#include "scripted_server.h"

#define WAIT_MS 20000
#define LENGTH ((uint64_t)20 * 1024 * 1024)

struct stream {
    struct fixture *fixture;
    struct virga_fetch_request request;
    struct virga_fetch_handle *handle;
    bool in_call; /* inside start() or resume() */
    bool done;
    int error;
    int status;
    size_t done_body_len;
    int heads;
    int head_status;
    char head_fields[2000];
    uint64_t received;
    uint64_t pause_every; /* bytes of the answer; 0 = never */
    uint64_t pause_at;
    int pauses;
    bool paused;
    uint64_t sent;
    uint64_t to_send;
    uint64_t wait_at; /* on_send waits when it has given so much; 0 = never */
    int waits;
    bool waiting;
    bool gives_too_much;
    bool cancels_in_chunk;
    struct stream *starts_in_chunk;
};

static struct fixture fixture;
static struct server server;

static void stream_start(struct stream *stream);

static void on_done(void *arg, const struct virga_fetch_response *res) {
    struct stream *stream = arg;
    assert_false(stream->in_call || stream->done);
    stream->done = true;
    stream->error = res->error;
    stream->status = res->status;
    stream->done_body_len = res->body.len;
}

static void on_head(void *arg, const struct virga_fetch_response *res) {
    struct stream *stream = arg;
    size_t at = 0;
    assert_false(stream->in_call || stream->done);
    assert_int_equal(stream->received, 0);
    stream->heads++;
    stream->head_status = res->status;
    assert_int_equal(res->error, 0);
    assert_int_equal(res->body.len, 0);
    for (size_t i = 0; i < res->headers_count; i++) {
        at += (size_t)snprintf(stream->head_fields + at, sizeof stream->head_fields - at,
                               "%s: %s\n", res->headers[i].name.ptr, res->headers[i].value.ptr);
    }
}

static int on_chunk(void *arg, struct virga_str chunk) {
    struct stream *stream = arg;
    assert_false(stream->in_call || stream->done || stream->paused);
    if (stream->request.on_head != NULL) {
        assert_int_equal(stream->heads, 1);
    }
    if (stream->starts_in_chunk != NULL) {
        stream_start(stream->starts_in_chunk);
        stream->starts_in_chunk = NULL;
    }
    if (stream->cancels_in_chunk) {
        ext_fetch.cancel(stream->handle);
        ext_fetch.resume(stream->handle);
    } else if (stream->pause_every != 0 && stream->received >= stream->pause_at) {
        stream->pause_at = stream->received + stream->pause_every;
        stream->pauses++;
        stream->paused = true;
        return VIRGA_BODY_PAUSE;
    }
    assert_true(server_pattern_is(stream->received, chunk.ptr, chunk.len));
    stream->received += chunk.len;
    return VIRGA_BODY_GO_ON;
}

static size_t on_send(void *arg, char *to, size_t size) {
    struct stream *stream = arg;
    assert_false(stream->in_call || stream->done || stream->waiting);
    assert_true(size > 0);
    if (stream->wait_at != 0 && stream->sent >= stream->wait_at) {
        stream->wait_at *= 2;
        stream->waits++;
        stream->waiting = true;
        return VIRGA_FETCH_WAIT;
    }
    if (stream->gives_too_much) {
        return size + 1;
    }
    uint64_t left = stream->to_send - stream->sent;
    size_t len = left < size ? (size_t)left : size;
    server_pattern_fill(stream->sent, to, len);
    stream->sent += len;
    return len;
}

static int setup(void **state) {
    (void)state;
    fixture_init(&fixture);
    return 0;
}

static void stream_init(struct stream *stream, void (*script)(struct peer *peer)) {
    if (server.script == NULL) {
        server_start(&server, true, script, NULL);
    }
    memset(stream, 0, sizeof *stream);
    stream->fixture = &fixture;
    stream->request = (struct virga_fetch_request){.struct_size = sizeof stream->request,
                                                   .url = "http://localhost/x",
                                                   .unix_path = server.path,
                                                   .on_done = on_done,
                                                   .arg = stream,
                                                   .on_head = on_head,
                                                   .on_chunk = on_chunk};
}

static int teardown(void **state) {
    (void)state;
    fixture_reclaim(&fixture);
    ext_fetch_teardown(&fixture.host);
    if (server.script != NULL) {
        server_stop(&server);
    }
    memset(&server, 0, sizeof server);
    return fixture_finish(&fixture) ? 0 : -1;
}

static void stream_start(struct stream *stream) {
    stream->in_call = true;
    assert_int_equal(ext_fetch.start(&fixture.plugin.api, &stream->request, &stream->handle), 0);
    stream->in_call = false;
}

static void resume(struct stream *stream) {
    stream->paused = stream->waiting = false;
    stream->in_call = true;
    ext_fetch.resume(stream->handle);
    stream->in_call = false;
}

/* Runs to the end, resuming whatever stands for a while. */
static void stream_to_end(struct stream *stream) {
    stream_start(stream);
    uint64_t end_ns = uv_hrtime() + WAIT_MS * UINT64_C(1000000);
    while (!stream->done) {
        (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
        if (!stream->done && (stream->paused || stream->waiting)) {
            resume(stream);
        }
        assert_true(uv_hrtime() < end_ns);
    }
}

/* --- scripts --- */

static void send_pattern(struct peer *peer) {
    char head[100];
    while (peer_read_head(peer)) {
        (void)snprintf(head, sizeof head,
                       "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"
                       "HTTP/1.1 206 Part\r\nContent-Length: %llu\r\nX-One: 1\r\n\r\n",
                       (unsigned long long)LENGTH);
        (void)peer_say(peer, head);
        (void)peer_send_pattern(peer, LENGTH);
    }
}

static void send_trailers(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n");
    (void)peer_send_pattern(peer, 1);
    (void)peer_say(peer, "\r\n0\r\nX-Trailer: 1\r\n\r\n");
    peer_await_end(peer);
}

static void cut(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    (void)peer_send_pattern(peer, 50);
}

/* What of the last body came, as the server saw it. */
static _Atomic uint64_t uploaded;
static _Atomic bool upload_right;
static char upload_head[65536];

static void take_length(struct peer *peer) {
    while (peer_read_head(peer)) {
        memcpy(upload_head, peer->head, strlen(peer->head) + 1);
        const char *at = strcasestr(peer->head, "\r\nContent-Length: ");
        uint64_t len = at != NULL ? strtoull(at + 18, NULL, 10) : 0;
        atomic_store(&upload_right, peer_read_pattern(peer, len));
        atomic_store(&uploaded, len);
        (void)peer_say(peer, "HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n");
    }
}

static bool read_line(struct peer *peer, char *line, size_t size) {
    size_t len = 0;
    while (len + 1 < size && peer_read(peer, line + len, 1) == 1) {
        if (line[len++] == '\n') {
            line[len] = '\0';
            return true;
        }
    }
    return false;
}

static void take_chunks(struct peer *peer) {
    static _Thread_local char bytes[65536];
    char line[64];
    uint64_t at = 0;
    bool right = peer_read_head(peer);
    memcpy(upload_head, peer->head, strlen(peer->head) + 1);
    while (right && read_line(peer, line, sizeof line)) {
        size_t len = strtoul(line, NULL, 16);
        for (size_t got = 0; right && got < len;) {
            size_t want = len - got < sizeof bytes ? len - got : sizeof bytes;
            size_t more = peer_read(peer, bytes, want);
            right = more > 0 && server_pattern_is(at, bytes, more);
            got += more;
            at += more;
        }
        right = right && read_line(peer, line, sizeof line);
        if (len == 0) {
            break;
        }
    }
    atomic_store(&upload_right, right);
    atomic_store(&uploaded, at);
    (void)peer_say(peer, "HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n");
    peer_await_end(peer);
}

static void refuse_early(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "HTTP/1.1 413 Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    /* Closing with bytes unread would reset the connection and could take the answer along. */
    peer_await_end(peer);
}

/* --- the answer --- */

static void head_comes_before_chunks_and_body_is_not_kept(void **state) {
    (void)state;
    struct stream stream;
    stream_init(&stream, send_pattern);
    stream.request.body_limit_bytes = 10; /* counts for what is buffered only */
    stream_to_end(&stream);
    assert_int_equal(stream.error, 0);
    assert_int_equal(stream.status, 206);
    assert_int_equal(stream.heads, 1);
    assert_int_equal(stream.head_status, 206);
    assert_string_equal(stream.head_fields, "Content-Length: 20971520\nX-One: 1\n");
    assert_int_equal(stream.received, LENGTH);
    assert_int_equal(stream.done_body_len, 0);
}

static void paused_chunks_come_again(void **state) {
    (void)state;
    struct stream stream;
    stream_init(&stream, send_pattern);
    stream.pause_every = 100000;
    stream_to_end(&stream);
    assert_int_equal(stream.error, 0);
    assert_int_equal(stream.received, LENGTH);
    assert_true(stream.pauses > 100);
}

static void nothing_moves_while_it_is_paused(void **state) {
    (void)state;
    struct stream stream;
    stream_init(&stream, send_pattern);
    stream.pause_every = LENGTH;
    stream_start(&stream);
    fixture_run_for(&fixture, 100);
    assert_true(stream.paused);
    assert_int_equal(stream.received, 0);
    resume(&stream);
    assert_true(fixture_run_until(&fixture, &stream.done, WAIT_MS));
    assert_int_equal(stream.error, 0);
    assert_int_equal(stream.received, LENGTH);
}

static void pause_does_not_outlast_the_timeout(void **state) {
    (void)state;
    struct stream stream;
    stream_init(&stream, send_pattern);
    stream.pause_every = LENGTH;
    stream.request.timeout_ms = 100;
    stream_start(&stream);
    assert_true(fixture_run_until(&fixture, &stream.done, WAIT_MS));
    assert_int_equal(stream.error, -ETIMEDOUT);
    assert_int_equal(stream.status, 0);
}

static void head_alone_leaves_the_body_buffered(void **state) {
    (void)state;
    struct stream stream;
    stream_init(&stream, send_pattern);
    stream.request.on_chunk = NULL;
    stream.request.body_limit_bytes = LENGTH;
    stream_to_end(&stream);
    assert_int_equal(stream.error, 0);
    assert_int_equal(stream.heads, 1);
    assert_int_equal(stream.done_body_len, LENGTH);
}

static void trailers_are_no_headers(void **state) {
    (void)state;
    struct stream stream;
    stream_init(&stream, send_trailers);
    stream_to_end(&stream);
    assert_int_equal(stream.error, 0);
    assert_int_equal(stream.heads, 1);
    assert_int_equal(stream.received, 1);
}

static void cut_answer_is_econnreset_after_its_chunks(void **state) {
    (void)state;
    struct stream stream;
    stream_init(&stream, cut);
    stream_to_end(&stream);
    assert_int_equal(stream.error, -ECONNRESET);
    assert_int_equal(stream.received, 50);
}

static void cancel_inside_a_chunk_ends_it(void **state) {
    (void)state;
    struct stream stream;
    stream_init(&stream, send_pattern);
    stream.cancels_in_chunk = true;
    stream_to_end(&stream);
    assert_int_equal(stream.error, -ECANCELED);
    assert_true(stream.received < LENGTH);
}

static void fetch_may_start_inside_a_chunk(void **state) {
    (void)state;
    struct stream stream, other;
    stream_init(&stream, send_pattern);
    stream_init(&other, send_pattern);
    stream.starts_in_chunk = &other;
    stream_to_end(&stream);
    assert_true(fixture_run_until(&fixture, &other.done, WAIT_MS));
    assert_int_equal(stream.error, 0);
    assert_int_equal(other.error, 0);
    assert_int_equal(other.received, LENGTH);
}

static void reclaimed_stream_is_not_called(void **state) {
    (void)state;
    struct stream stream;
    stream_init(&stream, send_pattern);
    stream.pause_every = LENGTH;
    stream_start(&stream);
    fixture_run_for(&fixture, 50);
    resume(&stream);
    stream.paused = true; /* a chunk now would be noticed */
    fixture_reclaim(&fixture);
    fixture_run_for(&fixture, 50);
    assert_false(stream.done);
}

/* --- the request --- */

static void upload(struct stream *stream, void (*script)(struct peer *peer), uint64_t len) {
    stream_init(stream, script);
    stream->request.method = "PUT";
    stream->request.on_send = on_send;
    stream->request.send_length = len;
    stream->to_send = len != VIRGA_LENGTH_UNKNOWN ? len : LENGTH;
}

static void body_of_known_length_is_sent_as_it_comes(void **state) {
    (void)state;
    for (int waits = 0; waits < 2; waits++) {
        struct stream stream;
        upload(&stream, take_length, LENGTH);
        stream.wait_at = waits ? 1000 : 0;
        stream_to_end(&stream);
        assert_int_equal(stream.error, 0);
        assert_int_equal(stream.status, 201);
        assert_int_equal(atomic_load(&uploaded), LENGTH);
        assert_true(atomic_load(&upload_right));
        assert_true(stream.waits > 5 || !waits);
        assert_non_null(strstr(upload_head, "PUT /x HTTP/1.1\r\n"));
        assert_non_null(strstr(upload_head, "\r\nContent-Length: 20971520\r\n"));
        assert_null(strcasestr(upload_head, "\r\nExpect:"));
        assert_null(strcasestr(upload_head, "\r\nTransfer-Encoding:"));
    }
}

static void body_of_unknown_length_is_sent_in_chunks(void **state) {
    (void)state;
    struct stream stream;
    upload(&stream, take_chunks, VIRGA_LENGTH_UNKNOWN);
    stream.request.method = "POST";
    stream.wait_at = 5000;
    stream_to_end(&stream);
    assert_int_equal(stream.error, 0);
    assert_int_equal(stream.status, 201);
    assert_int_equal(atomic_load(&uploaded), LENGTH);
    assert_true(atomic_load(&upload_right));
    assert_non_null(strstr(upload_head, "POST /x HTTP/1.1\r\n"));
    assert_non_null(strstr(upload_head, "\r\nTransfer-Encoding: chunked\r\n"));
    assert_null(strcasestr(upload_head, "\r\nContent-Length:"));
}

static void empty_body_is_sent(void **state) {
    (void)state;
    struct stream stream;
    upload(&stream, take_length, 0);
    stream_to_end(&stream);
    assert_int_equal(stream.error, 0);
    assert_int_equal(stream.status, 201);
    assert_int_equal(stream.sent, 0);
    assert_non_null(strstr(upload_head, "\r\nContent-Length: 0\r\n"));
}

static void wrong_number_of_bytes_is_einval(void **state) {
    (void)state;
    struct stream stream;
    upload(&stream, take_length, 1000);
    stream.to_send = 999;
    stream_to_end(&stream);
    assert_int_equal(stream.error, -EINVAL);
    upload(&stream, take_length, 1000);
    stream.gives_too_much = true;
    stream_to_end(&stream);
    assert_int_equal(stream.error, -EINVAL);
}

static void early_answer_ends_the_upload(void **state) {
    (void)state;
    struct stream stream;
    upload(&stream, refuse_early, VIRGA_LENGTH_UNKNOWN);
    stream.to_send = UINT64_C(1) << 40;
    stream.request.timeout_ms = 5000;
    stream_to_end(&stream);
    assert_int_equal(stream.heads, 1);
    assert_int_equal(stream.head_status, 413);
    assert_true(stream.error == 0 || stream.error == -ECONNRESET);
}

static void two_bodies_and_bodies_of_head_are_einval(void **state) {
    (void)state;
    struct stream stream;
    upload(&stream, take_length, 10);
    stream.request.body = virga_str_from("x");
    assert_int_equal(ext_fetch.start(&fixture.plugin.api, &stream.request, NULL), -EINVAL);
    upload(&stream, take_length, 10);
    stream.request.method = "HEAD";
    assert_int_equal(ext_fetch.start(&fixture.plugin.api, &stream.request, NULL), -EINVAL);
    upload(&stream, take_length, (uint64_t)INT64_MAX + 1);
    assert_int_equal(ext_fetch.start(&fixture.plugin.api, &stream.request, NULL), -EINVAL);
}

/* --- ABI 1.0 --- */

static void request_of_abi_1_0_is_buffered(void **state) {
    (void)state;
    struct stream stream;
    stream_init(&stream, send_trailers);
    stream.request.struct_size = offsetof(struct virga_fetch_request, on_head);
    stream_to_end(&stream);
    assert_int_equal(stream.error, 0);
    assert_int_equal(stream.heads, 0);
    assert_int_equal(stream.received, 0);
    assert_int_equal(stream.done_body_len, 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(head_comes_before_chunks_and_body_is_not_kept),
        TEST(paused_chunks_come_again),
        TEST(nothing_moves_while_it_is_paused),
        TEST(pause_does_not_outlast_the_timeout),
        TEST(head_alone_leaves_the_body_buffered),
        TEST(trailers_are_no_headers),
        TEST(cut_answer_is_econnreset_after_its_chunks),
        TEST(cancel_inside_a_chunk_ends_it),
        TEST(fetch_may_start_inside_a_chunk),
        TEST(reclaimed_stream_is_not_called),
        TEST(body_of_known_length_is_sent_as_it_comes),
        TEST(body_of_unknown_length_is_sent_in_chunks),
        TEST(empty_body_is_sent),
        TEST(wrong_number_of_bytes_is_einval),
        TEST(early_answer_ends_the_upload),
        TEST(two_bodies_and_bodies_of_head_are_einval),
        TEST(request_of_abi_1_0_is_buffered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
