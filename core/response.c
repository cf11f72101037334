/* SPDX-License-Identifier: MIT */
/* Answers. */
#include "response.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "body.h"
#include "carrier.h"
#include "host.h"
#include "http_engine.h"
#include "log.h"
#include "protocol.h"

/* ---- the head ---- */

static const char *reason_phrase(int status) {
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {508, "Loop Detected"},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "Status";
}

/* Text being written into memory that was measured before. */
struct writer {
    char *at;
};

static void put(struct writer *out, const char *text, size_t len) {
    memcpy(out->at, text, len);
    out->at += len;
}

#define PUT(out, literal) put(out, literal, sizeof(literal) - 1)

static void put_str(struct writer *out, struct virga_str text) {
    if (text.len > 0) {
        put(out, text.ptr, text.len);
    }
}

static void put_number(struct writer *out, uint64_t number) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(out, digits + at, sizeof digits - at);
}

/* What the host adds itself is not taken from the handler; Date and the request id are. */
enum own_header { OTHER, FRAMING, DATE, REQUEST_ID };

static enum own_header own_header(struct virga_str name) {
    switch (name.len) {
    case 4:
        return http1_same(name, "date") ? DATE : OTHER;
    case 10:
        return http1_same(name, "connection") || http1_same(name, "keep-alive") ? FRAMING : OTHER;
    case 14:
        return http1_same(name, "content-length") ? FRAMING : OTHER;
    case 16:
        return http1_same(name, "x-amzn-requestid") ? REQUEST_ID : OTHER;
    case 17:
        return http1_same(name, "transfer-encoding") ? FRAMING : OTHER;
    default:
        return OTHER;
    }
}

/* Everything in a head but the handler's headers, at its longest. */
#define HEAD_FIXED_MAX 400

/* Whether the connection goes on after this answer; decided when its head is written. */
static bool stays_open(const struct request *req, bool whole) {
    if (!req->keep_alive || !carrier_can_persist(req->carrier)) {
        return false;
    }
    /* A body that still flows may come to its end while the answer is sent. */
    bool flows = req->body == BODY_FLOWING || req->body == BODY_PAUSED;
    return body_is_drainable(req) || (flows && !whole);
}

/* Writes the head into the arena and settles framing. `length` VIRGA_LENGTH_UNKNOWN: chunked.
 * Source: RFC 9110, 6.6 and 8.6; RFC 9112, 6. */
static int format_head(struct request *req, const struct virga_response *res, uint64_t length,
                       bool whole) {
    int status = res->status;
    size_t size = HEAD_FIXED_MAX;
    bool dated = false, identified = false;
    if (status < 200 || status > 599 || (res->headers_count > 0 && res->headers == NULL)) {
        return -EINVAL;
    }
    for (size_t i = 0; i < res->headers_count; i++) {
        const struct virga_header *header = &res->headers[i];
        if (!http1_is_token(header->name) || !http1_is_value(header->value)) {
            return -EINVAL;
        }
        size += header->name.len + header->value.len + 4;
    }
    struct writer out = {arena_alloc(&req->arena, size)};
    if (out.at == NULL) {
        return -ENOMEM;
    }
    const char *begin = out.at;
    bool head_only = strcmp(req->pub.method.ptr != NULL ? req->pub.method.ptr : "", "HEAD") == 0;
    req->sends_body = !head_only && status != 204 && status != 304;
    req->length_known = length != VIRGA_LENGTH_UNKNOWN;
    req->chunked = false;
    req->announced = length;
    PUT(&out, "HTTP/1.1 ");
    put_number(&out, (uint64_t)status);
    PUT(&out, " ");
    const char *phrase = reason_phrase(status);
    put(&out, phrase, strlen(phrase));
    PUT(&out, "\r\n");
    for (size_t i = 0; i < res->headers_count; i++) {
        const struct virga_header *header = &res->headers[i];
        enum own_header own = own_header(header->name);
        if (own == FRAMING) {
            /* A handler may wish the connection to end. */
            if (http1_same(header->name, "connection") && http1_same(header->value, "close")) {
                req->keep_alive = false;
            }
            continue;
        }
        dated |= own == DATE;
        identified |= own == REQUEST_ID;
        put_str(&out, header->name);
        PUT(&out, ": ");
        put_str(&out, header->value);
        PUT(&out, "\r\n");
    }
    if (!dated) {
        PUT(&out, "Date: ");
        put_str(&out, http_engine_date(req->host->http));
        PUT(&out, "\r\n");
    }
    if (!identified) {
        PUT(&out, "x-amzn-RequestId: ");
        put(&out, req->id, UUID_TEXT_SIZE - 1);
        PUT(&out, "\r\n");
    }
    bool announces = status != 204 && (status != 304 || (req->length_known && length > 0));
    if (announces && req->length_known) {
        PUT(&out, "Content-Length: ");
        put_number(&out, length);
        PUT(&out, "\r\n");
    } else if (announces && !req->http1.head.http_1_0) {
        PUT(&out, "Transfer-Encoding: chunked\r\n");
        req->chunked = req->sends_body;
    } else if (announces) {
        req->keep_alive =
            false; /* HTTP/1.0 has no chunks: the end of the connection is the end of the body. */
    }
    req->keep_alive = stays_open(req, whole);
    if (!req->keep_alive) {
        PUT(&out, "Connection: close\r\n");
    } else if (req->http1.head.http_1_0) {
        PUT(&out, "Connection: keep-alive\r\n");
    }
    PUT(&out, "\r\n");
    req->answered_status = status;
    req->head_pending = (struct virga_str){begin, (size_t)(out.at - begin)};
    deadline_stop(&req->deadline);
    return 0;
}

