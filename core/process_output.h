/* SPDX-License-Identifier: MIT */
/* The pipe that carries a child's stdout and stderr. Owns the reading end; leaves what the bytes
 * mean to on_bytes. */
#ifndef CORE_PROCESS_OUTPUT_H
#define CORE_PROCESS_OUTPUT_H

#include <stdbool.h>
#include <uv.h>
#include <virga/abi.h>

struct process_output {
    uv_poll_t poll;
    int fd;     /* -1 once it is closed */
    bool ended; /* the last writer is gone */
    void (*on_bytes)(void *arg, struct virga_str bytes);
    void *arg;
};

/* Begins to read `fd`, which becomes the output's. Calls back: on_bytes for every piece, from the
 * loop or from process_output_drain(). Errors: as uv_poll_init(), fd is then still the caller's. */
int process_output_start(struct process_output *output, uv_loop_t *loop, int fd,
                         void (*on_bytes)(void *arg, struct virga_str bytes), void *arg);
/* Reads what is in the pipe now: after the child's end, all that it has written. */
void process_output_drain(struct process_output *output);
/* Stops reading; `poll` is free after on_closed. Only once. */
void process_output_close(struct process_output *output, uv_close_cb on_closed);

/* Cuts a stream of bytes into lines. Starts as zeroes. */
#define PROCESS_LINE_MAX 1000
struct process_lines {
    char text[PROCESS_LINE_MAX + 1];
    size_t len;
};

/* Calls on_line for each line that ends in `bytes`, and for each full PROCESS_LINE_MAX bytes of a
 * longer one. */
void process_lines_feed(struct process_lines *lines, struct virga_str bytes,
                        void (*on_line)(void *arg, const char *line), void *arg);
/* The same for what came without a newline. */
void process_lines_flush(struct process_lines *lines, void (*on_line)(void *arg, const char *line),
                         void *arg);

#endif
