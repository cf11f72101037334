/* SPDX-License-Identifier: MIT */
/* Pagination tokens. */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <virga/helpers/page_token.h>

#define TOKEN_VERSION 1
#define TOKEN_MAC_LEN 16 /* of HMAC-SHA256's 32 bytes */

/* HMAC over the question's own HMAC and the body: the two cannot run into one another. */
static int seal(const struct virga_page_key *key, struct virga_str question,
                const unsigned char *body, size_t body_len,
                unsigned char ret_mac[EVP_MAX_MD_SIZE]) {
    unsigned char inner[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    if (HMAC(EVP_sha256(), key->bytes, sizeof key->bytes, (const unsigned char *)question.ptr,
             question.len, inner, &len) == NULL ||
        HMAC(EVP_sha256(), inner, (int)len, body, body_len, ret_mac, &len) == NULL) {
        return -ENOMEM;
    }
    return 0;
}

int virga_page_token_make(const struct virga_page_key *key, struct virga_str question,
                          struct virga_str position, char ret_token[VIRGA_PAGE_TOKEN_SIZE]) {
    unsigned char body[1 + VIRGA_PAGE_POSITION_MAX + TOKEN_MAC_LEN], mac[EVP_MAX_MD_SIZE];
    if (position.len > VIRGA_PAGE_POSITION_MAX) {
        return -EMSGSIZE;
    }
    body[0] = TOKEN_VERSION;
    memcpy(body + 1, position.ptr, position.len);
    int result = seal(key, question, body, 1 + position.len, mac);
    if (result != 0) {
        return result;
    }
    memcpy(body + 1 + position.len, mac, TOKEN_MAC_LEN);
    virga_base64_encode((struct virga_str){(const char *)body, 1 + position.len + TOKEN_MAC_LEN},
                        ret_token);
    return 0;
}

int virga_page_token_open(const struct virga_page_key *key, struct virga_str question,
                          struct virga_str token, char ret_position[VIRGA_PAGE_POSITION_MAX],
                          size_t *ret_len) {
    char body[VIRGA_PAGE_TOKEN_SIZE];
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t len = 0;
    if (token.len >= VIRGA_PAGE_TOKEN_SIZE || virga_base64_decode(token, body, &len) != 0 ||
        len < 1 + TOKEN_MAC_LEN || body[0] != TOKEN_VERSION) {
        return -EINVAL;
    }
    len -= TOKEN_MAC_LEN;
    int result = seal(key, question, (const unsigned char *)body, len, mac);
    if (result != 0) {
        return result;
    }
    if (CRYPTO_memcmp(mac, body + len, TOKEN_MAC_LEN) != 0) {
        return -EINVAL;
    }
    memcpy(ret_position, body + 1, len - 1);
    *ret_len = len - 1;
    return 0;
}
