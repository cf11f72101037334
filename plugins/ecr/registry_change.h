/* SPDX-License-Identifier: MIT */
/* The two changes that virga makes at the registry besides pushes: an image deleted, a tag taken
 * off. */
#ifndef ECR_REGISTRY_CHANGE_H
#define ECR_REGISTRY_CHANGE_H

#include "backend.h"

/* Accept for every kind of manifest that is kept. */
#define REGISTRY_ACCEPT_ALL                                                                        \
    "application/vnd.oci.image.index.v1+json,"                                                     \
    "application/vnd.oci.image.manifest.v1+json,"                                                  \
    "application/vnd.docker.distribution.manifest.list.v2+json,"                                   \
    "application/vnd.docker.distribution.manifest.v2+json"

/* How: waiting for readiness and trying again, or, inside recovery, at once. */
enum registry_change_mode { REGISTRY_CHANGE_WAIT, REGISTRY_CHANGE_NOW };

/* Both call back once, never inside the call: status 0 (also when it was not there), -EAGAIN no
 * answer: the outcome is unknown, -EIO refused, -ENOMEM; with the reason. */

/* Deletes a manifest with all of its tags. */
void registry_delete(struct backend *backend, enum registry_change_mode mode,
                     const struct tenant *tenant, struct virga_str name, const char *digest,
                     backend_on_done on_done, void *arg);
/* Takes a tag off the image `digest`, which stays. The registry's API deletes images only, so the
 * tag is first moved to an empty index, which is then deleted. The same tag and digest make the
 * same index: doing it twice leaves nothing. */
void registry_untag(struct backend *backend, enum registry_change_mode mode,
                    const struct tenant *tenant, struct virga_str name, const char *tag,
                    const char *digest, backend_on_done on_done, void *arg);

#endif
