/* SPDX-License-Identifier: MIT */
/* How large the blobs in the registry's storage are, read before gc removes some of them. */
#ifndef ECR_BLOB_SIZES_H
#define ECR_BLOB_SIZES_H

#include <stdint.h>

struct blob_sizes;

int blob_sizes_create(struct blob_sizes **ret_sizes);
void blob_sizes_destroy(struct blob_sizes *sizes);
/* Notes one blob, by its 64 hex digits. blob_sizes_sort() follows the last one. */
void blob_sizes_add(struct blob_sizes *sizes, const char *hex, uint64_t size);
void blob_sizes_sort(struct blob_sizes *sizes);
/* Reads all of them; what cannot be read counts as nothing. Blocking: [worker]. */
void blob_sizes_read(struct blob_sizes *sizes, const char *root);
/* The size of a blob, "sha256:..."; 0 when it is not known. */
uint64_t blob_sizes_find(const struct blob_sizes *sizes, const char *digest);

#endif
