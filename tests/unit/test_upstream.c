/* SPDX-License-Identifier: MIT */
#include "upstream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "plugin_fixture.h"
#include "scripted_server.h"

#define WAIT_MS 10000

struct setup {
    struct fixture fixture;
    struct server server;
    struct virga_upstream *upstream;
};

/* The user of a connection. */
struct user {
    struct upstream_conn *conn;
    bool in_connect;
    bool connected;
    int connect_status;
    bool ended;
    int end_error;
    bool sent;
    bool pauses; /* on_bytes pauses */
    bool got;
    const char *bytes;
    char seen[64];
    size_t len;
};

static void on_connect(void *arg, int status) {
    struct user *user = arg;
    assert_false(user->in_connect || user->connected);
    user->connected = true;
    user->connect_status = status;
}

static void on_bytes(void *arg, const char *bytes, size_t len) {
    struct user *user = arg;
    user->got = true;
    user->bytes = bytes;
    user->len += len;
    memcpy(user->seen, bytes, len < sizeof user->seen ? len : sizeof user->seen - 1);
    if (user->pauses) {
        upstream_conn_pause(user->conn);
    }
}

static void on_end(void *arg, int error) {
    struct user *user = arg;
    assert_false(user->ended);
    user->ended = true;
    user->end_error = error;
}

static void on_sent(void *arg) {
    struct user *user = arg;
    user->sent = true;
}

static const struct upstream_events events = {on_connect, on_bytes, on_end, on_sent};

static void setup_begin(struct setup *setup, bool unix_socket, void (*script)(struct peer *peer),
                        uint16_t max_idle) {
    memset(setup, 0, sizeof *setup);
    fixture_init(&setup->fixture);
    server_start(&setup->server, unix_socket, script, NULL);
    struct virga_upstream_options options = {
        .struct_size = sizeof options,
        .unix_path = unix_socket ? setup->server.path : NULL,
        .address = unix_socket ? NULL : "127.0.0.1",
        .port = setup->server.port,
        .max_idle = max_idle,
    };
    assert_int_equal(upstream_create(&setup->fixture.plugin, &options, &setup->upstream), 0);
}

static void setup_end(struct setup *setup) {
    fixture_reclaim(&setup->fixture);
    server_stop(&setup->server);
    assert_true(fixture_finish(&setup->fixture));
}

/* A connection, new or pooled; what upstream_connect() returned. */
static int connect_user(struct setup *setup, struct user *user, bool fresh) {
    memset(user, 0, sizeof *user);
    user->in_connect = true;
    int result = upstream_connect(setup->upstream, fresh, &events, user, &user->conn);
    user->in_connect = false;
    if (result == 0) {
        assert_true(fixture_run_until(&setup->fixture, &user->connected, WAIT_MS));
        assert_int_equal(user->connect_status, 0);
    }
    return result;
}

static void await_accepted(const struct setup *setup, unsigned count) {
    for (int i = 0; i < 2000 && atomic_load(&setup->server.accepted) < count; i++) {
        (void)usleep(1000);
    }
    assert_int_equal(atomic_load(&setup->server.accepted), count);
}

static void await_empty_pool(struct setup *setup) {
    for (int i = 0; i < 1000 && upstream_idle_count(setup->upstream) > 0; i++) {
        fixture_run_for(&setup->fixture, 2);
    }
    assert_int_equal(upstream_idle_count(setup->upstream), 0);
}

static int write_text(struct user *user, const char *text) {
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));
    return upstream_conn_write(user->conn, &buf, 1);
}

/* Answers each byte that comes with "<connection number>". */
static void number_bytes(struct peer *peer) {
    char text[16];
    char byte;
    (void)snprintf(text, sizeof text, "%u", peer->number);
    while (peer_read(peer, &byte, 1) == 1 && byte != 'q' && peer_say(peer, text)) {
    }
}

