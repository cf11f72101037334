/* SPDX-License-Identifier: MIT */
/* The grammar of names, tags and digests, and percent-decoding. Pure functions. */
#ifndef ECR_REFERENCE_H
#define ECR_REFERENCE_H

#include "ecr.h"

/* Whether it is a repository name by ECR's rules: 2 to 256 characters,
 * (?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*. Source: the API model,
 * RepositoryName. */
bool reference_is_name(struct virga_str text);
/* Whether it is a tag: [A-Za-z0-9_][A-Za-z0-9._-]{0,127}. Source: OCI distribution spec, "Pulling
 * manifests". */
bool reference_is_tag(struct virga_str text);
/* Whether it is "sha256:" and 64 lower-case hex digits. */
bool reference_is_digest(struct virga_str text);
/* Whether it is a digest of any algorithm that OCI registers, sha256 or sha512, in its form. */
bool reference_is_any_digest(struct virga_str text);
/* Whether it may be a region: lower-case letters, digits and single dashes. Not only AWS's own:
 * clients of an emulator sign for "local" too. */
bool reference_is_region(struct virga_str text);
/* Whether it is an account: exactly 12 digits. */
bool reference_is_account(struct virga_str text);

/* Writes the SHA-256 digest of the bytes, "sha256:...". Errors: -EIO the library failed. */
int reference_digest(struct virga_str bytes, char ret_digest[ECR_DIGEST_LEN + 1]);

/* Decodes %XX into `buffer` (size bytes with a NUL behind). '+' stays. Errors: -EINVAL a broken
 * escape, a NUL or another control character, -EMSGSIZE it does not fit. */
int reference_decode(struct virga_str text, char *buffer, size_t size, size_t *ret_len);

/* Takes the next "name=value" off a query string; false at its end. Neither is decoded. */
bool reference_next_param(struct virga_str *query, struct virga_str *ret_name,
                          struct virga_str *ret_value);
/* The decoded value of the first parameter called `name`. Errors: -ENOENT there is none, and those
 * of reference_decode(). */
int reference_param(struct virga_str query, const char *name, char *buffer, size_t size,
                    size_t *ret_len);

#endif
