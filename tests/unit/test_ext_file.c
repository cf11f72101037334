/* SPDX-License-Identifier: MIT */
/* Answers out of files: ranges, slow and vanished clients, files that change, and what is refused.
 */
#include "ext_file.h"

#include "wire_fixture.h"

#include <sys/stat.h>

#include "resource.h"

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define HEAD "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"
#define SMALL 300000
/* More than the kernel takes for a client that does not read. */
#define LARGE ((size_t)48 * 1024 * 1024)

static struct virga_plugin desc = {.name = "test"};
static struct plugin plugin;
static char dir[] = "/tmp/virga-file-XXXXXX";
static char path[64];
static char socket_path[64];

static struct virga_file_range range;
static int respond_status; /* of the answer */
static int result;         /* of respond() */
static int dones;
static int done_status;
static bool in_respond;
static struct virga_request *asked;

static void on_done(void *arg, int status) {
    assert_ptr_equal(arg, &dones);
    assert_false(in_respond);
    dones++;
    done_status = status;
}

static void serve(struct request *req) {
    static const struct virga_header type = {{"Content-Type", 12}, {"a/b", 3}};
    const struct virga_response res = {
        .struct_size = sizeof res, .status = respond_status, .headers = &type, .headers_count = 1};
    asked = &req->pub;
    req->plugin = &plugin;
    in_respond = true;
    result = ext_file.respond(&plugin.api, &req->pub, &res, &range);
    in_respond = false;
    if (result != 0 && result != -ECANCELED) {
        assert_int_equal(answer(req, 404, "none"), 0);
    }
}

/* The byte at an offset. */
static char byte_at(size_t offset) {
    return (char)(offset * 31 + offset / 251);
}

static void make_file(size_t size) {
    static char block[65536];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (size_t at = 0; at < size;) {
        size_t len = size - at < sizeof block ? size - at : sizeof block;
        for (size_t i = 0; i < len; i++) {
            block[i] = byte_at(at + i);
        }
        assert_int_equal(write(fd, block, len), len);
        at += len;
    }
    assert_int_equal(close(fd), 0);
}

static int file_setup(void **state) {
    int failed = wire_setup(state);
    memset(&plugin, 0, sizeof plugin);
    plugin.host = &wire_host;
    plugin.desc = &desc;
    plugin.state = PLUGIN_RUNNING;
    list_init(&plugin.resources);
    dones = 0;
    done_status = 1;
    respond_status = 200;
    range = (struct virga_file_range){.struct_size = sizeof range,
                                      .fd = -1,
                                      .path = path,
                                      .length = VIRGA_LENGTH_UNKNOWN,
                                      .on_done = on_done,
                                      .arg = &dones};
    return failed;
}

static int file_teardown(void **state) {
    bool clean = list_empty(&plugin.resources);
    return wire_teardown(state) == 0 && clean ? 0 : -1;
}

static int make_dir(void **state) {
    (void)state;
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/file", dir);
    (void)snprintf(socket_path, sizeof socket_path, "%s/socket", dir);
    return 0;
}

static int remove_dir(void **state) {
    (void)state;
    (void)unlink(path);
    return rmdir(dir);
}

static void wait_for_done(void) {
    for (int i = 0; i < WIRE_WAIT_MS && dones == 0; i++) {
        pump_for(1);
    }
    assert_int_equal(dones, 1);
}

static void assert_body(size_t offset, size_t len) {
    assert_int_equal(reply.body_len, len);
    for (size_t i = 0; i < len; i++) {
        if (reply.body[i] != byte_at(offset + i)) {
            fail_msg("byte %zu of the body is wrong", i);
        }
    }
}

static int client_on_unix(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, socket_path, strlen(socket_path));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* Reads a body of which the head was read, and checks its first bytes; returns how much came before
 * the end. */
