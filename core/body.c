/* SPDX-License-Identifier: MIT */
/* Request bodies. */
#include "body.h"

#include <errno.h>
#include <stdlib.h>

#include "carrier.h"
#include "host.h"
#include "response.h"

/* Up to here a body of known length is collected in the arena at once; a longer one grows as it
 * comes, so that an announcement alone costs nothing. */
#define ARENA_BODY_MAX 16384
#define COLLECT_SIZE_FIRST 65536

/* ---- collected ---- */

static uint64_t collect_limit(const struct request *req) {
    return req->body_limit_bytes != 0 ? req->body_limit_bytes : req->host->body_limit_bytes;
}

static void refuse_size(struct request *req) {
    req->body = BODY_UNREAD;
    response_fail(req, 413, "The request body is too large");
}

void body_collect(struct request *req) {
    uint64_t length = req->pub.content_length;
    req->phase = REQUEST_BODY;
    if (length != VIRGA_LENGTH_UNKNOWN && length > collect_limit(req)) {
        refuse_size(req);
        return;
    }
    if (length <= ARENA_BODY_MAX) {
        req->collected_size = (size_t)length + 1;
        req->collected = arena_alloc(&req->arena, req->collected_size);
        if (req->collected == NULL) {
            response_fail(req, 500, "Out of memory");
            return;
        }
    }
    req->body = BODY_FLOWING;
    response_continue(req);
}

static int grow(struct request *req, size_t need) {
    size_t size = req->collected_size == 0 ? COLLECT_SIZE_FIRST : req->collected_size;
    while (size < need) {
        size *= 2;
    }
    if (req->pub.content_length != VIRGA_LENGTH_UNKNOWN && size > req->pub.content_length) {
        size = (size_t)req->pub.content_length + 1;
    }
    char *memory = realloc(req->collected, size);
    if (memory == NULL) {
        return -ENOMEM;
    }
    req->collected = memory;
    req->collected_malloced = true;
    req->collected_size = size;
    return 0;
}

static void collect(struct request *req, struct virga_str piece) {
    size_t have = (size_t)(req->body_received - piece.len);
    if (req->body_received > collect_limit(req)) {
        refuse_size(req);
        return;
    }
    /* One more for the NUL. */
    if (have + piece.len + 1 > req->collected_size && grow(req, have + piece.len + 1) != 0) {
        req->body = BODY_UNREAD;
        response_fail(req, 500, "Out of memory");
        return;
    }
    memcpy(req->collected + have, piece.ptr, piece.len);
}

/* ---- streamed ---- */

/* Returns what on_body returned; VIRGA_BODY_GO_ON when there is nobody to call. */
static int call_on_body(struct request *req, int status, struct virga_str chunk) {
    struct plugin_call call;
    if (req->on_body == NULL || !req->owned) {
        return VIRGA_BODY_GO_ON;
    }
    req->in_on_body = true;
    req->resumed_early = false;
    plugin_enter(&call, req->plugin, "on_body", req);
    int result = req->on_body(req->on_body_arg, &req->pub, status, chunk);
    plugin_leave(&call);
    req->in_on_body = false;
    return result;
}

/* Source: the comment of body_limit_bytes in struct virga_route: a stream is limited by its route
 * alone. */
static bool passes_limit(const struct request *req) {
    const struct virga_route *route = req->pub.route;
    return route != NULL && route->body_limit_bytes != 0 &&
           req->body_received > route->body_limit_bytes;
}

static void stream(struct request *req, struct virga_str piece) {
    if (passes_limit(req)) {
        req->body = BODY_UNREAD;
        req->keep_alive = false;
        body_break(req, -EMSGSIZE);
        return;
    }
    int result = call_on_body(req, VIRGA_BODY_DATA, piece);
    if (result == VIRGA_BODY_PAUSE && req->body == BODY_FLOWING && !req->resumed_early) {
        req->body = BODY_PAUSED;
    }
}

