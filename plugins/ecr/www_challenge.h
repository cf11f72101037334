/* SPDX-License-Identifier: MIT */
/* What a registry asks for with 401: the WWW-Authenticate header. Pure.
 * Source: RFC 9110, 11.6.1; https://distribution.github.io/distribution/spec/auth/token/ */
#ifndef ECR_WWW_CHALLENGE_H
#define ECR_WWW_CHALLENGE_H

#include <stdbool.h>
#include <virga/abi.h>

enum www_scheme { WWW_NONE, WWW_BASIC, WWW_BEARER };

struct www_challenge {
    enum www_scheme scheme;
    char realm[1024]; /* each "" when it was not given */
    char service[256];
    char scope[1024];
};

/* Reads a header's value, which may hold several challenges: Bearer is preferred to Basic. False:
 * it has none of both, or one that is malformed or too long. */
bool www_challenge_parse(struct virga_str value, struct www_challenge *ret_challenge);

#endif
