/* SPDX-License-Identifier: MIT */
/* What may happen to a proxied request on its way: bodies, pooled connections, failures, and who
 * leaves first. */
#include "proxy_client.h"

/* --- bodies going up --- */

static void take_big_late(struct peer *peer) {
    char byte;
    (void)peer_read_head(peer);
    (void)read(*(int *)peer->server->arg, &byte, 1);
    bool right = strstr(peer->head, "\r\nContent-Length: 67108864\r\n") != NULL &&
                 peer_read_pattern(peer, BIG);
    (void)peer_say(peer, right ? OK_HELLO : "HTTP/1.1 500 Wrong\r\nContent-Length: 0\r\n\r\n");
    say_hello(peer);
}

static void big_body_goes_up_with_back_pressure(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct setup setup;
        struct run run;
        int gate[2];
        assert_int_equal(pipe(gate), 0);
        setup_begin(&setup, kind == 0, take_big_late, NULL);
        setup.server.arg = &gate[0];
        run_init(&run, &setup, "PUT", "/blob");
        run_upload(&run, BIG, true);
        run_start(&run, &setup);
        assert_true(fixture_run_until(&setup.fixture, &run.client.paused, WAIT_MS));
        fixture_run_for(&setup.fixture, 50);
        /* The server reads nothing yet: the kernel's buffers are full, and that is all. */
        assert_true(run.client.paused);
        assert_in_range(run.client.uploaded, 1, 16 * 1024 * 1024);
        assert_int_equal(write(gate[1], "x", 1), 1);
        assert_true(fixture_run_until(&setup.fixture, &run.done, WAIT_MS));
        run_finish(&run, &setup);
        assert_hello(&run);
        assert_true(run.client.pauses > 0);
        assert_int_equal(upstream_idle_count(setup.upstream), 1);
        setup_end(&setup);
        (void)close(gate[0]);
        (void)close(gate[1]);
    }
}

static void take_chunked(struct peer *peer) {
    static _Thread_local char body[300000];
    size_t len = 0;
    bool right = peer_read_head(peer) &&
                 strstr(peer->head, "\r\nTransfer-Encoding: chunked\r\n") != NULL &&
                 strstr(peer->head, "Content-Length") == NULL &&
                 peer_read_chunked(peer, body, sizeof body, &len) && len == 200000;
    right = right && server_pattern_is(0, body, len);
    (void)peer_say(peer, right ? OK_HELLO : "HTTP/1.1 500 Wrong\r\nContent-Length: 0\r\n\r\n");
}

static void body_of_unknown_length_goes_up_chunked(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, take_chunked, NULL);
    run_init(&run, &setup, "PATCH", "/upload");
    run_header(&run, "Transfer-Encoding", "chunked");
    run_upload(&run, 200000, false);
    run_to_end(&run, &setup);
    assert_hello(&run);
    setup_end(&setup);
}

static void answer_early(struct peer *peer) {
    char some[1000];
    (void)peer_read_head(peer);
    if (peer->number == 1) {
        (void)peer_read(peer, some, sizeof some);
        (void)peer_say(peer, "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nno upload");
        (void)usleep(200000); /* alive, but reads no more */
    } else {
        (void)peer_say(peer, OK_HELLO);
    }
}

static void early_answer_stops_the_body(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct setup setup;
        struct run run;
        setup_begin(&setup, kind == 0, answer_early, NULL);
        run_init(&run, &setup, "PATCH", "/upload");
        run_upload(&run, BIG, true);
        run_to_end(&run, &setup);
        assert_int_equal(run.done_status, 0);
        assert_int_equal(run.client.status, 404);
        assert_string_equal(run.client.body, "no upload");
        assert_true(run.client.flow_stopped);
        assert_in_range(run.client.uploaded, 1, BIG - 1);
        assert_int_equal(upstream_idle_count(setup.upstream), 0);
        run_init(&run, &setup, "GET", "/");
        run_to_end(&run, &setup);
        assert_hello(&run);
        setup_end(&setup);
    }
}

