/* SPDX-License-Identifier: MIT */
/* The answer on its way down: what the plugin decides about it, and its body with back-pressure on
 * the upstream. Every step may end the transfer: functions that return false have. */
#include <errno.h>
#include <stdlib.h>

#include "http1_client.h"
#include "log.h"
#include "plugin.h"
#include "request.h"
#include "transfer.h"

/* Whether fewer bytes than announced are to be forgiven: see TRANSFER_HELD_MAX. */
bool transfer_answer_may_be_cut(const struct transfer *t) {
    const struct http1_client_head *head = http1_client_head(t->answer);
    return t->sink == SINK_HOLD && head->status >= 400 && head->has_body &&
           head->content_length != VIRGA_LENGTH_UNKNOWN;
}

static struct virga_response client_response(const struct transfer *t) {
    return (struct virga_response){
        .struct_size = sizeof(struct virga_response),
        .status = t->res.status,
        .headers = t->res.headers,
        .headers_count = t->res.headers_count,
    };
}

/* Answers with a whole body; the transfer goes on without the request. */
static void respond_whole(struct transfer *t, struct virga_str body) {
    const struct http1_client_head *head = http1_client_head(t->answer);
    struct virga_response res = client_response(t);
    res.body = body;
    if (!head->has_body && head->content_length != VIRGA_LENGTH_UNKNOWN) {
        res.head_length = head->content_length;
    }
    struct virga_request *req = transfer_give_up_request(t);
    t->status = req->http->respond(req, &res);
    t->sink = SINK_DRAIN;
}

static void on_writable(void *arg, struct virga_request *req, int status) {
    struct transfer *t = arg;
    t->write_waits = false;
    if (t->req == NULL) {
        return; /* inside abort() */
    }
    if (status < 0) {
        transfer_on_cancel(t, req, status);
        return;
    }
    transfer_touch(t);
    t->held_len = 0;
    transfer_answer_read(t);
}

/* Sends the head to the client. False: the transfer is gone. */
static bool respond_begin(struct transfer *t) {
    const struct http1_client_head *head = http1_client_head(t->answer);
    struct virga_response res = client_response(t);
    t->in_client = true;
    t->sink = SINK_RELAY;
    int result = t->req->http->respond_begin(t->req, &res, head->content_length, on_writable, t);
    t->in_client = false;
    if (result != 0) {
        transfer_end_without_client(t, result);
        return false;
    }
    return transfer_client_stays(t);
}

static bool write_part(struct transfer *t, struct virga_str part) {
    t->in_client = true;
    int result = t->req->http->write(t->req, part);
    t->in_client = false;
    if (result < 0) {
        transfer_end_without_client(t, result);
        return false;
    }
    t->write_waits = result == 0;
    return transfer_client_stays(t);
}

/* Appends to `held`, up to `limit`. Errors: -EMSGSIZE, -ENOMEM. */
static int hold(struct transfer *t, struct virga_str part, uint64_t limit) {
    if (part.len > limit - t->held_len) {
        return -EMSGSIZE;
    }
    /* With a NUL behind it, as behind all that plugins get. */
    size_t needed = t->held_len + part.len + 1;
    if (needed > t->held_size) {
        uint64_t announced = http1_client_head(t->answer)->content_length;
        size_t size = needed < 2 * t->held_size ? 2 * t->held_size : needed;
        if (announced != VIRGA_LENGTH_UNKNOWN && announced <= limit && announced >= size) {
            size = (size_t)announced + 1;
        }
        char *grown = realloc(t->held, size);
        if (grown == NULL) {
            return -ENOMEM;
        }
        t->held = grown;
        t->held_size = size;
    }
    memcpy(t->held + t->held_len, part.ptr, part.len);
    t->held_len += part.len;
    t->held[t->held_len] = '\0';
    return 0;
}

static struct virga_str held_bytes(const struct transfer *t) {
    return (struct virga_str){t->held_len > 0 ? t->held : "", t->held_len};
}

/* The client has not got the head yet. False: the transfer is gone. */
static bool take_first_part(struct transfer *t, struct virga_str part) {
    if (t->held_len == 0 && part.len == http1_client_head(t->answer)->content_length) {
        respond_whole(t, part); /* head and body in one packet */
        return true;
    }
    if (transfer_answer_may_be_cut(t) && hold(t, part, TRANSFER_HELD_MAX) == 0) {
        return true;
    }
    if (t->held_len == 0) {
        return respond_begin(t) && write_part(t, part);
    }
    /* What was held goes first; one write at a time. */
    int result = hold(t, part, TRANSFER_HELD_MAX + UPSTREAM_BUFFER_BYTES);
    if (result != 0) {
        transfer_fail(t, result);
        return false;
    }
    return respond_begin(t) && write_part(t, held_bytes(t));
}

