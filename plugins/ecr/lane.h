/* SPDX-License-Identifier: MIT */
/* One lane per repository: changes of its manifests take turns, so that what the registry has and
 * what the store says come about in the same order. Everything is [loop]. */
#ifndef ECR_LANE_H
#define ECR_LANE_H

#include "ecr.h"

struct lanes;

/* A wish for a turn; embedded by who waits, zeroed before the first use. */
struct lane_ticket {
    struct lane_ticket *next;
    uint64_t key;
    void (*on_turn)(struct lane_ticket *ticket);
    bool taken; /* private */
};

int lanes_create(struct ecr *ecr, struct lanes **ret_lanes);
/* Forgets who waits. NULL is fine. */
void lanes_destroy(struct lanes *lanes);
/* Asks for a turn in the repository's lane. Calls back: on_turn once, never inside this call.
 * Errors: -ENOMEM. */
int lane_enter(struct lanes *lanes, const struct tenant *tenant, struct virga_str name,
               struct lane_ticket *ticket, void (*on_turn)(struct lane_ticket *ticket));
/* Ends the turn, or gives the wish up. */
void lane_leave(struct lanes *lanes, struct lane_ticket *ticket);

#endif
