/* SPDX-License-Identifier: MIT */
/* Base64 as a stream. */
#include "layer_part.h"

#include <string.h>
#include <virga/helpers/base64.h>

#define GROUP_TEXT 4
#define GROUP_BYTES 3

size_t layer_part_length(struct virga_str text) {
    size_t padding = 0;
    while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=') {
        padding++;
    }
    return text.len / GROUP_TEXT * GROUP_BYTES - padding;
}

/* Decodes `groups` groups, which are there. Returns the number of bytes. */
static size_t decode(struct layer_part *part, char *to, size_t groups) {
    size_t len = 0;
    struct virga_str piece = {part->text.ptr + part->at, groups * GROUP_TEXT};
    part->at += piece.len;
    return virga_base64_decode(piece, to, &len) == 0 ? len : 0;
}

static size_t take_left(struct layer_part *part, char *to, size_t size) {
    size_t len = part->left_len < size ? part->left_len : size;
    memcpy(to, part->left, len);
    part->left_len -= len;
    memmove(part->left, part->left + len, part->left_len);
    return len;
}

void layer_part_start(struct layer_part *part, struct virga_str text, size_t skip) {
    char skipped[GROUP_BYTES];
    *part = (struct layer_part){.text = text, .at = skip / GROUP_BYTES * GROUP_TEXT};
    if (skip % GROUP_BYTES != 0 && part->at < text.len) {
        part->left_len = decode(part, part->left, 1);
        (void)take_left(part, skipped, skip % GROUP_BYTES);
    }
}

size_t layer_part_read(struct layer_part *part, char *to, size_t size) {
    size_t len = take_left(part, to, size);
    size_t there = (part->text.len - part->at) / GROUP_TEXT;
    size_t groups = (size - len) / GROUP_BYTES < there ? (size - len) / GROUP_BYTES : there;
    if (groups > 0) {
        len += decode(part, to + len, groups);
        there -= groups;
    }
    if (len < size && there > 0) {
        part->left_len = decode(part, part->left, 1);
        len += take_left(part, to + len, size - len);
    }
    return len;
}
