/* SPDX-License-Identifier: MIT */
/* Base64 with padding (RFC 4648, section 4). */
#ifndef VIRGA_HELPERS_BASE64_H
#define VIRGA_HELPERS_BASE64_H

#include "../abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that `len` bytes take when encoded, with the NUL. */
#define VIRGA_BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)

/* Encodes into a buffer of VIRGA_BASE64_SIZE(bytes.len). Returns the length without the NUL. */
size_t virga_base64_encode(struct virga_str bytes, char *buffer);
/* Whether the text is base64, without decoding it. */
int virga_base64_is_valid(struct virga_str text);
/* Decodes into a buffer of at least text.len / 4 * 3 bytes. Errors: -EINVAL not base64. */
int virga_base64_decode(struct virga_str text, char *buffer, size_t *ret_len);

#ifdef __cplusplus
}
#endif
#endif
