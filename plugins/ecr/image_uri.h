/* SPDX-License-Identifier: MIT */
/* What somebody means who names an image for AWS to run: "<registry>/<repository>:<tag>" or
 * "...@<digest>". Pure functions. */
#ifndef ECR_IMAGE_URI_H
#define ECR_IMAGE_URI_H

#include "ecr.h"

/* The longest URI: a host with its port, account, region and name, tag and digest. */
#define IMAGE_URI_MAX 1024

/* An image as a URI names it. Valid: the strings as long as the URI that was read. */
struct image_uri {
    struct tenant tenant;
    struct virga_str name;      /* of the repository */
    struct virga_str reference; /* the digest where there is one, else the tag */
    struct virga_str place;     /* all of the URI in front of ":<tag>" and "@<digest>" */
    bool by_digest;
};

/* Reads a URI. The registry is "<account>.dkr.ecr.<region>.<any domain>[:port]" (and the other
 * forms of tenant_from_host()), or this host under a local name, where "<account>/<region>/" stands
 * in front of the repository or the registry is that of `defaults`. Errors: -EINVAL it is none of
 * these, has neither tag nor digest, or one that is malformed. */
int image_uri_parse(struct virga_str uri, const struct tenant *defaults,
                    struct image_uri *ret_image);

#endif
