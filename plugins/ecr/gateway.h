/* SPDX-License-Identifier: MIT */
/* The port that docker and the other OCI clients talk to. Owns tenants, names and ECR's rules on
 * the wire; hands the bytes to the registry through virga.proxy/1. */
#ifndef ECR_GATEWAY_H
#define ECR_GATEWAY_H

#include "ecr.h"

/* Opens the first free port of the range, the one of the last run first. */
int gateway_create(struct ecr *ecr, struct gateway **ret_gateway, struct virga_error *err);
/* Closes the port and frees it. After backend_stop() has answered who waited, and before
 * backend_destroy(). NULL is fine. */
void gateway_destroy(struct gateway *gateway);
uint16_t gateway_port(const struct gateway *gateway);
/* Whose registry an address without account and region means. */
const struct tenant *gateway_defaults(const struct gateway *gateway);

/* The address of a tenant's registry, as proxyEndpoint and repositoryUri show it, without scheme:
 * "000000000000.dkr.ecr.us-east-1.localhost:5100", path style "localhost:5100". Cut at `size`. */
void gateway_registry_host(const struct ecr *ecr, const struct tenant *tenant, char *buffer,
                           size_t size);
/* The repositoryUri: path style "localhost:5100/<account>/<region>/<name>". */
void gateway_repository_uri(const struct ecr *ecr, const struct tenant *tenant,
                            struct virga_str name, char *buffer, size_t size);

#endif