static uv_buf_t buf_of(struct virga_str bytes) {
    /* Not uv_buf_init(): its length has 32 bits. */
    return (uv_buf_t){.base = (char *)(uintptr_t)bytes.ptr, .len = bytes.len};
}

static struct virga_str take_head(struct request *req) {
    struct virga_str head = req->head_pending;
    req->head_pending = (struct virga_str){NULL, 0};
    return head;
}

/* ---- whole answers ---- */

static void release_body(const struct virga_response *res) {
    if (res->release != NULL) {
        res->release(res->release_arg);
    }
}

/* Sends a whole answer; the body is released when it has been sent. */
static int send_whole(struct request *req, const struct virga_response *res) {
    bool withheld = strcmp(req->pub.method.ptr != NULL ? req->pub.method.ptr : "", "HEAD") == 0 ||
                    res->status == 304 || res->status == 204;
    uint64_t length = withheld && res->body.len == 0 ? res->head_length : res->body.len;
    int result = length == VIRGA_LENGTH_UNKNOWN ? -EINVAL : format_head(req, res, length, true);
    if (result != 0) {
        release_body(res);
        return result;
    }
    struct carrier *carrier = req->carrier;
    uv_buf_t bufs[2] = {buf_of(take_head(req)), buf_of(res->body)};
    unsigned count = req->sends_body && res->body.len > 0 ? 2 : 1;
    req->phase = REQUEST_ANSWERED;
    req->sent_bytes = count == 2 ? res->body.len : 0;
    result = carrier_send(req, bufs, count, count == 2 && res->release == NULL);
    if (result == 0) {
        req->release = res->release;
        req->release_arg = res->release_arg;
        return 0;
    }
    release_body(res);
    if (result == 1) {
        carrier_settle(carrier);
        return 0;
    }
    return result;
}

/* The host's words about a request: in the caller's protocol on the AWS port, elsewhere as JSON,
 * and as plain text where there was no request. */
static void format_failure(struct request *req, const char *message,
                           struct protocol_answer *answer) {
    const struct protocol_error error = {.status = answer->status, .message = message};
    const char *type = "text/plain";
    if (req->pub.method.ptr == NULL) {
        uuid_v4(req->id);
        answer->body = arena_printf(&req->arena, "%s\n", message);
        req->keep_alive = false;
    } else if (req->speaks_aws) {
        (void)protocol_format(req, protocol_of(req), &error, answer);
        return;
    } else {
        type = "application/json";
        answer->body = arena_printf(&req->arena, "{\"message\":\"%s\"}", message);
    }
    answer->headers[answer->headers_count++] =
        (struct virga_header){virga_str_from("Content-Type"), virga_str_from(type)};
}

