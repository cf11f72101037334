/* SPDX-License-Identifier: MIT */
/* A set of inode numbers: what a layer has made itself, which its whiteouts do not hide. [any] */
#ifndef LAMBDA_OCI_INODES_H
#define LAMBDA_OCI_INODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero it before the first use. Owns: `slots`, until oci_inodes_finish(). */
struct oci_inodes {
    uint64_t *slots; /* 0 = empty; inode numbers are never 0 */
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

/* Errors: -ENOMEM. */
int oci_inodes_add(struct oci_inodes *inodes, uint64_t inode);
bool oci_inodes_have(const struct oci_inodes *inodes, uint64_t inode);
/* Frees and zeroes it. */
void oci_inodes_finish(struct oci_inodes *inodes);

#endif
