/* SPDX-License-Identifier: MIT */
/* Bodies into files. */
#include "receiver.h"
#include "chunked.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct buffer {
    char *bytes;
    size_t len;
    size_t size;
};

struct receiver {
    struct call *call;
    struct digests_wanted wanted;
    void (*on_done)(struct call *call, const struct received *received);
    struct chunked *chunked; /* NULL: the body is as it is */
    uint64_t announced;      /* bytes, decoded */
    struct buffer buffers[2];
    int filling;           /* the buffer that takes bytes; the other one may be with the worker */
    bool busy;             /* the worker has it */
    bool ended;            /* no more comes */
    bool paused;           /* `rest` waits for a buffer */
    struct virga_str rest; /* of the chunk */
    const char *fail_code; /* NULL: it goes well */
    const char *fail_message;
    int error; /* a failure of the host */
    /* The worker's while it is busy. */
    int fd;
    bool last;
    int work_error;
    struct digester digester;
    unsigned char sha256[CHECKSUM_BYTES_MAX];
    struct received received;
};

static void advance(struct receiver *receiver);

/* ---- the end ---- */

static void finish(struct receiver *receiver) {
    struct call *call = receiver->call;
    struct received received = receiver->received;
    struct virga_str trailer = {NULL, 0};
    if (receiver->fd >= 0) {
        (void)close(receiver->fd);
    }
    digester_drop(&receiver->digester);
    free(receiver->buffers[0].bytes);
    free(receiver->buffers[1].bytes);
    if (receiver->chunked != NULL && receiver->wanted.algorithm != CHECKSUM_NONE) {
        trailer = chunked_trailer(receiver->chunked, checksum_header(receiver->wanted.algorithm));
    }
    const char *bad =
        receiver->fail_code == NULL && receiver->error == 0
            ? digests_compare(&receiver->wanted, &received.digests, receiver->sha256, trailer)
            : NULL;
    bool right = receiver->fail_code == NULL && receiver->error == 0 && bad == NULL;
    if (!right && received.id.text[0] != '\0') {
        files_abandon(call->s3, &received.id);
    }
    free(receiver->chunked);
    /* The receiver is the request's memory. */
    if (receiver->error != 0) {
        call_broken(call, "A body was not stored", receiver->error);
    } else if (receiver->fail_code != NULL) {
        call_fail(call, 400, receiver->fail_code, "%s", receiver->fail_message);
    } else if (bad != NULL) {
        digests_fail(call, bad, &receiver->wanted);
    } else {
        receiver->on_done(call, &received);
    }
}

static void fail(struct receiver *receiver, const char *code, const char *message) {
    if (receiver->fail_code == NULL && receiver->error == 0) {
        receiver->fail_code = code;
        receiver->fail_message = message;
    }
}

static void fail_short(struct receiver *receiver) {
    fail(receiver, "IncompleteBody",
         "You did not provide the number of bytes specified by the Content-Length HTTP header");
}

/* ---- the worker ---- */

static int write_all(int fd, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);
        if (written < 0 && errno != EINTR) {
            return -errno;
        }
        if (written > 0) {
            bytes += written;
            len -= (size_t)written;
        }
    }
    return 0;
}

static void run(void *arg) { /* [worker] */
    struct receiver *receiver = arg;
    const struct buffer *buffer = &receiver->buffers[1 - receiver->filling];
    int result = 0;
    if (receiver->fd < 0 && buffer->len > 0) {
        int fd = files_create(receiver->call->s3, &receiver->received.id);
        result = fd < 0 ? fd : 0;
        receiver->fd = fd < 0 ? -1 : fd;
    }
    if (result == 0) {
        result = write_all(receiver->fd, buffer->bytes, buffer->len);
    }
    if (result == 0) {
        digester_add(&receiver->digester, s3_str(buffer->bytes, buffer->len));
    }
    if (result == 0 && receiver->last) {
        digester_end(&receiver->digester, &receiver->received.digests, receiver->sha256);
        if (receiver->fd >= 0 && close(receiver->fd) != 0) {
            result = -errno;
        }
        receiver->fd = -1;
    }
    receiver->work_error = result;
}