static void the_latest_connection_is_taken_first(void **state) {
    (void)state;
    struct setup setup;
    struct user users[3];
    setup_begin(&setup, true, number_bytes, 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(connect_user(&setup, &users[i], false), 0);
    }
    await_accepted(&setup, 3);
    upstream_conn_release(users[0].conn, true);
    upstream_conn_release(users[2].conn, true);
    upstream_conn_release(users[1].conn, true);
    assert_int_equal(upstream_idle_count(setup.upstream), 3);
    struct upstream_conn *second = users[1].conn;
    struct upstream_conn *third = users[2].conn;
    assert_int_equal(connect_user(&setup, &users[0], false), 1);
    assert_ptr_equal(users[0].conn, second);
    assert_int_equal(connect_user(&setup, &users[1], false), 1);
    assert_ptr_equal(users[1].conn, third);
    assert_int_equal(connect_user(&setup, &users[2], true), 0);
    assert_int_equal(upstream_idle_count(setup.upstream), 1);
    for (size_t i = 0; i < 3; i++) {
        upstream_conn_release(users[i].conn, false);
    }
    setup_end(&setup);
}

static void idle_connection_that_ends_leaves_the_pool(void **state) {
    (void)state;
    struct setup setup;
    struct user user;
    setup_begin(&setup, true, number_bytes, 0);
    (void)connect_user(&setup, &user, false);
    assert_int_equal(write_text(&user, "x"), 1);
    assert_true(fixture_run_until(&setup.fixture, &user.got, WAIT_MS));
    upstream_conn_release(user.conn, true);
    assert_int_equal(upstream_idle_count(setup.upstream), 1);
    (void)shutdown(setup.server.peers[0]->fd, SHUT_RDWR);
    await_empty_pool(&setup);
    assert_false(user.ended);
    setup_end(&setup);
}

static void idle_connection_that_speaks_leaves_the_pool(void **state) {
    (void)state;
    struct setup setup;
    struct user user;
    setup_begin(&setup, true, number_bytes, 0);
    (void)connect_user(&setup, &user, false);
    assert_int_equal(write_text(&user, "x"), 1);
    upstream_conn_release(user.conn, true);
    await_empty_pool(&setup);
    setup_end(&setup);
}

/* It has ended, but the loop has not had a turn to see it. */
static void dead_connection_is_not_taken_from_the_pool(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct setup setup;
        struct user user;
        setup_begin(&setup, kind == 0, number_bytes, 0);
        (void)connect_user(&setup, &user, false);
        assert_int_equal(write_text(&user, "x"), 1);
        assert_true(fixture_run_until(&setup.fixture, &user.got, WAIT_MS));
        upstream_conn_release(user.conn, true);
        (void)shutdown(setup.server.peers[0]->fd, SHUT_RDWR);
        (void)usleep(20000);
        assert_int_equal(connect_user(&setup, &user, false), 0);
        await_accepted(&setup, 2);
        upstream_conn_release(user.conn, false);
        setup_end(&setup);
    }
}

static void pool_is_no_larger_than_its_limit(void **state) {
    (void)state;
    struct setup setup;
    struct user users[4];
    setup_begin(&setup, true, number_bytes, 2);
    for (size_t i = 0; i < 4; i++) {
        (void)connect_user(&setup, &users[i], false);
    }
    for (size_t i = 0; i < 4; i++) {
        upstream_conn_release(users[i].conn, true);
    }
    assert_int_equal(upstream_idle_count(setup.upstream), 2);
    setup_end(&setup);
}

static void reset_keeps_older_connections_out_of_the_pool(void **state) {
    (void)state;
    struct setup setup;
    struct user idle, used, later;
    setup_begin(&setup, true, number_bytes, 0);
    (void)connect_user(&setup, &idle, false);
    (void)connect_user(&setup, &used, false);
    upstream_conn_release(idle.conn, true);
    upstream_reset(setup.upstream);
    assert_int_equal(upstream_idle_count(setup.upstream), 0);
    upstream_conn_release(used.conn, true);
    assert_int_equal(upstream_idle_count(setup.upstream), 0);
    assert_int_equal(connect_user(&setup, &later, false), 0);
    upstream_conn_release(later.conn, true);
    assert_int_equal(upstream_idle_count(setup.upstream), 1);
    setup_end(&setup);
}

static void connection_outlives_its_upstream(void **state) {
    (void)state;
    struct setup setup;
    struct user user;
    setup_begin(&setup, true, number_bytes, 0);
    (void)connect_user(&setup, &user, false);
    upstream_destroy(setup.upstream);
    assert_int_equal(write_text(&user, "x"), 1);
    assert_true(fixture_run_until(&setup.fixture, &user.got, WAIT_MS));
    assert_int_equal(user.seen[0], '1');
    upstream_conn_release(user.conn, true);
    setup_end(&setup);
}

