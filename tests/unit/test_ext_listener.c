/* SPDX-License-Identifier: MIT */
#include "wire_fixture.h"

#include <sys/stat.h>

#include "config.h"
#include "ext_listener.h"
#include "plugin.h"
#include "resource.h"

static struct virga_plugin desc = {.struct_size = sizeof desc, .name = "ports"};
static struct plugin plugin;
static struct virga_listener_handle *handle;
static const struct plugin_call *call_seen;
static char body_seen[64];

static int set_up(void **state) {
    plugin = (struct plugin){.host = &wire_host, .desc = &desc, .state = PLUGIN_RUNNING};
    list_init(&plugin.resources);
    handle = NULL;
    call_seen = NULL;
    return wire_setup(state);
}

static int tear_down(void **state) {
    while (!list_empty(&plugin.resources)) {
        struct resource *left = LIST_ENTRY(plugin.resources.next, struct resource, node);
        left->reclaim(left);
    }
    return wire_teardown(state);
}

static void answer_plainly(struct virga_request *req, const char *body) {
    const struct virga_response res = {
        .struct_size = sizeof res, .status = 200, .body = virga_str_from(body)};
    (void)req->http->respond(req, &res);
}

/* Answers "account region flags body". */
static void on_request(void *arg, struct virga_request *req) {
    char text[256];
    assert_ptr_equal(arg, &plugin);
    call_seen = wire_host.calls;
    assert_non_null(call_seen);
    assert_ptr_equal(call_seen->plugin, &plugin);
    assert_true(call_seen->has_request);
    assert_string_equal(call_seen->crumb.request_id, req->id.ptr);
    assert_null(req->route);
    (void)snprintf(body_seen, sizeof body_seen, "%.*s", (int)req->body.len,
                   req->body.ptr != NULL ? req->body.ptr : "");
    (void)snprintf(text, sizeof text, "%s %s %u %s", req->account.ptr, req->region.ptr, req->flags,
                   body_seen);
    answer_plainly(req, text);
}

static struct virga_listener_options options(void) {
    return (struct virga_listener_options){
        .struct_size = sizeof(struct virga_listener_options),
        .addresses = "127.0.0.1",
        .on_request = on_request,
        .arg = &plugin,
    };
}

static void open_with(const struct virga_listener_options *given) {
    assert_int_equal(ext_listener.open(&plugin.api, given, &handle), 0);
}

static void request_comes_to_the_plugin_guarded_and_with_identity(void **state) {
    const struct virga_listener_options given = options();
    (void)state;
    open_with(&given);
    int fd = client_to(ext_listener.port(handle));
    send_text(fd, "PUT /v2/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
                  "Authorization: AWS4-HMAC-SHA256 Credential=123456789012/20260101/eu-west-1/ecr/"
                  "aws4_request, SignedHeaders=host, Signature=0\r\n\r\nhello");
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "123456789012 eu-west-1 2 hello");
    assert_non_null(reply_header("x-amzn-RequestId"));
    assert_null(wire_host.calls); /* left again */
    assert_int_equal(plugin.calls, 1);
    (void)close(fd);
}

static void unsigned_request_has_the_default_identity(void **state) {
    const struct virga_listener_options given = options();
    (void)state;
    open_with(&given);
    int fd = client_to(ext_listener.port(handle));
    send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "000000000000 us-east-1 0 ");
    (void)close(fd);
}

static void buffered_body_is_bounded_by_the_listeners_limit(void **state) {
    struct virga_listener_options given = options();
    (void)state;
    given.body_limit_bytes = 4;
    open_with(&given);
    int fd = client_to(ext_listener.port(handle));
    send_text(fd, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    assert_int_equal(read_reply(fd), 413);
    assert_null(call_seen);
    (void)close(fd);
}

static void streaming_listener_does_not_buffer_bodies(void **state) {
    struct virga_listener_options given = options();
    (void)state;
    given.flags = VIRGA_ROUTE_STREAM;
    open_with(&given);
    int fd = client_to(ext_listener.port(handle));
    /* The body never comes, the handler does not wait for it. */
    send_text(fd, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "000000000000 us-east-1 3 ");
    (void)close(fd);
}

static struct virga_str early_trailer;

static int answer_trailer(void *arg, struct virga_request *req, int status,
                          struct virga_str chunk) {
    (void)arg;
    (void)chunk;
    if (status == VIRGA_BODY_DATA) {
        early_trailer = req->http->trailer(req, "x-sum");
        return VIRGA_BODY_GO_ON;
    }
    assert_null(req->http->trailer(req, "other").ptr);
    answer_plainly(req, req->http->trailer(req, "x-sum").ptr);
    return VIRGA_BODY_GO_ON;
}

static void read_body(void *arg, struct virga_request *req) {
    (void)arg;
    assert_int_equal(req->http->body_start(req, answer_trailer, NULL), 0);
}

static void trailer_is_there_when_the_body_has_ended(void **state) {
    struct virga_listener_options given = options();
    (void)state;
    given.flags = VIRGA_ROUTE_STREAM;
    given.on_request = read_body;
    early_trailer.ptr = "";
    open_with(&given);
    int fd = client_to(ext_listener.port(handle));
    send_text(fd, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
                  "0\r\nX-Sum: 42\r\n\r\n");
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "42");
    assert_null(early_trailer.ptr);
    (void)close(fd);
}

