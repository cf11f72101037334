/* SPDX-License-Identifier: MIT */
/* The proxy between real sockets: the host's own server on one side, a scripted upstream on the
 * other. */
#include "ext_proxy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "listener.h"
#include "plugin_fixture.h"
#include "request.h"
#include "scripted_server.h"
#include "upstream.h"

#define BIG (UINT64_C(64) * 1024 * 1024)
#define WAIT_MS 30000

struct setup {
    struct fixture fixture;
    struct server server;
    struct virga_upstream *upstream;
    struct listener *listener;
    struct virga_proxy_request options;
    unsigned done;
    int done_status;
};

/* A blocking client on a thread of its own; the script is run as by a server, with the roles
 * changed. */
struct wire {
    struct setup *setup;
    struct peer peer;
    pthread_t thread;
    void (*script)(struct wire *wire);
    atomic_bool ended;
    bool right;
};

static void on_done(void *arg, int status) {
    struct setup *setup = arg;
    setup->done++;
    setup->done_status = status;
}

static void on_request(void *arg, struct request *req) {
    struct setup *setup = arg;
    assert_int_equal(
        ext_proxy.forward(&setup->fixture.plugin.api, &req->pub, setup->upstream, &setup->options),
        0);
}

static void setup_begin(struct setup *setup, void (*script)(struct peer *peer)) {
    struct error err = {0};
    memset(setup, 0, sizeof *setup);
    fixture_init(&setup->fixture);
    struct host *host = &setup->fixture.host;
    host->header_limit_bytes = 65536;
    host->body_limit_bytes = 1048576;
    host->header_timeout_ms = host->idle_timeout_ms = host->stall_timeout_ms = 60000;
    host->max_connections = 100;
    server_start(&setup->server, true, script, NULL);
    struct virga_upstream_options upstream = {.struct_size = sizeof upstream,
                                              .unix_path = setup->server.path};
    assert_int_equal(
        ext_proxy.upstream_create(&setup->fixture.plugin.api, &upstream, &setup->upstream), 0);
    struct listener_options listener = {.addresses = "127.0.0.1",
                                        .plugin = &setup->fixture.plugin,
                                        .streams = true,
                                        .on_request = on_request,
                                        .arg = setup};
    assert_int_equal(listener_open(host, &listener, &setup->listener, &err), 0);
    setup->options.struct_size = sizeof setup->options;
    setup->options.on_done = on_done;
    setup->options.arg = setup;
}

static void setup_end(struct setup *setup) {
    listener_close(setup->listener);
    fixture_run_for(&setup->fixture, 10);
    fixture_reclaim(&setup->fixture);
    server_stop(&setup->server);
    assert_true(fixture_finish(&setup->fixture));
}

static void *wire_main(void *arg) {
    struct wire *wire = arg;
    wire->script(wire);
    (void)close(wire->peer.fd);
    atomic_store(&wire->ended, true);
    return NULL;
}

