/* SPDX-License-Identifier: MIT */
/* A client of the proxy that keeps the contract of virga/http.h and nothing more, and one proxied
 * request with what came of it, against a scripted upstream. Header only; include it once per
 * executable. */
#ifndef TESTS_PROXY_CLIENT_H
#define TESTS_PROXY_CLIENT_H

#include "ext_proxy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "plugin_fixture.h"
#include "request.h"
#include "scripted_server.h"
#include "transfer.h"
#include "upstream.h"

#define BIG (UINT64_C(64) * 1024 * 1024)
#define CHUNK 65536u
#define WAIT_MS 20000

/* --- the client: a request with operations of its own --- */

struct client {
    struct request request; /* pub comes first */
    struct virga_header headers[8];
    uv_idle_t pump; /* what a connection does between callbacks */
    bool given_back;
    bool responded;
    bool begun;
    bool ended;
    bool aborted;
    int status;
    uint64_t length; /* announced */
    uint64_t head_length;
    char fields[4096]; /* "Name: value\n" each */
    bool pattern;      /* the body is to be the pattern */
    char body[8192];   /* else it is kept, as far as it fits */
    uint64_t body_len;
    size_t largest_write;
    unsigned writes_waiting;
    /* Taking. */
    bool slow;    /* every write has to wait */
    bool stopped; /* and is never taken */
    struct virga_str waiting;
    virga_on_writable on_writable;
    void *on_writable_arg;
    /* Sending. */
    uint64_t upload;
    uint64_t uploaded;
    virga_on_body on_body;
    void *on_body_arg;
    bool flow_stopped;
    bool paused;
    unsigned pauses;
    int upload_error;         /* told instead of the next chunk ... */
    uint64_t upload_error_at; /* ... from here on */
    char chunk[CHUNK];
    /* The end. */
    int gone;
    void (*on_cancel)(void *arg, struct virga_request *req, int status);
    void *on_cancel_arg;
};

static inline struct client *client_from(const struct virga_request *req) {
    return (struct client *)(void *)(uintptr_t)req;
}

static inline void client_take(struct client *client, struct virga_str bytes) {
    if (client->pattern) {
        assert_true(server_pattern_is(client->body_len, bytes.ptr, bytes.len));
    } else if (bytes.len > 0) {
        assert_true(client->body_len + bytes.len < sizeof client->body);
        memcpy(client->body + client->body_len, bytes.ptr, bytes.len);
    }
    client->body_len += bytes.len;
}

static inline void client_take_head(struct client *client, const struct virga_response *res) {
    size_t at = 0;
    assert_false(client->given_back);
    client->status = res->status;
    for (size_t i = 0; i < res->headers_count; i++) {
        at += (size_t)snprintf(client->fields + at, sizeof client->fields - at, "%.*s: %.*s\n",
                               (int)res->headers[i].name.len, res->headers[i].name.ptr,
                               (int)res->headers[i].value.len, res->headers[i].value.ptr);
    }
}

static inline void client_give_back(struct client *client) {
    assert_false(client->given_back);
    client->given_back = true;
    client->request.pub.user = NULL;
}

static inline int client_respond(struct virga_request *req, const struct virga_response *res) {
    struct client *client = client_from(req);
    if (client->gone != 0) {
        client_give_back(client);
        return -ECANCELED;
    }
    client_take_head(client, res);
    client->responded = true;
    client->length = res->body.len;
    client->head_length = res->head_length;
    client_take(client, res->body);
    client_give_back(client);
    return 0;
}

static inline int client_respond_begin(struct virga_request *req, const struct virga_response *res,
                                       uint64_t length, virga_on_writable on_writable, void *arg) {
    struct client *client = client_from(req);
    assert_false(client->begun);
    if (client->gone != 0) {
        return -ECANCELED;
    }
    client_take_head(client, res);
    client->begun = true;
    client->length = length;
    client->on_writable = on_writable;
    client->on_writable_arg = arg;
    return 0;
}