static size_t read_body(int fd, size_t len, size_t checked) {
    static char block[65536];
    size_t at = 0;
    while (at < len) {
        ssize_t count = receive(fd, block, sizeof block);
        if (count <= 0) {
            break;
        }
        for (size_t i = 0; i < (size_t)count && at + i < checked; i++) {
            if (block[i] != byte_at(at + i)) {
                fail_msg("byte %zu of the body is wrong", at + i);
            }
        }
        at += (size_t)count;
    }
    return at;
}

/* ---- whole and in part ---- */

static void whole_file_is_sent_and_connection_kept(void **state) {
    (void)state;
    make_file(SMALL);
    wire_serve(serve);
    int fd = client();
    for (int i = 0; i < 3; i++) {
        dones = 0;
        send_text(fd, GET);
        assert_int_equal(read_reply(fd), 200);
        assert_int_equal(result, 0);
        assert_string_equal(reply_header("Content-Length"), "300000");
        assert_string_equal(reply_header("Content-Type"), "a/b");
        assert_body(0, SMALL);
        wait_for_done();
        assert_int_equal(done_status, 0);
    }
    assert_int_equal(close(fd), 0);
}

static void range_is_sent_from_an_open_file(void **state) {
    (void)state;
    make_file(SMALL);
    wire_serve(serve);
    range.fd = open(path, O_RDONLY | O_CLOEXEC);
    range.offset = 1000;
    range.length = 70001;
    respond_status = 206;
    int fd = client();
    send_text(fd, GET);
    assert_int_equal(read_reply(fd), 206);
    assert_body(1000, 70001);
    wait_for_done();
    assert_int_equal(close(range.fd), 0); /* it is still the caller's */
    assert_int_equal(close(fd), 0);
}

static void empty_file_and_empty_rest_are_answers(void **state) {
    (void)state;
    make_file(10);
    wire_serve(serve);
    range.offset = 10;
    int fd = client();
    send_text(fd, GET);
    assert_int_equal(read_reply(fd), 200);
    assert_body(0, 0);
    wait_for_done();
    assert_int_equal(done_status, 0);
    assert_int_equal(close(fd), 0);
}

static void head_announces_the_length_only(void **state) {
    (void)state;
    make_file(SMALL);
    wire_serve(serve);
    int fd = client();
    send_text(fd, HEAD);
    assert_int_equal(read_reply_to(fd, true), 200);
    assert_string_equal(reply_header("Content-Length"), "300000");
    wait_for_done();
    send_text(fd, GET);
    dones = 0;
    assert_int_equal(read_reply(fd), 200);
    assert_body(0, SMALL);
    wait_for_done();
    assert_int_equal(close(fd), 0);
}

static void unix_sockets_get_files_too(void **state) {
    (void)state;
    make_file(LARGE);
    wire_on_request = serve;
    wire_open((struct listener_options){.unix_path = socket_path});
    int fd = client_on_unix();
    send_text(fd, GET);
    read_head(fd);
    assert_int_equal(read_body(fd, LARGE, LARGE), LARGE);
    wait_for_done();
    assert_int_equal(done_status, 0);
    assert_int_equal(close(fd), 0);
}

static void pipelined_request_is_answered_after_the_file(void **state) {
    (void)state;
    make_file(SMALL);
    wire_serve(serve);
    int fd = client();
    send_text(fd, GET GET);
    assert_int_equal(read_reply(fd), 200);
    assert_body(0, SMALL);
    assert_int_equal(read_reply(fd), 200);
    assert_body(0, SMALL);
    assert_int_equal(close(fd), 0);
    wait_until_gone();
}

/* Through the thread pool, where the file system has page cache to drop. */
static void file_that_is_not_cached_is_sent(void **state) {
    (void)state;
    make_file(SMALL);
    wire_serve(serve);
    range.fd = open(path, O_RDONLY | O_CLOEXEC);
    int fd = client();
    for (int i = 0; i < 2; i++) {
        if (i == 0) {
            assert_int_equal(fsync(range.fd), 0);
            assert_int_equal(posix_fadvise(range.fd, 0, 0, POSIX_FADV_DONTNEED), 0);
        }
        dones = 0;
        send_text(fd, GET);
        assert_int_equal(read_reply(fd), 200);
        assert_body(0, SMALL);
        wait_for_done();
        assert_int_equal(done_status, 0);
    }
    assert_int_equal(close(range.fd), 0);
    assert_int_equal(close(fd), 0);
}