void body_break(struct request *req, int status) {
    virga_on_body on_body = req->on_body;
    if (on_body != NULL) {
        (void)call_on_body(req, status, (struct virga_str){"", 0});
        req->on_body = NULL;
    }
}

/* ---- events of the connection ---- */

bool body_wants_input(const struct request *req) {
    return req->phase == REQUEST_HEAD || req->body == BODY_FLOWING || req->body == BODY_DROPPED;
}

void body_on_data(struct request *req, struct virga_str piece) {
    req->body_received += piece.len;
    if (req->body == BODY_DROPPED) {
        return;
    }
    if (req->streams) {
        stream(req, piece);
    } else {
        collect(req, piece);
    }
}

void body_on_end(struct request *req) {
    bool dropped = req->body == BODY_DROPPED;
    req->body = BODY_DONE;
    if (dropped) {
        return;
    }
    if (req->streams) {
        (void)call_on_body(req, VIRGA_BODY_END, (struct virga_str){"", 0});
        req->on_body = NULL;
        return;
    }
    if (req->collected == NULL) {
        req->pub.body = virga_str_from("");
    } else {
        req->collected[req->body_received] = '\0';
        req->pub.body = (struct virga_str){req->collected, (size_t)req->body_received};
    }
    request_hand_over(req);
}

void body_on_failure(struct request *req, int status) {
    bool dropped = req->body == BODY_DROPPED;
    req->keep_alive = false;
    req->body = BODY_UNREAD;
    if (dropped) {
        carrier_break_off(req->carrier, status, false);
    } else if (req->streams) {
        body_break(req, status);
    } else if (req->phase != REQUEST_BODY) {
        /* Refused before, and the answer is still being sent. */
        return;
    } else if (status == -ETIMEDOUT) {
        response_fail(req, 408, "The request body did not come in time");
    } else if (status == -EBADMSG) {
        response_fail(req, req->http1.status, req->http1.reason);
    } else {
        carrier_break_off(req->carrier, status, false);
    }
}

bool body_is_drainable(const struct request *req) {
    if (req->body == BODY_DONE) {
        return true;
    }
    /* A client that was not told to go on may send its body or not: nobody can tell what the next
     * byte is. */
    return req->pub.content_length != VIRGA_LENGTH_UNKNOWN && !req->continue_due &&
           req->pub.content_length - req->body_received <= BODY_DRAIN_BYTES;
}

/* ---- operations ---- */

int body_start(struct virga_request *pub, virga_on_body on_body, void *arg) {
    struct request *req = request_from(pub);
    if (!req->live || !req->owned || !req->streams || req->body_begun || on_body == NULL) {
        return -EINVAL;
    }
    req->body_begun = true;
    req->on_body = on_body;
    req->on_body_arg = arg;
    if (req->cancelled != 0) {
        request_renotify(req);
        return 0;
    }
    if (req->phase == REQUEST_HANDLED) {
        response_continue(req);
    }
    /* Without a body it flows too: the parser still has its end to tell. */
    req->body = BODY_FLOWING;
    /* "100 Continue" may have found the client gone: that is told already. */
    if (req->carrier != NULL) {
        carrier_wake(req->carrier);
    }
    return 0;
}

void body_resume(struct virga_request *pub) {
    struct request *req = request_from(pub);
    if (!req->live || !req->owned) {
        return;
    }
    if (req->in_on_body) {
        req->resumed_early = true;
    }
    if (req->body == BODY_PAUSED) {
        req->body = BODY_FLOWING;
        if (req->carrier != NULL) {
            carrier_wake(req->carrier);
        }
    }
}

void body_stop(struct virga_request *pub) {
    struct request *req = request_from(pub);
    if (!req->live || !req->owned) {
        return;
    }
    req->on_body = NULL;
    if (req->body == BODY_FLOWING || req->body == BODY_PAUSED) {
        req->body = BODY_UNREAD;
        if (req->carrier != NULL) {
            carrier_wake(req->carrier);
        }
    }
}
