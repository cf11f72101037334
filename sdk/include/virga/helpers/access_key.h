/* SPDX-License-Identifier: MIT */
/* Access key ids that lead back to their account, as AWS's own do: of temporary credentials
 * ("ASIA") and of users ("AKIA"). A request that is signed with one has that account in
 * req->account, in every service of the host. */
#ifndef VIRGA_HELPERS_ACCESS_KEY_H
#define VIRGA_HELPERS_ACCESS_KEY_H

#include "../abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGA_ACCESS_KEY_LEN 20
#define VIRGA_ACCOUNT_LEN 12

/* Makes "ASIA" and 16 characters out of an account (12 digits) and 23 bits of chance. Two calls may
 * give the same key: who keeps them looks. Errors: -EINVAL no account. Thread: [any]. */
int virga_access_key_make(struct virga_str account, uint32_t chance,
                          char ret_key[VIRGA_ACCESS_KEY_LEN + 1]);

/* The same for the key of a user: "AKIA" and 16 characters. */
int virga_access_key_make_user(struct virga_str account, uint32_t chance,
                               char ret_key[VIRGA_ACCESS_KEY_LEN + 1]);

/* The account of either. Errors: -EINVAL neither of the two made it. Thread: [any]. */
int virga_access_key_account(struct virga_str key, char ret_account[VIRGA_ACCOUNT_LEN + 1]);

#ifdef __cplusplus
}
#endif
#endif