static void answer_early_and_reset(struct peer *peer) {
    char some[1000];
    (void)peer_read_head(peer);
    (void)peer_read(peer, some, sizeof some);
    (void)peer_say(peer,
                   "HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbig!");
    (void)usleep(50000);
    (void)shutdown(peer->fd, SHUT_RDWR);
}

static void early_answer_is_read_though_sending_fails(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, answer_early_and_reset, NULL);
    run_init(&run, &setup, "PUT", "/upload");
    run_upload(&run, BIG, true);
    run_to_end(&run, &setup);
    assert_int_equal(run.client.status, 413);
    assert_string_equal(run.client.body, "big!");
    setup_end(&setup);
}

static void swallow(struct peer *peer) {
    (void)peer_read_head(peer);
    peer_await_end(peer);
}

static void failing_body_of_the_client_ends_the_request(void **state) {
    (void)state;
    static const struct {
        int error;
        int status;
    } cases[] = {{-EMSGSIZE, 413}, {-ETIMEDOUT, 408}, {-EBADMSG, 400}};
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, swallow, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_init(&run, &setup, "PUT", "/upload");
        run_upload(&run, 1000, true);
        run.client.upload_error = cases[i].error;
        run_to_end(&run, &setup);
        assert_int_equal(run.client.status, cases[i].status);
        assert_int_equal(run.done_status, cases[i].error);
    }
    run_init(&run, &setup, "PUT", "/upload");
    run_upload(&run, 1000, true);
    run.client.upload_error = -EMSGSIZE;
    run.options.on_error = on_error;
    run_to_end(&run, &setup);
    assert_int_equal(run.error, -EMSGSIZE);
    setup_end(&setup);
}

static void echo_body(struct peer *peer) {
    char head[200];
    while (peer_read_head(peer)) {
        const char *at = strstr(peer->head, "\r\nContent-Length: ");
        size_t len = at != NULL ? strtoul(at + 18, NULL, 10) : 0;
        char *body = calloc(1, len + 1);
        for (size_t got = 0; got < len;) {
            size_t more = peer_read(peer, body + got, len - got);
            if (more == 0) {
                break;
            }
            got += more;
        }
        (void)snprintf(head, sizeof head,
                       "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nLine: %.*s\r\n\r\n", len,
                       (int)strcspn(peer->head, "\r"), peer->head);
        (void)peer_say(peer, head);
        (void)peer_send(peer, body, len);
        free(body);
    }
}

static void whole_bodies_are_sent(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, echo_body, NULL);
    /* One of the plugin's own, with method and target. */
    run_init(&run, &setup, "POST", "/client");
    run_upload(&run, 100, true);
    run.options.method = virga_str_from("PUT");
    run.options.target = virga_str_from("/other?x=y");
    run.options.body = virga_str_from("the plugin's");
    run_to_end(&run, &setup);
    assert_string_equal(run.client.body, "the plugin's");
    assert_string_equal(run.client.fields, "Content-Length: 12\nLine: PUT /other?x=y HTTP/1.1\n");
    assert_null(run.client.on_body);
    /* One that the host has buffered. */
    run_init(&run, &setup, "POST", "/client");
    run.client.request.pub.flags = VIRGA_REQUEST_HAS_BODY;
    run.client.request.pub.body = virga_str_from("buffered");
    run_to_end(&run, &setup);
    assert_string_equal(run.client.body, "buffered");
    /* An empty one. */
    run_init(&run, &setup, "POST", "/client");
    run_to_end(&run, &setup);
    assert_int_equal(run.client.status, 200);
    assert_int_equal(run.client.body_len, 0);
    setup_end(&setup);
}

