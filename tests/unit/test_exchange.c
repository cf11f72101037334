/* SPDX-License-Identifier: MIT */
/* Many clients and handlers that do everything that is allowed, in random order: what http.h
 * promises must hold, and nothing may be left. */
#include "wire_fixture.h"

#define CLIENTS 24
#define RECORDS 64
#define TURNS 6000

static unsigned random_state;

static unsigned pick(unsigned below) {
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 10) % below;
}

/* ---- handlers ---- */

/* A request that a handler has. */
struct record {
    struct virga_request *req; /* NULL = free */
    bool streams_answer;
    bool known_length;
    uint64_t left;
    bool write_waits;
    bool flow_started, flow_over, paused;
    int cancels;
    int answer_result;
    char *part;
};

static struct record records[RECORDS];
static bool in_call; /* inside a function of the host: no callback may come */
static unsigned answered, lost;

static struct record *record_of(struct virga_request *req) {
    for (int i = 0; i < RECORDS; i++) {
        if (records[i].req == req) {
            return &records[i];
        }
    }
    fail_msg("a callback for a request that was given back");
    return NULL;
}

static void forget(struct record *record) {
    free(record->part);
    memset(record, 0, sizeof *record);
}

static void on_cancel(void *arg, struct virga_request *req, int status) {
    struct record *record = arg;
    assert_false(in_call);
    assert_ptr_equal(record_of(req), record);
    assert_true(status == -ECONNRESET || status == -ETIMEDOUT || status == -ECANCELED);
    assert_int_equal(record->cancels++, 0);
    lost++;
}

static void on_writable(void *arg, struct virga_request *req, int status) {
    struct record *record = arg;
    assert_false(in_call);
    assert_ptr_equal(record_of(req), record);
    assert_true(record->write_waits);
    assert_true(status == 0 || status == -ECONNRESET || status == -ETIMEDOUT ||
                status == -ECANCELED);
    record->write_waits = false;
}

static void on_release(void *arg) {
    free(arg);
}

static void respond(struct record *record) {
    static const int statuses[] = {200, 201, 204, 304, 404, 500};
    size_t len = pick(4) == 0 ? pick(3000000) : pick(500);
    struct virga_response res = {.struct_size = sizeof res, .status = statuses[pick(6)]};
    char *body = calloc(1, len + 1);
    bool lend = pick(2) == 0;
    res.body = (struct virga_str){body, len};
    if (lend) {
        res.release = on_release;
        res.release_arg = body;
    }
    struct virga_request *req = record->req;
    bool was_cancelled = record->cancels > 0;
    forget(record);
    in_call = true;
    int result = request_http.respond(req, &res);
    in_call = false;
    assert_true(result == 0 || result == -ECANCELED);
    assert_true(!was_cancelled || result == -ECANCELED);
    answered++;
    if (!lend) {
        free(body);
    }
}

static void give_up(struct record *record) {
    struct virga_request *req = record->req;
    forget(record);
    in_call = true;
    request_http.abort(req);
    in_call = false;
    answered++;
}

static void begin_answer(struct record *record) {
    struct virga_response res = {.struct_size = sizeof res, .status = 200};
    record->streams_answer = true;
    record->known_length = pick(2) == 0;
    record->left = pick(2000000);
    record->part = calloc(1, 400000);
    in_call = true;
    int result = request_http.respond_begin(
        record->req, &res, record->known_length ? record->left : VIRGA_LENGTH_UNKNOWN, on_writable,
        record);
    in_call = false;
    assert_true(result == 0 || result == -ECANCELED);
}

static void write_on(struct record *record) {
    if (record->left == 0 || pick(40) == 0) {
        struct virga_request *req = record->req;
        forget(record);
        in_call = true;
        request_http.end(req);
        in_call = false;
        answered++;
        return;
    }
    size_t len = 1 + pick(400000);
    len = len > record->left ? (size_t)record->left : len;
    in_call = true;
    int result = request_http.write(record->req, (struct virga_str){record->part, len});
    in_call = false;
    if (result < 0) {
        assert_int_equal(result, -ECANCELED);
        give_up(record);
        return;
    }
    record->left -= len;
    record->write_waits = result == 0;
}

