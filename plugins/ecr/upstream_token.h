/* SPDX-License-Identifier: MIT */
/* How requests to upstream registries are authorized: tokens by registry, scope and user until they
 * expire, and who wants Basic. Kept in memory only. */
#ifndef ECR_UPSTREAM_TOKEN_H
#define ECR_UPSTREAM_TOKEN_H

#include "upstream.h"

#define UPSTREAM_TOKENS_MAX 128 /* the oldest goes for a new one */

struct upstream_tokens;

int upstream_tokens_create(struct upstream_tokens **ret_tokens);
/* NULL is fine. */
void upstream_tokens_destroy(struct upstream_tokens *tokens);

/* The Authorization header to send; NULL = none is known. Valid: until the tokens change. */
const char *upstream_token_find(struct upstream_tokens *tokens, const struct upstream_place *place,
                                const char *scope, int64_t now_ms);
/* Takes a token server's answer over. Errors: -EINVAL it has no token, -ENOMEM. */
int upstream_token_take(struct upstream_tokens *tokens, const struct upstream_place *place,
                        const char *scope, struct virga_str answer, int64_t now_ms);
/* Notes that Basic is wanted. Errors: -ENOMEM. */
int upstream_token_use_basic(struct upstream_tokens *tokens, const struct upstream_place *place,
                             const char *scope);
void upstream_token_forget(struct upstream_tokens *tokens, const struct upstream_place *place,
                           const char *scope);

/* "Basic <username:password>" of the place's credentials. Owns: the caller. NULL when out of
 * memory.
 */
char *upstream_basic(const struct upstream_place *place);

#endif
