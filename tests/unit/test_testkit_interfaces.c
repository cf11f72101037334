/* SPDX-License-Identifier: MIT */
/* The testkit's interfaces: each keeps the contract of its header. */
#include <signal.h>
#include <unistd.h>

#include "testkit_fixture.h"

static void note(const char *text) {
    (void)strncat(probe.text, text, sizeof probe.text - strlen(probe.text) - 1);
}

/* --- timers and work --- */

static void on_timer(void *arg) {
    note(arg);
}

static void timers_fire_in_order_on_the_manual_clock(void **state) {
    struct virga_timer_handle *late;
    struct virga_timer_handle *early;
    struct virga_timer_handle *often;
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_timer *timer = INTERFACE(virga_timer, VIRGA_TIMER_ID);
    int64_t before = timer->now_ms(probe.host);
    assert_int_equal(timer->start(probe.host, 250, 0, on_timer, (void *)"late ", &late), 0);
    assert_int_equal(timer->start(probe.host, 50, 0, on_timer, "early ", &early), 0);
    assert_int_equal(timer->start(probe.host, 100, 100, on_timer, "often ", &often), 0);
    assert_int_equal(testkit_run(kit), 0);
    assert_int_equal(testkit_advance(kit, 49), 0);
    assert_int_equal(testkit_advance(kit, 1), 1);
    assert_int_equal(testkit_advance(kit, 300), 4);
    assert_string_equal(probe.text, "early often often late often ");
    assert_int_equal(timer->now_ms(probe.host) - before, 350);
    assert_true(timer->monotonic_ns(probe.host) >= UINT64_C(350000000));
    testkit_set_time(kit, 1000);
    assert_int_equal(timer->now_ms(probe.host), 1000);
    timer->stop(early);
    timer->stop(often);
    timer->stop(NULL);
    assert_int_equal(testkit_advance(kit, 1000), 0);
    assert_only_problem(kit, "a timer");
}

static void run_work(void *arg) {
    note(arg);
}

static void on_done(void *arg, int status) {
    (void)arg;
    probe.calls++;
    probe.status = status;
}

static void work_runs_by_itself_or_on_demand(void **state) {
    struct virga_work_handle *first;
    struct virga_work_handle *second;
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_work *work = INTERFACE(virga_work, VIRGA_WORK_ID);
    assert_int_equal(work->submit(probe.host, run_work, on_done, "a", NULL), 0);
    assert_int_equal(probe.calls, 0);
    (void)testkit_run(kit);
    assert_int_equal(probe.calls, 1);
    testkit_hold_work(kit, 1);
    assert_int_equal(work->submit(probe.host, run_work, on_done, "b", &first), 0);
    assert_int_equal(work->submit(probe.host, run_work, on_done, "c", &second), 0);
    assert_int_equal(testkit_run(kit), 0);
    assert_int_equal(testkit_work_waiting(kit), 2);
    assert_int_equal(work->cancel(second), 0);
    assert_int_equal(work->cancel(second), -EBUSY);
    assert_int_equal(testkit_work_step(kit), 0);
    assert_int_equal(testkit_work_step(kit), -ENOENT);
    assert_int_equal(probe.status, 0);
    (void)testkit_run(kit);
    assert_int_equal(probe.status, -ECANCELED);
    assert_string_equal(probe.text, "ab");
    assert_int_equal(testkit_destroy(kit), 0);
}

/* --- the store --- */

/* The keys of a walk, with a space behind each. */
static void walk(const char *prefix, const char *after, uint32_t flags) {
    const struct virga_store *store = INTERFACE(virga_store, VIRGA_STORE_ID);
    struct virga_store_cursor *cursor;
    struct virga_str key;
    struct virga_str value;
    probe.text[0] = '\0';
    assert_int_equal(store->scan(probe.host, STR(prefix), STR(after), flags, &cursor), 0);
    while (store->next(cursor, &key, &value) == 1) {
        note(key.ptr);
        note((flags & VIRGA_STORE_KEYS_ONLY) != 0 ? "" : value.ptr);
        note(" ");
    }
    store->close(cursor);
}