static void big_whole_body_is_sent(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    size_t len = 3000000;
    char *body = malloc(len);
    assert_non_null(body);
    server_pattern_fill(0, body, len);
    setup_begin(&setup, false, echo_body, NULL);
    run_init(&run, &setup, "PUT", "/");
    run.options.body = (struct virga_str){body, len};
    run.client.pattern = true;
    run_to_end(&run, &setup);
    assert_int_equal(run.client.body_len, len);
    setup_end(&setup);
    free(body);
}

/* --- pooled connections --- */

/* Answers one request, and ends the connection in the middle of the second. */
static void die_at_the_second(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, OK_HELLO);
    if (peer->number == 1) {
        (void)peer_read_head(peer);
        if (peer->server->port != 0) {
            peer_reset(peer);
        }
        return;
    }
    say_hello(peer);
}

static void stale_pooled_connection_is_replaced_once(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct setup setup;
        struct run run;
        setup_begin(&setup, kind == 0, die_at_the_second, NULL);
        run_init(&run, &setup, "GET", "/");
        run_to_end(&run, &setup);
        assert_int_equal(upstream_idle_count(setup.upstream), 1);
        run_init(&run, &setup, "GET", "/");
        run_to_end(&run, &setup);
        assert_hello(&run);
        assert_int_equal(atomic_load(&setup.server.accepted), 2);
        setup_end(&setup);
    }
}

static void request_that_is_not_idempotent_is_not_sent_twice(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, die_at_the_second, NULL);
    run_init(&run, &setup, "GET", "/");
    run_to_end(&run, &setup);
    run_init(&run, &setup, "POST", "/");
    run.options.body = virga_str_from("once");
    run.options.on_error = on_error;
    run_to_end(&run, &setup);
    assert_int_equal(run.error, -ECONNRESET);
    assert_int_equal(run.errors, 1);
    assert_int_equal(atomic_load(&setup.server.accepted), 1);
    setup_end(&setup);
}

static void idempotent_whole_body_is_sent_again(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, die_at_the_second, NULL);
    run_init(&run, &setup, "GET", "/");
    run_to_end(&run, &setup);
    run_init(&run, &setup, "PUT", "/");
    run.options.body = virga_str_from("twice");
    run_to_end(&run, &setup);
    assert_hello(&run);
    assert_int_equal(atomic_load(&setup.server.accepted), 2);
    setup_end(&setup);
}

/* The client has not sent a byte of its body when the pooled connection turns out to be dead. */
static void unbegun_body_goes_up_a_second_connection(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, die_at_the_second, NULL);
    run_init(&run, &setup, "GET", "/");
    run_to_end(&run, &setup);
    run_init(&run, &setup, "POST", "/");
    run_upload(&run, 10, true);
    run.client.paused = true; /* slow to begin */
    run_start(&run, &setup);
    for (int i = 0; i < 1000 && atomic_load(&setup.server.accepted) < 2; i++) {
        fixture_run_for(&setup.fixture, 5);
    }
    assert_int_equal(atomic_load(&setup.server.accepted), 2);
    run.client.paused = false;
    assert_true(fixture_run_until(&setup.fixture, &run.done, WAIT_MS));
    run_finish(&run, &setup);
    assert_hello(&run);
    setup_end(&setup);
}

static void hang_up(struct peer *peer) {
    (void)peer_read_head(peer);
}

static void fresh_connection_that_dies_is_not_replaced(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, hang_up, NULL);
    run_init(&run, &setup, "GET", "/");
    run_to_end(&run, &setup);
    assert_int_equal(run.client.status, 502);
    assert_int_equal(run.done_status, -ECONNRESET);
    assert_int_equal(atomic_load(&setup.server.accepted), 1);
    setup_end(&setup);
}

