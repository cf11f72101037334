/* SPDX-License-Identifier: MIT */
/* Path patterns. */
#include "pattern.h"

/* One segment of a pattern: where it ends, and what it is. */
enum segment_kind { LITERAL, ONE, REST };

static enum segment_kind segment(const char *at, const char **ret_end) {
    const char *end = at + strcspn(at, "/");
    *ret_end = end;
    if (*at != '{') {
        return LITERAL;
    }
    return end[-2] == '+' ? REST : ONE;
}

bool pattern_valid(const char *pattern) {
    size_t params = 0;
    for (const char *at = pattern;; at++) {
        size_t len = strcspn(at, "/");
        const char *open = memchr(at, '{', len);
        const char *close = memchr(at, '}', len);
        if (open != NULL || close != NULL) {
            if (open != at || close != at + len - 1 || len < 3) {
                return false;
            }
            bool rest = at[len - 2] == '+';
            if ((rest && (len < 4 || at[len] != '\0')) || ++params > PATTERN_PARAMS_MAX) {
                return false;
            }
        }
        at += len;
        if (*at == '\0') {
            return true;
        }
    }
}

int pattern_compare(const char *a, const char *b) {
    for (;;) {
        const char *a_end;
        const char *b_end;
        enum segment_kind a_kind = segment(a, &a_end);
        enum segment_kind b_kind = segment(b, &b_end);
        if (a_kind != b_kind) {
            return (int)a_kind - (int)b_kind;
        }
        if (a_kind == LITERAL) {
            size_t a_len = (size_t)(a_end - a);
            size_t b_len = (size_t)(b_end - b);
            int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
            if (order != 0 || a_len != b_len) {
                return order != 0 ? order : (a_len < b_len ? -1 : 1);
            }
        }
        if (*a_end == '\0' || *b_end == '\0') {
            return (*a_end == '\0') - (*b_end == '\0');
        }
        a = a_end + 1;
        b = b_end + 1;
    }
}

bool pattern_same_shape(const char *a, const char *b) {
    return pattern_compare(a, b) == 0;
}

bool pattern_match(const char *pattern, struct virga_str path,
                   struct virga_str ret_params[PATTERN_PARAMS_MAX], size_t *ret_count) {
    const char *at = path.ptr;
    const char *end = path.ptr + path.len;
    size_t count = 0;
    for (;;) {
        const char *pattern_end;
        enum segment_kind kind = segment(pattern, &pattern_end);
        const char *slash = at < end ? memchr(at, '/', (size_t)(end - at)) : NULL;
        const char *stop = kind != REST && slash != NULL ? slash : end;
        size_t len = (size_t)(stop - at);
        if (kind == LITERAL) {
            if (len != (size_t)(pattern_end - pattern) || memcmp(at, pattern, len) != 0) {
                return false;
            }
        } else {
            if (len == 0) {
                return false;
            }
            ret_params[count++] = (struct virga_str){at, len};
        }
        if (*pattern_end == '\0' || stop == end) {
            *ret_count = count;
            return *pattern_end == '\0' && stop == end;
        }
        pattern = pattern_end + 1;
        at = stop + 1;
    }
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t pattern_decode(struct virga_str text, char *to) {
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%' && i + 2 < text.len) {
            int high = hex_value(text.ptr[i + 1]);
            int low = hex_value(text.ptr[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (char)(high * 16 + low);
                i += 2;
            }
        }
        to[len++] = c;
    }
    to[len] = '\0';
    return len;
}

struct virga_str pattern_form_value(struct virga_str parameters, const char *name) {
    size_t name_len = strlen(name);
    const char *at = parameters.ptr;
    const char *end = parameters.ptr + parameters.len;
    while (at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        if ((size_t)(stop - at) > name_len && at[name_len] == '=' &&
            memcmp(at, name, name_len) == 0) {
            return (struct virga_str){at + name_len + 1, (size_t)(stop - at) - name_len - 1};
        }
        at = stop + 1;
    }
    return (struct virga_str){NULL, 0};
}
