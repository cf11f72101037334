/* SPDX-License-Identifier: MIT */
/* The sending half of a connection: at once what the socket takes, the rest by the loop. */
#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>

#include "conn.h"
#include "request.h"
#include "response.h"

static void on_sent(uv_write_t *write, int status) {
    struct request *req = LIST_ENTRY(write, struct request, write);
    struct conn *conn = write->handle->data;
    req->sending = false;
    free(req->copied);
    req->copied = NULL;
    if (req->release != NULL) {
        void (*release)(void *arg) = req->release;
        req->release = NULL;
        release(req->release_arg);
    }
    if (!conn->closing) {
        if (status < 0) {
            conn_break(conn, -ECONNRESET, false);
        } else {
            response_on_sent(req);
            conn_tune(conn);
        }
    }
    request_unref(req);
}

/* Drops `sent` bytes from the front; returns how many buffers are left. */
static unsigned advance(uv_buf_t **bufs, unsigned count, size_t sent) {
    while (count > 0 && sent >= (*bufs)->len) {
        sent -= (*bufs)->len;
        (*bufs)++;
        count--;
    }
    if (count > 0) {
        (*bufs)->base += sent;
        (*bufs)->len -= sent;
    }
    return count;
}

static int copy_rest(struct request *req, uv_buf_t *bufs, unsigned count) {
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        size += bufs[i].len;
    }
    req->copied = malloc(size);
    if (req->copied == NULL) {
        return -ENOMEM;
    }
    size_t at = 0;
    for (unsigned i = 0; i < count; i++) {
        memcpy(req->copied + at, bufs[i].base, bufs[i].len);
        at += bufs[i].len;
    }
    bufs[0] = (uv_buf_t){.base = req->copied, .len = size};
    return 0;
}

int conn_send(struct request *req, uv_buf_t *bufs, unsigned count, bool copy) {
    struct conn *conn = conn_of(req->carrier);
    int sent = uv_try_write(&conn->uv.stream, bufs, count);
    if (sent < 0 && sent != UV_EAGAIN) {
        conn_break(conn, -ECONNRESET, false);
        return -ECANCELED;
    }
    count = advance(&bufs, count, sent > 0 ? (size_t)sent : 0);
    if (count == 0) {
        return 1;
    }
    if (copy && copy_rest(req, bufs, count) != 0) {
        conn_break(conn, -ENOMEM, true);
        return -ECANCELED;
    }
    if (uv_write(&req->write, &conn->uv.stream, bufs, copy ? 1 : count, on_sent) != 0) {
        free(req->copied);
        req->copied = NULL;
        conn_break(conn, -ECONNRESET, false);
        return -ECANCELED;
    }
    req->sending = true;
    request_ref(req);
    conn->progress = uv_stream_get_write_queue_size(&conn->uv.stream);
    conn_tune(conn);
    return 0;
}

/* What a file's bytes cannot be read or sent for: the rest of errno is the socket's. */
static ssize_t send_file_error(struct conn *conn, int error) {
    switch (error) {
    case EAGAIN:
        return -EAGAIN;
    case EINVAL:
    case ENOSYS:
    case EOPNOTSUPP:
    case EOVERFLOW:
    case EBADF:
        return -EOPNOTSUPP;
    case EIO:
    case ENOMEM:
    case ESTALE:
        return -EIO;
    default:
        conn_break(conn, -ECONNRESET, false);
        return -ECANCELED;
    }
}

ssize_t conn_send_file(struct request *req, int fd, uint64_t offset, size_t size) {
    struct conn *conn = conn_of(req->carrier);
    uv_os_fd_t socket_fd;
    off_t at = (off_t)offset;
    ssize_t sent;
    if (uv_fileno(&conn->uv.handle, &socket_fd) != 0) {
        return -EOPNOTSUPP;
    }
    do {
        sent = sendfile(socket_fd, fd, &at, size);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0 ? sent : send_file_error(conn, errno);
}

static void on_interim_sent(uv_write_t *write, int status) {
    struct conn *conn = write->handle->data;
    free(write);
    if (status < 0 && !conn->closing) {
        conn_break(conn, -ECONNRESET, false);
    }
}

void conn_send_interim(struct carrier *carrier, const char *text, size_t len) {
    struct conn *conn = conn_of(carrier);
    uv_buf_t buf = {.base = (char *)(uintptr_t)text, .len = len};
    int sent = uv_try_write(&conn->uv.stream, &buf, 1);
    if (sent == (int)len) {
        return;
    }
    if (sent > 0) {
        buf.base += sent;
        buf.len -= (size_t)sent;
    }
    uv_write_t *write = sent >= 0 || sent == UV_EAGAIN ? malloc(sizeof *write) : NULL;
    if (write == NULL || uv_write(write, &conn->uv.stream, &buf, 1, on_interim_sent) != 0) {
        free(write);
        conn_break(conn, -ECONNRESET, false);
    }
}
