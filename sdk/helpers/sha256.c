/* SPDX-License-Identifier: MIT */
/* SHA-256 in hex. */
#include <errno.h>
#include <openssl/evp.h>
#include <virga/helpers/sha256.h>

int virga_sha256_hex(struct virga_str bytes, char ret_hex[VIRGA_SHA256_HEX_LEN + 1]) {
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    if (EVP_Digest(bytes.len > 0 ? bytes.ptr : "", bytes.len, hash, &len, EVP_sha256(), NULL) !=
        1) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < VIRGA_SHA256_HEX_LEN / 2; i++) {
        ret_hex[2 * i] = digits[hash[i] >> 4];
        ret_hex[2 * i + 1] = digits[hash[i] & 15];
    }
    ret_hex[VIRGA_SHA256_HEX_LEN] = '\0';
    return 0;
}
