/* SPDX-License-Identifier: MIT */
/* Random UUIDs from xoshiro256++, seeded once from the kernel. */
#include "uuid.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static uint64_t state[4];
static bool seeded;
static bool watches_fork;

/* A forked process must not repeat its parent's ids. */
static void forget_seed(void) {
    seeded = false;
}

static void seed(void) {
    seeded = true;
    if (!watches_fork) {
        watches_fork = pthread_atfork(NULL, NULL, forget_seed) == 0;
    }
    if (getrandom(state, sizeof state, 0) != (ssize_t)sizeof state) {
        struct timespec now;
        (void)clock_gettime(CLOCK_REALTIME, &now);
        state[0] = (uint64_t)now.tv_nsec;
        state[1] = (uint64_t)now.tv_sec;
        state[2] = (uint64_t)getpid();
        state[3] = 1;
    }
}

static uint64_t rotate(uint64_t value, unsigned bits) {
    return (value << bits) | (value >> (64 - bits));
}

/* Source: Blackman and Vigna, xoshiro256++ 1.0. */
static uint64_t next_random(void) {
    uint64_t result = rotate(state[0] + state[3], 23) + state[0];
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 45);
    return result;
}

void uuid_v4(char ret_text[UUID_TEXT_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    if (!seeded) {
        seed();
    }
    uint64_t half[2] = {next_random(), next_random()};
    half[0] = (half[0] & ~UINT64_C(0xf000)) | UINT64_C(0x4000);
    half[1] = (half[1] & ~(UINT64_C(3) << 62)) | (UINT64_C(2) << 62);
    char *out = ret_text;
    for (unsigned nibble = 0; nibble < 32; nibble++) {
        if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) {
            *out++ = '-';
        }
        *out++ = digits[(half[nibble / 16] >> (60 - 4 * (nibble % 16))) & 0xf];
    }
    *out = '\0';
}
