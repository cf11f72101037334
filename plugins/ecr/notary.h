/* SPDX-License-Identifier: MIT */
/* Signatures as the Notary Project defines them: a key with its certificate, a JWS envelope, and
 * the manifest that carries it. Knows no store and no registry; pure but for randomness. Thread:
 * [any]. Source: notaryproject/specifications, signature-specification.md,
 * signature-envelope-jws.md. */
#ifndef ECR_NOTARY_H
#define ECR_NOTARY_H

#include "ecr.h"

#define NOTARY_ARTIFACT_TYPE "application/vnd.cncf.notary.signature"
#define NOTARY_ENVELOPE_TYPE "application/jose+json"
#define NOTARY_CONFIG "{}" /* what a signature's config blob holds */

/* Makes a P-384 key and a certificate of its own that says `name`, both as PEM in one text. Owns:
 * the caller, free(). Errors: -EIO the library failed, -ENOMEM. */
int notary_key_create(const char *name, int64_t now_ms, char **ret_pem);

/* What is signed: a manifest. */
struct notary_target {
    const char *media_type;
    const char *digest;
    uint64_t size;
};

/* Owns: its members; free with notary_signature_finish(). */
struct notary_signature {
    char *envelope; /* the layer's blob */
    char envelope_digest[ECR_DIGEST_LEN + 1];
    char config_digest[ECR_DIGEST_LEN + 1];
    char *manifest;
    char manifest_digest[ECR_DIGEST_LEN + 1];
};

/* Signs with ES384. Errors: -EINVAL `pem` is no key and certificate, -EIO the library failed,
 * -ENOMEM. */
int notary_sign(const char *pem, const struct notary_target *target, int64_t now_ms,
                struct notary_signature *ret_signature);
void notary_signature_finish(struct notary_signature *signature);

#endif
