/* SPDX-License-Identifier: MIT */
/* Names, tags, digests. */
#include "reference.h"
#include "model.h"

#include <errno.h>
#include <openssl/evp.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

bool reference_is_name(struct virga_str text) {
    return text.len >= 2 && text.len <= ECR_NAME_MAX && model_is_repository_name(text);
}

bool reference_is_tag(struct virga_str text) {
    if (text.len == 0 || text.len > ECR_TAG_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool word = is_lower(c) || is_upper(c) || is_digit(c) || c == '_';
        if (!word && (i == 0 || (c != '.' && c != '-'))) {
            return false;
        }
    }
    return true;
}

static bool is_hex_behind(struct virga_str text, const char *head, size_t digits) {
    size_t len = strlen(head);
    if (text.len != len + digits || memcmp(text.ptr, head, len) != 0) {
        return false;
    }
    for (size_t i = len; i < text.len; i++) {
        if (!is_digit(text.ptr[i]) && (text.ptr[i] < 'a' || text.ptr[i] > 'f')) {
            return false;
        }
    }
    return true;
}

bool reference_is_digest(struct virga_str text) {
    return is_hex_behind(text, "sha256:", 64);
}

bool reference_is_any_digest(struct virga_str text) {
    return reference_is_digest(text) || is_hex_behind(text, "sha512:", 128);
}

bool reference_is_region(struct virga_str text) {
    if (text.len == 0 || text.len > ECR_REGION_MAX || !is_lower(text.ptr[0])) {
        return false;
    }
    for (size_t i = 1; i < text.len; i++) {
        char c = text.ptr[i];
        bool dash = c == '-' && text.ptr[i - 1] != '-' && i + 1 < text.len;
        if (!is_lower(c) && !is_digit(c) && !dash) {
            return false;
        }
    }
    return true;
}

bool reference_is_account(struct virga_str text) {
    if (text.len != ECR_ACCOUNT_LEN) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i])) {
            return false;
        }
    }
    return true;
}

int reference_digest(struct virga_str bytes, char ret_digest[ECR_DIGEST_LEN + 1]) {
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    if (EVP_Digest(bytes.ptr, bytes.len, hash, &len, EVP_sha256(), NULL) != 1) {
        return -EIO;
    }
    static const char hex[] = "0123456789abcdef";
    char *at = ret_digest;
    memcpy(at, "sha256:", 7);
    at += 7;
    for (unsigned int i = 0; i < len; i++) {
        *at++ = hex[hash[i] >> 4];
        *at++ = hex[hash[i] & 15];
    }
    *at = '\0';
    return 0;
}

static int hex_value(char c) {
    return is_digit(c)              ? c - '0'
           : (c >= 'a' && c <= 'f') ? c - 'a' + 10
           : (c >= 'A' && c <= 'F') ? c - 'A' + 10
                                    : -1;
}

int reference_decode(struct virga_str text, char *buffer, size_t size, size_t *ret_len) {
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '%') {
            int high = text.len - i > 2 ? hex_value(text.ptr[i + 1]) : -1;
            int low = text.len - i > 2 ? hex_value(text.ptr[i + 2]) : -1;
            if (high >= 0 && low >= 0) {
                c = (unsigned char)(high * 16 + low);
                i += 2;
            } else {
                return -EINVAL;
            }
        }
        if (c < 0x20 || c == 0x7f) {
            return -EINVAL;
        }
        if (len + 1 >= size) {
            return -EMSGSIZE;
        }
        buffer[len++] = (char)c;
    }
    buffer[len] = '\0';
    *ret_len = len;
    return 0;
}

bool reference_next_param(struct virga_str *query, struct virga_str *ret_name,
                          struct virga_str *ret_value) {
    while (query->len > 0) {
        const char *end = memchr(query->ptr, '&', query->len);
        size_t len = end != NULL ? (size_t)(end - query->ptr) : query->len;
        struct virga_str pair = {query->ptr, len};
        size_t used = end != NULL ? len + 1 : len;
        query->ptr += used;
        query->len -= used;
        if (len == 0) {
            continue;
        }
        const char *equals = memchr(pair.ptr, '=', pair.len);
        ret_name->ptr = pair.ptr;
        ret_name->len = equals != NULL ? (size_t)(equals - pair.ptr) : pair.len;
        ret_value->ptr = equals != NULL ? equals + 1 : pair.ptr + pair.len;
        ret_value->len = equals != NULL ? pair.len - ret_name->len - 1 : 0;
        return true;
    }
    return false;
}

int reference_param(struct virga_str query, const char *name, char *buffer, size_t size,
                    size_t *ret_len) {
    struct virga_str key, value;
    while (reference_next_param(&query, &key, &value)) {
        if (virga_str_equal(key, virga_str_from(name))) {
            return reference_decode(value, buffer, size, ret_len);
        }
    }
    return -ENOENT;
}