void response_fail(struct request *req, int status, const char *message) {
    struct protocol_answer answer = {.status = status};
    format_failure(req, message, &answer);
    if (req->cancelled != 0 && req->body != BODY_DONE) {
        req->keep_alive = false; /* The late handler may still hold a part of the body. */
    }
    struct virga_response res = {
        .struct_size = sizeof res,
        .status = status,
        .headers = answer.headers,
        .headers_count = answer.headers_count,
        .body = answer.body.ptr != NULL ? answer.body : virga_str_from(""),
    };
    if (send_whole(req, &res) == -ENOMEM) {
        carrier_break_off(req->carrier, -ENOMEM, true);
    }
}

/* Whether the handler may answer; says so in the log when not. */
static bool is_answerable(const struct request *req, const char *what) {
    if (!req->live || !req->owned) {
        request_blame(req, what);
        return false;
    }
    return true;
}

/* A copy with the fields that the caller's minor has. */
static struct virga_response known_fields(const struct virga_response *res) {
    struct virga_response known = {0};
    memcpy(&known, res, res->struct_size < sizeof known ? res->struct_size : sizeof known);
    return known;
}

int response_respond(struct virga_request *pub, const struct virga_response *given) {
    struct request *req = request_from(pub);
    struct virga_response res = known_fields(given);
    if (!is_answerable(req, "it is answered twice")) {
        release_body(&res);
        return -EINVAL;
    }
    if (req->cancelled != 0) {
        release_body(&res);
        request_give_back(req);
        return -ECANCELED;
    }
    if (req->phase != REQUEST_HANDLED) {
        request_blame(req, "respond() after respond_begin()");
        release_body(&res);
        response_abort(pub);
        return -EINVAL;
    }
    int result = send_whole(req, &res);
    if (result == -EINVAL || result == -ENOMEM) {
        if (result == -EINVAL) {
            request_blame(req, "the status or a header of the answer is malformed");
        }
        response_fail(req, 500, "The service gave no proper answer");
    }
    request_give_back(req);
    return result;
}

/* ---- streamed answers ---- */

int response_begin(struct virga_request *pub, const struct virga_response *given, uint64_t length,
                   virga_on_writable on_writable, void *arg) {
    struct request *req = request_from(pub);
    struct virga_response res = known_fields(given);
    if (!is_answerable(req, "it is answered twice")) {
        return -EINVAL;
    }
    if (req->cancelled != 0) {
        return -ECANCELED;
    }
    if (req->phase != REQUEST_HANDLED || res.body.len > 0 || on_writable == NULL) {
        request_blame(req, "respond_begin() out of turn, with a body or without on_writable");
        return -EINVAL;
    }
    int result = format_head(req, &res, length, false);
    if (result != 0) {
        return result;
    }
    req->phase = REQUEST_ANSWERING;
    req->on_writable = on_writable;
    req->on_writable_arg = arg;
    /* The head waits for the first write of this turn, to go out with it. */
    carrier_wake(req->carrier);
    return 0;
}

void response_flush(struct request *req) {
    if (req->head_pending.len == 0 || req->sending || req->phase != REQUEST_ANSWERING) {
        return;
    }
    uv_buf_t buf = buf_of(take_head(req));
    (void)carrier_send(req, &buf, 1, false);
}

/* Sends head, chunk line, bytes and chunk end, as far as there are any. As carrier_ops.send. */
static int send_part(struct request *req, struct virga_str bytes) {
    uv_buf_t bufs[4];
    unsigned count = 0;
    if (req->head_pending.len > 0) {
        bufs[count++] = buf_of(take_head(req));
    }
    if (req->chunked) {
        int len = snprintf(req->chunk_line, sizeof req->chunk_line, "%zx\r\n", bytes.len);
        bufs[count++] = uv_buf_init(req->chunk_line, (unsigned)len);
    }
    bufs[count++] = buf_of(bytes);
    if (req->chunked) {
        static char line_end[] = "\r\n";
        bufs[count++] = uv_buf_init(line_end, 2);
    }
    return carrier_send(req, bufs, count, false);
}

