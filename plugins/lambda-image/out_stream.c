/* SPDX-License-Identifier: MIT */
/* Pieces on their way to a client, one write at a time. */
#include "out_stream.h"

#include <errno.h>
#include <stdlib.h>

struct piece {
    struct piece *next;
    char *bytes;
    size_t len;
};

struct out_stream {
    struct virga_request *req;
    struct piece *first, **last;
    bool writing; /* the first piece is on its way */
    bool gone, ending;
    bool broken; /* something is missing, which the client must notice */
    void (*on_ready)(void *arg);
    void (*on_gone)(void *arg);
    void *arg;
};

static void drop_first(struct out_stream *stream) {
    struct piece *piece = stream->first;
    stream->first = piece->next;
    if (stream->first == NULL) {
        stream->last = &stream->first;
    }
    free(piece->bytes);
    free(piece);
}

static void drop_all(struct out_stream *stream) {
    while (stream->first != NULL) {
        drop_first(stream);
    }
}

static void finish(struct out_stream *stream) {
    struct virga_request *req = stream->req;
    bool broken = stream->broken;
    drop_all(stream);
    free(stream);
    if (broken) {
        req->http->abort(req);
    } else {
        req->http->end(req);
    }
}

/* Writes until a piece has to wait. */
static void flush(struct out_stream *stream) {
    while (stream->first != NULL && !stream->writing) {
        struct virga_str bytes = {stream->first->bytes, stream->first->len};
        int result = stream->gone ? -ECANCELED : stream->req->http->write(stream->req, bytes);
        if (result == 0) {
            stream->writing = true;
        } else if (result > 0) {
            drop_first(stream);
        } else {
            drop_all(stream); /* on_cancel tells */
        }
    }
}

static void on_writable(void *arg, struct virga_request *req, int status) {
    struct out_stream *stream = arg;
    (void)req;
    (void)status;
    stream->writing = false;
    if (stream->first != NULL) {
        drop_first(stream);
    }
    flush(stream);
    if (stream->first != NULL) {
        return;
    }
    if (stream->ending) {
        finish(stream);
    } else if (!stream->gone) {
        stream->on_ready(stream->arg);
    }
}

static void on_cancel(void *arg, struct virga_request *req, int status) {
    struct out_stream *stream = arg;
    (void)req;
    (void)status;
    stream->gone = true;
    if (!stream->ending) {
        stream->on_gone(stream->arg);
    }
}

int out_stream_begin(struct virga_request *req, const struct virga_response *head,
                     void (*on_ready)(void *arg), void (*on_gone)(void *arg), void *arg,
                     struct out_stream **ret_stream) {
    struct out_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        return -ENOMEM;
    }
    stream->req = req;
    stream->last = &stream->first;
    stream->on_ready = on_ready;
    stream->on_gone = on_gone;
    stream->arg = arg;
    /* A failure (the client is gone) shows at the writes; the request is ours all the same. */
    int result = req->http->respond_begin(req, head, VIRGA_LENGTH_UNKNOWN, on_writable, stream);
    if (result != 0) {
        stream->gone = true;
    } else {
        req->http->on_cancel(req, on_cancel, stream);
    }
    *ret_stream = stream;
    return 0;
}

int out_stream_add(struct out_stream *stream, char *bytes, size_t len) {
    bool wanted = !stream->gone && !stream->broken && len > 0 && bytes != NULL;
    struct piece *piece = wanted ? malloc(sizeof *piece) : NULL;
    if (piece == NULL) {
        stream->broken = stream->broken || (!stream->gone && len > 0);
        free(bytes);
        return VIRGA_BODY_GO_ON;
    }
    *piece = (struct piece){NULL, bytes, len};
    *stream->last = piece;
    stream->last = &piece->next;
    flush(stream);
    return stream->first != NULL ? VIRGA_BODY_PAUSE : VIRGA_BODY_GO_ON;
}

void out_stream_end(struct out_stream *stream) {
    stream->ending = true;
    if (!stream->writing) {
        finish(stream);
    }
}

void out_stream_abort(struct out_stream *stream) {
    stream->broken = true;
    out_stream_end(stream);
}