static inline int client_write(struct virga_request *req, struct virga_str bytes) {
    struct client *client = client_from(req);
    assert_true(client->begun && !client->given_back);
    assert_null(client->waiting.ptr);
    if (client->gone != 0) {
        return -ECANCELED;
    }
    client->largest_write = bytes.len > client->largest_write ? bytes.len : client->largest_write;
    if (client->slow) {
        client->waiting = bytes;
        client->writes_waiting++;
        return 0;
    }
    client_take(client, bytes);
    return 1;
}

static inline void client_end(struct virga_request *req) {
    struct client *client = client_from(req);
    assert_true(client->begun);
    assert_null(client->waiting.ptr);
    client->ended = true;
    client_give_back(client);
}

static inline void client_abort(struct virga_request *req) {
    struct client *client = client_from(req);
    client->aborted = true;
    client->waiting.ptr = NULL;
    client_give_back(client);
}

static inline int client_body_start(struct virga_request *req, virga_on_body on_body, void *arg) {
    struct client *client = client_from(req);
    assert_null(client->on_body);
    client->on_body = on_body;
    client->on_body_arg = arg;
    return 0;
}

static inline void client_body_resume(struct virga_request *req) {
    struct client *client = client_from(req);
    assert_true(client->paused);
    client->paused = false;
    memset(client->chunk, 'X', sizeof client->chunk); /* it was the proxy's until now */
}

static inline void client_body_stop(struct virga_request *req) {
    struct client *client = client_from(req);
    client->flow_stopped = true;
    memset(client->chunk, 'X', sizeof client->chunk);
}

static inline void
client_on_cancel(struct virga_request *req,
                 void (*on_cancel)(void *arg, struct virga_request *req, int status), void *arg) {
    struct client *client = client_from(req);
    assert_false(client->given_back);
    client->on_cancel = on_cancel;
    client->on_cancel_arg = arg;
}

static const struct virga_http client_http = {
    .struct_size = sizeof client_http,
    .respond = client_respond,
    .respond_begin = client_respond_begin,
    .write = client_write,
    .end = client_end,
    .abort = client_abort,
    .body_start = client_body_start,
    .body_resume = client_body_resume,
    .body_stop = client_body_stop,
    .on_cancel = client_on_cancel,
};

static inline void client_send_chunk(struct client *client) {
    struct virga_request *req = &client->request.pub;
    uint64_t left = client->upload - client->uploaded;
    size_t len = left < CHUNK ? (size_t)left : CHUNK;
    server_pattern_fill(client->uploaded, client->chunk, len);
    client->uploaded += len;
    if (client->on_body(client->on_body_arg, req, VIRGA_BODY_DATA,
                        (struct virga_str){client->chunk, len}) == VIRGA_BODY_PAUSE) {
        client->paused = true;
        client->pauses++;
    } else {
        memset(client->chunk, 'X', len);
    }
}

static inline void client_pump(uv_idle_t *idle) {
    struct client *client = idle->data;
    struct virga_request *req = &client->request.pub;
    if (client->given_back) {
        return;
    }
    if (client->waiting.ptr != NULL && !client->stopped) {
        client_take(client, client->waiting);
        client->waiting.ptr = NULL;
        client->on_writable(client->on_writable_arg, req, 0);
        return;
    }
    if (client->on_body == NULL || client->flow_stopped || client->paused) {
        return;
    }
    if (client->upload_error != 0 && client->uploaded >= client->upload_error_at) {
        virga_on_body on_body = client->on_body;
        client->on_body = NULL;
        (void)on_body(client->on_body_arg, req, client->upload_error, (struct virga_str){"", 0});
    } else if (client->uploaded < client->upload) {
        client_send_chunk(client);
    } else if (req->flags & VIRGA_REQUEST_HAS_BODY) {
        virga_on_body on_body = client->on_body;
        client->on_body = NULL;
        client->flow_stopped = true;
        (void)on_body(client->on_body_arg, req, VIRGA_BODY_END, (struct virga_str){"", 0});
    }
}

