/* SPDX-License-Identifier: MIT */
/* Addresses translated between the client and the registry. Pure. */
#ifndef ECR_GATEWAY_REWRITE_H
#define ECR_GATEWAY_REWRITE_H

#include "backend.h"
#include "strbuf.h"
#include "tenant.h"

/* Translates a Location of the registry, "/v2/<upstream name>/...", into the client's form.
 * `client_name` is the repository as the client writes it, `ns` the raw value of its ?ns= (ptr
 * NULL: none), which must come back with the next request. Errors: -EINVAL it is not below that
 * repository, -ENOMEM. */
int gateway_rewrite_location(struct virga_str location, const char *upstream_name,
                             struct virga_str client_name, struct virga_str ns,
                             struct strbuf *ret_location);

/* What a mount's `from` means for this client. */
struct gateway_mount {
    char name[ECR_NAME_MAX + 1]; /* the repository to mount from, of the same tenant */
    char digest[ECR_DIGEST_LEN + 1];
};
/* Reads mount= and from= of an upload's query. Errors: -ENOENT it is no mount that can be done: not
 * both, malformed, or from another tenant. */
int gateway_rewrite_read_mount(struct virga_str query, enum tenant_form form,
                               const struct tenant *tenant, struct gateway_mount *ret_mount);

/* Adds the query without the parameters that are the gateway's (ns, mount, from), each of the
 * others as it was. Begins with '?' unless nothing is left. */
void gateway_rewrite_query(struct virga_str query, struct strbuf *ret_target);

#endif