/* ---- slow clients, and clients that go ---- */

static void large_file_waits_for_the_client(void **state) {
    (void)state;
    make_file(LARGE);
    wire_serve(serve);
    int fd = client();
    send_text(fd, GET);
    pump_for(300);
    assert_int_equal(dones, 0); /* most of it is still in the file */
    read_head(fd);
    assert_int_equal(read_body(fd, LARGE, LARGE), LARGE);
    wait_for_done();
    assert_int_equal(done_status, 0);
    assert_int_equal(close(fd), 0);
}

static void others_are_served_meanwhile(void **state) {
    (void)state;
    make_file(LARGE);
    wire_serve(serve);
    int slow = client();
    send_text(slow, GET);
    pump_for(100);
    range.length = 5;
    int fd = client();
    send_text(fd, GET);
    assert_int_equal(read_reply(fd), 200);
    assert_body(0, 5);
    assert_int_equal(close(fd), 0);
    assert_int_equal(close(slow), 0);
    wait_until_gone();
    for (int i = 0; i < WIRE_WAIT_MS && dones < 2; i++) {
        pump_for(1);
    }
    assert_int_equal(dones, 2);
}

static void vanished_client_is_told_once(void **state) {
    (void)state;
    make_file(LARGE);
    wire_serve(serve);
    int fd = client();
    send_text(fd, GET);
    pump_for(50);
    assert_int_equal(close(fd), 0);
    wait_for_done();
    assert_int_equal(done_status, -ECONNRESET);
    pump_for(20);
    assert_int_equal(dones, 1);
}

static void stalled_client_is_given_up(void **state) {
    (void)state;
    make_file(LARGE);
    wire_host.stall_timeout_ms = 100;
    wire_serve(serve);
    int fd = client();
    send_text(fd, GET);
    wait_for_done();
    assert_int_equal(done_status, -ETIMEDOUT);
    assert_int_equal(close(fd), 0);
}

static void end_of_the_host_ends_the_answer(void **state) {
    (void)state;
    make_file(LARGE);
    wire_serve(serve);
    int fd = client();
    send_text(fd, GET);
    pump_for(50);
    conn_abort_all(&wire_host);
    wait_for_done();
    assert_int_equal(done_status, -ECANCELED);
    assert_int_equal(close(fd), 0);
}

static void reclaimed_answer_tells_nobody(void **state) {
    (void)state;
    for (int turns = 0; turns < 8; turns++) {
        make_file(LARGE);
        if (wire_listener == NULL) {
            wire_serve(serve);
        }
        int fd = client();
        send_text(fd, GET);
        for (int i = 0; i < WIRE_WAIT_MS && list_empty(&plugin.resources); i++) {
            pump();
        }
        for (int i = 0; i < turns; i++) {
            pump();
        }
        while (!list_empty(&plugin.resources)) {
            struct resource *left = LIST_ENTRY(plugin.resources.next, struct resource, node);
            left->reclaim(left);
        }
        wait_until_gone();
        pump_for(10);
        assert_int_equal(dones, 0);
        assert_int_equal(close(fd), 0);
    }
}

/* ---- files that change, and what is no file ---- */

static void shrunk_file_breaks_the_connection(void **state) {
    (void)state;
    make_file(LARGE);
    wire_serve(serve);
    int fd = client();
    send_text(fd, GET);
    pump_for(100);
    assert_int_equal(truncate(path, SMALL), 0);
    read_head(fd);
    /* What the kernel holds of the file is the file's own memory: it changes with it. */
    assert_true(read_body(fd, LARGE, 0) < LARGE);
    wait_for_done();
    assert_int_equal(done_status, -ENODATA);
    assert_int_equal(close(fd), 0);
}

