/* SPDX-License-Identifier: MIT */
/* Pagination tokens: a position that the client hands back, opaque to it, good only for the same
 * question. Format: base64 of a version byte, the position, and a keyed checksum over question and
 * position. */
#ifndef VIRGA_HELPERS_PAGE_TOKEN_H
#define VIRGA_HELPERS_PAGE_TOKEN_H

#include "../abi.h"
#include "base64.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_PAGE_KEY_SIZE 32
/* The longest position. */
#define VIRGA_PAGE_POSITION_MAX 1024
/* Room for a token with its NUL. */
#define VIRGA_PAGE_TOKEN_SIZE VIRGA_BASE64_SIZE(1 + VIRGA_PAGE_POSITION_MAX + 16)

/* The plugin's secret: random, and kept with its state so that tokens outlive a restart. */
struct virga_page_key {
    unsigned char bytes[VIRGA_PAGE_KEY_SIZE];
};

/* Makes a token. `question` names the operation and its parameters; a token is good only with the
 * same. Errors: -EMSGSIZE the position is too long, -ENOMEM. Thread: [any]. */
int virga_page_token_make(const struct virga_page_key *key, struct virga_str question,
                          struct virga_str position, char ret_token[VIRGA_PAGE_TOKEN_SIZE]);
/* Takes the position out of a token. Errors: -EINVAL forged, damaged, or of another question;
 * -ENOMEM. */
int virga_page_token_open(const struct virga_page_key *key, struct virga_str question,
                          struct virga_str token, char ret_position[VIRGA_PAGE_POSITION_MAX],
                          size_t *ret_len);

#ifdef __cplusplus
}
#endif
#endif
