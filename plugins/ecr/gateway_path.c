/* SPDX-License-Identifier: MIT */
/* Routes of the OCI distribution API. */
#include "gateway_path.h"

#include <errno.h>

/* Takes the segment behind the last slash off `text`, and the slash. */
static struct virga_str take_last(struct virga_str *text) {
    const char *slash = memrchr(text->ptr, '/', text->len);
    size_t head = slash != NULL ? (size_t)(slash - text->ptr) : 0;
    size_t skip = slash != NULL ? head + 1 : 0;
    struct virga_str last = {text->ptr + skip, text->len - skip};
    text->len = head;
    return last;
}

static bool is(struct virga_str text, const char *word) {
    return virga_str_equal(text, virga_str_from(word));
}

int gateway_path_parse(struct virga_str rest, struct gateway_path *ret_path) {
    struct gateway_path path = {.name = {"", 0}, .reference = {"", 0}};
    if (rest.len == 0) {
        path.kind = GATEWAY_BASE;
        *ret_path = path;
        return 0;
    }
    if (is(rest, "_catalog")) {
        path.kind = GATEWAY_CATALOG;
        *ret_path = path;
        return 0;
    }
    struct virga_str name = rest;
    struct virga_str last = take_last(&name);
    struct virga_str before = take_last(&name);
    if (is(before, "blobs") && is(last, "uploads")) {
        path.kind = GATEWAY_UPLOADS;
    } else if (is(before, "uploads")) {
        if (!is(take_last(&name), "blobs")) {
            return -ENOENT;
        }
        path.kind = last.len > 0 ? GATEWAY_UPLOAD : GATEWAY_UPLOADS;
        path.reference = last;
    } else if (is(before, "tags") && is(last, "list")) {
        path.kind = GATEWAY_TAGS;
    } else if (is(before, "manifests") || is(before, "blobs") || is(before, "referrers")) {
        path.kind = is(before, "manifests") ? GATEWAY_MANIFEST
                    : is(before, "blobs")   ? GATEWAY_BLOB
                                            : GATEWAY_REFERRERS;
        path.reference = last;
    } else {
        return -ENOENT;
    }
    if (name.len == 0 ||
        (path.kind != GATEWAY_UPLOADS && path.kind != GATEWAY_TAGS && path.reference.len == 0)) {
        return -ENOENT;
    }
    path.name = name;
    *ret_path = path;
    return 0;
}
