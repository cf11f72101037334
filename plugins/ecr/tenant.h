/* SPDX-License-Identifier: MIT */
/* Whose registry a request means, read from its address. Pure functions. */
#ifndef ECR_TENANT_H
#define ECR_TENANT_H

#include "ecr.h"

/* Where the tenant was found; answers speak the client's own form. */
enum tenant_form {
    TENANT_FORM_HOST, /* <account>.dkr.ecr.<region>.<any domain>, or dkr-ecr (dual stack), or -fips
                       */
    TENANT_FORM_NS,   /* ?ns=<such a host>, as containerd sends to a mirror */
    TENANT_FORM_PATH, /* /v2/<account>/<region>/... on any other host */
    TENANT_FORM_DEFAULT, /* /v2/... on any other host: the default account and region */
};

struct tenant_address {
    struct tenant tenant;
    enum tenant_form form;
    /* What follows "/v2/" (and the tenant of the path form), decoded: "app/manifests/v1",
     * "_catalog", "". Points into the path that was given. */
    struct virga_str rest;
};

/* Reads a host name with or without port. 1: it names a tenant, 0: it does not, -EINVAL: it is
 * shaped like a registry of ECR, and account or region is wrong. */
int tenant_from_host(struct virga_str host, struct tenant *ret_tenant);

/* Reads the whole address. `path` is decoded and begins with "/v2"; `query` is not decoded.
 * `defaults` is whose registry plain addresses mean. Errors: -EINVAL a malformed registry name,
 * -ENOENT not below /v2/, -EHOSTUNREACH `ns` names a registry that is not ours. */
int tenant_resolve(struct virga_str host, struct virga_str path, struct virga_str query,
                   const struct tenant *defaults, struct tenant_address *ret_address);

#endif