static void store_walks_in_order_both_ways(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    const char *const keys[] = {"b/2", "a", "b/1", "c", "b/3", "b"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        testkit_store_put(kit, keys[i], "=");
    }
    walk("", NULL, VIRGA_STORE_KEYS_ONLY);
    assert_string_equal(probe.text, "a b b/1 b/2 b/3 c ");
    walk("b/", NULL, 0);
    assert_string_equal(probe.text, "b/1= b/2= b/3= ");
    walk("b/", "b/1x", 0);
    assert_string_equal(probe.text, "b/2= b/3= ");
    walk("b/", NULL, VIRGA_STORE_REVERSE);
    assert_string_equal(probe.text, "b/3= b/2= b/1= ");
    walk("b/", "b/2", VIRGA_STORE_REVERSE);
    assert_string_equal(probe.text, "b/1= ");
    walk("x", NULL, 0);
    assert_string_equal(probe.text, "");
    assert_int_equal(testkit_destroy(kit), 0);
}

static void store_walk_survives_writes_under_it(void **state) {
    struct virga_store_cursor *cursor;
    struct virga_str key;
    struct virga_str value;
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_store *store = INTERFACE(virga_store, VIRGA_STORE_ID);
    testkit_store_put(kit, "a", "1");
    testkit_store_put(kit, "c", "3");
    assert_int_equal(store->scan(probe.host, STR(""), (struct virga_str){NULL, 0}, 0, &cursor), 0);
    assert_int_equal(store->next(cursor, &key, &value), 1);
    assert_int_equal(store->put(probe.host, STR("b"), STR("2")), 0);
    assert_int_equal(store->del(probe.host, STR("a")), 0);
    assert_int_equal(store->del(probe.host, STR("c")), 0);
    assert_int_equal(store->next(cursor, &key, &value), 1);
    assert_string_equal(key.ptr, "b");
    assert_int_equal(store->next(cursor, &key, &value), 0);
    store->close(cursor);
    assert_int_equal(testkit_destroy(kit), 0);
}

