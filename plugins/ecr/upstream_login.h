/* SPDX-License-Identifier: MIT */
/* Logging in at this plugin's own gateway, when another account or region of it is the upstream. */
#ifndef ECR_UPSTREAM_LOGIN_H
#define ECR_UPSTREAM_LOGIN_H

#include "upstream.h"

/* Gives a place of the own gateway the credentials of an account, where policies are obeyed: what
 * it may read, the upstream's policies say. Other places are left as they are. Errors: those of
 * login_make(). */
int upstream_login_own(struct ecr *ecr, const struct tenant *tenant, struct upstream_place *place);

#endif
