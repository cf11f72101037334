/* SPDX-License-Identifier: MIT */
/* virga forward: passes TCP connections on. For the container that stands between the engine's
 * machine and virga in a container; knows nothing of HTTP. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "cli.h"

#define BACKLOG 128
#define CHUNK_BYTES 65536
#define CONNECTIONS_MAX 1024 /* at one time; more wait in the kernel's backlog until one is over   \
                              */

struct forward {
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_signal_t on_term;
    uv_signal_t on_int;
    struct sockaddr_storage target;
    size_t pairs;
    bool full; /* a connection waits to be accepted */
};

/* One direction's half of a connection: what comes from it is written to the other half. */
struct half {
    uv_tcp_t tcp;
    struct pair *pair;
    struct half *other;
    uv_write_t write;
    uv_shutdown_t shutdown;
    bool ended; /* nothing more comes from it */
    char chunk[CHUNK_BYTES];
};

struct pair {
    struct forward *forward;
    struct half client;
    struct half server;
    uv_connect_t connect;
    int open; /* handles that are not closed yet */
    bool closing;
};

static void accept_one(struct forward *forward);

static void on_closed(uv_handle_t *handle) {
    struct pair *pair = ((struct half *)handle->data)->pair;
    struct forward *forward = pair->forward;
    if (--pair->open > 0) {
        return;
    }
    free(pair);
    forward->pairs--;
    if (forward->full) {
        forward->full = false;
        accept_one(forward);
    }
}

static void close_pair(struct pair *pair) {
    if (pair->closing) {
        return;
    }
    pair->closing = true;
    uv_close((uv_handle_t *)&pair->client.tcp, on_closed);
    uv_close((uv_handle_t *)&pair->server.tcp, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    struct half *half = handle->data;
    (void)suggested;
    *buf = uv_buf_init(half->chunk, sizeof half->chunk);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf);

static void on_written(uv_write_t *write, int status) {
    struct half *half = write->data;
    if (status != 0 || uv_read_start((uv_stream_t *)&half->tcp, on_alloc, on_read) != 0) {
        close_pair(half->pair);
    }
}

static void on_shut(uv_shutdown_t *shutdown, int status) {
    struct half *half = shutdown->data;
    if (status != 0 || (half->ended && half->other->ended)) {
        close_pair(half->pair);
    }
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf) {
    struct half *half = stream->data;
    uv_stream_t *to = (uv_stream_t *)&half->other->tcp;
    if (len == 0) {
        return;
    }
    if (len == UV_EOF) {
        half->ended = true;
        half->shutdown.data = half;
        if (uv_shutdown(&half->shutdown, to, on_shut) != 0) {
            close_pair(half->pair);
        }
        return;
    }
    if (len < 0) {
        close_pair(half->pair);
        return;
    }
    /* One chunk at a time: who reads slowly slows the other down. */
    uv_buf_t chunk = uv_buf_init(buf->base, (unsigned)len);
    half->write.data = half;
    (void)uv_read_stop(stream);
    if (uv_write(&half->write, to, &chunk, 1, on_written) != 0) {
        close_pair(half->pair);
    }
}

static void on_connected(uv_connect_t *connect, int status) {
    struct pair *pair = connect->data;
    if (pair->closing) {
        return;
    }
    if (status != 0 || uv_read_start((uv_stream_t *)&pair->client.tcp, on_alloc, on_read) != 0 ||
        uv_read_start((uv_stream_t *)&pair->server.tcp, on_alloc, on_read) != 0) {
        close_pair(pair);
    }
}

static void init_half(struct pair *pair, struct half *half, struct half *other) {
    half->pair = pair;
    half->other = other;
    (void)uv_tcp_init(&pair->forward->loop, &half->tcp);
    half->tcp.data = half;
    pair->open++;
}

static void accept_one(struct forward *forward) {
    if (forward->pairs >= CONNECTIONS_MAX) {
        forward->full = true;
        return;
    }
    struct pair *pair = calloc(1, sizeof *pair);
    if (pair == NULL) {
        return;
    }
    pair->forward = forward;
    forward->pairs++;
    init_half(pair, &pair->client, &pair->server);
    init_half(pair, &pair->server, &pair->client);
    pair->connect.data = pair;
    if (uv_accept((uv_stream_t *)&forward->listener, (uv_stream_t *)&pair->client.tcp) != 0 ||
        uv_tcp_connect(&pair->connect, &pair->server.tcp, (const struct sockaddr *)&forward->target,
                       on_connected) != 0) {
        close_pair(pair);
        return;
    }
    (void)uv_tcp_nodelay(&pair->client.tcp, 1);
    (void)uv_tcp_nodelay(&pair->server.tcp, 1);
}

static void on_connection(uv_stream_t *listener, int status) {
    if (status == 0) {
        accept_one(listener->data);
    }
}

static void on_signal(uv_signal_t *signal, int signum) {
    (void)signum;
    uv_stop(signal->loop);
}

/* "127.0.0.1:5100" or "[::1]:5100". */
static bool parse_address(const char *text, struct sockaddr_storage *ret_address) {
    char host[64];
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    long port = colon != NULL ? strtol(colon + 1, &end, 10) : 0;
    if (colon == NULL || end == colon + 1 || *end != '\0' || port < 1 || port > 65535 ||
        (size_t)(colon - text) >= sizeof host) {
        return false;
    }
    size_t len = (size_t)(colon - text);
    bool v6 = len > 2 && text[0] == '[' && text[len - 1] == ']';
    (void)snprintf(host, sizeof host, "%.*s", (int)(v6 ? len - 2 : len), v6 ? text + 1 : text);
    return v6 ? uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)ret_address) == 0
              : uv_ip4_addr(host, (int)port, (struct sockaddr_in *)ret_address) == 0;
}

static int fail(const char *what, const char *word, int error) {
    fprintf(stderr, "virga forward: %s %s: %s\n", what, word, uv_strerror(error));
    return CLI_FAILED;
}

int cli_forward(const struct cli_args *args) {
    static struct forward forward;
    struct sockaddr_storage listen_at;
    for (size_t i = 0; i < 2; i++) {
        if (!parse_address(args->words[i], i == 0 ? &listen_at : &forward.target)) {
            fprintf(stderr, "virga forward: \"%s\" is no address and port\n", args->words[i]);
            return CLI_USAGE;
        }
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)uv_loop_init(&forward.loop);
    (void)uv_tcp_init(&forward.loop, &forward.listener);
    forward.listener.data = &forward;
    int result = uv_tcp_bind(&forward.listener, (const struct sockaddr *)&listen_at, 0);
    if (result == 0) {
        result = uv_listen((uv_stream_t *)&forward.listener, BACKLOG, on_connection);
    }
    if (result != 0) {
        return fail("cannot listen on", args->words[0], result);
    }
    (void)uv_signal_init(&forward.loop, &forward.on_term);
    (void)uv_signal_init(&forward.loop, &forward.on_int);
    (void)uv_signal_start(&forward.on_term, on_signal, SIGTERM);
    (void)uv_signal_start(&forward.on_int, on_signal, SIGINT);
    printf("forwarding %s to %s\n", args->words[0], args->words[1]);
    (void)fflush(stdout);
    (void)uv_run(&forward.loop, UV_RUN_DEFAULT);
    return CLI_OK; /* the process ends here, with whatever is open */
}
