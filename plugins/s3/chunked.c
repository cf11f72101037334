/* SPDX-License-Identifier: MIT */
/* The decoder of aws-chunked bodies. */
#include "chunked.h"

#include <errno.h>
#include <strings.h>

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Takes bytes up to and with a line feed. 1: the line is complete, without its end; 0: it is not.
 */
static int take_line(struct chunked *chunked, struct virga_str *bytes) {
    const char *feed = memchr(bytes->ptr, '\n', bytes->len);
    size_t len = feed != NULL ? (size_t)(feed - bytes->ptr) : bytes->len;
    if (len >= sizeof chunked->line - chunked->line_len) {
        return -EBADMSG;
    }
    memcpy(chunked->line + chunked->line_len, bytes->ptr, len);
    chunked->line_len += len;
    len += feed != NULL;
    *bytes = s3_str(bytes->ptr + len, bytes->len - len);
    if (feed == NULL) {
        return 0;
    }
    if (chunked->line_len > 0 && chunked->line[chunked->line_len - 1] == '\r') {
        chunked->line_len--;
    }
    chunked->line[chunked->line_len] = '\0';
    return 1;
}

static int read_size(struct chunked *chunked) {
    uint64_t size = 0;
    size_t i = 0;
    for (; hex_digit(chunked->line[i]) >= 0; i++) {
        if (size > S3_OBJECT_MAX) {
            return -EBADMSG;
        }
        size = size * 16 + (uint64_t)hex_digit(chunked->line[i]);
    }
    if (i == 0 || (chunked->line[i] != '\0' && chunked->line[i] != ';')) {
        return -EBADMSG;
    }
    chunked->left = size;
    chunked->state = size > 0 ? CHUNKED_DATA : CHUNKED_TRAILER;
    return 0;
}

static int keep_trailer(struct chunked *chunked) {
    if (chunked->line_len == 0) {
        chunked->state = CHUNKED_END;
        return 0;
    }
    if (memchr(chunked->line, ':', chunked->line_len) == NULL ||
        chunked->line_len + 1 > sizeof chunked->trailers - chunked->trailers_len ||
        strlen(chunked->line) != chunked->line_len) {
        return -EBADMSG;
    }
    memcpy(chunked->trailers + chunked->trailers_len, chunked->line, chunked->line_len + 1);
    chunked->trailers_len += chunked->line_len + 1;
    return 0;
}

static int end_line(struct chunked *chunked) {
    int result = 0;
    switch (chunked->state) {
    case CHUNKED_HEAD:
        result = read_size(chunked);
        break;
    case CHUNKED_AFTER:
        result = chunked->line_len == 0 ? 0 : -EBADMSG;
        chunked->state = CHUNKED_HEAD;
        break;
    default:
        result = keep_trailer(chunked);
        break;
    }
    chunked->line_len = 0;
    return result;
}

int chunked_next(struct chunked *chunked, struct virga_str *bytes, struct virga_str *ret_data) {
    *ret_data = s3_str(bytes->ptr, 0);
    while (bytes->len > 0) {
        if (chunked->state == CHUNKED_END) {
            return -EBADMSG;
        }
        if (chunked->state == CHUNKED_DATA) {
            size_t len = bytes->len < chunked->left ? bytes->len : (size_t)chunked->left;
            *ret_data = s3_str(bytes->ptr, len);
            *bytes = s3_str(bytes->ptr + len, bytes->len - len);
            chunked->left -= len;
            chunked->state = chunked->left == 0 ? CHUNKED_AFTER : CHUNKED_DATA;
            return 0;
        }
        int result = take_line(chunked, bytes);
        if (result == 1) {
            result = end_line(chunked);
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

bool chunked_is_complete(const struct chunked *chunked) {
    /* Some clients leave out the empty line at the end. */
    return chunked->state == CHUNKED_END ||
           (chunked->state == CHUNKED_TRAILER && chunked->line_len == 0);
}

struct virga_str chunked_trailer(const struct chunked *chunked, const char *name) {
    size_t len = strlen(name);
    for (size_t at = 0; at < chunked->trailers_len;) {
        const char *line = chunked->trailers + at;
        size_t line_len = strlen(line);
        if (line_len > len && line[len] == ':' && strncasecmp(line, name, len) == 0) {
            const char *value = line + len + 1;
            value += strspn(value, " ");
            return virga_str_from(value);
        }
        at += line_len + 1;
    }
    return s3_str(NULL, 0);
}