static bool take_part(struct transfer *t, struct virga_str part) {
    int result;
    switch (t->sink) {
    case SINK_HOLD:
        return take_first_part(t, part);
    case SINK_RELAY:
        return write_part(t, part);
    case SINK_COLLECT:
        result = hold(t, part, t->options.buffer_limit_bytes);
        if (result != 0) {
            transfer_fail(t, result);
            return false;
        }
        return true;
    default:
        t->drained += part.len;
        if (t->drained > TRANSFER_DRAIN_MAX) {
            transfer_finish(t, t->status);
            return false;
        }
        return true;
    }
}

static void deliver_collected(struct transfer *t) {
    struct virga_request *req = transfer_give_up_request(t);
    struct plugin_call call;
    plugin_enter(&call, t->resource.owner, "proxy on_body", request_from(req));
    t->options.on_body(t->options.arg, req, &t->res, held_bytes(t));
    plugin_leave(&call);
}

/* The answer is complete, or as complete as it gets. The connection goes first: the plugin may
 * begin the next request inside its callback. */
void transfer_answer_end(struct transfer *t, bool reusable) {
    transfer_release_conn(t, reusable);
    switch (t->sink) {
    case SINK_HOLD:
        respond_whole(t, held_bytes(t));
        break;
    case SINK_RELAY: {
        struct virga_request *req = transfer_give_up_request(t);
        req->http->end(req);
        break;
    }
    case SINK_COLLECT:
        deliver_collected(t);
        break;
    default:
        break;
    }
    transfer_finish(t, t->status);
}

/* Asks the plugin what becomes of the answer. While it decides, the request has no strings to this
 * transfer: it may answer it, or put its own on_cancel there. False: the transfer is gone. */
static bool decide(struct transfer *t) {
    enum virga_proxy_decision decision = VIRGA_PROXY_PASS;
    if (t->options.on_response != NULL) {
        struct plugin_call call;
        t->req->http->on_cancel(t->req, NULL, NULL);
        plugin_enter(&call, t->resource.owner, "proxy on_response", request_from(t->req));
        decision = t->options.on_response(t->options.arg, t->req, &t->res);
        plugin_leave(&call);
        if (decision == VIRGA_PROXY_DROP) {
            t->req = NULL;
            t->sink = SINK_DRAIN;
            return true;
        }
        t->req->http->on_cancel(t->req, transfer_on_cancel, t);
    }
    if (decision == VIRGA_PROXY_BUFFER && t->options.on_body != NULL) {
        t->sink = SINK_COLLECT;
        const struct http1_client_head *head = http1_client_head(t->answer);
        if (head->has_body && head->content_length != VIRGA_LENGTH_UNKNOWN &&
            head->content_length > t->options.buffer_limit_bytes && head->status < 400) {
            transfer_fail(t, -EMSGSIZE);
            return false;
        }
        return true;
    }
    if (decision != VIRGA_PROXY_PASS) {
        log_error("plugin %s: on_response returned %d%s", t->resource.owner->desc->name,
                  (int)decision, decision == VIRGA_PROXY_BUFFER ? " without an on_body" : "");
        transfer_fail(t, -EINVAL);
        return false;
    }
    t->sink = SINK_HOLD;
    return true;
}

static bool take_head(struct transfer *t) {
    /* An answer before the request's end: nothing more is sent, and the connection ends with it. */
    t->early = t->stage == STAGE_SEND;
    transfer_request_stop(t);
    t->stage = STAGE_ANSWER;
    const struct http1_client_head *head = http1_client_head(t->answer);
    int result = proxy_headers_answer(&t->arena, head, &t->res);
    if (result != 0) {
        transfer_fail(t, result);
        return false;
    }
    if (!decide(t)) {
        return false;
    }
    bool bodyless = t->res.status == 204 || t->res.status == 304;
    if (t->sink == SINK_HOLD && head->has_body && bodyless) {
        /* The plugin made it a status that has no body. */
        respond_whole(t, virga_str_from(""));
    } else if (t->sink == SINK_HOLD && t->is_head && head->content_length == VIRGA_LENGTH_UNKNOWN) {
        /* respond() would announce a length of 0. */
        return respond_begin(t);
    }
    return true;
}

/* Parses what was read until it is used up or the client does not take it. */
void transfer_answer_read(struct transfer *t) {
    while (!t->write_waits) {
        struct virga_str part = {NULL, 0};
        int event = http1_client_next(t->answer, &t->bytes, &t->bytes_len, &part);
        if (event == HTTP1_CLIENT_MORE) {
            break;
        }
        if (event == HTTP1_CLIENT_HEAD && !take_head(t)) {
            return;
        }
        if (event == HTTP1_CLIENT_BODY && !take_part(t, part)) {
            return;
        }
        if (event == HTTP1_CLIENT_END) {
            transfer_answer_end(t, !t->early && t->bytes_len == 0 &&
                                       http1_client_keeps_alive(t->answer));
            return;
        }
        if (event < 0) {
            transfer_fail(t, event);
            return;
        }
    }
    if (t->sink == SINK_HOLD && !transfer_answer_may_be_cut(t) && !respond_begin(t)) {
        return;
    }
    if (t->write_waits) {
        upstream_conn_pause(t->conn);
    } else {
        upstream_conn_resume(t->conn);
    }
}
