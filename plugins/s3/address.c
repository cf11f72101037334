/* SPDX-License-Identifier: MIT */
/* Buckets and keys in URLs. */
#include "address.h"

#include <errno.h>
#include <strings.h>
#include <virga/helpers/json_writer.h>

static bool same_label(struct virga_str label, const char *word) {
    return label.len == strlen(word) && strncasecmp(label.ptr, word, label.len) == 0;
}

struct virga_str address_bucket_of_host(struct virga_str host) {
    const char *colon = host.len > 0 ? memrchr(host.ptr, ':', host.len) : NULL;
    size_t len = colon != NULL ? (size_t)(colon - host.ptr) : host.len;
    size_t at = 0;
    while (at < len) {
        const char *dot = memchr(host.ptr + at, '.', len - at);
        size_t end = dot != NULL ? (size_t)(dot - host.ptr) : len;
        struct virga_str label = s3_str(host.ptr + at, end - at);
        if (same_label(label, "s3") || (end == len && same_label(label, "localhost"))) {
            return at > 0 ? s3_str(host.ptr, at - 1) : s3_str(NULL, 0);
        }
        at = end + 1;
    }
    return s3_str(NULL, 0);
}

void address_split(struct virga_str path, struct virga_str *ret_bucket, struct virga_str *ret_key) {
    size_t start = path.len > 0 && path.ptr[0] == '/';
    const char *slash = path.len > start ? memchr(path.ptr + start, '/', path.len - start) : NULL;
    size_t end = slash != NULL ? (size_t)(slash - path.ptr) : path.len;
    *ret_bucket = s3_str(path.ptr + start, end - start);
    *ret_key = slash != NULL ? s3_str(slash + 1, path.len - end - 1) : s3_str("", 0);
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

int address_decode(struct virga_str text, char *buffer, size_t *ret_len) {
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
            if (low < 0) {
                return -EINVAL;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0') {
            return -EINVAL;
        }
        buffer[len++] = c;
    }
    buffer[len] = '\0';
    for (size_t i = 0; i < len;) {
        size_t step = virga_utf8_char(s3_str(buffer + i, len - i));
        if (step == 0) {
            return -EINVAL;
        }
        i += step;
    }
    *ret_len = len;
    return 0;
}

static bool is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Whether it has the form of an IPv4 address, which no bucket may have. */
static bool looks_like_address(struct virga_str name) {
    size_t dots = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '.') {
            dots++;
        } else if (name.ptr[i] < '0' || name.ptr[i] > '9') {
            return false;
        }
    }
    return dots == 3;
}

static bool begins(struct virga_str name, const char *with) {
    size_t len = strlen(with);
    return name.len >= len && memcmp(name.ptr, with, len) == 0;
}

static bool ends(struct virga_str name, const char *with) {
    size_t len = strlen(with);
    return name.len >= len && memcmp(name.ptr + name.len - len, with, len) == 0;
}

bool address_is_bucket_name(struct virga_str name) {
    if (name.len < 3 || name.len > S3_BUCKET_MAX || !is_lower_or_digit(name.ptr[0]) ||
        !is_lower_or_digit(name.ptr[name.len - 1]) || looks_like_address(name)) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!is_lower_or_digit(c) && c != '-' && !(c == '.' && name.ptr[i - 1] != '.')) {
            return false;
        }
    }
    return !begins(name, "xn--") && !begins(name, "sthree-") && !ends(name, "-s3alias") &&
           !ends(name, "--ol-s3");
}

int address_copy_source(struct virga_str source, char *buffer, struct virga_str *ret_bucket,
                        struct virga_str *ret_key, struct virga_str *ret_version) {
    static const char version[] = "?versionId=";
    struct virga_str bucket, key;
    size_t len;
    const char *mark =
        source.len > 0 ? memmem(source.ptr, source.len, version, sizeof version - 1) : NULL;
    *ret_version = s3_str(NULL, 0);
    if (mark != NULL) {
        const char *value = mark + sizeof version - 1;
        *ret_version = s3_str(value, (size_t)(source.ptr + source.len - value));
        source.len = (size_t)(mark - source.ptr);
    }
    /* Some clients encode the slash between them, too. */
    int result = address_decode(source, buffer, &len);
    if (result != 0) {
        return result;
    }
    address_split(s3_str(buffer, len), &bucket, &key);
    if (bucket.len == 0 || key.len == 0) {
        return -EINVAL;
    }
    *ret_bucket = bucket;
    *ret_key = key;
    return 0;
}