static void connections_are_reused_and_kept_up_to_the_limit(void **state) {
    (void)state;
    struct setup setup;
    static struct run runs[5];
    struct virga_upstream_options options = {.max_idle = 2};
    setup_begin(&setup, true, say_hello, &options);
    for (size_t i = 0; i < 5; i++) {
        run_init(&runs[i], &setup, "GET", "/");
        run_start(&runs[i], &setup);
    }
    for (size_t i = 0; i < 5; i++) {
        assert_true(fixture_run_until(&setup.fixture, &runs[i].done, WAIT_MS));
        run_finish(&runs[i], &setup);
        assert_hello(&runs[i]);
    }
    assert_int_equal(atomic_load(&setup.server.accepted), 5);
    assert_int_equal(upstream_idle_count(setup.upstream), 2);
    for (size_t i = 0; i < 3; i++) {
        run_init(&runs[i], &setup, "GET", "/");
        run_to_end(&runs[i], &setup);
    }
    assert_int_equal(atomic_load(&setup.server.accepted), 5);
    ext_proxy.upstream_reset(setup.upstream);
    assert_int_equal(upstream_idle_count(setup.upstream), 0);
    run_init(&runs[0], &setup, "GET", "/");
    run_to_end(&runs[0], &setup);
    assert_int_equal(atomic_load(&setup.server.accepted), 6);
    setup_end(&setup);
}

/* --- failures --- */

static void answer_that_breaks_off_resets_the_client(void **state) {
    (void)state;
    static const char *const targets[] = {"/length", "/chunked"};
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, die_in_the_middle, NULL);
    for (size_t i = 0; i < 2; i++) {
        run_init(&run, &setup, "GET", targets[i]);
        run.options.on_error = on_error;
        run_to_end(&run, &setup);
        assert_true(run.client.begun);
        assert_true(run.client.aborted);
        assert_int_equal(run.errors, 0);
        assert_int_equal(run.done_status, -ECONNRESET);
    }
    setup_end(&setup);
}

static void speak_something_else(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "220 mail.example.com ESMTP\r\n");
    peer_await_end(peer);
}

static void what_is_not_http_is_ebadmsg(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, speak_something_else, NULL);
    run_init(&run, &setup, "GET", "/");
    run.options.on_error = on_error;
    run_to_end(&run, &setup);
    assert_int_equal(run.error, -EBADMSG);
    assert_int_equal(run.done_status, -EBADMSG);
    setup_end(&setup);
}

static void unreachable_upstream_is_named_rightly(void **state) {
    (void)state;
    static const struct {
        struct virga_upstream_options options;
        int error;
    } cases[] = {
        {{.unix_path = "/tmp/virga-test-no-such.sock"}, -ENOENT},
        {{.address = "127.0.0.1", .port = 1}, -ECONNREFUSED},
        {{.address = "::1", .port = 1}, -ECONNREFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct setup setup = {0};
        struct run run;
        fixture_init(&setup.fixture);
        setup_upstream(&setup, &cases[i].options);
        run_init(&run, &setup, "PUT", "/");
        run_upload(&run, 100, true);
        run.options.on_error = on_error;
        run_to_end(&run, &setup);
        /* A machine without IPv6 has no such address. */
        if (!(i == 2 && (run.error == -EADDRNOTAVAIL || run.error == -EAFNOSUPPORT))) {
            assert_int_equal(run.error, cases[i].error);
        }
        assert_int_equal(run.errors, 1);
        assert_null(run.client.on_body); /* no "100 Continue" for nothing */
        run_init(&run, &setup, "GET", "/");
        run_to_end(&run, &setup);
        assert_int_equal(run.client.status, 502);
        setup_end(&setup);
    }
}

/* A unix socket whose backlog is full refuses at once instead of letting wait. */
static void full_backlog_is_waited_for(void **state) {
    (void)state;
    struct setup setup = {0};
    struct run run;
    int fillers[8];
    size_t filled = 0;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    fixture_init(&setup.fixture);
    server_bind(&setup.server, true);
    assert_int_equal(listen(setup.server.fd, 0), 0);
    memcpy(address.sun_path, setup.server.path, sizeof setup.server.path);
    for (; filled < 8; filled++) {
        fillers[filled] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(fillers[filled], (struct sockaddr *)&address, sizeof address) != 0) {
            break;
        }
    }
    assert_in_range(filled, 1, 7);
    struct virga_upstream_options options = {.connect_timeout_ms = 400};
    setup_upstream(&setup, &options);
    run_init(&run, &setup, "GET", "/");
    run.options.on_error = on_error;
    run_to_end(&run, &setup);
    assert_int_equal(run.error, -ETIMEDOUT);
    /* And now there is room in time. */
    run_init(&run, &setup, "GET", "/");
    run_start(&run, &setup);
    fixture_run_for(&setup.fixture, 50);
    setup.server.script = say_hello;
    assert_int_equal(listen(setup.server.fd, 64), 0);
    assert_int_equal(pthread_create(&setup.server.thread, NULL, server_main, &setup.server), 0);
    setup.serving = true;
    assert_true(fixture_run_until(&setup.fixture, &run.done, WAIT_MS));
    run_finish(&run, &setup);
    assert_hello(&run);
    for (size_t i = 0; i <= filled; i++) {
        (void)close(fillers[i]);
    }
    setup_end(&setup);
}

