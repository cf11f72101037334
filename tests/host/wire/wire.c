/* SPDX-License-Identifier: MIT */
/* A plugin for the host tests: routes that show one behaviour of the HTTP side each. It knows no
 * service. */
#include <errno.h>
#include <stdlib.h>

#include <virga/ext/store.h>
#include <virga/ext/timer.h>
#include <virga/virga.h>

#define WIRE_BODY_LIMIT 65536
#define WIRE_BLOCK 65536
#define WIRE_LATE_MS 700
#define WIRE_RESET_MS 20

enum wire_route {
    WIRE_ECHO = 1,
    WIRE_REFUSE,
    WIRE_BODY,
    WIRE_INFO,
    WIRE_LATE,
    WIRE_BIG,
    WIRE_BREAK,
    WIRE_ABORT,
    WIRE_NOTE,
    WIRE_ACTION
};

static const struct virga_route routes[] = {
    {.kind = VIRGA_ROUTE_REST,
     .flags = VIRGA_ROUTE_STREAM,
     .method = "POST",
     .pattern = "/wire/echo",
     .tag = WIRE_ECHO},
    {.kind = VIRGA_ROUTE_REST,
     .flags = VIRGA_ROUTE_STREAM,
     .method = "PUT",
     .pattern = "/wire/refuse",
     .tag = WIRE_REFUSE},
    {.kind = VIRGA_ROUTE_REST,
     .method = "POST",
     .pattern = "/wire/body",
     .body_limit_bytes = WIRE_BODY_LIMIT,
     .tag = WIRE_BODY},
    {.kind = VIRGA_ROUTE_REST,
     .method = "GET",
     .pattern = "/wire/info/{name}/{rest+}",
     .tag = WIRE_INFO},
    {.kind = VIRGA_ROUTE_REST, .method = "GET", .pattern = "/wire/late", .tag = WIRE_LATE},
    {.kind = VIRGA_ROUTE_REST, .method = "GET", .pattern = "/wire/big/{blocks}", .tag = WIRE_BIG},
    {.kind = VIRGA_ROUTE_REST, .method = "GET", .pattern = "/wire/break", .tag = WIRE_BREAK},
    {.kind = VIRGA_ROUTE_QUERY, .pattern = "2099-01-01", .service = "wire", .tag = WIRE_ACTION},
    {.kind = VIRGA_ROUTE_TARGET, .pattern = "Wire_20990101", .tag = WIRE_ACTION},
    {.kind = VIRGA_ROUTE_RPC, .pattern = "WireService", .tag = WIRE_ACTION},
    {.kind = VIRGA_ROUTE_HOST,
     .pattern = "*.wire-url.*",
     .tag = WIRE_ECHO,
     .flags = VIRGA_ROUTE_STREAM},
    {.kind = VIRGA_ROUTE_REST, .method = "GET", .pattern = "/wire/abort", .tag = WIRE_ABORT},
    {.kind = VIRGA_ROUTE_REST, .pattern = "/wire/note", .tag = WIRE_NOTE},
};

struct wire {
    const struct virga_host *host;
    const struct virga_timer *timer;
    const struct virga_store *store;
    struct virga_timer_handle *reset_timer;
};

/* What one streamed exchange keeps; lives in the request's arena. */
struct exchange {
    struct wire *wire;
    struct virga_timer_handle *timer;
    uint64_t blocks_left;
    int ended;   /* the body's end was seen while a write waited */
    int waiting; /* a write waits for on_writable */
};

static char block[WIRE_BLOCK];

static void answer_text(struct virga_request *req, int status, struct virga_str text) {
    struct virga_response res = {.struct_size = sizeof res, .status = status, .body = text};
    (void)req->http->respond(req, &res);
}

/* --- echo: every chunk goes back as it comes, with back-pressure --- */

static void on_echo_writable(void *arg, struct virga_request *req, int status) {
    struct exchange *exchange = arg;
    exchange->waiting = 0;
    if (status < 0 || exchange->ended) {
        req->http->end(req);
    } else {
        req->http->body_resume(req);
    }
}

static int on_echo_body(void *arg, struct virga_request *req, int status, struct virga_str chunk) {
    struct exchange *exchange = arg;
    if (status < 0) {
        req->http->abort(req);
        return VIRGA_BODY_GO_ON;
    }
    if (status == VIRGA_BODY_END) {
        req->http->end(req);
        return VIRGA_BODY_GO_ON;
    }
    int result = req->http->write(req, chunk);
    if (result < 0) {
        req->http->abort(req);
        return VIRGA_BODY_GO_ON;
    }
    exchange->waiting = result == 0;
    return result == 0 ? VIRGA_BODY_PAUSE : VIRGA_BODY_GO_ON;
}

/* The body first: a client that waits for "100 Continue" gets it before the answer begins. */
static void echo(struct exchange *exchange, struct virga_request *req) {
    struct virga_response res = {.struct_size = sizeof res, .status = 200};
    if (req->http->body_start(req, on_echo_body, exchange) < 0 ||
        req->http->respond_begin(req, &res, VIRGA_LENGTH_UNKNOWN, on_echo_writable, exchange) < 0) {
        req->http->abort(req);
    }
}

/* --- big: blocks of one size, as fast as the client reads --- */

static void on_big_writable(void *arg, struct virga_request *req, int status) {
    struct exchange *exchange = arg;
    struct virga_str bytes = {block, sizeof block};
    while (status == 0 && exchange->blocks_left > 0) {
        exchange->blocks_left--;
        int result = req->http->write(req, bytes);
        if (result == 0) {
            return;
        }
        status = result < 0 ? result : 0;
    }
    if (status < 0) {
        req->http->abort(req);
    } else {
        req->http->end(req);
    }
}