/* The connection breaks: as request.c tells it. */
static inline void client_leave(struct client *client) {
    client->gone = -ECONNRESET;
    if (!client->given_back && client->waiting.ptr != NULL) {
        client->waiting.ptr = NULL;
        client->on_writable(client->on_writable_arg, &client->request.pub, -ECONNRESET);
    }
    if (!client->given_back && client->on_cancel != NULL) {
        client->on_cancel(client->on_cancel_arg, &client->request.pub, -ECONNRESET);
    }
}

/* --- a proxied request --- */

struct setup {
    struct fixture fixture;
    struct server server;
    bool serving;
    struct virga_upstream *upstream;
};

struct run {
    struct client client;
    struct virga_proxy_request options;
    bool in_forward;
    bool done;
    int done_status;
    int error;
    unsigned errors;
    unsigned answers;
    enum virga_proxy_decision decision;
    int seen_status;
    char collected[8192];
    size_t collected_len;
    void (*on_answer)(struct run *run, struct virga_proxy_response *res);
};

static inline void setup_upstream(struct setup *setup, const struct virga_upstream_options *more) {
    struct virga_upstream_options options =
        more != NULL ? *more : (struct virga_upstream_options){0};
    options.struct_size = sizeof options;
    if (options.unix_path == NULL && options.address == NULL) {
        options.unix_path = setup->server.path[0] != '\0' ? setup->server.path : NULL;
        options.address = options.unix_path == NULL ? "127.0.0.1" : NULL;
        options.port = setup->server.port;
    }
    assert_int_equal(
        ext_proxy.upstream_create(&setup->fixture.plugin.api, &options, &setup->upstream), 0);
}

static inline void setup_begin(struct setup *setup, bool unix_socket,
                               void (*script)(struct peer *peer),
                               const struct virga_upstream_options *options) {
    memset(setup, 0, sizeof *setup);
    fixture_init(&setup->fixture);
    server_start(&setup->server, unix_socket, script, NULL);
    setup->serving = true;
    setup_upstream(setup, options);
}

static inline void setup_end(struct setup *setup) {
    ext_proxy.upstream_destroy(setup->upstream);
    assert_true(list_empty(&setup->fixture.plugin.resources));
    if (setup->serving) {
        server_stop(&setup->server);
    }
    assert_true(fixture_finish(&setup->fixture));
}

static inline enum virga_proxy_decision on_response(void *arg, struct virga_request *req,
                                                    struct virga_proxy_response *res) {
    struct run *run = arg;
    assert_false(run->in_forward || run->done);
    assert_ptr_equal(req, &run->client.request.pub);
    assert_null(run->client.on_cancel);
    run->answers++;
    run->seen_status = ext_proxy.status(res);
    if (run->on_answer != NULL) {
        run->on_answer(run, res);
    }
    if (run->decision == VIRGA_PROXY_DROP) {
        struct virga_response own = {.struct_size = sizeof own, .status = 418, .body = {"own", 3}};
        (void)req->http->respond(req, &own);
    }
    return run->decision;
}

static inline void answer_collected(void *arg, struct virga_request *req,
                                    struct virga_proxy_response *res, struct virga_str body) {
    struct run *run = arg;
    struct virga_response own = {.struct_size = sizeof own, .status = ext_proxy.status(res)};
    assert_false(run->in_forward || run->done);
    run->collected_len = body.len;
    memcpy(run->collected, body.ptr,
           body.len < sizeof run->collected ? body.len : sizeof run->collected);
    own.body = virga_str_from("changed");
    (void)req->http->respond(req, &own);
}

