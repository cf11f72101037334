/* SPDX-License-Identifier: MIT */
/* SHA-256 as AWS and OCI write it: lower-case hex. */
#ifndef VIRGA_HELPERS_SHA256_H
#define VIRGA_HELPERS_SHA256_H

#include "../abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_SHA256_HEX_LEN 64

/* Hashes `bytes`. Errors: -ENOMEM. Thread: [any]. */
int virga_sha256_hex(struct virga_str bytes, char ret_hex[VIRGA_SHA256_HEX_LEN + 1]);

#ifdef __cplusplus
}
#endif
#endif
