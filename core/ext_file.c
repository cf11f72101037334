/* SPDX-License-Identifier: MIT */
/* Answers out of files: sendfile(2) as long as the socket takes bytes and the page cache has them,
 * else a piece read by the thread pool and written, which also tells when the socket takes more. */
#include "ext_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <uv.h>

#include "body.h"
#include "defer.h"
#include "host.h"
#include "request.h"
#include "resource.h"
#include "response.h"

/* What one answer may send before the loop turns to others. */
#define FILE_TURN_BYTES ((size_t)1024 * 1024)
/* What one sendfile() may send: so much must be in the page cache, that it does not wait for a
 * disk. */
#define FILE_WINDOW_BYTES ((size_t)256 * 1024)
/* What is read at once where sendfile() cannot go on; memory of an answer whose client is slow. */
#define FILE_PIECE_BYTES ((size_t)64 * 1024)

struct file_answer {
    struct resource resource;  /* owner: the plugin that answers */
    struct virga_request *req; /* NULL once it was given back */
    struct defer turn;         /* goes on, or tells that it is done */
    uint64_t at;               /* the next byte */
    uint64_t end;              /* behind the last */
    int fd;
    bool opened; /* fd is ours */
    bool copies; /* sendfile() refuses this file or this carrier */
    bool reading;
    bool orphaned; /* the plugin is gone: nobody is told */
    int status;    /* for on_done */
    void (*on_done)(void *arg, int status);
    void *arg;
    uv_fs_t read;
    char *piece;
};

/* ---- the end ---- */

static void destroy(struct file_answer *file) {
    defer_cancel(&file->turn);
    resource_remove(&file->resource);
    if (file->opened) {
        (void)close(file->fd);
    }
    free(file->piece);
    free(file);
}

static void complete(struct file_answer *file) {
    struct plugin_call call;
    if (file->on_done != NULL) {
        plugin_enter(&call, file->resource.owner, "file on_done", NULL);
        file->on_done(file->arg, file->status);
        plugin_leave(&call);
    }
    destroy(file);
}

/* Gives the request back. The plugin is told in a later turn, and not before nobody reads. */
static void finish(struct file_answer *file, int status) {
    struct virga_request *req = file->req;
    file->req = NULL;
    file->status = status;
    request_http.on_cancel(req, NULL, NULL);
    if (status == 0) {
        response_end(req);
    } else {
        response_abort(req);
    }
    if (!file->reading) {
        defer_arm(file->resource.owner->host, &file->turn);
    }
}

static void on_cancel(void *arg, struct virga_request *req, int status) {
    (void)req;
    finish(arg, status);
}

static void reclaim(struct resource *resource) {
    struct file_answer *file = LIST_ENTRY(resource, struct file_answer, resource);
    struct virga_request *req = file->req;
    file->req = NULL;
    if (req != NULL) {
        request_http.on_cancel(req, NULL, NULL);
        response_abort(req);
    }
    if (file->reading) {
        file->orphaned = true;
        resource_remove(resource);
    } else {
        destroy(file);
    }
}

/* ---- the way of the bytes ---- */

static void go_on(struct file_answer *file);

static uint64_t left(const struct file_answer *file) {
    return file->end - file->at;
}

static size_t at_most(uint64_t value, size_t limit) {
    return value < limit ? (size_t)value : limit;
}

/* Whether the last byte of the next window can be had without a disk; a file system that cannot
 * tell is taken to have it. */
static bool is_cached(const struct file_answer *file, size_t window) {
    char byte;
    struct iovec target = {.iov_base = &byte, .iov_len = 1};
    return preadv2(file->fd, &target, 1, (off_t)(file->at + window - 1), RWF_NOWAIT) >= 0 ||
           errno != EAGAIN;
}

static void write_piece(struct file_answer *file, size_t size) {
    file->at += size;
    /* On 0 it goes on in on_writable(); on an error on_cancel() follows. */
    if (response_write(file->req, (struct virga_str){file->piece, size}) == 1) {
        go_on(file);
    }
}

static void on_read(uv_fs_t *read) {
    struct file_answer *file = read->data;
    ssize_t size = read->result;
    uv_fs_req_cleanup(read);
    file->reading = false;
    if (file->orphaned) {
        destroy(file);
    } else if (file->req == NULL) {
        complete(file);
    } else if (size <= 0) {
        finish(file, size == 0 ? -ENODATA : -EIO);
    } else {
        write_piece(file, (size_t)size);
    }
}

