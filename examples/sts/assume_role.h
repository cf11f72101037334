/* SPDX-License-Identifier: MIT */
/* What all ways to assume a role, and to be a federated user, have in common. */
#ifndef STS_ASSUME_ROLE_H
#define STS_ASSUME_ROLE_H

#include "iam.h"

/* Room for the name in a role's ARN, which may be that of no role. */
#define ROLE_NAME_MAX 2048

/* An assumed role. */
struct assumed_role {
    char account[VIRGA_ACCOUNT_LEN + 1];
    char name[ROLE_NAME_MAX];
    struct session session; /* user_id is the AssumedRoleId */
};

/* Reads RoleArn and RoleSessionName; 0, or it has answered the call with the error. */
int assumed_role_read(struct call *call, struct assumed_role *ret_role);

/* Asks IAM for the role; `on_answer` goes on with the call. */
void assumed_role_ask(struct call *call, const struct assumed_role *role,
                      void (*on_answer)(struct call *call, const struct iam_answer *answer));

/* Whether the role may be assumed, by what IAM says of it; takes its id over. `who` is the caller's
 * ARN, NULL = a stranger. 0, or it has answered the call with the error. */
int assumed_role_check(struct call *call, const struct iam_answer *answer, const char *who,
                       struct assumed_role *role);

/* Issues credentials and writes <AssumedRoleUser>, <Credentials> and <PackedPolicySize>; 0, or it
 * has answered the call with the error. */
int assumed_role_answer(struct call *call, struct assumed_role *role,
                        struct virga_xml_writer *writer);

/* Checks the session policies and tags; 0, or it has answered the call with the error. */
int session_policies_check(struct call *call);

/* Writes <PackedPolicySize> where there are policies or tags. */
void session_policies_write(const struct call *call, struct virga_xml_writer *writer);

#endif