static void on_worked(void *arg, int status) {
    struct receiver *receiver = arg;
    receiver->busy = false;
    receiver->buffers[1 - receiver->filling].len = 0;
    status = status == 0 ? receiver->work_error : status;
    if (status != 0 && receiver->error == 0) {
        receiver->error = status;
    }
    advance(receiver);
}

/* Gives the buffer that was filled to the worker. */
static void submit(struct receiver *receiver) {
    struct s3 *s3 = receiver->call->s3;
    int result = 0;
    if (receiver->received.id.text[0] == '\0' && receiver->buffers[receiver->filling].len > 0) {
        result = files_new(s3, &receiver->received.id);
    }
    if (result == 0) {
        receiver->filling = 1 - receiver->filling;
        receiver->busy = true;
        result = s3->work->submit(s3->host, run, on_worked, receiver, NULL);
    }
    if (result != 0) {
        receiver->busy = false;
        receiver->error = result;
    }
}

/* ---- the loop ---- */

/* Puts bytes into the buffer. Returns how many there was room for. */
static size_t fill(struct receiver *receiver, struct virga_str data) {
    struct buffer *buffer = &receiver->buffers[receiver->filling];
    if (buffer->bytes == NULL) {
        uint64_t left = receiver->announced - receiver->received.size;
        buffer->size = left < RECEIVER_BUFFER_SIZE ? (size_t)left : RECEIVER_BUFFER_SIZE;
        buffer->bytes = malloc(buffer->size > 0 ? buffer->size : 1);
        if (buffer->bytes == NULL) {
            receiver->error = -ENOMEM;
            return 0;
        }
    }
    size_t room = buffer->size - buffer->len;
    size_t len = data.len < room ? data.len : room;
    memcpy(buffer->bytes + buffer->len, data.ptr, len);
    buffer->len += len;
    receiver->received.size += len;
    return len;
}

/* The next piece of data in `rest`. */
static struct virga_str next_data(struct receiver *receiver) {
    struct virga_str data = receiver->rest;
    if (receiver->chunked == NULL) {
        receiver->rest = s3_str(NULL, 0);
    } else if (chunked_next(receiver->chunked, &receiver->rest, &data) != 0) {
        fail(receiver, "InvalidRequest", "The chunked body is malformed");
        receiver->rest = data = s3_str(NULL, 0);
    }
    return data;
}

/* What of a piece did not fit goes back before the rest; with chunks, into the chunk. */
static void put_back(struct receiver *receiver, struct virga_str data) {
    if (data.len == 0) {
        return;
    }
    if (receiver->chunked != NULL) {
        receiver->chunked->left += data.len;
        receiver->chunked->state = CHUNKED_DATA;
    }
    receiver->rest = s3_str(data.ptr, data.len + receiver->rest.len);
}

/* Takes bytes until none is left or no buffer is free. */
static void take(struct receiver *receiver) {
    while (receiver->rest.len > 0 && receiver->fail_code == NULL && receiver->error == 0) {
        struct buffer *buffer = &receiver->buffers[receiver->filling];
        if (buffer->bytes != NULL && buffer->len == buffer->size && buffer->len > 0) {
            if (receiver->busy) {
                return;
            }
            submit(receiver);
            continue;
        }
        struct virga_str data = next_data(receiver);
        if (data.len > receiver->announced - receiver->received.size) {
            fail(receiver, "InvalidRequest",
                 "The body is longer than x-amz-decoded-content-length");
            return;
        }
        size_t len = data.len > 0 ? fill(receiver, data) : 0;
        if (data.len > 0) {
            put_back(receiver, s3_str(data.ptr + len, data.len - len));
        }
    }
}

