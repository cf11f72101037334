/* SPDX-License-Identifier: MIT */
/* What a pushed manifest says: kind, sizes, what it refers to. Owns parsing and its caps; pure. */
#ifndef ECR_MANIFEST_H
#define ECR_MANIFEST_H

#include "ecr.h"
#include "meta.h"

#define MANIFEST_MAX_BYTES (4u << 20) /* the registry's own limit */
#define MANIFEST_MAX_DEPTH 32
#define MANIFEST_MAX_LAYERS 4200 /* ECR's quota of layers of one image */
#define MANIFEST_MAX_CHILDREN 4200
/* Of a manifest with a subject, kept for its referrers list; further ones are left out there. */
#define MANIFEST_ANNOTATIONS_BYTES (16u << 10)

#define MANIFEST_OCI_IMAGE "application/vnd.oci.image.manifest.v1+json"
#define MANIFEST_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MANIFEST_DOCKER_IMAGE "application/vnd.docker.distribution.manifest.v2+json"
#define MANIFEST_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"

/* The error of a manifest without media type. */
#define MANIFEST_NO_TYPE "image manifest mediatype not provided in manifest or parameter"

/* Annotations of manifests that virga itself makes at the registry and deletes again; never
 * recorded. */
#define MANIFEST_UNTAG_ANNOTATION "io.virga.untag"
#define MANIFEST_PIN_ANNOTATION "io.virga.pin"

/* Owns: its members; free with manifest_finish(). */
struct manifest {
    struct meta_image image; /* as meta_image_put() wants it */
    bool index;
    bool own;     /* has one of virga's own annotations */
    char **blobs; /* digests of config and layers */
    size_t blobs_count;
};

/* Parses the bytes. `media_type` is what the client said (Content-Type or imageManifestMediaType;
 * may be empty: the document's own is taken). On failure err says why in words for the client.
 * Errors: -EINVAL, -ENOMEM, -EIO. */
int manifest_parse(struct virga_str bytes, struct virga_str media_type,
                   struct manifest *ret_manifest, struct virga_error *err);
void manifest_finish(struct manifest *manifest);

#endif
