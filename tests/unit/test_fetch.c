/* SPDX-License-Identifier: MIT */
#include "ext_fetch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "plugin_fixture.h"
#include "scripted_server.h"

#define WAIT_MS 20000

struct setup {
    struct fixture fixture;
    struct server server;
    char url[160];
};

/* A request and what came of it. */
struct run {
    struct setup *setup;
    struct virga_fetch_request request;
    bool in_start;
    bool done;
    int status;
    int error;
    char error_text[300];
    char fields[4096]; /* "Name: value\n" each */
    char *body;
    size_t body_len;
    struct run *cancels; /* inside on_done */
    struct virga_fetch_handle *handle;
    struct run *starts;
};

static void run_start(struct run *run);

static void on_done(void *arg, const struct virga_fetch_response *res) {
    struct run *run = arg;
    size_t at = 0;
    assert_false(run->in_start || run->done);
    run->done = true;
    run->status = res->status;
    run->error = res->error;
    (void)snprintf(run->error_text, sizeof run->error_text, "%s", res->error_text);
    for (size_t i = 0; i < res->headers_count; i++) {
        at += (size_t)snprintf(run->fields + at, sizeof run->fields - at, "%s: %s\n",
                               res->headers[i].name.ptr, res->headers[i].value.ptr);
    }
    run->body_len = res->body.len;
    run->body = calloc(1, res->body.len + 1);
    memcpy(run->body, res->body.ptr, res->body.len);
    assert_int_equal(res->body.ptr[res->body.len], '\0');
    if (run->cancels != NULL) {
        ext_fetch.cancel(run->cancels->handle);
    }
    if (run->starts != NULL) {
        run_start(run->starts);
    }
}

static void run_init(struct run *run, struct setup *setup, const char *method) {
    memset(run, 0, sizeof *run);
    run->setup = setup;
    run->request.struct_size = sizeof run->request;
    run->request.method = method;
    run->request.url = setup->url;
    run->request.unix_path = setup->server.path[0] != '\0' ? setup->server.path : NULL;
    run->request.on_done = on_done;
    run->request.arg = run;
}

static void run_start(struct run *run) {
    run->in_start = true;
    assert_int_equal(ext_fetch.start(&run->setup->fixture.plugin.api, &run->request, &run->handle),
                     0);
    run->in_start = false;
}

static void run_wait(struct run *run) {
    assert_true(fixture_run_until(&run->setup->fixture, &run->done, WAIT_MS));
}

static void run_to_end(struct run *run) {
    run_start(run);
    run_wait(run);
}

static void setup_begin(struct setup *setup, bool unix_socket, void (*script)(struct peer *peer)) {
    memset(setup, 0, sizeof *setup);
    fixture_init(&setup->fixture);
    server_start(&setup->server, unix_socket, script, NULL);
    (void)snprintf(setup->url, sizeof setup->url, "http://127.0.0.1:%u/v1/../x?y=z",
                   (unsigned)setup->server.port);
    if (unix_socket) {
        (void)snprintf(setup->url, sizeof setup->url, "http://localhost/v1/../x?y=z");
    }
}

static void setup_end(struct setup *setup) {
    fixture_reclaim(&setup->fixture);
    ext_fetch_teardown(&setup->fixture.host);
    assert_null(setup->fixture.host.fetch);
    server_stop(&setup->server);
    assert_true(fixture_finish(&setup->fixture));
}

/* --- scripts --- */

/* Answers with the request's head and body. */
static void echo(struct peer *peer) {
    static _Thread_local char answer[200000];
    while (peer_read_head(peer)) {
        const char *at = strcasestr(peer->head, "\r\nContent-Length: ");
        size_t len = at != NULL ? strtoul(at + 18, NULL, 10) : 0;
        size_t head = strlen(peer->head);
        int used = snprintf(
            answer, sizeof answer,
            "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"
            "HTTP/1.1 203 Fine\r\nContent-Length: %zu\r\nX-One:  first \r\nX-Two:\r\n\r\n%s",
            head + len, peer->head);
        for (size_t got = 0; got < len;) {
            size_t more = peer_read(peer, answer + used + got, len - got);
            if (more == 0) {
                return;
            }
            got += more;
        }
        (void)peer_send(peer, answer, (size_t)used + len);
    }
}