static bool has_failed(const struct receiver *receiver) {
    return receiver->fail_code != NULL || receiver->error != 0;
}

/* Goes on with whatever can go on. */
static void advance(struct receiver *receiver) {
    struct virga_request *req = receiver->call->req;
    take(receiver);
    if (has_failed(receiver)) {
        if (!receiver->ended) {
            req->http->body_stop(req);
            receiver->ended = true;
        }
        if (!receiver->busy) {
            finish(receiver);
        }
        return;
    }
    if (receiver->rest.len == 0 && receiver->paused) {
        receiver->paused = false;
        req->http->body_resume(req);
    }
    if (!receiver->ended || receiver->busy) {
        return;
    }
    if (receiver->last) {
        finish(receiver);
        return;
    }
    receiver->last = true;
    submit(receiver);
    if (has_failed(receiver)) {
        finish(receiver);
    }
}

static int on_body(void *arg, struct virga_request *req, int status, struct virga_str chunk) {
    struct receiver *receiver = arg;
    (void)req;
    if (status == VIRGA_BODY_DATA) {
        receiver->rest = chunk;
        take(receiver);
        if (has_failed(receiver)) {
            advance(receiver);
            return VIRGA_BODY_GO_ON;
        }
        receiver->paused = receiver->rest.len > 0;
        return receiver->paused ? VIRGA_BODY_PAUSE : VIRGA_BODY_GO_ON;
    }
    receiver->ended = true;
    if (status < 0) {
        receiver->rest = s3_str(NULL, 0);
        fail_short(receiver);
    } else if (receiver->received.size != receiver->announced ||
               (receiver->chunked != NULL && !chunked_is_complete(receiver->chunked))) {
        fail_short(receiver);
    }
    advance(receiver);
    return VIRGA_BODY_GO_ON;
}

/* How many bytes will come. Errors: -ENOENT nothing says so, -EINVAL. */
static int read_length(const struct call *call, bool is_chunked, uint64_t *ret_length) {
    int64_t length;
    if (!is_chunked) {
        *ret_length = call->req->content_length;
        return *ret_length == VIRGA_LENGTH_UNKNOWN ? -ENOENT : 0;
    }
    int result = call_number(call_header(call, "x-amz-decoded-content-length"), 0,
                             (int64_t)S3_OBJECT_MAX, &length);
    *ret_length = (uint64_t)length;
    return result;
}

void receiver_start(struct call *call, const struct digests_wanted *wanted,
                    void (*on_done)(struct call *call, const struct received *received)) {
    struct virga_request *req = call->req;
    struct receiver *receiver = call_alloc(call, sizeof *receiver);
    uint64_t length = 0;
    int result = receiver != NULL ? read_length(call, wanted->is_chunked, &length) : -ENOMEM;
    if (result == -ENOENT || result == -EINVAL) {
        call_fail(call, 411, "MissingContentLength",
                  "You must provide the Content-Length HTTP header.");
        return;
    }
    if (result == 0 && length > S3_PUT_MAX) {
        call_fail(call, 400, "EntityTooLarge",
                  "Your proposed upload exceeds the maximum allowed size");
        return;
    }
    if (result == 0) {
        *receiver = (struct receiver){
            .call = call, .wanted = *wanted, .on_done = on_done, .announced = length, .fd = -1};
        receiver->chunked = wanted->is_chunked ? calloc(1, sizeof *receiver->chunked) : NULL;
        result = wanted->is_chunked && receiver->chunked == NULL
                     ? -ENOMEM
                     : digester_begin(&receiver->digester, wanted);
    }
    if (result == 0) {
        result = req->http->body_start(req, on_body, receiver);
    }
    if (result != 0) {
        if (receiver != NULL) {
            digester_drop(&receiver->digester);
            free(receiver->chunked);
        }
        call_broken(call, "A body was not read", result);
    }
}
