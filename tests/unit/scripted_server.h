/* SPDX-License-Identifier: MIT */
/* A server for tests of outgoing connections: blocking sockets, a thread for each connection, which
 * runs the test's script. Header only; include it once per executable. */
#ifndef TESTS_SCRIPTED_SERVER_H
#define TESTS_SCRIPTED_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SERVER_CONNECTIONS_MAX 64

struct server;

/* One accepted connection, with what was read ahead of the script's wishes. */
struct peer {
    struct server *server;
    int fd;
    unsigned number; /* 1 is the first connection of the server */
    pthread_t thread;
    size_t ahead;
    char buffer[65536];
    char head[65536]; /* the last request's, ended by NUL */
};

struct server {
    int fd;
    char path[100];                    /* of a unix socket */
    uint16_t port;                     /* else */
    void (*script)(struct peer *peer); /* the connection is closed when it returns */
    void *arg;
    atomic_uint accepted;
    pthread_t thread;
    struct peer *peers[SERVER_CONNECTIONS_MAX];
};

/* What big bodies are made of: position tells content, so that no copy is needed to check one.
 * Repeats after a prime number of bytes, so that no buffer's worth of shift goes unnoticed. */
#define SERVER_PATTERN_PERIOD 65521u

static char server_pattern_bytes[SERVER_PATTERN_PERIOD];
static pthread_once_t server_pattern_once = PTHREAD_ONCE_INIT;

static inline void server_pattern_make(void) {
    uint32_t word = 1;
    for (size_t i = 0; i < SERVER_PATTERN_PERIOD; i++) {
        word = word * 1664525u + 1013904223u;
        server_pattern_bytes[i] = (char)(unsigned char)(word >> 24);
    }
}

/* The longest run of the pattern from `at` on that lies in one piece. */
static inline const char *server_pattern(uint64_t at, size_t *ret_len) {
    (void)pthread_once(&server_pattern_once, server_pattern_make);
    *ret_len = SERVER_PATTERN_PERIOD - (size_t)(at % SERVER_PATTERN_PERIOD);
    return server_pattern_bytes + at % SERVER_PATTERN_PERIOD;
}

static inline void server_pattern_fill(uint64_t at, char *to, size_t len) {
    while (len > 0) {
        size_t run;
        const char *from = server_pattern(at, &run);
        run = run < len ? run : len;
        memcpy(to, from, run);
        to += run;
        at += run;
        len -= run;
    }
}

static inline bool server_pattern_is(uint64_t at, const char *bytes, size_t len) {
    while (len > 0) {
        size_t run;
        const char *from = server_pattern(at, &run);
        run = run < len ? run : len;
        if (memcmp(bytes, from, run) != 0) {
            return false;
        }
        bytes += run;
        at += run;
        len -= run;
    }
    return true;
}

/* --- for scripts --- */

/* Reads a request's head into peer->head. False: the connection has ended. */
static inline bool peer_read_head(struct peer *peer) {
    for (;;) {
        char *end = memmem(peer->buffer, peer->ahead, "\r\n\r\n", 4);
        if (end != NULL) {
            size_t len = (size_t)(end - peer->buffer) + 4;
            memcpy(peer->head, peer->buffer, len);
            peer->head[len] = '\0';
            peer->ahead -= len;
            memmove(peer->buffer, peer->buffer + len, peer->ahead);
            return true;
        }
        ssize_t got =
            recv(peer->fd, peer->buffer + peer->ahead, sizeof peer->buffer - peer->ahead, 0);
        if (got <= 0) {
            return false;
        }
        peer->ahead += (size_t)got;
    }
}

/* Reads some bytes; 0 at the end. */
static inline size_t peer_read(struct peer *peer, char *to, size_t size) {
    if (peer->ahead > 0) {
        size_t take = peer->ahead < size ? peer->ahead : size;
        memcpy(to, peer->buffer, take);
        peer->ahead -= take;
        memmove(peer->buffer, peer->buffer + take, peer->ahead);
        return take;
    }
    ssize_t got = recv(peer->fd, to, size, 0);
    return got > 0 ? (size_t)got : 0;
}

/* Reads exactly so much of the pattern. Whether all of it came and was right. */
static inline bool peer_read_pattern(struct peer *peer, uint64_t len) {
    static _Thread_local char chunk[65536];
    uint64_t at = 0;
    while (at < len) {
        size_t want = len - at < sizeof chunk ? (size_t)(len - at) : sizeof chunk;
        size_t got = peer_read(peer, chunk, want);
        if (got == 0) {
            return false;
        }
        if (!server_pattern_is(at, chunk, got)) {
            return false;
        }
        at += got;
    }
    return true;
}

/* Reads one line into `line` without its end. */
static inline bool peer_read_line(struct peer *peer, char *line, size_t size) {
    size_t len = 0;
    char c;
    while (peer_read(peer, &c, 1) == 1 && len + 1 < size) {
        if (c == '\n') {
            line[len > 0 && line[len - 1] == '\r' ? len - 1 : len] = '\0';
            return true;
        }
        line[len++] = c;
    }
    return false;
}

