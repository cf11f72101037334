/* SPDX-License-Identifier: MIT */
/* The checksums of S3: what they are called, computing them, and those of several parts. */
#ifndef S3_CHECKSUM_H
#define S3_CHECKSUM_H

#include "crc.h"
#include <virga/helpers/base64.h>

enum checksum_algorithm {
    CHECKSUM_NONE,
    CHECKSUM_CRC32,
    CHECKSUM_CRC32C,
    CHECKSUM_CRC64NVME,
    CHECKSUM_SHA1,
    CHECKSUM_SHA256,
    CHECKSUM_ALGORITHMS
};

#define CHECKSUM_BYTES_MAX 32
/* Room for base64, "-10000" and the NUL. */
#define CHECKSUM_TEXT_SIZE (VIRGA_BASE64_SIZE(CHECKSUM_BYTES_MAX) + 8)

/* "CRC32". */
const char *checksum_name(enum checksum_algorithm algorithm);
/* "ChecksumCRC32", the element's name. */
const char *checksum_element(enum checksum_algorithm algorithm);
/* "x-amz-checksum-crc32". */
const char *checksum_header(enum checksum_algorithm algorithm);
/* By its name, without case. CHECKSUM_NONE: there is none of it. */
enum checksum_algorithm checksum_by_name(struct virga_str name);
/* By its header's name, without case. */
enum checksum_algorithm checksum_by_header(struct virga_str header);
/* How many bytes it has. */
size_t checksum_size(enum checksum_algorithm algorithm);
/* Whether parts' checksums can be made one over the whole object. */
bool checksum_combines(enum checksum_algorithm algorithm);
/* Whether `text` is base64 of the right length. */
bool checksum_is_valid(enum checksum_algorithm algorithm, struct virga_str text);

/* Computes one: MD5 too. Zero it first. Thread: [any], one at a time. */
struct checksum {
    enum checksum_algorithm algorithm;
    uint64_t crc;
    void *context; /* of OpenSSL */
};

/* Begins. Errors: -ENOMEM. */
int checksum_begin(struct checksum *checksum, enum checksum_algorithm algorithm);
/* Begins an MD5, which is none of S3's algorithms. Errors: -ENOMEM. */
int checksum_begin_md5(struct checksum *checksum);
/* Adds bytes. */
void checksum_add(struct checksum *checksum, const void *bytes, size_t len);
/* Ends and frees; returns how many bytes there are. */
size_t checksum_end(struct checksum *checksum, unsigned char ret_bytes[CHECKSUM_BYTES_MAX]);
/* Frees what was not ended; a zeroed one is fine. */
void checksum_drop(struct checksum *checksum);
/* base64 of the bytes. */
void checksum_text(const unsigned char *bytes, size_t len, char ret_text[CHECKSUM_TEXT_SIZE]);

/* The CRC of a whole object out of those of its parts; all as base64, `whole` is changed.
 * Errors: -EINVAL one is malformed. */
int checksum_append(enum checksum_algorithm algorithm, char whole[CHECKSUM_TEXT_SIZE],
                    struct virga_str part, uint64_t part_size);

#endif