static void patient_listener_waits_for_silent_clients(void **state) {
    struct virga_listener_options given = options();
    (void)state;
    given.flags = VIRGA_ROUTE_STREAM | VIRGA_LISTENER_PATIENT;
    given.on_request = read_body;
    wire_host.idle_timeout_ms = wire_host.stall_timeout_ms = 20;
    open_with(&given);
    int fd = client_to(ext_listener.port(handle));
    for (int i = 0; i < 2; i++) {
        pump_for(60);
        send_text(fd,
                  "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        pump_for(60);
        send_text(fd, "0\r\nX-Sum: 42\r\n\r\n");
        assert_int_equal(read_reply(fd), 200);
    }
    (void)close(fd);
}

static void first_free_port_of_the_range_is_taken_and_the_preferred_before_it(void **state) {
    struct virga_listener_options given = options();
    struct virga_listener_handle *second;
    (void)state;
    open_with(&given);
    uint16_t port = ext_listener.port(handle);
    assert_true(port > 0);
    given.port_first = port;
    given.port_last = port;
    assert_int_equal(ext_listener.open(&plugin.api, &given, &second), -EADDRINUSE);
    given.port_last = (uint16_t)(port < 65000 ? port + 100 : port);
    if (given.port_last > port) {
        assert_int_equal(ext_listener.open(&plugin.api, &given, &second), 0);
        assert_in_range(ext_listener.port(second), port + 1, given.port_last);
        ext_listener.close(second);
    }
    ext_listener.close(handle);
    given.port_first = given.port_last = 1; /* would need to be root, or be taken */
    given.port_preferred = port;
    open_with(&given);
    assert_int_equal(ext_listener.port(handle), port);
}

static void unix_socket_is_served_and_has_no_port(void **state) {
    struct virga_listener_options given = options();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)state;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "/tmp/virga-listener-%d.sock",
                   (int)getpid());
    given.unix_path = address.sun_path;
    open_with(&given);
    assert_int_equal(ext_listener.port(handle), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
    ext_listener.close(handle);
    assert_int_not_equal(access(address.sun_path, F_OK), 0);
}

static void addresses_default_to_the_bind_address(void **state) {
    static const struct virga_config_key key = {
        .key = "bind-address", .type = VIRGA_CONFIG_STRING, .default_value = "127.0.0.1"};
    struct virga_listener_options given = options();
    struct error err = {0};
    (void)state;
    assert_int_equal(config_create(&wire_host.config), 0);
    assert_int_equal(config_declare(wire_host.config, "core", "floci", &key, 1, sizeof key, &err),
                     0);
    given.addresses = NULL;
    open_with(&given);
    int fd = client_to(ext_listener.port(handle));
    send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
    config_destroy(wire_host.config);
}

static void malformed_options_are_refused(void **state) {
    struct virga_listener_options given = options();
    (void)state;
    given.on_request = NULL;
    assert_int_equal(ext_listener.open(&plugin.api, &given, &handle), -EINVAL);
    given = options();
    given.port_first = 2;
    given.port_last = 1;
    assert_int_equal(ext_listener.open(&plugin.api, &given, &handle), -EINVAL);
    given = options();
    given.addresses = "no-address";
    assert_int_equal(ext_listener.open(&plugin.api, &given, &handle), -EINVAL);
    assert_true(list_empty(&plugin.resources));
}

static void listener_left_behind_is_reclaimed_and_its_port_closed(void **state) {
    const struct virga_listener_options given = options();
    (void)state;
    open_with(&given);
    uint16_t port = ext_listener.port(handle);
    struct resource *left = LIST_ENTRY(plugin.resources.next, struct resource, node);
    assert_string_equal(left->kind, "listener");
    left->reclaim(left);
    assert_true(list_empty(&plugin.resources));
    pump_for(5);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), -1);
    assert_int_equal(errno, ECONNREFUSED);
    (void)close(fd);
}

static void close_in_handler(void *arg, struct virga_request *req) {
    (void)arg;
    ext_listener.close(handle);
    answer_plainly(req, "bye");
}

static void handler_may_close_its_own_listener_and_still_answer(void **state) {
    struct virga_listener_options given = options();
    (void)state;
    given.on_request = close_in_handler;
    open_with(&given);
    int fd = client_to(ext_listener.port(handle));
    send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(read_reply(fd), 200);
    assert_string_equal(reply.body, "bye");
    assert_closed(fd);
    ext_listener.close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(request_comes_to_the_plugin_guarded_and_with_identity),
        TEST(unsigned_request_has_the_default_identity),
        TEST(buffered_body_is_bounded_by_the_listeners_limit),
        TEST(streaming_listener_does_not_buffer_bodies),
        TEST(trailer_is_there_when_the_body_has_ended),
        TEST(patient_listener_waits_for_silent_clients),
        TEST(first_free_port_of_the_range_is_taken_and_the_preferred_before_it),
        TEST(unix_socket_is_served_and_has_no_port),
        TEST(addresses_default_to_the_bind_address),
        TEST(malformed_options_are_refused),
        TEST(listener_left_behind_is_reclaimed_and_its_port_closed),
        TEST(handler_may_close_its_own_listener_and_still_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