static inline void on_error(void *arg, struct virga_request *req, int error) {
    struct run *run = arg;
    struct virga_response own = {.struct_size = sizeof own, .status = 599};
    assert_false(run->in_forward || run->done);
    run->errors++;
    run->error = error;
    (void)req->http->respond(req, &own);
}

static inline void on_done(void *arg, int status) {
    struct run *run = arg;
    assert_false(run->in_forward || run->done);
    assert_true(run->client.given_back);
    run->done = true;
    run->done_status = status;
}

static inline void run_init(struct run *run, struct setup *setup, const char *method,
                            const char *target) {
    memset(run, 0, sizeof *run);
    struct virga_request *pub = &run->client.request.pub;
    pub->struct_size = sizeof *pub;
    pub->http = &client_http;
    pub->flags = VIRGA_REQUEST_STREAMS;
    pub->id = virga_str_from("test-request");
    pub->method = virga_str_from(method);
    pub->target = virga_str_from(target);
    pub->headers = run->client.headers;
    run->client.pump.data = &run->client;
    (void)uv_idle_init(&setup->fixture.loop, &run->client.pump);
    (void)uv_idle_start(&run->client.pump, client_pump);
    run->options.struct_size = sizeof run->options;
    run->options.on_done = on_done;
    run->options.arg = run;
}

static inline void run_header(struct run *run, const char *name, const char *value) {
    struct virga_request *pub = &run->client.request.pub;
    run->client.headers[pub->headers_count++] =
        (struct virga_header){virga_str_from(name), virga_str_from(value)};
}

static inline void run_upload(struct run *run, uint64_t len, bool announced) {
    struct virga_request *pub = &run->client.request.pub;
    pub->flags |= VIRGA_REQUEST_HAS_BODY;
    pub->content_length = announced ? len : VIRGA_LENGTH_UNKNOWN;
    run->client.upload = len;
}

static inline void run_start(struct run *run, struct setup *setup) {
    run->in_forward = true;
    assert_int_equal(ext_proxy.forward(&setup->fixture.plugin.api, &run->client.request.pub,
                                       setup->upstream, &run->options),
                     0);
    run->in_forward = false;
}

static inline void run_finish(struct run *run, struct setup *setup) {
    assert_true(run->client.given_back);
    assert_null(run->client.on_cancel);
    uv_close((uv_handle_t *)&run->client.pump, NULL);
    fixture_run_for(&setup->fixture, 1);
}

static inline void run_to_end(struct run *run, struct setup *setup) {
    run_start(run, setup);
    assert_true(fixture_run_until(&setup->fixture, &run->done, WAIT_MS));
    run_finish(run, setup);
}

/* --- scripts of the upstream --- */

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static inline void say_hello(struct peer *peer) {
    while (peer_read_head(peer) && peer_say(peer, OK_HELLO)) {
    }
}

static inline void assert_hello(const struct run *run) {
    assert_int_equal(run->done_status, 0);
    assert_int_equal(run->client.status, 200);
    assert_string_equal(run->client.body, "hello");
}

static inline void send_big(struct peer *peer) {
    atomic_uint *sent = peer->server->arg;
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n";
    (void)peer_read_head(peer);
    (void)peer_say(peer, head);
    for (uint64_t at = 0; at < BIG;) {
        size_t run;
        const char *from = server_pattern(at, &run);
        run = run < BIG - at ? run : (size_t)(BIG - at);
        if (!peer_send(peer, from, run)) {
            return;
        }
        at += run;
        if (sent != NULL) {
            atomic_fetch_add(sent, (unsigned)run);
        }
    }
}

static inline void send_until_close(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, "HTTP/1.1 200 OK\r\n\r\n");
    (void)peer_send_pattern(peer, 300000);
}

static inline void die_in_the_middle(struct peer *peer) {
    (void)peer_read_head(peer);
    (void)peer_say(peer, strstr(peer->head, " /chunked ") != NULL
                             ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
                             : "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
}

#endif
