/* SPDX-License-Identifier: MIT */
/* Where real ECR differs from what clients expect of a registry, or virga from real ECR: one
 * predicate for each difference. All of them are true under `strict-ecr: true`, false otherwise.
 * docs/ecr/wire.md lists them for users. Pure. */
#ifndef ECR_STRICT_H
#define ECR_STRICT_H

#include "ecr.h"

/* PATCH of an upload answers 201 and not 202. */
static inline bool strict_patch_created(const struct ecr *ecr) {
    return ecr->strict;
}
/* GET of a manifest has no Docker-Content-Digest, HEAD has it and an empty Sizes. */
static inline bool strict_manifest_headers(const struct ecr *ecr) {
    return ecr->strict;
}
/* What the API would call an InvalidParameterException is 405 UNSUPPORTED in the API's words. */
static inline bool strict_parameter_status(const struct ecr *ecr) {
    return ecr->strict;
}
/* tags/list is text/plain, not in order, in pages of 100 and at most 1,000 behind an opaque token;
 * _catalog has those sizes. */
static inline bool strict_lists(const struct ecr *ecr) {
    return ecr->strict;
}
/* Locations and Links are absolute URLs, and uploads have no Docker-Upload-Uuid. */
static inline bool strict_absolute_locations(const struct ecr *ecr) {
    return ecr->strict;
}
/* A chunk out of order is told as UploadLayerPart tells it. */
static inline bool strict_chunk_error(const struct ecr *ecr) {
    return ecr->strict;
}
/* The 401 has a body of plain text. */
static inline bool strict_login_text(const struct ecr *ecr) {
    return ecr->strict;
}
/* Layers are mounted only in an account that has BLOB_MOUNTING enabled. */
static inline bool strict_mounting_off(const struct ecr *ecr) {
    return ecr->strict;
}
/* An immutable tag refuses the image that it points to already, too. */
static inline bool strict_same_digest_refused(const struct ecr *ecr) {
    return ecr->strict;
}
/* Policies come back formatted anew. */
static inline bool strict_formats_policies(const struct ecr *ecr) {
    return ecr->strict;
}

#endif