static void answer_head(struct peer *peer) {
    while (peer_read_head(peer)) {
        (void)peer_say(peer, strncmp(peer->head, "HEAD ", 5) == 0
                                 ? "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"
                                 : "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    }
}

static void hang_up(struct peer *peer) {
    (void)peer_read_head(peer);
}

static void cut(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
}

static void wait_for_end(struct peer *peer) {
    (void)peer_read_head(peer);
    peer_await_end(peer);
}

static void speak_something_else(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "220 mail.example.com ESMTP\r\n");
}

static void send_much(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n");
    (void)peer_send_pattern(peer, 3000000);
}

static void send_endless_headers(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "HTTP/1.1 200 OK\r\n");
    while (peer_say(peer, "X-Long: 0123456789012345678901234567890123456789\r\n")) {
    }
}

static void redirect(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
}

/* --- tests --- */

static void answer_comes_with_headers_and_body(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct setup setup;
        struct run run;
        setup_begin(&setup, kind == 0, echo);
        run_init(&run, &setup, NULL);
        run_to_end(&run);
        assert_int_equal(run.error, 0);
        assert_string_equal(run.error_text, "");
        assert_int_equal(run.status, 203);
        assert_non_null(strstr(run.fields, "X-One: first\nX-Two: \n"));
        assert_null(strstr(run.fields, "X-Early"));
        /* The path goes as it is. */
        assert_ptr_equal(strstr(run.body, "GET /v1/../x?y=z HTTP/1.1\r\n"), run.body);
        free(run.body);
        setup_end(&setup);
    }
}

static void methods_and_bodies_go_as_given(void **state) {
    (void)state;
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, echo);
    for (size_t i = 0; i < 4; i++) {
        char line[40];
        (void)snprintf(line, sizeof line, "%s /", methods[i]);
        run_init(&run, &setup, methods[i]);
        run.request.body = virga_str_from("some body");
        run_to_end(&run);
        assert_int_equal(run.error, 0);
        assert_ptr_equal(strstr(run.body, line), run.body);
        assert_non_null(strstr(run.body, "\r\nContent-Length: 9\r\n"));
        assert_non_null(strstr(run.body, "\r\n\r\nsome body"));
        assert_null(strcasestr(run.body, "\r\nExpect:"));
        assert_null(strcasestr(run.body, "\r\nContent-Type:"));
        free(run.body);
    }
    /* Without a body. */
    run_init(&run, &setup, "POST");
    run_to_end(&run);
    assert_non_null(strstr(run.body, "\r\nContent-Length: 0\r\n"));
    free(run.body);
    run_init(&run, &setup, "DELETE");
    run_to_end(&run);
    assert_null(strstr(run.body, "\r\nContent-Length:"));
    free(run.body);
    assert_int_equal(atomic_load(&setup.server.accepted), 1);
    setup_end(&setup);
}

static void body_is_copied(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    char *body = malloc(150000);
    assert_non_null(body);
    server_pattern_fill(0, body, 150000);
    setup_begin(&setup, true, echo);
    run_init(&run, &setup, "PUT");
    run.request.body = (struct virga_str){body, 150000};
    run_start(&run);
    memset(body, 'X', 150000);
    free(body);
    run_wait(&run);
    assert_int_equal(run.error, 0);
    assert_true(server_pattern_is(0, run.body + run.body_len - 150000, 150000));
    free(run.body);
    setup_end(&setup);
}

static void headers_go_as_given(void **state) {
    (void)state;
    const struct virga_header headers[] = {{{"Content-Type", 12}, {"a/b", 3}},
                                           {{"X-Empty", 7}, {"", 0}},
                                           {{"Host", 4}, {"other.example", 13}},
                                           {{"Accept", 6}, {"one", 3}},
                                           {{"Accept", 6}, {"two", 3}}};
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, echo);
    run_init(&run, &setup, "PUT");
    run.request.body = virga_str_from("x");
    run.request.headers = headers;
    run.request.headers_count = 5;
    run_to_end(&run);
    assert_int_equal(run.error, 0);
    assert_non_null(strstr(run.body, "\r\nContent-Type: a/b\r\n"));
    assert_non_null(strstr(run.body, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(run.body, "\r\nHost: other.example\r\n"));
    assert_non_null(strstr(run.body, "\r\nAccept: one\r\nAccept: two\r\n"));
    assert_null(strstr(run.body, "Host: localhost"));
    free(run.body);
    setup_end(&setup);
}

