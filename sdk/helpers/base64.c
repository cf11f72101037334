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

static int is_digit(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

int virga_base64_decode(struct virga_str text, char *buffer, size_t *ret_len) {
    size_t padding = 0;
    if (text.len % 4 != 0 || text.len > INT32_MAX) {
        return -EINVAL;
    }
    while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=') {
        padding++;
    }
    for (size_t i = 0; i < text.len - padding; i++) {
        if (!is_digit(text.ptr[i])) {
            return -EINVAL;
        }
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
