/* SPDX-License-Identifier: MIT */
/* Host patterns. */
#include "pattern_host.h"

#include <string.h>
#include <strings.h>

static const char literal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

bool pattern_host_valid(const char *pattern) {
    size_t stars = 0;
    bool named = false;
    for (const char *at = pattern;; at++) {
        size_t len = strcspn(at, ".");
        if (len == 1 && *at == '*') {
            stars++;
        } else if (len == 0 || strspn(at, literal) != len) {
            return false;
        } else {
            named = true;
        }
        at += len;
        if (*at == '\0') {
            return named && stars <= PATTERN_PARAMS_MAX;
        }
    }
}

int pattern_host_compare(const char *a, const char *b) {
    for (;;) {
        size_t a_len = strcspn(a, ".");
        size_t b_len = strcspn(b, ".");
        bool a_star = *a == '*';
        bool b_star = *b == '*';
        if (a_star != b_star) {
            return a_star ? 1 : -1;
        }
        if (!a_star) {
            int order = strncasecmp(a, b, a_len < b_len ? a_len : b_len);
            if (order != 0 || a_len != b_len) {
                return order != 0 ? order : (a_len < b_len ? -1 : 1);
            }
        }
        bool a_ends = a[a_len] == '\0';
        bool b_ends = b[b_len] == '\0';
        if (a_ends || b_ends) {
            return (int)a_ends - (int)b_ends; /* the longer one says more */
        }
        a += a_len + 1;
        b += b_len + 1;
    }
}

/* Without port and the root's dot. An IPv6 literal has no labels to match. */
static struct virga_str name_of(struct virga_str host) {
    const char *colon = host.len > 0 ? memrchr(host.ptr, ':', host.len) : NULL;
    size_t len = colon != NULL ? (size_t)(colon - host.ptr) : host.len;
    if (len > 0 && host.ptr[len - 1] == '.') {
        len--;
    }
    return (struct virga_str){host.ptr, len};
}

bool pattern_host_match(const char *pattern, struct virga_str host,
                        struct virga_str ret_params[PATTERN_PARAMS_MAX], size_t *ret_count) {
    struct virga_str name = name_of(host);
    const char *at = name.ptr;
    const char *end = name.ptr + name.len;
    size_t count = 0;
    while (at < end) {
        size_t pattern_len = strcspn(pattern, ".");
        bool last = pattern[pattern_len] == '\0';
        const char *dot = memchr(at, '.', (size_t)(end - at));
        const char *stop = dot != NULL ? dot : end;
        size_t len = (size_t)(stop - at);
        if (len == 0) {
            return false;
        }
        if (*pattern == '*') {
            if (last) {
                stop = end;
            }
            ret_params[count++] = (struct virga_str){at, (size_t)(stop - at)};
        } else if (len != pattern_len || strncasecmp(at, pattern, len) != 0) {
            return false;
        }
        if (last || stop == end) {
            *ret_count = count;
            return last && stop == end;
        }
        pattern += pattern_len + 1;
        at = stop + 1;
    }
    return false;
}
