/* SPDX-License-Identifier: MIT */
/* A layer part's bytes, taken piece by piece from the base64 text that a call brought, so that they
 * are never in memory a second time. Pure. */
#ifndef ECR_LAYER_PART_H
#define ECR_LAYER_PART_H

#include <virga/abi.h>

/* A place in the text. */
struct layer_part {
    struct virga_str text; /* valid base64 */
    size_t at;             /* the next group of four */
    char left[3];          /* decoded and not taken yet */
    size_t left_len;
};

/* How many bytes the text stands for. */
size_t layer_part_length(struct virga_str text);
/* Begins behind the first `skip` bytes, at most all of them. Valid: as long as the text. */
void layer_part_start(struct layer_part *part, struct virga_str text, size_t skip);
/* Takes up to `size` bytes. Returns how many; 0 at the end. */
size_t layer_part_read(struct layer_part *part, char *to, size_t size);

#endif
