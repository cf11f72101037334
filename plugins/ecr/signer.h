/* SPDX-License-Identifier: MIT */
/* Managed signing: signs images that were pushed, one after another, and pushes the signatures
 * beside them as referrers. What is to be signed outlives a restart. Everything is [loop]. */
#ifndef ECR_SIGNER_H
#define ECR_SIGNER_H

#include "meta.h"

#define SIGNER_QUEUE_MAX 10000 /* signatures that are to be made */

struct signer;

/* Takes up what an earlier run left. Errors: err has words. */
int signer_create(struct ecr *ecr, struct signer **ret_signer, struct virga_error *err);
/* Begins nothing more; on_stopped when what is under way has ended, maybe inside this call. Before
 * backend_stop() and the gate's end. */
void signer_stop(struct signer *signer, void (*on_stopped)(void *arg), void *arg);
/* NULL is fine. */
void signer_destroy(struct signer *signer);
/* Forgets what is to be signed: the store was emptied. */
void signer_reset(struct signer *signer);

/* Signs an image that was pushed with every profile that the registry's rules give for its
 * repository. What refers to another image, as a signature does, is not signed. */
void signer_image_came(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       const struct meta_image *image);

#endif