static int on_body(void *arg, struct virga_request *req, int status, struct virga_str chunk) {
    struct record *record = arg;
    assert_false(in_call);
    assert_ptr_equal(record_of(req), record);
    assert_true(record->flow_started && !record->flow_over);
    assert_true(!record->paused || status < 0);
    if (status != VIRGA_BODY_DATA) {
        assert_int_equal(chunk.len, 0);
        record->flow_over = true;
        return VIRGA_BODY_GO_ON;
    }
    assert_true(chunk.len > 0);
    switch (pick(8)) {
    case 0:
        if (!record->streams_answer) {
            respond(record);
        }
        return VIRGA_BODY_PAUSE;
    case 1:
        record->flow_over = true;
        in_call = true;
        request_http.body_stop(req);
        in_call = false;
        return VIRGA_BODY_GO_ON;
    case 2:
        record->paused = true;
        return VIRGA_BODY_PAUSE;
    default:
        return VIRGA_BODY_GO_ON;
    }
}

/* One random step of a handler. */
static void step(struct record *record) {
    switch (pick(6)) {
    case 0:
        if (!record->streams_answer) {
            respond(record);
        }
        break;
    case 1:
        if (!record->streams_answer) {
            begin_answer(record);
        }
        break;
    case 2:
        if (record->streams_answer && !record->write_waits) {
            write_on(record);
        }
        break;
    case 3:
        if (!record->flow_started && (record->req->flags & VIRGA_REQUEST_STREAMS)) {
            record->flow_started = true;
            in_call = true;
            assert_int_equal(request_http.body_start(record->req, on_body, record), 0);
            in_call = false;
        }
        break;
    case 4:
        if (record->paused) {
            record->paused = false;
            in_call = true;
            request_http.body_resume(record->req);
            in_call = false;
        }
        break;
    default:
        if (pick(50) == 0) {
            give_up(record);
        }
        break;
    }
}

static void handle(struct request *req) {
    struct record *record = NULL;
    for (int i = 0; i < RECORDS && record == NULL; i++) {
        record = records[i].req == NULL ? &records[i] : NULL;
    }
    if (record == NULL) {
        request_http.abort(&req->pub);
        return;
    }
    record->req = &req->pub;
    in_call = true;
    request_http.on_cancel(&req->pub, on_cancel, record);
    in_call = false;
    for (unsigned i = pick(3); i > 0 && record->req == &req->pub; i--) {
        step(record);
    }
}

static void decide(struct request *req) {
    req->streams = pick(2) == 0;
    if (pick(20) == 0) {
        (void)answer(req, 403, "no");
    }
}

/* ---- clients ---- */

struct actor {
    int fd; /* -1 = none */
    char *text;
    size_t len, sent;
};

static struct actor actors[CLIENTS];