/* Runs the client's script to its end while the loop turns; then the transfers end. */
static void run_wire(struct setup *setup, struct wire *wire, void (*script)(struct wire *wire)) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(listener_port(setup->listener)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    memset(wire, 0, sizeof *wire);
    wire->setup = setup;
    wire->script = script;
    wire->peer.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(wire->peer.fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(pthread_create(&wire->thread, NULL, wire_main, wire), 0);
    for (int i = 0; i < WAIT_MS / 5 && !atomic_load(&wire->ended); i++) {
        fixture_run_for(&setup->fixture, 5);
    }
    assert_true(atomic_load(&wire->ended));
    assert_int_equal(pthread_join(wire->thread, NULL), 0);
    fixture_run_for(&setup->fixture, 50);
}

/* --- upstreams --- */

static void serve_big(struct peer *peer) {
    while (peer_read_head(peer)) {
        if (strncmp(peer->head, "GET", 3) == 0) {
            (void)peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n");
            if (!peer_send_pattern(peer, BIG)) {
                return;
            }
        } else if (!peer_read_pattern(peer, BIG)) {
            return;
        } else {
            (void)peer_say(peer, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
        }
    }
}

static void refuse_early(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
    peer_await_end(peer);
}

static void break_off(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n");
    (void)peer_send_pattern(peer, BIG / 2);
}

/* --- clients --- */

static void pull_and_push(struct wire *wire) {
    struct peer *peer = &wire->peer;
    for (int i = 0; i < 2; i++) {
        if (!peer_say(peer, "GET /blob HTTP/1.1\r\nHost: h\r\n\r\n") || !peer_read_head(peer) ||
            strstr(peer->head, "\r\nContent-Length: 67108864\r\n") == NULL) {
            return;
        }
        (void)usleep(i == 0 ? 50000 : 0); /* the proxy has to wait */
        if (!peer_read_pattern(peer, BIG) ||
            !peer_say(peer, "PUT /blob HTTP/1.1\r\nHost: h\r\nContent-Length: 67108864\r\n\r\n") ||
            !peer_send_pattern(peer, BIG) || !peer_read_head(peer) ||
            strncmp(peer->head, "HTTP/1.1 201 ", 13) != 0) {
            return;
        }
    }
    wire->right = true;
}

static void push_what_is_refused(struct wire *wire) {
    struct peer *peer = &wire->peer;
    char body[4];
    (void)peer_say(peer, "PUT /blob HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 100 && peer_say(peer, "5\r\nhello\r\n"); i++) {
        (void)usleep(1000);
    }
    wire->right = peer_read_head(peer) && strncmp(peer->head, "HTTP/1.1 404 ", 13) == 0 &&
                  peer_read(peer, body, sizeof body) == 4 && memcmp(body, "none", 4) == 0;
}

static void pull_a_little(struct wire *wire) {
    struct peer *peer = &wire->peer;
    wire->right = peer_say(peer, "GET /blob HTTP/1.1\r\nHost: h\r\n\r\n") && peer_read_head(peer) &&
                  peer_read_pattern(peer, 1000);
}

static void push_a_little(struct wire *wire) {
    struct peer *peer = &wire->peer;
    wire->right =
        peer_say(peer, "PUT /blob HTTP/1.1\r\nHost: h\r\nContent-Length: 67108864\r\n\r\n") &&
        peer_send_pattern(peer, 1000000);
    (void)usleep(50000);
}

static void pull_too_much(struct wire *wire) {
    struct peer *peer = &wire->peer;
    wire->right = peer_say(peer, "GET /blob HTTP/1.1\r\nHost: h\r\n\r\n") && peer_read_head(peer) &&
                  !peer_read_pattern(peer, BIG);
}

/* --- tests --- */

static void big_bodies_pass_both_ways_on_one_connection(void **state) {
    (void)state;
    struct setup setup;
    static struct wire wire;
    setup_begin(&setup, serve_big);
    run_wire(&setup, &wire, pull_and_push);
    assert_true(wire.right);
    assert_int_equal(setup.done, 4);
    assert_int_equal(setup.done_status, 0);
    assert_int_equal(atomic_load(&setup.server.accepted), 1);
    assert_int_equal(upstream_idle_count(setup.upstream), 1);
    setup_end(&setup);
}

static void early_refusal_reaches_a_client_that_still_sends(void **state) {
    (void)state;
    struct setup setup;
    static struct wire wire;
    setup_begin(&setup, refuse_early);
    run_wire(&setup, &wire, push_what_is_refused);
    assert_true(wire.right);
    assert_int_equal(setup.done, 1);
    assert_int_equal(upstream_idle_count(setup.upstream), 0);
    setup_end(&setup);
}

static void client_that_hangs_up_ends_the_transfer(void **state) {
    (void)state;
    static void (*const scripts[])(struct wire * wire) = {pull_a_little, push_a_little};
    for (size_t i = 0; i < 2; i++) {
        struct setup setup;
        static struct wire wire;
        setup_begin(&setup, serve_big);
        run_wire(&setup, &wire, scripts[i]);
        assert_true(wire.right);
        assert_int_equal(setup.done, 1);
        assert_true(setup.done_status < 0);
        assert_int_equal(upstream_idle_count(setup.upstream), 0);
        setup_end(&setup);
    }
}

static void upstream_that_dies_is_noticed_by_the_client(void **state) {
    (void)state;
    struct setup setup;
    static struct wire wire;
    setup_begin(&setup, break_off);
    run_wire(&setup, &wire, pull_too_much);
    assert_true(wire.right);
    assert_int_equal(setup.done, 1);
    assert_int_equal(setup.done_status, -ECONNRESET);
    setup_end(&setup);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(big_bodies_pass_both_ways_on_one_connection),
        cmocka_unit_test(early_refusal_reaches_a_client_that_still_sends),
        cmocka_unit_test(client_that_hangs_up_ends_the_transfer),
        cmocka_unit_test(upstream_that_dies_is_noticed_by_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
