/* SPDX-License-Identifier: MIT */
/* The digests of a body that its headers name: Content-MD5, x-amz-checksum-...,
 * x-amz-content-sha256, and whether it is in aws-chunked coding. */
#ifndef S3_DIGESTS_H
#define S3_DIGESTS_H

#include "call.h"
#include "checksum.h"

#define DIGESTS_MD5_LEN 16
#define DIGESTS_SHA256_LEN 32

struct digests_wanted {
    bool is_chunked;
    bool has_md5;
    bool has_sha256; /* x-amz-content-sha256 is a digest */
    unsigned char md5[DIGESTS_MD5_LEN];
    unsigned char sha256[DIGESTS_SHA256_LEN];
    enum checksum_algorithm algorithm; /* to be computed */
    struct virga_str value;            /* what it must be, base64; ptr NULL: in a trailer, or any */
};

/* What was computed. */
struct digests {
    unsigned char md5[DIGESTS_MD5_LEN];
    char etag[2 * DIGESTS_MD5_LEN + 1]; /* hex of it */
    enum checksum_algorithm algorithm;
    char checksum[CHECKSUM_TEXT_SIZE]; /* base64; empty: none */
};

/* Computes all that is wanted at once. Zero it first. Thread: [any], one at a time. */
struct digester {
    struct checksum md5;
    struct checksum extra;
    struct checksum sha256;
};

/* Reads the headers. False: one is malformed, and the call has ended. */
bool digests_read(struct call *call, struct digests_wanted *ret_wanted);

/* Errors: -ENOMEM. */
int digester_begin(struct digester *digester, const struct digests_wanted *wanted);
void digester_add(struct digester *digester, struct virga_str bytes);
/* Ends. `ret_sha256` is written when it was wanted. */
void digester_end(struct digester *digester, struct digests *ret,
                  unsigned char ret_sha256[CHECKSUM_BYTES_MAX]);
/* Frees what was not ended. */
void digester_drop(struct digester *digester);

/* Compares what was computed with what was wanted; `trailer` is the value that came behind the body
 * (ptr NULL: none). NULL: it is right, else the code of the error. */
const char *digests_compare(const struct digests_wanted *wanted, const struct digests *digests,
                            const unsigned char sha256[CHECKSUM_BYTES_MAX],
                            struct virga_str trailer);
/* Answers an error that digests_compare() found. */
void digests_fail(struct call *call, const char *code, const struct digests_wanted *wanted);

#endif