static void head_announces_and_sends_nothing(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, answer_head);
    run_init(&run, &setup, "HEAD");
    run_to_end(&run);
    assert_int_equal(run.error, 0);
    assert_int_equal(run.status, 200);
    assert_string_equal(run.fields, "Content-Length: 99999999\n");
    assert_int_equal(run.body_len, 0);
    free(run.body);
    setup_end(&setup);
}

static void redirects_are_not_followed(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, false, redirect);
    run_init(&run, &setup, NULL);
    run_to_end(&run);
    assert_int_equal(run.status, 302);
    assert_non_null(strstr(run.fields, "Location: /elsewhere\n"));
    assert_int_equal(atomic_load(&setup.server.accepted), 1);
    free(run.body);
    setup_end(&setup);
}

/* --- failures --- */

static void assert_fails(void (*script)(struct peer *peer), uint32_t timeout_ms, int error) {
    for (int kind = 0; kind < 2; kind++) {
        struct setup setup;
        struct run run;
        setup_begin(&setup, kind == 0, script);
        run_init(&run, &setup, NULL);
        run.request.timeout_ms = timeout_ms;
        run_to_end(&run);
        assert_int_equal(run.error, error);
        assert_int_equal(run.status, 0);
        assert_true(run.error_text[0] != '\0');
        assert_int_equal(run.body_len, 0);
        free(run.body);
        setup_end(&setup);
    }
}

static void broken_answers_are_econnreset(void **state) {
    (void)state;
    assert_fails(hang_up, 0, -ECONNRESET);
    assert_fails(cut, 0, -ECONNRESET);
}

static void silence_is_etimedout(void **state) {
    (void)state;
    assert_fails(wait_for_end, 100, -ETIMEDOUT);
}

static void what_is_not_http_is_eproto(void **state) {
    (void)state;
    assert_fails(speak_something_else, 0, -EPROTO);
}

static void endless_headers_are_emsgsize(void **state) {
    (void)state;
    assert_fails(send_endless_headers, 0, -EMSGSIZE);
}

static void answer_beyond_the_limit_is_emsgsize(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, send_much);
    run_init(&run, &setup, NULL);
    run.request.body_limit_bytes = 2999999;
    run_to_end(&run);
    assert_int_equal(run.error, -EMSGSIZE);
    free(run.body);
    run_init(&run, &setup, NULL);
    run.request.body_limit_bytes = 3000000;
    run_to_end(&run);
    assert_int_equal(run.error, 0);
    assert_int_equal(run.body_len, 3000000);
    assert_true(server_pattern_is(0, run.body, run.body_len));
    free(run.body);
    setup_end(&setup);
}

static void unreachable_servers_are_named_rightly(void **state) {
    (void)state;
    static const struct {
        const char *url;
        const char *unix_path;
        int error;
    } cases[] = {
        {"http://127.0.0.1:1/", NULL, -ECONNREFUSED},
        {"http://localhost/", "/tmp/virga-test-no-such.sock", -ENOENT},
        {"http://no-such-host.invalid/", NULL, -EHOSTUNREACH},
    };
    struct setup setup;
    setup_begin(&setup, true, echo);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run run;
        run_init(&run, &setup, NULL);
        run.request.url = cases[i].url;
        run.request.unix_path = cases[i].unix_path;
        run_to_end(&run);
        assert_int_equal(run.error, cases[i].error);
        free(run.body);
    }
    setup_end(&setup);
}