static void store_reads_writes_and_deletes(void **state) {
    struct virga_store_value value;
    uint64_t count;
    char long_key[2002];
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_store *store = INTERFACE(virga_store, VIRGA_STORE_ID);
    assert_int_equal(store->get(probe.host, STR("a"), &value), -ENOENT);
    assert_int_equal(store->put(probe.host, STR("a"), STR("1")), 0);
    assert_int_equal(store->put(probe.host, STR("a"), STR("22")), 0);
    assert_int_equal(store->get(probe.host, STR("a"), &value), 0);
    assert_string_equal(value.ptr, "22");
    assert_int_equal(value.len, 2);
    store->release(probe.host, &value);
    store->release(probe.host, &value);
    assert_string_equal(testkit_store_get(kit, "a"), "22");
    assert_int_equal(store->put(probe.host, STR(""), STR("x")), -EINVAL);
    memset(long_key, 'k', sizeof long_key);
    assert_int_equal(store->put(probe.host, (struct virga_str){long_key, 2001}, STR("x")), -EINVAL);
    assert_int_equal(store->put(probe.host, (struct virga_str){long_key, 2000}, STR("x")), 0);
    assert_int_equal(store->del_prefix(probe.host, STR("k"), &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(store->del(probe.host, STR("a")), 0);
    assert_int_equal(store->del(probe.host, STR("a")), -ENOENT);
    assert_int_equal(testkit_store_count(kit), 0);
    assert_int_equal(testkit_destroy(kit), 0);
}

static void rollback_restores_every_kind_of_write(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_store *store = INTERFACE(virga_store, VIRGA_STORE_ID);
    testkit_store_put(kit, "a", "1");
    testkit_store_put(kit, "b/1", "2");
    testkit_store_put(kit, "b/2", "3");
    assert_int_equal(store->commit(probe.host), -EINVAL);
    assert_int_equal(store->begin(probe.host), 0);
    assert_int_equal(store->begin(probe.host), -EBUSY);
    assert_int_equal(store->put(probe.host, STR("a"), STR("other")), 0);
    assert_int_equal(store->put(probe.host, STR("new"), STR("x")), 0);
    assert_int_equal(store->del_prefix(probe.host, STR("b/"), NULL), 0);
    assert_int_equal(store->put(probe.host, STR("b/1"), STR("again")), 0);
    assert_string_equal(testkit_store_get(kit, "a"), "other");
    store->rollback(probe.host);
    walk("", NULL, 0);
    assert_string_equal(probe.text, "a1 b/12 b/23 ");
    assert_int_equal(store->begin(probe.host), 0);
    assert_int_equal(store->del(probe.host, STR("a")), 0);
    assert_int_equal(store->commit(probe.host), 0);
    store->rollback(probe.host);
    assert_null(testkit_store_get(kit, "a"));
    assert_int_equal(testkit_destroy(kit), 0);
}

static void open_transaction(struct virga_request *req) {
    const struct virga_store *store = INTERFACE(virga_store, VIRGA_STORE_ID);
    assert_int_equal(store->begin(probe.host), 0);
    assert_int_equal(store->put(probe.host, STR("a"), STR("1")), 0);
    probe_answer(req, 200, "");
}

static void transaction_left_open_is_rolled_back_and_a_problem(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    probe.handle = open_transaction;
    (void)testkit_ask(kit, "GET", "/things/a", NULL);
    assert_null(testkit_store_get(kit, "a"));
    assert_only_problem(kit, "open store transaction");
}

static void value_not_released_is_a_problem(void **state) {
    struct virga_store_value value;
    (void)state;
    struct testkit *kit = probe_kit();
    testkit_store_put(kit, "a", "1");
    assert_int_equal(INTERFACE(virga_store, VIRGA_STORE_ID)->get(probe.host, STR("a"), &value), 0);
    assert_only_problem(kit, "value of the store");
}

static void failing_store_fails_every_call(void **state) {
    struct virga_store_value value;
    struct virga_store_cursor *cursor;
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_store *store = INTERFACE(virga_store, VIRGA_STORE_ID);
    testkit_store_fail(kit, -EIO);
    assert_int_equal(store->get(probe.host, STR("a"), &value), -EIO);
    assert_int_equal(store->put(probe.host, STR("a"), STR("1")), -EIO);
    assert_int_equal(store->begin(probe.host), -EIO);
    assert_int_equal(store->scan(probe.host, STR(""), STR(NULL), 0, &cursor), -EIO);
    testkit_store_fail(kit, 0);
    assert_int_equal(store->put(probe.host, STR("a"), STR("1")), 0);
    assert_int_equal(testkit_destroy(kit), 0);
}

/* --- listeners --- */

static void on_request(void *arg, struct virga_request *req) {
    note(arg);
    assert_null(req->route);
    probe_answer(req, 202, req->body.ptr);
}

static void listener_takes_the_first_free_port_and_its_requests(void **state) {
    struct virga_listener_handle *first;
    struct virga_listener_handle *second;
    struct virga_listener_options options = {.struct_size = sizeof options,
                                             .port_first = 5100,
                                             .port_last = 5102,
                                             .body_limit_bytes = 4,
                                             .on_request = on_request,
                                             .arg = "one "};
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_listener *listener = INTERFACE(virga_listener, VIRGA_LISTENER_ID);
    testkit_take_port(kit, 5100);
    assert_int_equal(listener->open(probe.host, &options, &first), 0);
    assert_int_equal(listener->port(first), 5101);
    options.port_preferred = 5102;
    options.arg = "two ";
    assert_int_equal(listener->open(probe.host, &options, &second), 0);
    assert_int_equal(testkit_listener_port(kit, 1), 5102);
    struct virga_listener_handle *none;
    assert_int_equal(listener->open(probe.host, &options, &none), -EADDRINUSE);
    struct testkit_request *req = testkit_request_create(kit, "PUT", "/v2/");
    testkit_request_body(req, "body", 4);
    assert_int_equal(testkit_send_listener(req, 1), 0);
    assert_int_equal(testkit_status(req), 202);
    assert_string_equal(testkit_body(req), "body");
    assert_string_equal(probe.text, "two ");
    req = testkit_request_create(kit, "PUT", "/v2/");
    testkit_request_body(req, "bodies", 6);
    assert_int_equal(testkit_send_listener(req, 1), -EMSGSIZE);
    assert_int_equal(testkit_status(req), 413);
    listener->close(first);
    listener->close(NULL);
    assert_int_equal(testkit_listeners_count(kit), 1);
    assert_only_problem(kit, "a listener");
}

/* --- others --- */

static void on_fetched(void *arg, const struct virga_fetch_response *res) {
    (void)arg;
    probe.calls++;
    probe.status = res->error != 0 ? res->error : res->status;
    note(res->body.ptr);
}

static void fetch_is_answered_from_the_script_in_order(void **state) {
    const struct virga_header header = {STR("X-One"), STR("1")};
    const struct virga_fetch_request request = {.struct_size = sizeof request,
                                                .method = "PUT",
                                                .url = "http://x/a",
                                                .headers = &header,
                                                .headers_count = 1,
                                                .body = STR("sent"),
                                                .on_done = on_fetched};
    struct virga_fetch_handle *fetch;
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_fetch *api = INTERFACE(virga_fetch, VIRGA_FETCH_ID);
    testkit_script(kit, TESTKIT_FETCH, "GET ", &(struct testkit_answer){.status = 500}, 0);
    testkit_script(kit, TESTKIT_FETCH, "PUT http://x/", &(struct testkit_answer){.body = "one"}, 1);
    testkit_script(kit, TESTKIT_FETCH, NULL, &(struct testkit_answer){.error = -ETIMEDOUT}, 1);
    assert_int_equal(api->start(probe.host, &request, NULL), 0);
    assert_int_equal(probe.calls, 0);
    (void)testkit_run(kit);
    assert_int_equal(probe.status, 200);
    assert_string_equal(probe.text, "one");
    const struct testkit_message *sent = testkit_sent(kit, TESTKIT_FETCH, 0);
    assert_string_equal(sent->method, "PUT");
    assert_string_equal(sent->target, "http://x/a");
    assert_string_equal(sent->headers, "X-One: 1\n");
    assert_string_equal(sent->body.ptr, "sent");
    assert_null(testkit_sent(kit, TESTKIT_FETCH, 1));
    assert_int_equal(api->start(probe.host, &request, NULL), 0);
    (void)testkit_run(kit);
    assert_int_equal(probe.status, -ETIMEDOUT);
    assert_int_equal(api->start(probe.host, &request, NULL), 0);
    (void)testkit_run(kit);
    assert_int_equal(probe.status, -ECONNREFUSED);
    assert_int_equal(api->start(probe.host, &request, &fetch), 0);
    api->cancel(fetch);
    (void)testkit_run(kit);
    assert_int_equal(probe.status, -ECANCELED);
    assert_int_equal(probe.calls, 4);
    assert_int_equal(testkit_destroy(kit), 0);
}

static struct virga_fetch_handle *streamed;

static void on_head(void *arg, const struct virga_fetch_response *res) {
    (void)arg;
    assert_int_equal(res->status, 201);
    note("head ");
}

static int on_chunk(void *arg, struct virga_str chunk) {
    (void)arg;
    if (++probe.calls == 2) {
        return VIRGA_BODY_PAUSE;
    }
    char text[16];
    (void)snprintf(text, sizeof text, "%.*s ", (int)chunk.len, chunk.ptr);
    note(text);
    return VIRGA_BODY_GO_ON;
}

static size_t on_send(void *arg, char *to, size_t size) {
    static const char *const parts[] = {"up", NULL, "load", ""};
    int *at = arg;
    const char *part = parts[(*at)++];
    if (part == NULL) {
        return VIRGA_FETCH_WAIT;
    }
    (void)snprintf(to, size, "%s", part);
    return strlen(part);
}

static void on_streamed(void *arg, const struct virga_fetch_response *res) {
    (void)arg;
    assert_int_equal(res->error, 0);
    assert_int_equal(res->body.len, 0);
    note("done");
}

static void fetch_streams_both_ways_with_pauses(void **state) {
    int at = 0;
    const struct virga_fetch_request request = {.struct_size = sizeof request,
                                                .url = "http://x/",
                                                .on_done = on_streamed,
                                                .on_head = on_head,
                                                .on_chunk = on_chunk,
                                                .on_send = on_send,
                                                .arg = &at};
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_fetch *api = INTERFACE(virga_fetch, VIRGA_FETCH_ID);
    testkit_script(kit, TESTKIT_FETCH, NULL,
                   &(struct testkit_answer){.status = 201, .body = "abcde", .piece_bytes = 2}, 0);
    assert_int_equal(api->start(probe.host, &request, &streamed), 0);
    (void)testkit_run(kit);
    assert_string_equal(probe.text, "");
    api->resume(streamed);
    (void)testkit_run(kit);
    assert_string_equal(testkit_sent(kit, TESTKIT_FETCH, 0)->body.ptr, "upload");
    assert_string_equal(probe.text, "head ab ");
    api->resume(streamed);
    (void)testkit_run(kit);
    assert_string_equal(probe.text, "head ab cd e done");
    assert_int_equal(testkit_destroy(kit), 0);
}

static void on_dispatched(void *arg, const struct virga_dispatch_response *res) {
    (void)arg;
    probe.status = res->error != 0 ? res->error : res->status;
    note(res->body.ptr);
}

static void dispatch_is_answered_by_the_action(void **state) {
    const struct virga_header header = {STR("X-Amz-Target"), STR("Other_1.DoIt")};
    const struct virga_dispatch_request request = {.struct_size = sizeof request,
                                                   .headers = &header,
                                                   .headers_count = 1,
                                                   .body = STR("{}"),
                                                   .region = STR("eu-west-1"),
                                                   .on_done = on_dispatched};
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_dispatch *api = INTERFACE(virga_dispatch, VIRGA_DISPATCH_ID);
    assert_int_equal(api->call(probe.host, &request, NULL), 0);
    (void)testkit_run(kit);
    assert_int_equal(probe.status, 400);
    assert_non_null(strstr(probe.text, "UnknownOperationException"));
    probe.text[0] = '\0';
    testkit_script(kit, TESTKIT_DISPATCH, "Other_1.DoIt", &(struct testkit_answer){.body = "yes"},
                   0);
    assert_int_equal(api->call(probe.host, &request, NULL), 0);
    (void)testkit_run(kit);
    assert_int_equal(probe.status, 200);
    assert_string_equal(probe.text, "yes");
    assert_non_null(strstr(testkit_sent(kit, TESTKIT_DISPATCH, 1)->headers, "eu-west-1"));
    assert_int_equal(testkit_destroy(kit), 0);
}

/* --- the proxy --- */

static struct virga_upstream *upstream;
static struct virga_proxy_request proxied;

static enum virga_proxy_decision on_response(void *arg, struct virga_request *req,
                                             struct virga_proxy_response *res) {
    const struct virga_proxy *proxy = INTERFACE(virga_proxy, VIRGA_PROXY_ID);
    note(proxy->header(res, "x-up").ptr);
    assert_int_equal(proxy->set_header(res, "X-Up", STR("changed")), 0);
    assert_int_equal(proxy->set_header(res, "X-Gone", STR(NULL)), 0);
    assert_int_equal(proxy->set_header(res, "X-Bad", STR("a\nb")), -EINVAL);
    proxy->set_status(res, proxy->status(res) + 1);
    if (*(const enum virga_proxy_decision *)arg == VIRGA_PROXY_DROP) {
        probe_answer(req, 418, "mine");
    }
    return *(const enum virga_proxy_decision *)arg;
}

static void on_proxy_body(void *arg, struct virga_request *req, struct virga_proxy_response *res,
                          struct virga_str body) {
    (void)arg;
    (void)res;
    probe_answer(req, 203, body.ptr);
}

static void on_proxy_done(void *arg, int status) {
    (void)arg;
    probe.calls = 100 + status;
}

static void forward(struct virga_request *req) {
    assert_int_equal(
        INTERFACE(virga_proxy, VIRGA_PROXY_ID)->forward(probe.host, req, upstream, &proxied), 0);
}

static struct testkit_request *ask_proxied(struct testkit *kit) {
    struct testkit_request *req = testkit_request_create(kit, "PUT", "/stream");
    testkit_request_header(req, "X-Secret", "s");
    testkit_request_header(req, "X-Kept", "k");
    testkit_request_piece(req, "la", 2);
    testkit_request_piece(req, "yer", 3);
    probe.handle = forward;
    assert_int_equal(testkit_send(req), 0);
    assert_int_equal(testkit_status(req), 0);
    (void)testkit_run(kit);
    return req;
}

static void proxied_request_is_rewritten_both_ways(void **state) {
    const struct virga_upstream_options options = {
        .struct_size = sizeof options, .address = "127.0.0.1", .port = 5000};
    const struct virga_header set = {STR("X-New"), STR("n")};
    const struct virga_str removed = STR("x-secret");
    enum virga_proxy_decision decision = VIRGA_PROXY_PASS;
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_proxy *proxy = INTERFACE(virga_proxy, VIRGA_PROXY_ID);
    assert_int_equal(proxy->upstream_create(probe.host, &options, &upstream), 0);
    proxied = (struct virga_proxy_request){.struct_size = sizeof proxied,
                                           .target = STR("/other"),
                                           .set_headers = &set,
                                           .set_headers_count = 1,
                                           .remove_headers = &removed,
                                           .remove_headers_count = 1,
                                           .on_response = on_response,
                                           .on_body = on_proxy_body,
                                           .on_done = on_proxy_done,
                                           .arg = &decision};
    testkit_script(kit, TESTKIT_PROXY, "PUT /other",
                   &(struct testkit_answer){
                       .status = 200, .headers = "X-Up: u\nX-Gone: g\n", .body = "answer"},
                   3);
    struct testkit_request *req = ask_proxied(kit);
    const struct testkit_message *sent = testkit_sent(kit, TESTKIT_PROXY, 0);
    assert_string_equal(sent->headers, "X-Kept: k\nX-New: n\n");
    assert_string_equal(sent->body.ptr, "layer");
    assert_int_equal(testkit_status(req), 201);
    assert_string_equal(testkit_header(req, "x-up"), "changed");
    assert_null(testkit_header(req, "x-gone"));
    assert_string_equal(testkit_body(req), "answer");
    assert_int_equal(probe.calls, 100);
    decision = VIRGA_PROXY_BUFFER;
    req = ask_proxied(kit);
    assert_int_equal(testkit_status(req), 203);
    assert_string_equal(testkit_body(req), "answer");
    decision = VIRGA_PROXY_DROP;
    req = ask_proxied(kit);
    assert_int_equal(testkit_status(req), 418);
    /* Nothing is scripted any more: nobody listens there. */
    req = ask_proxied(kit);
    assert_int_equal(testkit_status(req), 502);
    assert_int_equal(testkit_times_answered(req), 1);
    assert_int_equal(probe.calls, 100 - ECONNREFUSED);
    proxy->upstream_destroy(upstream);
    assert_int_equal(testkit_destroy(kit), 0);
}

/* --- processes --- */

static void on_output(void *arg, struct virga_str bytes) {
    (void)arg;
    note(bytes.ptr);
}

static void on_exit_of_child(void *arg, int64_t exit_status, int term_signal) {
    (void)arg;
    char text[64];
    (void)snprintf(text, sizeof text, "exit %d %d ", (int)exit_status, term_signal);
    note(text);
}

static void processes_are_played_by_the_test(void **state) {
    const char *const argv[] = {"registry", "serve", NULL};
    const struct virga_process_options options = {.struct_size = sizeof options,
                                                  .argv = argv,
                                                  .on_output = on_output,
                                                  .on_exit = on_exit_of_child};
    struct virga_process_handle *process;
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_process *api = INTERFACE(virga_process, VIRGA_PROCESS_ID);
    testkit_process_fail(kit, -ENOENT);
    assert_int_equal(api->spawn(probe.host, &options, &process), -ENOENT);
    assert_int_equal(api->spawn(probe.host, &options, &process), 0);
    assert_string_equal(testkit_process_command(kit, 0), "registry serve");
    testkit_process_output(kit, 0, "hello ");
    testkit_process_exit(kit, 0, 3, 0);
    assert_string_equal(probe.text, "");
    (void)testkit_run(kit);
    assert_string_equal(probe.text, "hello exit 3 0 ");
    assert_int_equal(api->kill(process, SIGTERM), -ESRCH);
    api->close(process);
    assert_int_equal(api->spawn(probe.host, &options, &process), 0);
    testkit_process_stubborn(kit, 1);
    assert_int_equal(api->kill(process, SIGTERM), 0);
    (void)testkit_run(kit);
    assert_int_equal(testkit_process_runs(kit, 1), 1);
    assert_int_equal(api->kill(process, SIGKILL), 0);
    (void)testkit_run(kit);
    assert_int_equal(testkit_process_runs(kit, 1), 0);
    assert_string_equal(probe.text, "hello exit 3 0 exit 0 9 ");
    api->close(process);
    assert_int_equal(testkit_destroy(kit), 0);
}

static void only_what_an_earlier_run_left_is_adopted(void **state) {
    const struct virga_process_id id = {4711, 99};
    const struct virga_process_id other = {4711, 98};
    const struct virga_process_options options = {.struct_size = sizeof options,
                                                  .on_exit = on_exit_of_child};
    struct virga_process_handle *process;
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_process *api = INTERFACE(virga_process, VIRGA_PROCESS_ID);
    testkit_process_leave(kit, id);
    assert_int_equal(api->adopt(probe.host, other, &options, &process), -ESRCH);
    assert_int_equal(api->adopt(probe.host, id, &options, &process), 0);
    assert_int_equal(api->id(process).pid, 4711);
    testkit_process_exit(kit, 0, 0, 0);
    (void)testkit_run(kit);
    assert_string_equal(probe.text, "exit -1 0 ");
    assert_only_problem(kit, "a process");
}

/* --- files and metrics --- */

static char file_path[] = "/tmp/virga-testkit-XXXXXX";

static void on_sent(void *arg, int status) {
    (void)arg;
    probe.calls = 10 + status;
}

static void send_file(struct virga_request *req) {
    const struct virga_response res = {.struct_size = sizeof res, .status = 206};
    struct virga_file_range range = {.struct_size = sizeof range,
                                     .fd = -1,
                                     .path = "/nonexistent",
                                     .offset = 2,
                                     .length = 3,
                                     .on_done = on_sent};
    const struct virga_file *file = INTERFACE(virga_file, VIRGA_FILE_ID);
    assert_int_equal(file->respond(probe.host, req, &res, &range), -ENOENT);
    range.path = "/tmp";
    assert_int_equal(file->respond(probe.host, req, &res, &range), -EISDIR);
    range.path = file_path;
    range.offset = 7;
    assert_int_equal(file->respond(probe.host, req, &res, &range), -EINVAL);
    range.offset = 2;
    assert_int_equal(file->respond(probe.host, req, &res, &range), 0);
}

static void file_range_is_the_answer(void **state) {
    (void)state;
    struct testkit *kit = probe_kit();
    int fd = mkstemp(file_path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "abcdef", 6), 6);
    probe.handle = send_file;
    struct testkit_request *req = testkit_request_create(kit, "GET", "/things/a");
    assert_int_equal(testkit_send(req), 0);
    assert_int_equal(probe.calls, 1);
    (void)testkit_run(kit);
    assert_int_equal(probe.calls, 10);
    assert_int_equal(testkit_status(req), 206);
    assert_string_equal(testkit_body(req), "cde");
    assert_int_equal(testkit_is_complete(req), 1);
    (void)close(fd);
    (void)unlink(file_path);
    assert_int_equal(testkit_destroy(kit), 0);
}

static void metrics_are_readable(void **state) {
    static const char *const labels[] = {"action", "status", NULL};
    static const double buckets[] = {0.1, 1};
    const char *const values[] = {"Pull", "200"};
    struct virga_metric *metric;
    struct virga_metric_options options = {.struct_size = sizeof options,
                                           .kind = VIRGA_METRIC_COUNTER,
                                           .name = "probe_total",
                                           .labels = labels};
    (void)state;
    struct testkit *kit = probe_kit();
    const struct virga_metrics *api = INTERFACE(virga_metrics, VIRGA_METRICS_ID);
    assert_int_equal(api->create(probe.host, &options, &metric), 0);
    api->add(metric, values, 2);
    api->add(metric, values, 1);
    api->add(NULL, NULL, 1);
    assert_true(testkit_metric(kit, "probe_total", "Pull|200") == 3);
    assert_true(testkit_metric(kit, "probe_total", "Push|200") == 0);
    assert_int_equal(api->create(probe.host, &options, &metric), -EEXIST);
    options.name = "Bad-name";
    assert_int_equal(api->create(probe.host, &options, &metric), -EINVAL);
    options = (struct virga_metric_options){.struct_size = sizeof options,
                                            .kind = VIRGA_METRIC_HISTOGRAM,
                                            .name = "probe_seconds",
                                            .buckets = buckets,
                                            .buckets_count = 2};
    assert_int_equal(api->create(probe.host, &options, &metric), 0);
    api->add(metric, NULL, 0.5);
    api->add(metric, NULL, 0.25);
    assert_true(testkit_metric(kit, "probe_seconds", NULL) == 0.75);
    assert_int_equal(testkit_metric_count(kit, "probe_seconds", NULL), 2);
    api->set(metric, NULL, 1);
    assert_only_problem(kit, "only a gauge");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_order_on_the_manual_clock),
        cmocka_unit_test(work_runs_by_itself_or_on_demand),
        cmocka_unit_test(store_walks_in_order_both_ways),
        cmocka_unit_test(store_walk_survives_writes_under_it),
        cmocka_unit_test(store_reads_writes_and_deletes),
        cmocka_unit_test(rollback_restores_every_kind_of_write),
        cmocka_unit_test(transaction_left_open_is_rolled_back_and_a_problem),
        cmocka_unit_test(value_not_released_is_a_problem),
        cmocka_unit_test(failing_store_fails_every_call),
        cmocka_unit_test(listener_takes_the_first_free_port_and_its_requests),
        cmocka_unit_test(fetch_is_answered_from_the_script_in_order),
        cmocka_unit_test(fetch_streams_both_ways_with_pauses),
        cmocka_unit_test(dispatch_is_answered_by_the_action),
        cmocka_unit_test(proxied_request_is_rewritten_both_ways),
        cmocka_unit_test(processes_are_played_by_the_test),
        cmocka_unit_test(only_what_an_earlier_run_left_is_adopted),
        cmocka_unit_test(file_range_is_the_answer),
        cmocka_unit_test(metrics_are_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
