/* SPDX-License-Identifier: MIT */
/* The 16 characters are 80 bits in Base32 (RFC 4648): a one, 40 bits of account, 23 of chance, 16
 * of a check. The first 41 are laid out as AWS does it, so that tools which read the account off a
 * key read it off these; the check tells them from real ones, whose account is none of ours. */
#include <errno.h>
#include <inttypes.h>
#include <virga/helpers/access_key.h>

#define SESSION_PREFIX "ASIA"
#define USER_PREFIX "AKIA"
#define PREFIX_LEN 4
#define CHANCE_BITS 23
#define ACCOUNT_BITS 40
#define ACCOUNT_LIMIT INT64_C(1000000000000)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* FNV-1a, folded to 16 bits. */
static uint16_t check_of(uint64_t bits) {
    uint32_t hash = 2166136261u;
    for (int shift = 0; shift < 64; shift += 8) {
        hash = (hash ^ (uint32_t)((bits >> shift) & 0xff)) * 16777619u;
    }
    return (uint16_t)(hash ^ (hash >> 16));
}

static int make(const char *prefix, struct virga_str account, uint32_t chance, char *ret_key) {
    uint64_t number = 0;
    if (account.len != VIRGA_ACCOUNT_LEN) {
        return -EINVAL;
    }
    for (size_t i = 0; i < account.len; i++) {
        if (account.ptr[i] < '0' || account.ptr[i] > '9') {
            return -EINVAL;
        }
        number = number * 10 + (uint64_t)(account.ptr[i] - '0');
    }
    uint64_t high =
        UINT64_C(1) << 63 | number << CHANCE_BITS | (chance & ((UINT32_C(1) << CHANCE_BITS) - 1));
    uint16_t low = check_of(high);
    (void)snprintf(ret_key, VIRGA_ACCESS_KEY_LEN + 1, "%s", prefix);
    /* 80 bits are 16 characters of 5: 12 in the high part, one across, 3 in the low part. */
    for (int i = 0; i < 16; i++) {
        int from_end = 75 - 5 * i;
        uint64_t five = from_end >= 16 ? high >> (from_end - 16)
                                       : high << (16 - from_end) | (uint64_t)low >> from_end;
        ret_key[PREFIX_LEN + i] = alphabet[five & 31];
    }
    ret_key[VIRGA_ACCESS_KEY_LEN] = '\0';
    return 0;
}

int virga_access_key_make(struct virga_str account, uint32_t chance,
                          char ret_key[VIRGA_ACCESS_KEY_LEN + 1]) {
    return make(SESSION_PREFIX, account, chance, ret_key);
}

int virga_access_key_make_user(struct virga_str account, uint32_t chance,
                               char ret_key[VIRGA_ACCESS_KEY_LEN + 1]) {
    return make(USER_PREFIX, account, chance, ret_key);
}

int virga_access_key_account(struct virga_str key, char ret_account[VIRGA_ACCOUNT_LEN + 1]) {
    uint64_t high = 0;
    uint32_t low = 0;
    if (key.len != VIRGA_ACCESS_KEY_LEN || (memcmp(key.ptr, SESSION_PREFIX, PREFIX_LEN) != 0 &&
                                            memcmp(key.ptr, USER_PREFIX, PREFIX_LEN) != 0)) {
        return -EINVAL;
    }
    for (int i = 0; i < 16; i++) {
        const char *at = strchr(alphabet, key.ptr[PREFIX_LEN + i]);
        if (at == NULL || *at == '\0') {
            return -EINVAL;
        }
        uint32_t carried = low >> 11 & 31;
        low = (low << 5 | (uint32_t)(at - alphabet)) & 0xffff;
        high = high << 5 | carried;
    }
    uint64_t number = high >> CHANCE_BITS & ((UINT64_C(1) << ACCOUNT_BITS) - 1);
    if (low != check_of(high) || number >= (uint64_t)ACCOUNT_LIMIT) {
        return -EINVAL;
    }
    (void)snprintf(ret_account, VIRGA_ACCOUNT_LEN + 1, "%012" PRIu64, number);
    return 0;
}