/* TLS to a server that does not speak it. */
static void failed_handshake_is_eproto(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    char url[80];
    setup_begin(&setup, false, speak_something_else);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", (unsigned)setup.server.port);
    setup.server.script = speak_something_else;
    run_init(&run, &setup, NULL);
    run.request.url = url;
    run.request.timeout_ms = 3000;
    run_start(&run);
    fixture_run_for(&setup.fixture, 100);
    /* The ClientHello holds no end of a head: the script still waits, so that its half is closed
     * for it. */
    if (!run.done && atomic_load(&setup.server.accepted) > 0) {
        (void)send(setup.server.peers[0]->fd, "220 no\r\n", 8, MSG_NOSIGNAL);
    }
    run_wait(&run);
    assert_int_equal(run.error, -EPROTO);
    free(run.body);
    setup_end(&setup);
}

static void environment_proxy_is_not_for_loopback(void **state) {
    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    for (int kind = 0; kind < 2; kind++) {
        struct setup setup;
        struct run run;
        setup_begin(&setup, kind == 0, echo);
        run_init(&run, &setup, NULL);
        run_to_end(&run);
        assert_int_equal(run.error, 0);
        free(run.body);
        /* It is for the world outside. */
        run_init(&run, &setup, NULL);
        run.request.url = "http://192.0.2.1/";
        run.request.unix_path = NULL;
        run_to_end(&run);
        assert_int_equal(run.error, -ECONNREFUSED);
        free(run.body);
        setup_end(&setup);
    }
    (void)unsetenv("http_proxy");
}

static void malformed_requests_are_einval(void **state) {
    (void)state;
    static const char *const urls[] = {"ftp://localhost/",   "file:///etc/passwd",
                                       "localhost/x",        "",
                                       "http://local host/", "http://localhost/\r\nX: y"};
    static const struct virga_header headers[] = {
        {{"", 0}, {"x", 1}},   {{"A", 1}, {"x\r\nB: y", 7}},       {{"A: b\r\nC", 7}, {"x", 1}},
        {{"A:", 2}, {"x", 1}}, {{"Content-Length", 14}, {"5", 1}}, {{"A", 1}, {NULL, 0}},
    };
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, echo);
    const struct virga_host *host = &setup.fixture.plugin.api;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        run_init(&run, &setup, NULL);
        run.request.url = urls[i];
        assert_int_equal(ext_fetch.start(host, &run.request, NULL), -EINVAL);
    }
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        run_init(&run, &setup, NULL);
        run.request.headers = &headers[i];
        run.request.headers_count = 1;
        assert_int_equal(ext_fetch.start(host, &run.request, NULL), -EINVAL);
    }
    run_init(&run, &setup, "GET /");
    assert_int_equal(ext_fetch.start(host, &run.request, NULL), -EINVAL);
    run_init(&run, &setup, "HEAD");
    run.request.body = virga_str_from("x");
    assert_int_equal(ext_fetch.start(host, &run.request, NULL), -EINVAL);
    run_init(&run, &setup, NULL);
    run.request.struct_size = 8;
    assert_int_equal(ext_fetch.start(host, &run.request, NULL), -EINVAL);
    assert_true(list_empty(&setup.fixture.plugin.resources));
    setup_end(&setup);
}

/* --- cancel, many, the plugin's end --- */

static void cancelled_fetch_is_ecanceled_once(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, wait_for_end);
    run_init(&run, &setup, NULL);
    run_start(&run);
    ext_fetch.cancel(run.handle); /* before anything was sent */
    ext_fetch.cancel(run.handle);
    assert_false(run.done);
    run_wait(&run);
    assert_int_equal(run.error, -ECANCELED);
    free(run.body);
    run_init(&run, &setup, NULL);
    run_start(&run);
    fixture_run_for(&setup.fixture, 50);
    ext_fetch.cancel(run.handle);
    assert_false(run.done);
    run_wait(&run);
    assert_int_equal(run.error, -ECANCELED);
    free(run.body);
    setup_end(&setup);
}

