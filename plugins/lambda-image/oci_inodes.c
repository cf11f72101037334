/* SPDX-License-Identifier: MIT */
/* Open addressing, at most half full. */
#include "oci_inodes.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAPACITY 1024

static size_t slot_of(const struct oci_inodes *inodes, uint64_t inode) {
    /* Multiplied, so that numbers in a row are spread. */
    size_t at = (size_t)((inode * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (inodes->capacity - 1);
    while (inodes->slots[at] != 0 && inodes->slots[at] != inode) {
        at = (at + 1) & (inodes->capacity - 1);
    }
    return at;
}

static int grow(struct oci_inodes *inodes) {
    struct oci_inodes bigger = {
        .capacity = inodes->capacity == 0 ? FIRST_CAPACITY : inodes->capacity * 2,
        .count = inodes->count,
    };
    bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
    if (bigger.slots == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < inodes->capacity; i++) {
        if (inodes->slots[i] != 0) {
            bigger.slots[slot_of(&bigger, inodes->slots[i])] = inodes->slots[i];
        }
    }
    free(inodes->slots);
    *inodes = bigger;
    return 0;
}

int oci_inodes_add(struct oci_inodes *inodes, uint64_t inode) {
    if (inodes->count * 2 >= inodes->capacity) {
        int result = grow(inodes);
        if (result != 0) {
            return result;
        }
    }
    size_t at = slot_of(inodes, inode);
    inodes->count += inodes->slots[at] == 0 ? 1 : 0;
    inodes->slots[at] = inode;
    return 0;
}

bool oci_inodes_have(const struct oci_inodes *inodes, uint64_t inode) {
    return inodes->count > 0 && inodes->slots[slot_of(inodes, inode)] == inode;
}

void oci_inodes_finish(struct oci_inodes *inodes) {
    free(inodes->slots);
    *inodes = (struct oci_inodes){0};
}
