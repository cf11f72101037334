/* SPDX-License-Identifier: MIT */
/* Notes the referrers in a store from before they were noted: once, in the background, a few images
 * at a time. Everything is [loop]. */
#ifndef ECR_REFERRER_INDEX_H
#define ECR_REFERRER_INDEX_H

#include "ecr.h"

struct referrer_index;

/* A wish to know all referrers; embedded by who waits. */
struct referrer_wait {
    struct referrer_wait *next;
    void (*on_ready)(struct referrer_wait *wait, int status);
};

/* Begins, and ends at once where there is little to look at. Errors: of the store. */
int referrer_index_create(struct ecr *ecr, struct referrer_index **ret_index);
/* Ends what waits with -ECANCELED; what is left is done at the next start. NULL is fine. */
void referrer_index_stop(struct referrer_index *index);
void referrer_index_destroy(struct referrer_index *index);

/* Whether every referrer is known. NULL: yes. */
bool referrer_index_is_done(const struct referrer_index *index);
/* Waits until it is. Calls back: once, never inside the call; status 0, or a negative errno of the
 * store, or -ECANCELED. Errors (no call): -ECANCELED it was stopped. */
int referrer_index_wait(struct referrer_index *index, struct referrer_wait *wait,
                        void (*on_ready)(struct referrer_wait *wait, int status));

#endif