static void big(struct exchange *exchange, struct virga_request *req) {
    struct virga_response res = {.struct_size = sizeof res, .status = 200};
    exchange->blocks_left = strtoull(req->params[0].ptr, NULL, 10);
    uint64_t length = exchange->blocks_left * sizeof block;
    int result = req->http->respond_begin(req, &res, length, on_big_writable, exchange);
    on_big_writable(exchange, req, result);
}

/* --- the others --- */

static void on_late(void *arg) {
    struct virga_request *req = arg;
    struct exchange *exchange = req->user;
    exchange->wire->timer->stop(exchange->timer);
    answer_text(req, 200, virga_str_from("late\n"));
}

static void late(struct exchange *exchange, struct virga_request *req) {
    struct wire *wire = exchange->wire;
    if (wire->timer->start(wire->host, WIRE_LATE_MS, 0, on_late, req, &exchange->timer) < 0) {
        req->http->abort(req);
    }
}

static void on_break_writable(void *arg, struct virga_request *req, int status) {
    (void)arg;
    (void)status;
    req->http->end(req);
}

/* Announces more than it sends. */
static void break_off(struct virga_request *req) {
    struct virga_response res = {.struct_size = sizeof res, .status = 200};
    int result = req->http->respond_begin(req, &res, 1000, on_break_writable, NULL);
    if (result < 0 || req->http->write(req, virga_str_from("short\n")) != 0) {
        req->http->end(req);
    }
}

/* --- note: one text in the store --- */

static const char note_key[] = "note";

static void note(struct wire *wire, struct virga_request *req) {
    const struct virga_store *store = wire->store;
    struct virga_store_value value = {0};
    if (virga_str_equal(req->method, virga_str_from("PUT"))) {
        int result = store->put(wire->host, virga_str_from(note_key), req->body);
        answer_text(req, result == 0 ? 200 : 500, virga_str_from(""));
        return;
    }
    if (store->get(wire->host, virga_str_from(note_key), &value) != 0) {
        answer_text(req, 404, virga_str_from("no note\n"));
        return;
    }
    answer_text(req, 200, (struct virga_str){value.ptr, value.len});
    store->release(wire->host, &value);
}

/* A note that says "stuck" cannot be thrown away. */
static void on_reset(void *arg) {
    struct wire *wire = arg;
    struct virga_store_value value = {0};
    wire->timer->stop(wire->reset_timer);
    wire->reset_timer = NULL;
    int found = wire->store->get(wire->host, virga_str_from(note_key), &value);
    int stuck = found == 0 && strcmp(value.ptr, "stuck") == 0;
    if (found == 0) {
        wire->store->release(wire->host, &value);
    }
    wire->host->reset_done(wire->host, stuck ? -EBUSY : 0, stuck ? "the note is stuck" : NULL);
}

static int wire_reset(void *self) {
    struct wire *wire = self;
    int result =
        wire->timer->start(wire->host, WIRE_RESET_MS, 0, on_reset, wire, &wire->reset_timer);
    return result < 0 ? result : -EINPROGRESS;
}

static void info(struct virga_request *req) {
    char text[1024];
    int len = snprintf(
        text, sizeof text,
        "method=%s\nname=%s\nrest=%s\nquery=%s\naccount=%s\nregion=%s\nservice=%s\nid=%s\n",
        req->method.ptr, req->params[0].ptr, req->params[1].ptr, req->query.ptr, req->account.ptr,
        req->region.ptr, req->service.ptr, req->id.ptr);
    if (len < 0 || (size_t)len >= sizeof text) {
        req->http->abort(req);
        return;
    }
    answer_text(req, 200, (struct virga_str){text, (size_t)len});
}

static void wire_handle(void *self, struct virga_request *req) {
    struct exchange *exchange = req->http->alloc(req, sizeof *exchange);
    if (exchange == NULL) {
        req->http->abort(req);
        return;
    }
    *exchange = (struct exchange){.wire = self};
    req->user = exchange;
    switch ((enum wire_route)req->route->tag) {
    case WIRE_ECHO:
        echo(exchange, req);
        break;
    case WIRE_REFUSE:
        answer_text(req, 403, virga_str_from("refused\n"));
        break;
    case WIRE_BODY:
        answer_text(req, 200, req->body.ptr != NULL ? req->body : virga_str_from(""));
        break;
    case WIRE_INFO:
        info(req);
        break;
    case WIRE_LATE:
        late(exchange, req);
        break;
    case WIRE_BIG:
        big(exchange, req);
        break;
    case WIRE_BREAK:
        break_off(req);
        break;
    case WIRE_ABORT:
        req->http->abort(req);
        break;
    case WIRE_NOTE:
        note(self, req);
        break;
    case WIRE_ACTION:
        answer_text(req, 200, req->action);
        break;
    }
}

static int wire_start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    struct wire *wire = calloc(1, sizeof *wire);
    if (wire == NULL) {
        virga_error_set(err, "out of memory");
        return -1;
    }
    wire->host = host;
    wire->timer = host->get_interface(host, VIRGA_TIMER_ID);
    wire->store = host->get_interface(host, VIRGA_STORE_ID);
    *ret_self = wire;
    return 0;
}

static const char *const needs[] = {VIRGA_TIMER_ID, VIRGA_STORE_ID, NULL};

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "wire",
    .version = "1.0",     .summary = "Shows the HTTP side to the host tests",
    VIRGA_ROUTES(routes), .needs = needs,
    .start = wire_start,  .handle = wire_handle,
    .destroy = free,      .reset = wire_reset,
};
