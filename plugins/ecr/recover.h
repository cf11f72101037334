/* SPDX-License-Identifier: MIT */
/* What is done between "the registry answers" and "ready": changes that a crash cut in two are
 * finished (intents), and on the first start on a data path the store learns what the registry has
 * (reconcile). */
#ifndef ECR_RECOVER_H
#define ECR_RECOVER_H

#include "meta.h"

struct backend;
struct recover;

/* Reads the intents that an earlier run left. Errors: -ENOMEM, -EIO. */
int recover_create(struct backend *backend, struct recover **ret_recover);
void recover_destroy(struct recover *recover);
/* Adds an intent of this run whose outcome is unknown; the next recovery finishes it. Errors:
 * -ENOMEM. */
int recover_add(struct recover *recover, const struct meta_intent *intent);
/* Runs. Calls back: once, never inside this call; status 0 or a negative errno with the reason. */
void recover_run(struct recover *recover,
                 void (*on_done)(void *arg, int status, const char *reason), void *arg);
/* Whether reconcile was done, or has nothing to learn. */
bool recover_is_reconciled(const struct recover *recover);
/* Whether nothing is to be finished besides. */
bool recover_is_settled(const struct recover *recover);

#endif
