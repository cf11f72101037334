/* SPDX-License-Identifier: MIT */
/* What an environment's process writes: cut into lines, for the function's log and for the tail of
 * the invocation that runs. */
#include "environment_impl.h"

#include "logs.h"

#include <stdlib.h>

#define PARTIAL_SIZE_FIRST 256

static void note_tail(struct environment *environment, struct virga_str bytes) {
    size_t skip = bytes.len > INVOCATION_TAIL_MAX ? bytes.len - INVOCATION_TAIL_MAX : 0;
    environment->tail_len += skip;
    for (size_t done = skip; done < bytes.len;) {
        size_t at = environment->tail_len % INVOCATION_TAIL_MAX;
        size_t part = INVOCATION_TAIL_MAX - at;
        part = part < bytes.len - done ? part : bytes.len - done;
        memcpy(environment->tail + at, bytes.ptr + done, part);
        environment->tail_len += part;
        done += part;
    }
}

/* Whole lines. */
static void pass_on(struct environment *environment, struct virga_str lines) {
    const struct function *function = environment->function;
    if (lines.len > 0) {
        logs_add(environment->lambda->logs, &function->tenant, function->name, lines);
        if (environment->wants_tail) {
            note_tail(environment, lines);
        }
    }
}

/* Ends a line that was begun. */
static void flush(struct environment *environment, struct partial_line *partial) {
    if (partial->len > 0) {
        /* There is always room for one more byte. */
        partial->bytes[partial->len] = '\n';
        pass_on(environment, (struct virga_str){partial->bytes, partial->len + 1});
        partial->len = 0;
    }
}

static void keep(struct environment *environment, struct partial_line *partial,
                 struct virga_str bytes) {
    while (bytes.len > 0) {
        size_t len = ENVIRONMENT_LINE_MAX - partial->len;
        len = len < bytes.len ? len : bytes.len;
        if (partial->len + len + 1 > partial->size) {
            size_t size = partial->size == 0 ? PARTIAL_SIZE_FIRST : partial->size;
            while (size < partial->len + len + 1) {
                size *= 2;
            }
            char *larger = realloc(partial->bytes, size);
            if (larger == NULL) {
                return;
            }
            partial->bytes = larger;
            partial->size = size;
        }
        memcpy(partial->bytes + partial->len, bytes.ptr, len);
        partial->len += len;
        bytes = (struct virga_str){bytes.ptr + len, bytes.len - len};
        if (partial->len == ENVIRONMENT_LINE_MAX) {
            flush(environment, partial);
        }
    }
}

void output_take(void *arg, int stream, struct virga_str bytes) {
    struct environment *environment = arg;
    struct partial_line *partial = &environment->partial[stream == 2 ? 1 : 0];
    const char *last = bytes.len > 0 ? memrchr(bytes.ptr, '\n', bytes.len) : NULL;
    if (last == NULL) {
        keep(environment, partial, bytes);
        return;
    }
    size_t whole = (size_t)(last - bytes.ptr) + 1;
    struct virga_str rest = {bytes.ptr + whole, bytes.len - whole};
    if (partial->len > 0) {
        const char *first = memchr(bytes.ptr, '\n', bytes.len);
        size_t head = (size_t)(first - bytes.ptr);
        keep(environment, partial, (struct virga_str){bytes.ptr, head});
        flush(environment, partial);
        bytes.ptr += head + 1;
        whole -= head + 1;
    }
    pass_on(environment, (struct virga_str){bytes.ptr, whole});
    keep(environment, partial, rest);
}

void output_platform(struct environment *environment, const char *lines, size_t len) {
    flush(environment, &environment->partial[0]);
    flush(environment, &environment->partial[1]);
    pass_on(environment, (struct virga_str){lines, len});
}

void output_reset_tail(struct environment *environment) {
    environment->tail_len = 0;
}

size_t output_tail(const struct environment *environment, char ret_tail[INVOCATION_TAIL_MAX]) {
    size_t len = environment->tail_len;
    if (len <= INVOCATION_TAIL_MAX) {
        memcpy(ret_tail, environment->tail, len);
        return len;
    }
    size_t at = len % INVOCATION_TAIL_MAX;
    memcpy(ret_tail, environment->tail + at, INVOCATION_TAIL_MAX - at);
    memcpy(ret_tail + INVOCATION_TAIL_MAX - at, environment->tail, at);
    return INVOCATION_TAIL_MAX;
}

void output_finish(struct environment *environment) {
    output_platform(environment, "", 0);
    for (size_t i = 0; i < 2; i++) {
        free(environment->partial[i].bytes);
        environment->partial[i] = (struct partial_line){0};
    }
}