static void connection_given_up_while_connecting_is_not_told(void **state) {
    (void)state;
    struct setup setup;
    struct user user = {0};
    setup_begin(&setup, false, number_bytes, 0);
    assert_int_equal(upstream_connect(setup.upstream, false, &events, &user, &user.conn), 0);
    upstream_conn_release(user.conn, true);
    fixture_run_for(&setup.fixture, 30);
    assert_false(user.connected);
    setup_end(&setup);
}

static void send_in_turns(struct peer *peer) {
    char byte;
    while (peer_read(peer, &byte, 1) == 1 && peer_say(peer, byte == 'a' ? "first" : "second")) {
    }
}

static void paused_bytes_stay_while_others_read(void **state) {
    (void)state;
    struct setup setup;
    struct user slow, fast;
    setup_begin(&setup, true, send_in_turns, 0);
    (void)connect_user(&setup, &slow, false);
    (void)connect_user(&setup, &fast, false);
    slow.pauses = true;
    assert_int_equal(write_text(&slow, "a"), 1);
    assert_true(fixture_run_until(&setup.fixture, &slow.got, WAIT_MS));
    assert_int_equal(write_text(&slow, "b"), 1);
    assert_int_equal(write_text(&fast, "b"), 1);
    assert_true(fixture_run_until(&setup.fixture, &fast.got, WAIT_MS));
    fixture_run_for(&setup.fixture, 20);
    assert_ptr_not_equal(slow.bytes, fast.bytes);
    assert_memory_equal(slow.bytes, "first", 5);
    assert_int_equal(slow.len, 5);
    slow.pauses = false;
    slow.got = false;
    upstream_conn_resume(slow.conn);
    assert_true(fixture_run_until(&setup.fixture, &slow.got, WAIT_MS));
    assert_int_equal(slow.len, 11);
    upstream_conn_release(slow.conn, true);
    upstream_conn_release(fast.conn, true);
    assert_int_equal(upstream_idle_count(setup.upstream), 2);
    setup_end(&setup);
}

#define MUCH 8000000u

static void take_much_late(struct peer *peer) {
    char byte;
    (void)read(*(int *)peer->server->arg, &byte, 1);
    (void)peer_say(peer, peer_read_pattern(peer, MUCH) ? "yes" : "no");
}

static void what_the_socket_does_not_take_is_copied_and_queued(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct setup setup;
        struct user user;
        int gate[2];
        char *bytes = malloc(MUCH);
        assert_int_equal(pipe(gate), 0);
        assert_non_null(bytes);
        server_pattern_fill(0, bytes, MUCH);
        setup_begin(&setup, kind == 0, take_much_late, 0);
        setup.server.arg = &gate[0];
        (void)connect_user(&setup, &user, false);
        /* Cut anywhere: the pieces come in order. */
        uv_buf_t bufs[3] = {uv_buf_init(bytes, 10), uv_buf_init(bytes + 10, 5000000),
                            uv_buf_init(bytes + 5000010, MUCH - 5000010 - 7)};
        assert_int_equal(upstream_conn_write(user.conn, bufs, 3), 0);
        bufs[0] = uv_buf_init(bytes + MUCH - 7, 7);
        assert_int_equal(upstream_conn_write(user.conn, bufs, 1), 0);
        assert_true(upstream_conn_queued(user.conn) > 0);
        memset(bytes, 'X', MUCH);
        free(bytes);
        assert_int_equal(write(gate[1], "x", 1), 1);
        assert_true(fixture_run_until(&setup.fixture, &user.sent, WAIT_MS));
        assert_int_equal(upstream_conn_queued(user.conn), 0);
        assert_true(fixture_run_until(&setup.fixture, &user.got, WAIT_MS));
        assert_string_equal(user.seen, "yes");
        upstream_conn_release(user.conn, false);
        setup_end(&setup);
        (void)close(gate[0]);
        (void)close(gate[1]);
    }
}

static void connection_with_queued_bytes_is_not_pooled(void **state) {
    (void)state;
    struct setup setup;
    struct user user;
    int gate[2];
    char *bytes = calloc(1, MUCH);
    assert_non_null(bytes);
    assert_int_equal(pipe(gate), 0);
    setup_begin(&setup, true, take_much_late, 0);
    setup.server.arg = &gate[0];
    (void)connect_user(&setup, &user, false);
    uv_buf_t buf = uv_buf_init(bytes, MUCH);
    assert_int_equal(upstream_conn_write(user.conn, &buf, 1), 0);
    upstream_conn_release(user.conn, true);
    assert_int_equal(upstream_idle_count(setup.upstream), 0);
    free(bytes);
    fixture_run_for(&setup.fixture, 20);
    assert_false(user.sent);
    assert_int_equal(write(gate[1], "x", 1), 1);
    setup_end(&setup);
    (void)close(gate[0]);
    (void)close(gate[1]);
}