static void silent_upstream_is_a_timeout(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    struct virga_upstream_options options = {.response_timeout_ms = 80};
    setup_begin(&setup, true, swallow, &options);
    run_init(&run, &setup, "GET", "/");
    run_to_end(&run, &setup);
    assert_int_equal(run.client.status, 504);
    assert_int_equal(run.done_status, -ETIMEDOUT);
    run_init(&run, &setup, "PUT", "/");
    run_upload(&run, 1000, true);
    run.options.on_error = on_error;
    run_to_end(&run, &setup);
    assert_int_equal(run.error, -ETIMEDOUT);
    setup_end(&setup);
}

static void stall_in_the_answer(struct peer *peer) {
    die_in_the_middle(peer);
    peer_await_end(peer);
}

static void take_nothing(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)usleep(400000);
}

static void stalls_end_the_transfer(void **state) {
    (void)state;
    struct virga_upstream_options options = {.stall_timeout_ms = 80};
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, stall_in_the_answer, &options);
    run_init(&run, &setup, "GET", "/");
    run_to_end(&run, &setup);
    assert_true(run.client.aborted);
    assert_int_equal(run.done_status, -ETIMEDOUT);
    setup_end(&setup);
    /* An upstream that does not take the body. */
    setup_begin(&setup, true, take_nothing, &options);
    run_init(&run, &setup, "PUT", "/");
    run_upload(&run, BIG, true);
    run_to_end(&run, &setup);
    assert_int_equal(run.client.status, 504);
    setup_end(&setup);
}

static void slow_client_is_no_stall_of_the_upstream(void **state) {
    (void)state;
    struct virga_upstream_options options = {.stall_timeout_ms = 400, .response_timeout_ms = 400};
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, send_until_close, &options);
    run_init(&run, &setup, "GET", "/");
    run.client.pattern = true;
    run.client.slow = true;
    run.client.stopped = true;
    run_start(&run, &setup);
    fixture_run_for(&setup.fixture, 900);
    assert_false(run.done);
    run.client.stopped = false;
    assert_true(fixture_run_until(&setup.fixture, &run.done, WAIT_MS));
    run_finish(&run, &setup);
    assert_int_equal(run.done_status, 0);
    assert_int_equal(run.client.body_len, 300000);
    setup_end(&setup);
    /* The same with a body that comes slowly. */
    setup_begin(&setup, true, echo_body, &options);
    run_init(&run, &setup, "PUT", "/");
    run_upload(&run, 1000, true);
    run.client.pattern = true;
    run.client.paused = true;
    run_start(&run, &setup);
    fixture_run_for(&setup.fixture, 900);
    assert_false(run.done);
    run.client.paused = false;
    assert_true(fixture_run_until(&setup.fixture, &run.done, WAIT_MS));
    run_finish(&run, &setup);
    assert_int_equal(run.client.body_len, 1000);
    setup_end(&setup);
}

/* --- the client leaves --- */

