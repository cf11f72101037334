/* SPDX-License-Identifier: MIT */
/* The imageIds of a request: what each one means, and how failures are told. */
#ifndef ECR_IMAGE_ID_H
#define ECR_IMAGE_ID_H

#include "call.h"

#define IMAGE_ID_MAX 100 /* ids in one call, by the model */

/* One element of imageIds. Valid: as long as the call. */
struct image_id {
    struct virga_str digest; /* ptr NULL when it was not given */
    struct virga_str tag;    /* the same */
};

/* Why an id is answered among `failures`. */
struct image_failure {
    const char *code; /* NULL = no failure */
    char reason[512];
};

struct image_id image_id_get(const struct call *call, size_t index);
/* Whether the same id stands before `index` already. */
bool image_id_repeats(const struct call *call, size_t index);

/* Finds the digest that an id means. A fault of the id is told in ret_failure, with 0 returned.
 * Errors: negative errno of the store. */
int image_id_resolve(const struct call *call, struct image_id id,
                     char ret_digest[ECR_DIGEST_LEN + 1], struct image_failure *ret_failure);
/* Ends the call with ImageNotFoundException, because the id means no image. */
void image_id_fail_missing(struct call *call, struct image_id id);
/* "Requested image not found". */
void image_failure_not_found(struct image_failure *failure);

/* Writes {"imageDigest", "imageTag"}; what is empty is left out. */
void image_id_write(struct virga_json_writer *writer, const char *key, struct virga_str digest,
                    struct virga_str tag);
/* Writes one element of `failures`. */
void image_failure_write(struct virga_json_writer *writer, struct image_id id,
                         const struct image_failure *failure);

#endif
