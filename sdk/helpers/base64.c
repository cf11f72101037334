/* SPDX-License-Identifier: MIT */
/* Base64 on OpenSSL's coder, which takes white space that we do not. */
#include <errno.h>
#include <openssl/evp.h>
#include <virga/helpers/base64.h>

size_t virga_base64_encode(struct virga_str bytes, char *buffer) {
    if (bytes.len == 0) {
        buffer[0] = '\0';
        return 0;
    }
    return (size_t)EVP_EncodeBlock((unsigned char *)buffer, (const unsigned char *)bytes.ptr,
                                   (int)bytes.len);
}

static size_t count_padding(struct virga_str text) {
    size_t padding = 0;
    while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=') {
        padding++;
    }
    return padding;
}

int virga_base64_is_valid(struct virga_str text) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char is_digit[256] = {0};
    unsigned char all = 1;
    if (text.len % 4 != 0 || text.len > INT32_MAX) {
        return 0;
    }
    for (size_t i = 0; digits[i] != '\0'; i++) {
        is_digit[(unsigned char)digits[i]] = 1;
    }
    /* Without a branch for each byte: texts may have many megabytes. */
    size_t len = text.len - count_padding(text);
    for (size_t i = 0; i < len; i++) {
        all &= is_digit[(unsigned char)text.ptr[i]];
    }
    return all;
}

int virga_base64_decode(struct virga_str text, char *buffer, size_t *ret_len) {
    size_t padding = count_padding(text);
    if (!virga_base64_is_valid(text)) {
        return -EINVAL;
    }
    if (text.len == 0) {
        *ret_len = 0;
        return 0;
    }
    int len =
        EVP_DecodeBlock((unsigned char *)buffer, (const unsigned char *)text.ptr, (int)text.len);
    if (len < 0 || (size_t)len < padding) {
        return -EINVAL;
    }
    *ret_len = (size_t)len - padding;
    return 0;
}