static void note_end_of_silence(struct peer *peer) {
    (void)peer_read_head(peer);
    peer_await_end(peer);
    atomic_store((atomic_bool *)peer->server->arg, true);
}

static bool wait_for(struct setup *setup, atomic_bool *flag) {
    for (int i = 0; i < 500 && !atomic_load(flag); i++) {
        fixture_run_for(&setup->fixture, 10);
    }
    return atomic_load(flag);
}

static void client_that_leaves_closes_the_upstream(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    atomic_bool closed = false;
    /* While it waits for the answer. */
    setup_begin(&setup, true, note_end_of_silence, NULL);
    setup.server.arg = &closed;
    run_init(&run, &setup, "GET", "/");
    run.options.on_error = on_error;
    run_start(&run, &setup);
    fixture_run_for(&setup.fixture, 50);
    client_leave(&run.client);
    assert_true(run.done);
    assert_int_equal(run.error, -ECANCELED);
    run_finish(&run, &setup);
    assert_true(wait_for(&setup, &closed));
    assert_int_equal(upstream_idle_count(setup.upstream), 0);
    /* Before anything was sent. */
    run_init(&run, &setup, "GET", "/");
    run_start(&run, &setup);
    client_leave(&run.client);
    assert_true(run.done);
    assert_int_equal(run.done_status, -ECANCELED);
    run_finish(&run, &setup);
    setup_end(&setup);
}

static void client_that_leaves_in_the_answer_closes_the_upstream(void **state) {
    (void)state;
    for (int waiting = 0; waiting < 2; waiting++) {
        struct setup setup;
        struct run run;
        atomic_uint sent = 0;
        setup_begin(&setup, true, send_big, NULL);
        setup.server.arg = &sent;
        run_init(&run, &setup, "GET", "/");
        run.client.pattern = true;
        run.client.slow = waiting == 1;
        run.client.stopped = true;
        run_start(&run, &setup);
        assert_true(fixture_run_until(&setup.fixture, &run.client.begun, WAIT_MS));
        if (waiting == 0) {
            run.client.gone = -ECONNRESET; /* the next write tells */
            assert_true(fixture_run_until(&setup.fixture, &run.done, WAIT_MS));
        } else {
            client_leave(&run.client);
        }
        assert_true(run.done);
        assert_true(run.done_status < 0);
        assert_true(run.client.aborted);
        run_finish(&run, &setup);
        fixture_run_for(&setup.fixture, 20);
        assert_in_range(atomic_load(&sent), 0, BIG - 1);
        setup_end(&setup);
    }
}

static void read_nothing(struct peer *peer) {
    char byte;
    (void)peer_read_head(peer);
    (void)read(*(int *)peer->server->arg, &byte, 1);
}

static void client_that_leaves_in_the_upload_closes_the_upstream(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    atomic_bool closed = false;
    /* The body tells. */
    setup_begin(&setup, true, note_end_of_silence, NULL);
    setup.server.arg = &closed;
    run_init(&run, &setup, "PUT", "/");
    run_upload(&run, BIG, true);
    run.client.upload_error = -ECONNRESET;
    run.client.upload_error_at = BIG / 2;
    run.client.gone = -ECONNRESET;
    run_to_end(&run, &setup);
    assert_int_equal(run.done_status, -ECONNRESET);
    assert_in_range(run.client.uploaded, BIG / 2, BIG - 1);
    assert_true(wait_for(&setup, &closed));
    setup_end(&setup);
    /* The body is paused. */
    int gate[2];
    assert_int_equal(pipe(gate), 0);
    setup_begin(&setup, true, read_nothing, NULL);
    setup.server.arg = &gate[0];
    run_init(&run, &setup, "PUT", "/");
    run_upload(&run, BIG, true);
    run_start(&run, &setup);
    assert_true(fixture_run_until(&setup.fixture, &run.client.paused, WAIT_MS));
    fixture_run_for(&setup.fixture, 20);
    client_leave(&run.client);
    assert_true(run.done);
    run_finish(&run, &setup);
    assert_int_equal(write(gate[1], "x", 1), 1);
    setup_end(&setup);
    (void)close(gate[0]);
    (void)close(gate[1]);
}

