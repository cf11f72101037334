/* SPDX-License-Identifier: MIT */
/* Checksums, by OpenSSL and crc.c. */
#include "checksum.h"

#include <errno.h>
#include <openssl/evp.h>
#include <strings.h>

static const struct {
    const char *name;
    const char *element;
    const char *header;
    size_t size;
} known[CHECKSUM_ALGORITHMS] = {
    [CHECKSUM_NONE] = {"", "", "", 0},
    [CHECKSUM_CRC32] = {"CRC32", "ChecksumCRC32", "x-amz-checksum-crc32", 4},
    [CHECKSUM_CRC32C] = {"CRC32C", "ChecksumCRC32C", "x-amz-checksum-crc32c", 4},
    [CHECKSUM_CRC64NVME] = {"CRC64NVME", "ChecksumCRC64NVME", "x-amz-checksum-crc64nvme", 8},
    [CHECKSUM_SHA1] = {"SHA1", "ChecksumSHA1", "x-amz-checksum-sha1", 20},
    [CHECKSUM_SHA256] = {"SHA256", "ChecksumSHA256", "x-amz-checksum-sha256", 32},
};

const char *checksum_name(enum checksum_algorithm algorithm) {
    return known[algorithm].name;
}

const char *checksum_element(enum checksum_algorithm algorithm) {
    return known[algorithm].element;
}

const char *checksum_header(enum checksum_algorithm algorithm) {
    return known[algorithm].header;
}

size_t checksum_size(enum checksum_algorithm algorithm) {
    return known[algorithm].size;
}

static bool same(struct virga_str text, const char *word) {
    return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

enum checksum_algorithm checksum_by_name(struct virga_str name) {
    int algorithm = CHECKSUM_ALGORITHMS - 1;
    while (algorithm > CHECKSUM_NONE && !same(name, known[algorithm].name)) {
        algorithm--;
    }
    return (enum checksum_algorithm)algorithm;
}

enum checksum_algorithm checksum_by_header(struct virga_str header) {
    int algorithm = CHECKSUM_ALGORITHMS - 1;
    while (algorithm > CHECKSUM_NONE && !same(header, known[algorithm].header)) {
        algorithm--;
    }
    return (enum checksum_algorithm)algorithm;
}

bool checksum_combines(enum checksum_algorithm algorithm) {
    return algorithm >= CHECKSUM_CRC32 && algorithm <= CHECKSUM_CRC64NVME;
}

bool checksum_is_valid(enum checksum_algorithm algorithm, struct virga_str text) {
    char bytes[CHECKSUM_TEXT_SIZE];
    size_t len;
    return text.len < CHECKSUM_TEXT_SIZE && virga_base64_decode(text, bytes, &len) == 0 &&
           len == known[algorithm].size;
}

static enum crc_kind crc_of(enum checksum_algorithm algorithm) {
    return algorithm == CHECKSUM_CRC32    ? CRC_32
           : algorithm == CHECKSUM_CRC32C ? CRC_32C
                                          : CRC_64NVME;
}

static int begin_digest(struct checksum *checksum, const EVP_MD *digest) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, digest, NULL) != 1) {
        EVP_MD_CTX_free(context);
        return -ENOMEM;
    }
    checksum->context = context;
    return 0;
}

int checksum_begin(struct checksum *checksum, enum checksum_algorithm algorithm) {
    *checksum = (struct checksum){.algorithm = algorithm};
    if (algorithm == CHECKSUM_SHA1 || algorithm == CHECKSUM_SHA256) {
        return begin_digest(checksum, algorithm == CHECKSUM_SHA1 ? EVP_sha1() : EVP_sha256());
    }
    return 0;
}

int checksum_begin_md5(struct checksum *checksum) {
    *checksum = (struct checksum){.algorithm = CHECKSUM_NONE};
    return begin_digest(checksum, EVP_md5());
}

void checksum_add(struct checksum *checksum, const void *bytes, size_t len) {
    if (checksum->context != NULL) {
        (void)EVP_DigestUpdate(checksum->context, bytes, len);
    } else if (checksum_combines(checksum->algorithm)) {
        checksum->crc = crc_update(crc_of(checksum->algorithm), checksum->crc, bytes, len);
    }
}

/* A CRC is written with its highest byte first. */
static size_t write_crc(uint64_t crc, size_t size, unsigned char *to) {
    for (size_t i = 0; i < size; i++) {
        to[i] = (unsigned char)(crc >> (8 * (size - 1 - i)));
    }
    return size;
}

size_t checksum_end(struct checksum *checksum, unsigned char ret_bytes[CHECKSUM_BYTES_MAX]) {
    unsigned int len = 0;
    if (checksum->context != NULL) {
        unsigned char bytes[EVP_MAX_MD_SIZE];
        (void)EVP_DigestFinal_ex(checksum->context, bytes, &len);
        memcpy(ret_bytes, bytes, len <= CHECKSUM_BYTES_MAX ? len : 0);
        checksum_drop(checksum);
        return len;
    }
    return write_crc(checksum->crc, known[checksum->algorithm].size, ret_bytes);
}

void checksum_drop(struct checksum *checksum) {
    EVP_MD_CTX_free(checksum->context);
    checksum->context = NULL;
}

void checksum_text(const unsigned char *bytes, size_t len, char ret_text[CHECKSUM_TEXT_SIZE]) {
    (void)virga_base64_encode(s3_str((const char *)bytes, len), ret_text);
}

static int read_crc(enum checksum_algorithm algorithm, struct virga_str text, uint64_t *ret_crc) {
    char bytes[CHECKSUM_TEXT_SIZE];
    size_t len;
    if (!checksum_is_valid(algorithm, text) || virga_base64_decode(text, bytes, &len) != 0) {
        return -EINVAL;
    }
    *ret_crc = 0;
    for (size_t i = 0; i < len; i++) {
        *ret_crc = *ret_crc << 8 | (unsigned char)bytes[i];
    }
    return 0;
}

int checksum_append(enum checksum_algorithm algorithm, char whole[CHECKSUM_TEXT_SIZE],
                    struct virga_str part, uint64_t part_size) {
    uint64_t first, second;
    unsigned char bytes[CHECKSUM_BYTES_MAX];
    if (!checksum_combines(algorithm) || read_crc(algorithm, virga_str_from(whole), &first) != 0 ||
        read_crc(algorithm, part, &second) != 0) {
        return -EINVAL;
    }
    first = crc_combine(crc_of(algorithm), first, second, part_size);
    checksum_text(bytes, write_crc(first, known[algorithm].size, bytes), whole);
    return 0;
}
