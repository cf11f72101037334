/* SPDX-License-Identifier: MIT */
/* A host with one listener, and clients with plain sockets, all in one thread: pump() turns the
 * loop, so that a test can look at both sides between any two bytes. */
#ifndef TESTS_WIRE_FIXTURE_H
#define TESTS_WIRE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "conn.h"
#include "defer.h"
#include "host.h"
#include "listener.h"
#include "log.h"
#include "request.h"

#define WIRE_WAIT_MS 5000

static uv_loop_t wire_loop;
static struct host wire_host;
static struct listener *wire_listener;
static void (*wire_on_request)(struct request *req);
static void (*wire_on_head)(struct request *req);
static int wire_requests;

static inline void wire_handle(void *arg, struct request *req) {
    (void)arg;
    wire_requests++;
    wire_on_request(req);
}

static inline void wire_head(void *arg, struct request *req) {
    (void)arg;
    if (wire_on_head != NULL) {
        wire_on_head(req);
    }
}

static inline int wire_setup(void **state) {
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    log_setup(VIRGA_LOG_ERROR, LOG_TEXT);
    memset(&wire_host, 0, sizeof wire_host);
    wire_host.loop = &wire_loop;
    list_init(&wire_host.connections);
    wire_host.body_limit_bytes = 1 << 20;
    wire_host.header_limit_bytes = 16384;
    wire_host.header_timeout_ms = 60000;
    wire_host.idle_timeout_ms = 60000;
    wire_host.stall_timeout_ms = 60000;
    wire_host.max_connections = 1000;
    memcpy(wire_host.default_account, "000000000000", 13);
    memcpy(wire_host.default_region, "us-east-1", 10);
    wire_listener = NULL;
    wire_on_request = NULL;
    wire_on_head = NULL;
    wire_requests = 0;
    return uv_loop_init(&wire_loop) == 0 && defer_setup(&wire_host) == 0 ? 0 : -1;
}

static inline void pump(void) {
    (void)uv_run(&wire_loop, UV_RUN_NOWAIT);
}

static inline void pump_for(uint64_t ms) {
    uint64_t end = uv_hrtime() + ms * 1000000;
    while (uv_hrtime() < end) {
        pump();
        (void)usleep(200);
    }
}

/* Everything that was opened is closed again: the loop is empty afterwards. */
static inline int wire_teardown(void **state) {
    (void)state;
    listener_close(wire_listener);
    conn_abort_all(&wire_host);
    pump_for(5);
    defer_teardown(&wire_host);
    pump_for(5);
    if (wire_host.connections_count != 0 || wire_host.http != NULL) {
        (void)fprintf(stderr, "%zu connections are left\n", wire_host.connections_count);
        return -1;
    }
    return uv_loop_close(&wire_loop);
}

static inline void wire_open(struct listener_options options) {
    struct error err = {0};
    if (options.addresses == NULL && options.unix_path == NULL) {
        options.addresses = "127.0.0.1";
    }
    options.on_head = wire_head;
    options.on_request = wire_handle;
    int result = listener_open(&wire_host, &options, &wire_listener, &err);
    if (result != 0) {
        fail_msg("listener_open: %d %s", result, err.text);
    }
}

static inline void wire_serve(void (*on_request)(struct request *req)) {
    wire_on_request = on_request;
    wire_open((struct listener_options){.streams = false});
}

static inline void wire_serve_streams(void (*on_request)(struct request *req)) {
    wire_on_request = on_request;
    wire_open((struct listener_options){.streams = true});
}

/* ---- the client's side ---- */

static inline int client_to(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    static const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static inline int client(void) {
    return client_to(listener_port(wire_listener));
}

/* Sends as much as goes within the time; returns how much. */
static inline size_t send_some(int fd, const char *bytes, size_t len, uint64_t ms) {
    uint64_t end = uv_hrtime() + ms * 1000000;
    size_t sent = 0;
    while (sent < len && uv_hrtime() < end) {
        ssize_t count = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL);
        if (count > 0) {
            sent += (size_t)count;
        } else if (count < 0 && errno != EAGAIN) {
            break;
        } else {
            (void)usleep(100);
        }
        pump();
    }
    return sent;
}

static inline void send_bytes(int fd, const char *bytes, size_t len) {
    assert_int_equal(send_some(fd, bytes, len, WIRE_WAIT_MS), len);
}

static inline void send_text(int fd, const char *text) {
    send_bytes(fd, text, strlen(text));
}

