/* SPDX-License-Identifier: MIT */
/* Who calls and where: account, region and service out of a request's SigV4 credential.
 * Owns parsing only: signatures are not verified here. */
#ifndef CORE_IDENTITY_H
#define CORE_IDENTITY_H

#include <virga/abi.h>

struct request;

/* The parts of a credential, "AKID/20260101/us-east-1/ecr/aws4_request". Valid: as the text given.
 */
struct identity_credential {
    struct virga_str access_key;
    struct virga_str region;
    struct virga_str service;
};

/* Finds the credential in an Authorization header ("AWS4-HMAC-SHA256 Credential=...") or, when that
 * is absent (ptr NULL), in the query of a presigned URL. Returns 1 when one was found, 0 when there
 * is none or it is malformed. */
int identity_find(struct virga_str authorization, struct virga_str query,
                  struct identity_credential *ret_credential);

/* Fills account, region, service and access_key of a request, unless they were given. Thread:
 * [loop]. Errors: -ENOMEM. */
int identity_parse(struct request *req);

/* Gives them: a call from within the host is not signed. ptr NULL: the host's default, and as the
 * access key the account. Thread: [loop]. Errors: -EINVAL not such as AWS has them, -ENOMEM. */
int identity_give(struct request *req, struct virga_str account, struct virga_str region,
                  struct virga_str service, struct virga_str access_key);

#endif
