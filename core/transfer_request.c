/* SPDX-License-Identifier: MIT */
/* The request on its way up: its head, and its body with back-pressure on the client. */
#include <errno.h>

#include "transfer.h"

void transfer_request_stop(struct transfer *t) {
    if (t->flow_began && !t->flow_ended) {
        t->req->http->body_stop(t->req);
    }
    t->flow_ended = true;
    t->flow_paused = false;
    t->chunk.ptr = NULL;
}

static void request_sent(struct transfer *t) {
    if (t->stage == STAGE_SEND) {
        t->stage = STAGE_WAIT;
        transfer_touch(t);
    }
}

bool transfer_request_waits(const struct transfer *t) {
    return t->flow_began && !t->flow_ended && !t->flow_paused;
}

/* Whether nothing of the request is left to be sent but what is queued. The last byte of an
 * announced length says so before the client's side does. */
static bool is_complete(const struct transfer *t) {
    return t->flow_ended || (t->streams && !t->chunked && t->body_left == 0);
}

void transfer_request_on_sent(struct transfer *t) {
    transfer_touch(t);
    if (is_complete(t)) {
        request_sent(t);
    }
    if (t->flow_paused) {
        t->flow_paused = false;
        t->req->http->body_resume(t->req);
    }
}

/* Sends one chunk of the client's body. Returns 1 it is used up, 0 it waits. Errors: -ENOMEM. */
static int send_chunk(struct transfer *t, struct virga_str chunk) {
    char size_line[24];
    uv_buf_t bufs[3];
    unsigned count = 0;
    if (t->chunked) {
        int len = snprintf(size_line, sizeof size_line, "%zx\r\n", chunk.len);
        bufs[count++] = uv_buf_init(size_line, (unsigned)len);
    }
    bufs[count++] = uv_buf_init((char *)(uintptr_t)chunk.ptr, (unsigned)chunk.len);
    if (t->chunked) {
        bufs[count++] = uv_buf_init((char *)(uintptr_t) "\r\n", 2);
    }
    int result = upstream_conn_write(t->conn, bufs, count);
    transfer_touch(t);
    if (result < 0 && result != -ENOMEM) {
        /* Not a byte was taken. The answer, or the end of the connection, will come by the reading
         * side; until then the chunk stays with the client, for a second try perhaps. */
        t->chunk = chunk;
        return 0;
    }
    t->body_used = true;
    t->body_left -= chunk.len;
    if (result == 1 && is_complete(t)) {
        request_sent(t);
    }
    return result;
}

static void end_flow(struct transfer *t) {
    int result = 1;
    t->flow_ended = true;
    if (t->chunked) {
        uv_buf_t last = uv_buf_init((char *)(uintptr_t) "0\r\n\r\n", 5);
        result = upstream_conn_write(t->conn, &last, 1);
    }
    if (result != 0 && upstream_conn_queued(t->conn) == 0) {
        request_sent(t);
    }
}

static int on_client_body(void *arg, struct virga_request *req, int status,
                          struct virga_str chunk) {
    struct transfer *t = arg;
    (void)req;
    if (status < 0) {
        t->flow_ended = true;
        t->client_failed = true;
        transfer_fail(t, status);
        return VIRGA_BODY_GO_ON;
    }
    if (status == VIRGA_BODY_END) {
        if (t->stage == STAGE_SEND) {
            end_flow(t);
        } else {
            t->flow_ended = true; /* nothing is left to send, or continue_flow() will */
        }
        return VIRGA_BODY_GO_ON;
    }
    if (chunk.len == 0) {
        return VIRGA_BODY_GO_ON;
    }
    if (t->stage != STAGE_SEND) {
        t->chunk = chunk;
        t->flow_paused = true;
        return VIRGA_BODY_PAUSE;
    }
    int result = send_chunk(t, chunk);
    if (result < 0) {
        transfer_fail(t, result);
        return VIRGA_BODY_GO_ON;
    }
    t->flow_paused = result == 0;
    return t->flow_paused ? VIRGA_BODY_PAUSE : VIRGA_BODY_GO_ON;
}

/* Sets the client's body flowing, or goes on with what came of it while there was no connection. */
static void continue_flow(struct transfer *t) {
    if (!t->flow_began) {
        t->flow_began = true;
        t->in_client = true;
        int result = t->req->http->body_start(t->req, on_client_body, t);
        t->in_client = false;
        if (result != 0) {
            t->flow_ended = true;
            transfer_fail(t, result);
            return;
        }
        (void)transfer_client_stays(t);
        return;
    }
    if (t->flow_ended) {
        end_flow(t);
        return;
    }
    if (t->chunk.ptr != NULL) {
        struct virga_str chunk = t->chunk;
        t->chunk.ptr = NULL;
        int result = send_chunk(t, chunk);
        if (result < 0) {
            transfer_fail(t, result);
        } else if (result == 1) {
            t->flow_paused = false;
            t->req->http->body_resume(t->req);
        }
    }
}

void transfer_request_send(struct transfer *t) {
    uv_buf_t bufs[2] = {uv_buf_init((char *)(uintptr_t)t->head.ptr, (unsigned)t->head.len),
                        uv_buf_init((char *)(uintptr_t)t->body.ptr, (unsigned)t->body.len)};
    t->stage = STAGE_SEND;
    transfer_touch(t);
    int result = upstream_conn_write(t->conn, bufs, t->body.len > 0 ? 2 : 1);
    if (result == -ENOMEM) {
        transfer_fail(t, result);
    } else if (result < 0) {
        return; /* the reading side will tell, as in send_chunk() */
    } else if (t->streams) {
        continue_flow(t);
    } else if (result == 1) {
        request_sent(t);
    }
}
