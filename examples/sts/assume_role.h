/* SPDX-License-Identifier: MIT */
/* What all ways to assume a role, and to be a federated user, have in common. */
#ifndef STS_ASSUME_ROLE_H
#define STS_ASSUME_ROLE_H

#include "sessions.h"

/* An assumed role. */
struct assumed_role {
    char account[VIRGA_ACCOUNT_LEN + 1];
    struct session session; /* user_id is the AssumedRoleId */
};

/* Reads RoleArn and RoleSessionName; 0, or it has answered the call with the error. */
int assumed_role_read(struct call *call, struct assumed_role *ret_role);

/* Issues credentials and writes <AssumedRoleUser>, <Credentials> and <PackedPolicySize>; 0, or it
 * has answered the call with the error. */
int assumed_role_answer(struct call *call, struct assumed_role *role,
                        struct virga_xml_writer *writer);

/* Checks the session policies and tags; 0, or it has answered the call with the error. */
int session_policies_check(struct call *call);

/* Writes <PackedPolicySize> where there are policies or tags. */
void session_policies_write(const struct call *call, struct virga_xml_writer *writer);

#endif
