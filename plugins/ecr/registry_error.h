/* SPDX-License-Identifier: MIT */
/* The registry's error answers, with what is internal taken out. Pure. */
#ifndef ECR_REGISTRY_ERROR_H
#define ECR_REGISTRY_ERROR_H

#include "backend.h"
#include "strbuf.h"

/* The first error of an answer. */
struct registry_error {
    char code[64]; /* "MANIFEST_BLOB_UNKNOWN"; "UNKNOWN" when the answer has none */
    char message[256];
};

/* Reads the first error, and adds the digests that the details of all errors name, as "sha256:a,
 * sha256:b" (ret_digests may be NULL). Names are replaced as below. */
void registry_error_read(struct virga_str body, const char *upstream_name,
                         struct virga_str client_name, struct registry_error *ret_error,
                         struct strbuf *ret_digests);

/* Writes the answer anew for the client: codes, messages and details, with every mention of the
 * registry's name for the repository replaced by the client's. Errors: -EINVAL it is no error
 * answer, -ENOMEM. */
int registry_error_clean(struct virga_str body, const char *upstream_name,
                         struct virga_str client_name, struct strbuf *ret_body);

#endif