static size_t add_request(char *text, size_t size) {
    static char payload[200000];
    size_t len = pick(3) == 0 ? pick(sizeof payload) : pick(2000);
    size_t at = 0;
    switch (pick(6)) {
    case 0:
        return (size_t)snprintf(text, size, "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n");
    case 1:
        return (size_t)snprintf(text, size, "HEAD / HTTP/1.1\r\nHost: h\r\n%s\r\n",
                                pick(4) == 0 ? "Connection: close\r\n" : "");
    case 2:
        return (size_t)snprintf(text, size, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    case 3:
        at = (size_t)snprintf(text, size,
                              "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (unsigned i = pick(6); i > 0; i--) {
            size_t part = 1 + len / 8;
            at += (size_t)snprintf(text + at, size - at, "%zx\r\n", part);
            memset(text + at, 'c', part);
            at += part;
            at += (size_t)snprintf(text + at, size - at, "\r\n");
        }
        return at + (size_t)snprintf(text + at, size - at, pick(30) == 0 ? "zz\r\n" : "0\r\n\r\n");
    case 4:
        if (pick(10) == 0) {
            return (size_t)snprintf(text, size, "BAD\r\n\r\n");
        }
        __attribute__((fallthrough));
    default:
        at = (size_t)snprintf(text, size,
                              "POST / HTTP/1.1\r\nHost: h\r\n%sContent-Length: %zu\r\n\r\n",
                              pick(5) == 0 ? "Expect: 100-continue\r\n" : "", len);
        memset(text + at, 'b', len);
        return at + len;
    }
}

static void act(struct actor *actor) {
    static char sink[100000];
    static const struct linger now = {1, 0};
    if (actor->fd < 0) {
        actor->fd = client();
        actor->text = malloc(1 << 20);
        actor->len = actor->sent = 0;
        for (unsigned i = 1 + pick(4); i > 0; i--) {
            actor->len += add_request(actor->text + actor->len, 300000 - 1);
        }
        return;
    }
    bool over = false;
    if (actor->sent < actor->len) {
        size_t part = pick(3) == 0 ? actor->len - actor->sent : 1 + pick(3000);
        part = part > actor->len - actor->sent ? actor->len - actor->sent : part;
        ssize_t count = send(actor->fd, actor->text + actor->sent, part, MSG_NOSIGNAL);
        actor->sent += count > 0 ? (size_t)count : 0;
        over = count < 0 && errno != EAGAIN;
    } else if (pick(60) == 0) {
        (void)shutdown(actor->fd, SHUT_WR);
    }
    if (pick(3) > 0) {
        ssize_t count = recv(actor->fd, sink, 1 + pick(sizeof sink), 0);
        over = over || count == 0 || (count < 0 && errno != EAGAIN);
    }
    if (over || pick(150) == 0) {
        if (pick(2) == 0) {
            (void)setsockopt(actor->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        }
        (void)close(actor->fd);
        free(actor->text);
        actor->fd = -1;
    }
}

static void run(unsigned seed) {
    random_state = seed;
    answered = lost = 0;
    for (int i = 0; i < CLIENTS; i++) {
        actors[i].fd = -1;
    }
    wire_host.stall_timeout_ms = 300;
    wire_host.idle_timeout_ms = 200;
    wire_host.header_timeout_ms = 200;
    wire_on_request = handle;
    wire_on_head = decide;
    wire_open((struct listener_options){.deadline_ms = 100});
    for (int turn = 0; turn < TURNS; turn++) {
        act(&actors[pick(CLIENTS)]);
        for (int i = 0; i < 3; i++) {
            struct record *record = &records[pick(RECORDS)];
            if (record->req != NULL) {
                step(record);
            }
        }
        pump();
    }
    for (int i = 0; i < CLIENTS; i++) {
        if (actors[i].fd >= 0) {
            (void)close(actors[i].fd);
            free(actors[i].text);
        }
    }
    pump_for(5);
    conn_abort_all(&wire_host);
    pump_for(5);
    for (int i = 0; i < RECORDS; i++) {
        if (records[i].req != NULL) {
            assert_false(records[i].write_waits);
            assert_int_equal(records[i].cancels, 1);
            assert_true(!records[i].flow_started || records[i].flow_over);
            give_up(&records[i]);
        }
    }
    assert_true(answered > 100);
    assert_true(lost > 0);
}

static void random_exchanges_keep_the_promises(void **state) {
    (void)state;
    run(4711);
}

static void other_random_exchanges_keep_the_promises(void **state) {
    (void)state;
    const char *seed = getenv("VIRGA_TEST_SEED");
    run(seed != NULL ? (unsigned)atoi(seed) : 1000003);
}

#define WIRED(test) cmocka_unit_test_setup_teardown(test, wire_setup, wire_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WIRED(random_exchanges_keep_the_promises),
        WIRED(other_random_exchanges_keep_the_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