static void echo_but_other(struct peer *peer) {
    while (peer_read_head(peer) && strstr(peer->head, " /other ") == NULL) {
        (void)peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    peer_await_end(peer);
}

static void callback_may_cancel_and_start_others(void **state) {
    (void)state;
    struct setup setup;
    struct run first, other, next;
    setup_begin(&setup, true, echo_but_other);
    run_init(&other, &setup, NULL);
    other.request.url = "http://localhost/other";
    run_init(&next, &setup, NULL);
    run_init(&first, &setup, NULL);
    first.cancels = &other;
    first.starts = &next;
    run_start(&first);
    run_start(&other);
    run_wait(&first);
    run_wait(&next);
    run_wait(&other);
    assert_int_equal(first.error, 0);
    assert_int_equal(next.error, 0);
    assert_int_equal(other.error, -ECANCELED);
    free(first.body);
    free(other.body);
    free(next.body);
    setup_end(&setup);
}

static void many_at_once_all_end(void **state) {
    (void)state;
    struct setup setup;
    static struct run runs[40];
    setup_begin(&setup, true, echo);
    for (size_t i = 0; i < 40; i++) {
        run_init(&runs[i], &setup, "PUT");
        runs[i].request.body = virga_str_from("body");
        run_start(&runs[i]);
    }
    for (size_t i = 0; i < 40; i++) {
        run_wait(&runs[i]);
        assert_int_equal(runs[i].error, 0);
        assert_int_equal(runs[i].status, 203);
        free(runs[i].body);
    }
    setup_end(&setup);
}

static void connection_that_died_while_idle_is_replaced(void **state) {
    (void)state;
    struct setup setup;
    struct run run;
    setup_begin(&setup, true, echo);
    run_init(&run, &setup, NULL);
    run_to_end(&run);
    free(run.body);
    (void)shutdown(setup.server.peers[0]->fd, SHUT_RDWR);
    fixture_run_for(&setup.fixture, 20);
    run_init(&run, &setup, NULL);
    run_to_end(&run);
    assert_int_equal(run.error, 0);
    assert_int_equal(atomic_load(&setup.server.accepted), 2);
    free(run.body);
    setup_end(&setup);
}

static void reclaimed_plugin_is_not_called(void **state) {
    (void)state;
    struct setup setup;
    static struct run runs[3];
    setup_begin(&setup, true, wait_for_end);
    for (size_t i = 0; i < 3; i++) {
        run_init(&runs[i], &setup, NULL);
        run_start(&runs[i]);
        fixture_run_for(&setup.fixture, i == 0 ? 30 : 1);
    }
    ext_fetch.cancel(runs[1].handle);
    fixture_reclaim(&setup.fixture);
    fixture_run_for(&setup.fixture, 50);
    for (size_t i = 0; i < 3; i++) {
        assert_false(runs[i].done);
    }
    setup_end(&setup);
}

static void teardown_without_a_fetch_does_nothing(void **state) {
    (void)state;
    struct setup setup;
    setup_begin(&setup, true, echo);
    assert_null(setup.fixture.host.fetch);
    setup_end(&setup);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_comes_with_headers_and_body),
        cmocka_unit_test(methods_and_bodies_go_as_given),
        cmocka_unit_test(body_is_copied),
        cmocka_unit_test(headers_go_as_given),
        cmocka_unit_test(head_announces_and_sends_nothing),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(broken_answers_are_econnreset),
        cmocka_unit_test(silence_is_etimedout),
        cmocka_unit_test(what_is_not_http_is_eproto),
        cmocka_unit_test(endless_headers_are_emsgsize),
        cmocka_unit_test(answer_beyond_the_limit_is_emsgsize),
        cmocka_unit_test(unreachable_servers_are_named_rightly),
        cmocka_unit_test(failed_handshake_is_eproto),
        cmocka_unit_test(environment_proxy_is_not_for_loopback),
        cmocka_unit_test(malformed_requests_are_einval),
        cmocka_unit_test(cancelled_fetch_is_ecanceled_once),
        cmocka_unit_test(callback_may_cancel_and_start_others),
        cmocka_unit_test(many_at_once_all_end),
        cmocka_unit_test(connection_that_died_while_idle_is_replaced),
        cmocka_unit_test(reclaimed_plugin_is_not_called),
        cmocka_unit_test(teardown_without_a_fetch_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
