/* SPDX-License-Identifier: MIT */
/* Passwords of the registry: what GetAuthorizationToken tells and docker login sends. Where
 * policies are obeyed a password says who logs in and until when, under a keyed checksum whose key
 * is kept in the store; else it is always the same, and every other is as good. Everything is
 * [loop]. */
#ifndef ECR_LOGIN_H
#define ECR_LOGIN_H

#include "principal.h"

#include <virga/helpers/base64.h>

#define LOGIN_USER "AWS"
/* How long a password is good. Source: the API's documentation of GetAuthorizationToken. */
#define LOGIN_VALID_MS (12 * 60 * 60 * 1000)
/* Room for a password with its NUL. */
#define LOGIN_PASSWORD_SIZE VIRGA_BASE64_SIZE(sizeof(struct principal) + 64)

/* Makes the principal's password, good until `expires_ms`. Also for pulls by virga's own parts,
 * with principal_service() or principal_root(): nothing is asked here. Errors: -EIO the store or
 * the system's random numbers failed, -ENOSPC, -ENOMEM. */
int login_make(struct ecr *ecr, const struct principal *principal, int64_t expires_ms,
               char ret_password[LOGIN_PASSWORD_SIZE]);

/* Whose password it is. Only where policies are obeyed. Errors: -EACCES forged or damaged,
 * -EKEYEXPIRED, and those of the store. */
int login_read(struct ecr *ecr, struct virga_str password, struct principal *ret_principal);

/* The same of a Basic Authorization header (ptr NULL: absent); the user must be LOGIN_USER. */
int login_read_header(struct ecr *ecr, struct virga_str header, struct principal *ret_principal);

#endif
