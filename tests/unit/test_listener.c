/* SPDX-License-Identifier: MIT */
/* Opening ports and unix sockets. */
#include "wire_fixture.h"

#include <sys/stat.h>

static void ok(struct request *req) {
    assert_int_equal(answer(req, 200, "ok"), 0);
}

static void nothing(void *arg, struct request *req) {
    (void)arg;
    ok(req);
}

static int try_open(struct listener_options options, struct error *err,
                    struct listener **ret_listener) {
    options.on_request = nothing;
    if (options.addresses == NULL) {
        options.addresses = "127.0.0.1";
    }
    memset(err, 0, sizeof *err);
    return listener_open(&wire_host, &options, ret_listener, err);
}

/* A socket that occupies a port of an address. */
static int occupy(const char *address, uint16_t port, uint16_t *ret_port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static void ask_at(const char *address, uint16_t port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static void one_port_is_opened_on_every_address(void **state) {
    (void)state;
    struct error err;
    assert_int_equal(
        try_open((struct listener_options){.addresses = "127.0.0.1, 127.0.0.2,127.0.0.3"}, &err,
                 &wire_listener),
        0);
    uint16_t port = listener_port(wire_listener);
    assert_true(port > 0);
    ask_at("127.0.0.1", port);
    ask_at("127.0.0.2", port);
    ask_at("127.0.0.3", port);
}

static void absent_address_is_left_out_while_one_remains(void **state) {
    (void)state;
    struct error err;
    /* 192.0.2.0/24 is for documentation: no machine has it. */
    assert_int_equal(try_open((struct listener_options){.addresses = "192.0.2.1,127.0.0.1"}, &err,
                              &wire_listener),
                     0);
    ask_at("127.0.0.1", listener_port(wire_listener));
    struct listener *none = NULL;
    assert_int_equal(try_open((struct listener_options){.addresses = "192.0.2.1"}, &err, &none),
                     -EADDRNOTAVAIL);
    assert_non_null(strstr(err.text, "192.0.2.1"));
}

static void both_families_share_a_port_where_there_are_both(void **state) {
    (void)state;
    struct error err;
    assert_int_equal(
        try_open((struct listener_options){.addresses = "127.0.0.1,::1"}, &err, &wire_listener), 0);
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    at.sin6_port = htons(listener_port(wire_listener));
    ask_at("127.0.0.1", listener_port(wire_listener));
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        (void)close(fd);
        print_message("no IPv6 here: only 127.0.0.1 was checked\n");
        return;
    }
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(read_reply(fd), 200);
    (void)close(fd);
}

static void port_taken_on_the_second_address_is_passed_over(void **state) {
    (void)state;
    struct error err;
    uint16_t taken;
    int fd = occupy("127.0.0.2", 0, &taken);
    uint16_t last = (uint16_t)(taken + 20);
    struct listener_options options = {
        .addresses = "127.0.0.1,127.0.0.2", .port_first = taken, .port_last = last};
    assert_int_equal(try_open(options, &err, &wire_listener), 0);
    assert_true(listener_port(wire_listener) > taken && listener_port(wire_listener) <= last);
    /* The half-opened port was given back. */
    uint16_t same;
    int other = occupy("127.0.0.1", taken, &same);
    (void)close(other);
    (void)close(fd);
}

static void full_range_is_eaddrinuse_in_words(void **state) {
    (void)state;
    struct error err;
    struct listener *none = NULL;
    uint16_t taken;
    char port[8];
    int fd = occupy("127.0.0.1", 0, &taken);
    assert_int_equal(
        try_open((struct listener_options){.port_first = taken, .port_last = taken}, &err, &none),
        -EADDRINUSE);
    assert_null(none);
    (void)snprintf(port, sizeof port, "%u", taken);
    assert_non_null(strstr(err.text, port));
    assert_non_null(strstr(err.text, "127.0.0.1"));
    (void)close(fd);
}

static void preferred_port_goes_before_the_range(void **state) {
    (void)state;
    struct error err;
    uint16_t preferred, first;
    int fd = occupy("127.0.0.1", 0, &preferred);
    int other = occupy("127.0.0.1", 0, &first);
    (void)close(other);
    struct listener_options options = {
        .port_preferred = preferred, .port_first = first, .port_last = (uint16_t)(first + 20)};
    assert_int_equal(try_open(options, &err, &wire_listener), 0);
    assert_true(listener_port(wire_listener) >= first);
    listener_close(wire_listener);
    wire_listener = NULL;
    (void)close(fd);
    assert_int_equal(try_open(options, &err, &wire_listener), 0);
    assert_int_equal(listener_port(wire_listener), preferred);
}

static void nonsense_is_einval(void **state) {
    (void)state;
    struct error err;
    struct listener *none = NULL;
    static const char *const addresses[] = {
        "",
        " , ",
        "localhost",
        "1.2.3",
        "127.0.0.1,x",
        "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
        "1.1.1.1,1.1.1.1"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        assert_int_equal(
            try_open((struct listener_options){.addresses = addresses[i]}, &err, &none), -EINVAL);
        assert_int_not_equal(err.text[0], '\0');
    }
    assert_int_equal(
        try_open((struct listener_options){.port_first = 10, .port_last = 9}, &err, &none),
        -EINVAL);
    assert_null(none);
}

static char path[100];

static int unix_setup(void **state) {
    (void)snprintf(path, sizeof path, "/tmp/virga-test-listener-%d.sock", (int)getpid());
    (void)unlink(path);
    return wire_setup(state);
}

static int unix_socket_at(const char *file) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(address.sun_path, file, strlen(file) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void stale_unix_socket_is_replaced_and_removed_at_close(void **state) {
    (void)state;
    struct error err;
    struct stat st;
    (void)close(unix_socket_at(path)); /* the file stays */
    assert_int_equal(try_open((struct listener_options){.unix_path = path}, &err, &wire_listener),
                     0);
    assert_int_equal(listener_port(wire_listener), 0);
    assert_int_equal(stat(path, &st), 0);
    listener_close(wire_listener);
    wire_listener = NULL;
    assert_int_equal(stat(path, &st), -1);
}

static void unix_socket_in_use_is_left_alone(void **state) {
    (void)state;
    struct error err;
    struct stat st;
    struct listener *none = NULL;
    int fd = unix_socket_at(path);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(try_open((struct listener_options){.unix_path = path}, &err, &none),
                     -EADDRINUSE);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(stat(path, &st), 0);
    (void)close(fd);
    (void)unlink(path);
}

static void file_that_is_no_socket_is_left_alone(void **state) {
    (void)state;
    struct error err;
    struct stat st;
    struct listener *none = NULL;
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    (void)close(fd);
    assert_int_equal(try_open((struct listener_options){.unix_path = path}, &err, &none),
                     -EADDRINUSE);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    (void)unlink(path);
}

static void overlong_unix_path_is_einval(void **state) {
    (void)state;
    struct error err;
    struct listener *none = NULL;
    char longer[200];
    memset(longer, 'p', sizeof longer);
    memcpy(longer, "/tmp/", 5);
    longer[199] = '\0';
    assert_int_equal(try_open((struct listener_options){.unix_path = longer}, &err, &none),
                     -EINVAL);
    assert_int_equal(try_open((struct listener_options){.unix_path = "/nowhere/x"}, &err, &none),
                     -ENOENT);
}

#define WIRED(test) cmocka_unit_test_setup_teardown(test, wire_setup, wire_teardown)
#define UNIX(test) cmocka_unit_test_setup_teardown(test, unix_setup, wire_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WIRED(one_port_is_opened_on_every_address),
        WIRED(absent_address_is_left_out_while_one_remains),
        WIRED(both_families_share_a_port_where_there_are_both),
        WIRED(port_taken_on_the_second_address_is_passed_over),
        WIRED(full_range_is_eaddrinuse_in_words),
        WIRED(preferred_port_goes_before_the_range),
        WIRED(nonsense_is_einval),
        UNIX(stale_unix_socket_is_replaced_and_removed_at_close),
        UNIX(unix_socket_in_use_is_left_alone),
        UNIX(file_that_is_no_socket_is_left_alone),
        UNIX(overlong_unix_path_is_einval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
