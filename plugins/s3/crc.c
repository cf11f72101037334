/* SPDX-License-Identifier: MIT */
/* CRCs, eight bytes at a time. */
#include "crc.h"

static const uint64_t polynomial[CRC_KINDS] = {
    [CRC_32] = UINT64_C(0xedb88320),
    [CRC_32C] = UINT64_C(0x82f63b78),
    [CRC_64NVME] = UINT64_C(0x9a6c9329ac4bc9b5),
};
static const unsigned bits[CRC_KINDS] = {[CRC_32] = 32, [CRC_32C] = 32, [CRC_64NVME] = 64};
static uint64_t table[CRC_KINDS][8][256];

void crc_init(void) {
    for (int kind = 0; kind < CRC_KINDS; kind++) {
        for (uint64_t byte = 0; byte < 256; byte++) {
            uint64_t crc = byte;
            for (int i = 0; i < 8; i++) {
                crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial[kind] : 0);
            }
            table[kind][0][byte] = crc;
        }
        for (int slice = 1; slice < 8; slice++) {
            for (size_t byte = 0; byte < 256; byte++) {
                uint64_t crc = table[kind][slice - 1][byte];
                table[kind][slice][byte] = (crc >> 8) ^ table[kind][0][crc & 0xff];
            }
        }
    }
}

static uint64_t ones(enum crc_kind kind) {
    return bits[kind] == 64 ? UINT64_MAX : UINT32_MAX;
}

uint64_t crc_update(enum crc_kind kind, uint64_t crc, const void *bytes, size_t len) {
    const unsigned char *at = bytes;
    uint64_t(*slices)[256] = table[kind];
    crc ^= ones(kind);
    for (; len >= 8; len -= 8, at += 8) {
        uint64_t word = 0;
        for (unsigned i = 0; i < 8; i++) {
            word |= (uint64_t)at[i] << (8 * i);
        }
        word ^= crc;
        crc = slices[7][word & 0xff] ^ slices[6][(word >> 8) & 0xff] ^
              slices[5][(word >> 16) & 0xff] ^ slices[4][(word >> 24) & 0xff] ^
              slices[3][(word >> 32) & 0xff] ^ slices[2][(word >> 40) & 0xff] ^
              slices[1][(word >> 48) & 0xff] ^ slices[0][word >> 56];
    }
    for (; len > 0; len--, at++) {
        crc = (crc >> 8) ^ slices[0][(crc ^ *at) & 0xff];
    }
    return crc ^ ones(kind);
}

/* A matrix over GF(2) times a vector. */
static uint64_t times(const uint64_t *matrix, uint64_t vector) {
    uint64_t sum = 0;
    for (; vector != 0; vector >>= 1, matrix++) {
        if ((vector & 1) != 0) {
            sum ^= *matrix;
        }
    }
    return sum;
}

static void square(uint64_t *ret, const uint64_t *matrix, unsigned size) {
    for (unsigned i = 0; i < size; i++) {
        ret[i] = times(matrix, matrix[i]);
    }
}

/* The first CRC is carried over as many zero bytes as the second piece is long: the matrix of one
 * zero bit, squared again and again. */
uint64_t crc_combine(enum crc_kind kind, uint64_t first, uint64_t second, uint64_t second_len) {
    uint64_t a[64], b[64];
    unsigned size = bits[kind];
    if (second_len == 0) {
        return first;
    }
    a[0] = polynomial[kind];
    for (unsigned i = 1; i < size; i++) {
        a[i] = UINT64_C(1) << (i - 1);
    }
    square(b, a, size); /* two bits */
    square(a, b, size); /* four */
    for (; second_len > 0; second_len >>= 1) {
        square(b, a, size);
        if ((second_len & 1) != 0) {
            first = times(b, first);
        }
        memcpy(a, b, sizeof a);
    }
    return first ^ second;
}
