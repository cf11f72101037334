/* SPDX-License-Identifier: MIT */
/* The routes of the OCI distribution API, told apart from the right: a repository may be called
 * "team/blobs/x". Pure. */
#ifndef ECR_GATEWAY_PATH_H
#define ECR_GATEWAY_PATH_H

#include "ecr.h"

enum gateway_kind {
    GATEWAY_BASE,     /* /v2/ */
    GATEWAY_CATALOG,  /* /v2/_catalog */
    GATEWAY_TAGS,     /* /v2/<name>/tags/list */
    GATEWAY_MANIFEST, /* /v2/<name>/manifests/<reference> */
    GATEWAY_BLOB,     /* /v2/<name>/blobs/<digest> */
    GATEWAY_UPLOADS,  /* /v2/<name>/blobs/uploads/ */
    GATEWAY_UPLOAD,   /* /v2/<name>/blobs/uploads/<session> */
    GATEWAY_REFERRERS /* /v2/<name>/referrers/<digest> */
};

/* The longest reference: a digest of sha512, a tag, an upload session; distribution's are UUIDs. */
#define GATEWAY_SESSION_MAX 160

struct gateway_path {
    enum gateway_kind kind;
    struct virga_str name;      /* the repository, not yet checked; empty for base and catalog */
    struct virga_str reference; /* tag, digest or session, not yet checked; else empty */
};

/* Takes apart what follows "/v2/", decoded. Errors: -ENOENT it is no route of the API. */
int gateway_path_parse(struct virga_str rest, struct gateway_path *ret_path);

#endif
