/* SPDX-License-Identifier: MIT */
/* Who asks: an AWS account's user, role or owner, or an AWS service. Owns the forms of their ARNs;
 * pure. Thread: [any]. */
#ifndef ECR_PRINCIPAL_H
#define ECR_PRINCIPAL_H

#include "ecr.h"

/* STS makes names of at most 64 characters; paths of users and roles may have 512 more. */
#define PRINCIPAL_ARN_MAX 767
#define PRINCIPAL_ID_MAX 255
#define PRINCIPAL_SERVICE_MAX 127

struct principal {
    char account[ECR_ACCOUNT_LEN + 1];
    char arn[PRINCIPAL_ARN_MAX + 1]; /* as policies and messages write it */
    char user_id[PRINCIPAL_ID_MAX + 1];
    /* "lambda.amazonaws.com" where a service asks by itself, on behalf of `source_arn` in
     * `account`; else empty. */
    char service[PRINCIPAL_SERVICE_MAX + 1];
    char source_arn[PRINCIPAL_ARN_MAX + 1];
};

/* The owner of an account: arn:aws:iam::<account>:root. */
void principal_root(struct virga_str account, struct virga_str region,
                    struct principal *ret_principal);
/* A service that acts for an account's resource. Errors: -EMSGSIZE a name is too long. */
int principal_service(const char *service, struct virga_str account, struct virga_str source_arn,
                      struct principal *ret_principal);

/* The role that a session of one acts as, without the role's path, which sessions do not tell:
 * "arn:aws:iam::<account>:role/deploy". False, and nothing written: it is no session of a role. */
bool principal_role_arn(const struct principal *principal, char ret_arn[PRINCIPAL_ARN_MAX + 1]);

#endif
