/* SPDX-License-Identifier: MIT */
/* The one way in for manifests: checks, the registry, then the record. */
#ifndef ECR_PUSH_H
#define ECR_PUSH_H

#include "image_events.h"
#include "manifest.h"

struct push_request {
    struct tenant tenant;
    struct virga_str name;
    struct virga_str tag;    /* may be empty */
    struct virga_str digest; /* what the bytes must have; may be empty */
    struct virga_str media_type;
    struct virga_str bytes;
    enum image_origin origin;
    bool strict; /* as PutImage is: what is there already is refused */
};

/* How it ended. Valid: for the call. */
struct push_result {
    int status; /* 0; -ENOENT no such repository, -EEXIST the tag is immutable or (strict) the image
                   is there, -EINVAL refused, -ECHILD blobs or images that it names are missing,
                   -EAGAIN no registry, -EIO, -ENOMEM */
    const char *code;      /* the OCI error code, when status is not 0 */
    const char *exception; /* the API's, when status is not 0; NULL: ServerException */
    const char *message;
    const char *digest;     /* of the manifest, when status is 0 */
    const char *media_type; /* the same */
    const char *subject;    /* what it refers to, or NULL */
};

/* Pushes a manifest. The caller holds a pass of the gate. Everything is copied. Calls back: once,
 * never inside this call. Errors: -ENOMEM (no call). Thread: [loop]. */
int push_manifest(struct ecr *ecr, const struct push_request *request,
                  void (*on_done)(void *arg, const struct push_result *result), void *arg);

/* Whether the repository's rules forbid that the tag moves to another image. */
bool push_tag_is_immutable(const struct meta_repository *repository, const char *tag);

#endif