static void read_piece(struct file_answer *file) {
    if (file->piece == NULL) {
        file->piece = malloc(FILE_PIECE_BYTES);
        if (file->piece == NULL) {
            finish(file, -ENOMEM);
            return;
        }
    }
    uv_buf_t buf = uv_buf_init(file->piece, (unsigned)at_most(left(file), FILE_PIECE_BYTES));
    file->read.data = file;
    file->reading = true;
    if (uv_fs_read(file->resource.owner->host->loop, &file->read, file->fd, &buf, 1,
                   (int64_t)file->at, on_read) != 0) {
        file->reading = false;
        finish(file, -ENOMEM);
    }
}

/* Sends what can be sent now and arranges for the rest. */
static void go_on(struct file_answer *file) {
    uint64_t turn_end = file->at + FILE_TURN_BYTES;
    while (left(file) > 0) {
        size_t window = at_most(left(file), FILE_WINDOW_BYTES);
        if (file->at >= turn_end) {
            defer_arm(file->resource.owner->host, &file->turn);
            return;
        }
        if (file->copies || !is_cached(file, window)) {
            read_piece(file);
            return;
        }
        ssize_t sent = response_send_file(request_from(file->req), file->fd, file->at, window);
        if (sent > 0) {
            file->at += (uint64_t)sent;
        } else if (sent == -EAGAIN || sent == -EOPNOTSUPP) {
            file->copies = sent == -EOPNOTSUPP;
            read_piece(file);
            return;
        } else if (sent == -ECANCELED) {
            return; /* on_cancel() follows */
        } else {
            finish(file, sent == 0 ? -ENODATA : (int)sent);
            return;
        }
    }
    finish(file, 0);
}

static void on_turn(struct defer *turn) {
    struct file_answer *file = LIST_ENTRY(turn, struct file_answer, turn);
    if (file->req == NULL) {
        complete(file);
    } else {
        go_on(file);
    }
}

static void on_writable(void *arg, struct virga_request *req, int status) {
    (void)req;
    if (status == 0) {
        go_on(arg);
    } /* else on_cancel() follows */
}

/* ---- the beginning ---- */

/* Opens the file if it is not, and settles the range. Errors: as virga_file.respond. */
static int open_range(struct file_answer *file, const struct virga_file_range *range) {
    struct stat st;
    file->fd = range->fd;
    if (range->fd < 0) {
        /* Not blocking: a path may be that of a pipe that nobody writes to. */
        file->fd = range->path == NULL
                       ? -1
                       : open(range->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (file->fd < 0) {
            return range->path == NULL ? -EINVAL : -errno;
        }
        file->opened = true;
    }
    if (fstat(file->fd, &st) != 0) {
        return -EINVAL;
    }
    if (!S_ISREG(st.st_mode)) {
        return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    }
    uint64_t size = (uint64_t)st.st_size;
    if (range->offset > size ||
        (range->length != VIRGA_LENGTH_UNKNOWN && range->length > size - range->offset)) {
        return -EINVAL;
    }
    file->at = range->offset;
    file->end = range->length != VIRGA_LENGTH_UNKNOWN ? range->offset + range->length : size;
    return 0;
}

static int respond(const struct virga_host *api, struct virga_request *req,
                   const struct virga_response *res, const struct virga_file_range *range) {
    if (api == NULL || req == NULL || res == NULL || range == NULL ||
        range->struct_size < sizeof *range) {
        return -EINVAL;
    }
    struct file_answer *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return -ENOMEM;
    }
    defer_init(&file->turn, on_turn);
    list_init(&file->resource.node);
    file->on_done = range->on_done;
    file->arg = range->arg;
    int result = open_range(file, range);
    if (result == 0) {
        result = response_begin(req, res, left(file), on_writable, file);
    }
    if (result != 0) {
        destroy(file);
        if (result == -ECANCELED) {
            response_abort(req);
        }
        return result;
    }
    resource_add(&file->resource, plugin_from(api), "file answer", reclaim);
    file->req = req;
    request_http.on_cancel(req, on_cancel, file);
    body_stop(req); /* to the caller the request is gone: it is told nothing more of it */
    if (request_from(req)->sends_body) {
        go_on(file);
    } else {
        finish(file, 0);
    }
    return 0;
}

const struct virga_file ext_file = {
    .struct_size = sizeof ext_file,
    .respond = respond,
};