/* --- the plugin's end --- */

static void reclaimed_plugin_is_not_called(void **state) {
    (void)state;
    struct setup setup;
    static struct run runs[3];
    setup_begin(&setup, true, send_big, NULL);
    for (size_t i = 0; i < 3; i++) {
        run_init(&runs[i], &setup, "GET", "/");
        runs[i].client.pattern = true;
        runs[i].client.slow = true;
        runs[i].client.stopped = true;
        runs[i].options.on_error = on_error;
    }
    run_start(&runs[0], &setup);
    assert_true(fixture_run_until(&setup.fixture, &runs[0].client.begun, WAIT_MS));
    run_start(&runs[1], &setup);
    fixture_run_for(&setup.fixture, 20);
    run_start(&runs[2], &setup);
    fixture_reclaim(&setup.fixture);
    for (size_t i = 0; i < 3; i++) {
        assert_true(runs[i].client.aborted);
        assert_false(runs[i].done);
        assert_int_equal(runs[i].errors, 0);
        run_finish(&runs[i], &setup);
        assert_false(runs[i].done);
    }
    server_stop(&setup.server);
    assert_true(fixture_finish(&setup.fixture));
}

static void transfers_outlive_their_upstream(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, send_big, NULL);
    run_init(&run, &setup, "GET", "/");
    run.client.pattern = true;
    run.client.slow = true;
    run_start(&run, &setup);
    assert_true(fixture_run_until(&setup.fixture, &run.client.begun, WAIT_MS));
    ext_proxy.upstream_destroy(setup.upstream);
    assert_true(fixture_run_until(&setup.fixture, &run.done, WAIT_MS));
    run_finish(&run, &setup);
    assert_int_equal(run.client.body_len, BIG);
    assert_int_equal(run.done_status, 0);
    server_stop(&setup.server);
    assert_true(fixture_finish(&setup.fixture));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(big_body_goes_up_with_back_pressure),
        cmocka_unit_test(body_of_unknown_length_goes_up_chunked),
        cmocka_unit_test(early_answer_stops_the_body),
        cmocka_unit_test(early_answer_is_read_though_sending_fails),
        cmocka_unit_test(failing_body_of_the_client_ends_the_request),
        cmocka_unit_test(whole_bodies_are_sent),
        cmocka_unit_test(big_whole_body_is_sent),
        cmocka_unit_test(stale_pooled_connection_is_replaced_once),
        cmocka_unit_test(request_that_is_not_idempotent_is_not_sent_twice),
        cmocka_unit_test(idempotent_whole_body_is_sent_again),
        cmocka_unit_test(unbegun_body_goes_up_a_second_connection),
        cmocka_unit_test(fresh_connection_that_dies_is_not_replaced),
        cmocka_unit_test(connections_are_reused_and_kept_up_to_the_limit),
        cmocka_unit_test(answer_that_breaks_off_resets_the_client),
        cmocka_unit_test(what_is_not_http_is_ebadmsg),
        cmocka_unit_test(unreachable_upstream_is_named_rightly),
        cmocka_unit_test(full_backlog_is_waited_for),
        cmocka_unit_test(silent_upstream_is_a_timeout),
        cmocka_unit_test(stalls_end_the_transfer),
        cmocka_unit_test(slow_client_is_no_stall_of_the_upstream),
        cmocka_unit_test(client_that_leaves_closes_the_upstream),
        cmocka_unit_test(client_that_leaves_in_the_answer_closes_the_upstream),
        cmocka_unit_test(client_that_leaves_in_the_upload_closes_the_upstream),
        cmocka_unit_test(reclaimed_plugin_is_not_called),
        cmocka_unit_test(transfers_outlive_their_upstream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