/* Reads a chunked body into `to`. Whether it fit and was well formed; *ret_len is its length. */
static inline bool peer_read_chunked(struct peer *peer, char *to, size_t size, size_t *ret_len) {
    char line[64];
    *ret_len = 0;
    for (;;) {
        if (!peer_read_line(peer, line, sizeof line)) {
            return false;
        }
        size_t chunk = strtoul(line, NULL, 16);
        if (chunk == 0) {
            return peer_read_line(peer, line, sizeof line) && line[0] == '\0';
        }
        if (*ret_len + chunk > size) {
            return false;
        }
        for (size_t got = 0; got < chunk;) {
            size_t more = peer_read(peer, to + *ret_len + got, chunk - got);
            if (more == 0) {
                return false;
            }
            got += more;
        }
        *ret_len += chunk;
        if (!peer_read_line(peer, line, sizeof line) || line[0] != '\0') {
            return false;
        }
    }
}

static inline bool peer_send(struct peer *peer, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t sent = send(peer->fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

static inline bool peer_say(struct peer *peer, const char *text) {
    return peer_send(peer, text, strlen(text));
}

/* Sends so much of the pattern. */
static inline bool peer_send_pattern(struct peer *peer, uint64_t len) {
    for (uint64_t at = 0; at < len;) {
        size_t run;
        const char *from = server_pattern(at, &run);
        run = run < len - at ? run : (size_t)(len - at);
        if (!peer_send(peer, from, run)) {
            return false;
        }
        at += run;
    }
    return true;
}

/* Waits until the other side has closed; what comes before is thrown away. */
static inline void peer_await_end(struct peer *peer) {
    char rest[4096];
    while (peer_read(peer, rest, sizeof rest) > 0) {
    }
}

/* Breaks a TCP connection with a reset; the descriptor stays. Source: tcp(7) on AF_UNSPEC,
 * connect(2). */
static inline void peer_reset(struct peer *peer) {
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    (void)connect(peer->fd, &nowhere, sizeof nowhere);
}

/* --- the server --- */

static inline void *server_peer_main(void *arg) {
    struct peer *peer = arg;
    peer->server->script(peer);
    /* Closed by server_stop(): until then its number is not given to another. */
    (void)shutdown(peer->fd, SHUT_RDWR);
    return NULL;
}

static inline void *server_main(void *arg) {
    struct server *server = arg;
    for (;;) {
        int fd = accept(server->fd, NULL, NULL);
        unsigned number = atomic_load(&server->accepted);
        if (fd < 0 || number == SERVER_CONNECTIONS_MAX) {
            return NULL;
        }
        struct peer *peer = calloc(1, sizeof *peer);
        if (peer == NULL) {
            abort();
        }
        peer->server = server;
        peer->fd = fd;
        peer->number = number + 1;
        server->peers[number] = peer;
        atomic_store(&server->accepted, number + 1);
        if (pthread_create(&peer->thread, NULL, server_peer_main, peer) != 0) {
            abort();
        }
    }
}

static inline void server_bind(struct server *server, bool unix_socket) {
    static unsigned count;
    if (unix_socket) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        (void)snprintf(server->path, sizeof server->path, "/tmp/virga-test-%d-%u.sock",
                       (int)getpid(), ++count);
        (void)unlink(server->path);
        memcpy(address.sun_path, server->path, strlen(server->path));
        server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(server->fd, (struct sockaddr *)&address, sizeof address) != 0) {
            abort();
        }
        return;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(server->fd, (struct sockaddr *)&address, &size) != 0) {
        abort();
    }
    server->port = ntohs(address.sin_port);
}

/* Listens on a unix socket, or an ephemeral port of 127.0.0.1. */
static inline void server_start(struct server *server, bool unix_socket,
                                void (*script)(struct peer *peer), void *arg) {
    memset(server, 0, sizeof *server);
    server->script = script;
    server->arg = arg;
    server_bind(server, unix_socket);
    if (listen(server->fd, 64) != 0 ||
        pthread_create(&server->thread, NULL, server_main, server) != 0) {
        abort();
    }
}

/* Breaks off whatever still runs, and waits for it. */
static inline void server_stop(struct server *server) {
    (void)shutdown(server->fd, SHUT_RDWR);
    (void)pthread_join(server->thread, NULL);
    (void)close(server->fd);
    unsigned count = atomic_load(&server->accepted);
    for (unsigned i = 0; i < count; i++) {
        struct peer *peer = server->peers[i];
        (void)shutdown(peer->fd, SHUT_RDWR);
        (void)pthread_join(peer->thread, NULL);
        (void)close(peer->fd);
        free(peer);
    }
    if (server->path[0] != '\0') {
        (void)unlink(server->path);
    }
}

#endif
