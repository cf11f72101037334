/* SPDX-License-Identifier: MIT */
/* Reading of a child's output: a poll handle and read(2), so that at the child's end the pipe can
 * be emptied at once, though a grandchild may still hold its other end. */
#include "process_output.h"

#include <errno.h>
#include <unistd.h>

#define READ_SIZE 65536 /* the capacity of a pipe */

/* Thread: [loop]; a piece is used up before the next read. */
static char piece[READ_SIZE];

/* Reads one piece and returns its size; 0 at the end of the stream, or when nothing is there. */
static size_t read_piece(struct process_output *output) {
    ssize_t got;
    do {
        got = read(output->fd, piece, sizeof piece);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN) {
        return 0;
    }
    if (got <= 0) {
        output->ended = true;
        (void)uv_poll_stop(&output->poll);
        return 0;
    }
    output->on_bytes(output->arg, (struct virga_str){piece, (size_t)got});
    return (size_t)got;
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    struct process_output *output = poll->data;
    (void)events;
    if (status < 0) {
        output->ended = true;
        (void)uv_poll_stop(poll);
        return;
    }
    (void)read_piece(output);
}

int process_output_start(struct process_output *output, uv_loop_t *loop, int fd,
                         void (*on_bytes)(void *arg, struct virga_str bytes), void *arg) {
    int rc = uv_poll_init(loop, &output->poll, fd);
    if (rc < 0) {
        return rc;
    }
    output->poll.data = output;
    output->fd = fd;
    output->ended = false;
    output->on_bytes = on_bytes;
    output->arg = arg;
    (void)uv_poll_start(&output->poll, UV_READABLE,
                        on_readable); /* fails for closing handles only */
    return 0;
}

void process_output_drain(struct process_output *output) {
    /* A dead child's bytes are at most what a pipe holds; a grandchild may write on for ever. */
    size_t left = READ_SIZE;
    while (output->fd >= 0 && !output->ended && left > 0) {
        size_t got = read_piece(output);
        if (got == 0) {
            break;
        }
        left -= got < left ? got : left;
    }
}

void process_output_close(struct process_output *output, uv_close_cb on_closed) {
    uv_close((uv_handle_t *)&output->poll, on_closed);
    (void)close(output->fd);
    output->fd = -1;
}

void process_lines_flush(struct process_lines *lines, void (*on_line)(void *arg, const char *line),
                         void *arg) {
    if (lines->len > 0) {
        lines->text[lines->len] = '\0';
        lines->len = 0;
        on_line(arg, lines->text);
    }
}

void process_lines_feed(struct process_lines *lines, struct virga_str bytes,
                        void (*on_line)(void *arg, const char *line), void *arg) {
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i];
        if (c == '\n' || lines->len == PROCESS_LINE_MAX) {
            process_lines_flush(lines, on_line, arg);
        }
        if (c != '\n' && c != '\r') {
            lines->text[lines->len++] = c != '\0' ? c : '?';
        }
    }
}
