/* SPDX-License-Identifier: MIT */
/* The registries that a pull-through cache rule may name, and where they really answer. Pure.
 * Source: the API model, CreatePullThroughCacheRuleRequest$upstreamRegistryUrl;
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html */
#ifndef ECR_UPSTREAM_REGISTRY_H
#define ECR_UPSTREAM_REGISTRY_H

#include "ecr.h"

#define UPSTREAM_HOST_MAX 255
#define UPSTREAM_URL_MAX 511

struct upstream_registry {
    const char *name;  /* as upstreamRegistry has it: "docker-hub" */
    const char *host;  /* "registry-1.docker.io"; from a '*' on, anything before what follows */
    bool needs_secret; /* a rule for it must name one */
    bool is_ecr;       /* another account or region of ECR */
};

/* Finds which registry a URL means: a host, with "https://" before it or without. Writes the host
 * in lower case. NULL: none that is supported. */
const struct upstream_registry *upstream_registry_find(struct virga_str url,
                                                       char ret_host[UPSTREAM_HOST_MAX + 1]);

/* Whether the text is a list "host=http(s)://host[:port][/path],...". False: err says what is
 * wrong. */
bool upstream_overrides_check(struct virga_str text, struct virga_error *err);
/* Writes where the host answers instead; without a '/' at the end. False: it is not in the list. */
bool upstream_override_find(struct virga_str text, const char *host,
                            char ret_url[UPSTREAM_URL_MAX + 1]);

/* Writes scheme and authority of an http or https URL: "https://host:8443". False: it is none. */
bool upstream_origin(struct virga_str url, char ret_origin[UPSTREAM_URL_MAX + 1]);
/* Writes what a Location means that came from `url`. Errors: -EINVAL it is no http or https URL, or
 * leads from https to http; -EMSGSIZE. */
int upstream_redirect(const char *url, struct virga_str location, char *buffer, size_t size);

#endif