int response_write(struct virga_request *pub, struct virga_str bytes) {
    struct request *req = request_from(pub);
    if (!is_answerable(req, "write() after the end")) {
        return -ECANCELED;
    }
    if (req->cancelled != 0) {
        return -ECANCELED;
    }
    if (req->phase != REQUEST_ANSWERING) {
        request_blame(req, "write() without respond_begin()");
        return -EINVAL;
    }
    if (req->write_waiting) {
        return -EBUSY;
    }
    if (req->length_known && bytes.len > req->announced - req->sent_bytes) {
        return -EMSGSIZE;
    }
    req->sent_bytes += bytes.len;
    if (bytes.len == 0 || !req->sends_body) {
        return 1;
    }
    if (req->sending) {
        req->write_pending = bytes;
        req->write_waiting = true;
        return 0;
    }
    int result = send_part(req, bytes);
    req->write_waiting = result == 0;
    return result;
}

ssize_t response_send_file(struct request *req, int fd, uint64_t offset, size_t size) {
    if (req->cancelled != 0) {
        return -ECANCELED;
    }
    response_flush(req);
    if (req->cancelled != 0) {
        return -ECANCELED;
    }
    if (req->sending || req->carrier->ops->send_file == NULL) {
        return req->sending ? -EAGAIN : -EOPNOTSUPP;
    }
    ssize_t sent = req->carrier->ops->send_file(req, fd, offset, size);
    if (sent > 0) {
        req->sent_bytes += (uint64_t)sent;
    }
    return sent;
}

/* Sends what ends the answer and settles. */
static void send_end(struct request *req) {
    static const struct virga_str last_chunk = {"0\r\n\r\n", 5};
    struct carrier *carrier = req->carrier;
    uv_buf_t bufs[2];
    unsigned count = 0;
    if (req->head_pending.len > 0) {
        bufs[count++] = buf_of(take_head(req));
    }
    if (req->chunked) {
        bufs[count++] = buf_of(last_chunk);
    }
    req->cut = req->sends_body && req->length_known && req->sent_bytes < req->announced;
    if (count == 0 || carrier_send(req, bufs, count, false) == 1) {
        carrier_settle(carrier);
    }
}

void response_end(struct virga_request *pub) {
    struct request *req = request_from(pub);
    if (!is_answerable(req, "end() after the end")) {
        return;
    }
    if (req->cancelled != 0) {
        request_give_back(req);
        return;
    }
    if (req->phase != REQUEST_ANSWERING || req->write_waiting) {
        request_blame(req, req->write_waiting ? "end() while a write waits"
                                              : "end() without respond_begin()");
        response_abort(pub);
        return;
    }
    req->phase = REQUEST_ANSWERED;
    if (req->sending) {
        req->end_waiting = true;
    } else {
        send_end(req);
    }
    request_give_back(req);
}

void response_abort(struct virga_request *pub) {
    struct request *req = request_from(pub);
    if (!is_answerable(req, "abort() after the end")) {
        return;
    }
    if (req->cancelled == 0) {
        if (req->phase == REQUEST_HANDLED || req->head_pending.len > 0) {
            req->head_pending = (struct virga_str){NULL, 0};
            response_fail(req, 500, "The service gave no answer");
        } else {
            carrier_break_off(req->carrier, -ECANCELED, true);
        }
    }
    request_give_back(req);
}

void response_on_sent(struct request *req) {
    if (req->end_waiting) {
        req->end_waiting = false;
        send_end(req);
        return;
    }
    if (req->write_pending.len > 0) {
        struct virga_str bytes = req->write_pending;
        req->write_pending = (struct virga_str){NULL, 0};
        if (send_part(req, bytes) != 1) {
            return;
        }
    }
    if (req->write_waiting) {
        struct plugin_call call;
        req->write_waiting = false;
        plugin_enter(&call, req->plugin, "on_writable", req);
        req->on_writable(req->on_writable_arg, &req->pub, 0);
        plugin_leave(&call);
        return;
    }
    carrier_settle(req->carrier);
}

void response_continue(struct request *req) {
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (req->continue_due) {
        req->continue_due = false;
        carrier_send_interim(req->carrier, text, sizeof text - 1);
    }
}