static void assert_refused(int error) {
    int fd = client();
    send_text(fd, GET);
    assert_int_equal(read_reply(fd), 404);
    assert_int_equal(result, error);
    assert_int_equal(close(fd), 0);
    wait_until_gone();
    assert_int_equal(dones, 0);
}

static void unusable_files_and_ranges_are_refused(void **state) {
    (void)state;
    make_file(100);
    wire_serve(serve);
    range.offset = 101;
    assert_refused(-EINVAL);
    range.offset = 50;
    range.length = 51;
    assert_refused(-EINVAL);
    range.offset = UINT64_MAX - 10;
    range.length = 20;
    assert_refused(-EINVAL);
    range.offset = 0;
    range.length = 100;
    range.path = "/tmp/virga-no-such-file";
    assert_refused(-ENOENT);
    range.path = dir;
    assert_refused(-EISDIR);
    range.path = "/dev/null";
    assert_refused(-EINVAL);
    range.path = NULL;
    assert_refused(-EINVAL);
    char fifo[80];
    (void)snprintf(fifo, sizeof fifo, "%s/fifo", dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    range.path = fifo;
    assert_refused(-EINVAL);
    assert_int_equal(unlink(fifo), 0);
    range.path = path;
    range.struct_size = 8;
    assert_refused(-EINVAL);
}

static void malformed_answer_leaves_the_request(void **state) {
    (void)state;
    make_file(100);
    wire_serve(serve);
    respond_status = 99;
    assert_refused(-EINVAL);
}

static int on_body(void *arg, struct virga_request *req, int status, struct virga_str chunk) {
    (void)arg;
    (void)req;
    (void)chunk;
    fail_msg("on_body with status %d after the answer", status);
    return VIRGA_BODY_GO_ON;
}

static void begin_and_serve(struct request *req) {
    assert_int_equal(request_http.body_start(&req->pub, on_body, NULL), 0);
    serve(req);
}

static void body_that_flows_is_stopped(void **state) {
    (void)state;
    make_file(SMALL);
    wire_serve_streams(begin_and_serve);
    int fd = client();
    send_text(fd, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n");
    assert_int_equal(read_reply(fd), 200);
    assert_body(0, SMALL);
    wait_for_done();
    assert_int_equal(done_status, 0);
    send_text(fd, "0123456789");
    pump_for(20);
    assert_int_equal(close(fd), 0);
}

static struct request *held;

static void hold(struct request *req) {
    held = req;
}

static void request_whose_client_is_gone_is_ecanceled(void **state) {
    (void)state;
    make_file(100);
    wire_serve(hold);
    int fd = client();
    send_text(fd, GET);
    while (held == NULL) {
        pump_for(1);
    }
    assert_int_equal(close(fd), 0);
    conn_abort_all(&wire_host);
    serve(held);
    assert_int_equal(result, -ECANCELED);
    pump_for(10);
    assert_int_equal(dones, 0);
    held = NULL;
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, file_setup, file_teardown)
    const struct CMUnitTest tests[] = {
        TEST(whole_file_is_sent_and_connection_kept),
        TEST(range_is_sent_from_an_open_file),
        TEST(empty_file_and_empty_rest_are_answers),
        TEST(head_announces_the_length_only),
        TEST(unix_sockets_get_files_too),
        TEST(file_that_is_not_cached_is_sent),
        TEST(pipelined_request_is_answered_after_the_file),
        TEST(large_file_waits_for_the_client),
        TEST(others_are_served_meanwhile),
        TEST(vanished_client_is_told_once),
        TEST(stalled_client_is_given_up),
        TEST(end_of_the_host_ends_the_answer),
        TEST(reclaimed_answer_tells_nobody),
        TEST(shrunk_file_breaks_the_connection),
        TEST(unusable_files_and_ranges_are_refused),
        TEST(malformed_answer_leaves_the_request),
        TEST(body_that_flows_is_stopped),
        TEST(request_whose_client_is_gone_is_ecanceled),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
