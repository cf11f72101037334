/* SPDX-License-Identifier: MIT */
/* The first start on a data path: the store learns which repositories and images the registry has.
 */
#ifndef ECR_RECONCILE_H
#define ECR_RECONCILE_H

#include "backend.h"

#define RECONCILE_PARALLEL 8 /* requests at once */
#define RECONCILE_PAGE 100   /* repositories of one catalog page */

struct reconcile;

/* Whether it was done before for this data path. */
bool reconcile_is_done(struct ecr *ecr);
/* Runs. Calls back: once, never inside this call. Errors: -ENOMEM (no call). */
int reconcile_start(struct backend *backend,
                    void (*on_done)(void *arg, int status, const char *reason), void *arg,
                    struct reconcile **ret_reconcile);
/* Frees it; to be called in or after on_done, or when nothing calls back any more. NULL is fine. */
void reconcile_destroy(struct reconcile *reconcile);

#endif