static void end_is_told_once_with_its_error(void **state) {
    (void)state;
    struct setup setup;
    struct user user;
    setup_begin(&setup, true, number_bytes, 0);
    (void)connect_user(&setup, &user, false);
    assert_int_equal(write_text(&user, "q"), 1);
    assert_true(fixture_run_until(&setup.fixture, &user.ended, WAIT_MS));
    assert_int_equal(user.end_error, 0);
    fixture_run_for(&setup.fixture, 20);
    upstream_conn_release(user.conn, true);
    assert_int_equal(upstream_idle_count(setup.upstream), 0);
    setup_end(&setup);
}

struct ticker {
    struct upstream_watch watch;
    struct virga_upstream *upstream;
    struct ticker *ends;
    unsigned ticks;
    bool twice;
};

static void on_tick(struct upstream_watch *watch, uint64_t now_ms) {
    struct ticker *ticker = LIST_ENTRY(watch, struct ticker, watch);
    assert_true(now_ms > 0);
    ticker->ticks++;
    ticker->twice = ticker->ticks == 2;
    if (ticker->ends != NULL) {
        upstream_watch_remove(ticker->upstream, &ticker->ends->watch);
        ticker->ends = NULL;
    }
}

static void tick_may_end_other_watches(void **state) {
    (void)state;
    struct setup setup;
    struct ticker tickers[3] = {
        {.watch.on_tick = on_tick}, {.watch.on_tick = on_tick}, {.watch.on_tick = on_tick}};
    setup_begin(&setup, true, number_bytes, 0);
    for (size_t i = 0; i < 3; i++) {
        tickers[i].upstream = setup.upstream;
        upstream_watch_add(setup.upstream, &tickers[i].watch);
    }
    tickers[0].ends = &tickers[1];
    tickers[2].ends = &tickers[0];
    assert_true(fixture_run_until(&setup.fixture, &tickers[2].twice, WAIT_MS));
    assert_int_equal(tickers[0].ticks, 1);
    assert_int_equal(tickers[1].ticks, 0);
    upstream_watch_remove(setup.upstream, &tickers[2].watch);
    setup_end(&setup);
}

static void malformed_options_are_einval(void **state) {
    (void)state;
    char long_path[200];
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    const struct virga_upstream_options cases[] = {
        {.struct_size = sizeof cases[0]},
        {.struct_size = sizeof cases[0], .unix_path = "/a", .address = "127.0.0.1", .port = 1},
        {.struct_size = sizeof cases[0], .unix_path = ""},
        {.struct_size = sizeof cases[0], .unix_path = long_path},
        {.struct_size = sizeof cases[0], .address = "localhost", .port = 1},
        {.struct_size = sizeof cases[0], .address = "127.0.0.1"},
        {.struct_size = 8, .unix_path = "/a"},
    };
    struct fixture fixture;
    struct virga_upstream *upstream;
    fixture_init(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(upstream_create(&fixture.plugin, &cases[i], &upstream), -EINVAL);
    }
    assert_true(fixture_finish(&fixture));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_latest_connection_is_taken_first),
        cmocka_unit_test(idle_connection_that_ends_leaves_the_pool),
        cmocka_unit_test(idle_connection_that_speaks_leaves_the_pool),
        cmocka_unit_test(dead_connection_is_not_taken_from_the_pool),
        cmocka_unit_test(pool_is_no_larger_than_its_limit),
        cmocka_unit_test(reset_keeps_older_connections_out_of_the_pool),
        cmocka_unit_test(connection_outlives_its_upstream),
        cmocka_unit_test(connection_given_up_while_connecting_is_not_told),
        cmocka_unit_test(paused_bytes_stay_while_others_read),
        cmocka_unit_test(what_the_socket_does_not_take_is_copied_and_queued),
        cmocka_unit_test(connection_with_queued_bytes_is_not_pooled),
        cmocka_unit_test(end_is_told_once_with_its_error),
        cmocka_unit_test(tick_may_end_other_watches),
        cmocka_unit_test(malformed_options_are_einval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