/* Returns the bytes read, 0 at the end, -1 on a reset; fails when nothing comes. */
static inline ssize_t receive(int fd, char *buffer, size_t size) {
    uint64_t end = uv_hrtime() + (uint64_t)WIRE_WAIT_MS * 1000000;
    while (uv_hrtime() < end) {
        pump();
        ssize_t count = recv(fd, buffer, size, 0);
        if (count >= 0) {
            return count;
        }
        if (errno != EAGAIN) {
            return -1;
        }
        (void)usleep(100);
    }
    fail_msg("nothing came");
    return -1;
}

static inline void assert_silent(int fd, uint64_t ms) {
    char byte;
    pump_for(ms);
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

/* Whether the server has ended the connection in order. */
static inline void assert_closed(int fd) {
    char byte;
    assert_int_equal(receive(fd, &byte, 1), 0);
    assert_int_equal(close(fd), 0);
}

#define REPLY_HEAD_MAX 16384
#define REPLY_BODY_MAX (1 << 20)

struct reply {
    int status;
    char head[REPLY_HEAD_MAX];
    char body[REPLY_BODY_MAX];
    size_t body_len;
    bool until_close;
};

static struct reply reply;

static inline void read_exactly(int fd, char *to, size_t len) {
    size_t have = 0;
    while (have < len) {
        ssize_t count = receive(fd, to + have, len - have);
        if (count <= 0) {
            fail_msg("the connection ended %zu bytes too early", len - have);
        }
        have += (size_t)count;
    }
}

static inline void read_line(int fd, char *to, size_t size) {
    size_t len = 0;
    do {
        assert_true(len + 1 < size);
        read_exactly(fd, to + len++, 1);
    } while (to[len - 1] != '\n');
    to[len] = '\0';
}

/* The value of a header of the reply, or NULL. */
static inline const char *reply_header(const char *name) {
    static char value[1024];
    char line[300];
    (void)snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = strcasestr(reply.head, line);
    if (at == NULL) {
        return NULL;
    }
    at += strlen(line);
    (void)snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\r"), at);
    return value;
}

static inline void read_chunks(int fd) {
    for (;;) {
        char line[64];
        read_line(fd, line, sizeof line);
        size_t len = strtoul(line, NULL, 16);
        if (len > 0) {
            assert_true(reply.body_len + len < REPLY_BODY_MAX);
            read_exactly(fd, reply.body + reply.body_len, len);
            reply.body_len += len;
        }
        read_line(fd, line, sizeof line);
        assert_string_equal(line, "\r\n");
        if (len == 0) {
            return;
        }
    }
}

static inline void read_head(int fd) {
    size_t len = 0;
    memset(reply.head, 0, sizeof reply.head);
    do {
        assert_true(len + 1 < sizeof reply.head);
        read_exactly(fd, reply.head + len++, 1);
    } while (len < 4 || memcmp(reply.head + len - 4, "\r\n\r\n", 4) != 0);
    assert_memory_equal(reply.head, "HTTP/1.1 ", 9);
    reply.status = atoi(reply.head + 9);
}

/* Reads one answer; `to_head`: without its body. Returns the status. */
static inline int read_reply_to(int fd, bool to_head) {
    read_head(fd);
    reply.body_len = 0;
    reply.until_close = false;
    const char *length = reply_header("Content-Length");
    bool has_body = !to_head && reply.status >= 200 && reply.status != 204 && reply.status != 304;
    if (has_body && reply_header("Transfer-Encoding") != NULL) {
        read_chunks(fd);
    } else if (has_body && (length = reply_header("Content-Length")) != NULL) {
        reply.body_len = strtoul(length, NULL, 10);
        assert_true(reply.body_len < REPLY_BODY_MAX);
        read_exactly(fd, reply.body, reply.body_len);
    } else if (has_body) {
        ssize_t count;
        reply.until_close = true;
        while ((count = receive(fd, reply.body + reply.body_len,
                                REPLY_BODY_MAX - reply.body_len - 1)) > 0) {
            reply.body_len += (size_t)count;
        }
        assert_int_equal(count, 0);
    }
    reply.body[reply.body_len] = '\0';
    return reply.status;
}

static inline int read_reply(int fd) {
    return read_reply_to(fd, false);
}

/* The only connection on the server's side. */
static inline struct conn *the_conn(void) {
    assert_int_equal(wire_host.connections_count, 1);
    return LIST_ENTRY(wire_host.connections.next, struct conn, node);
}

static inline void wait_until_gone(void) {
    for (int i = 0; i < WIRE_WAIT_MS && wire_host.connections_count > 0; i++) {
        pump_for(1);
    }
    assert_int_equal(wire_host.connections_count, 0);
}

/* ---- handlers ---- */

static inline int answer(struct request *req, int status, const char *body) {
    return request_respond_text(req, status, "text/plain", body, strlen(body));
}

#endif
