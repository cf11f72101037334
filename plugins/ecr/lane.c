/* SPDX-License-Identifier: MIT */
/* Turns in repositories. Two names with the same hash share a lane, which costs time and nothing
 * else. */
#include "lane.h"

#include <errno.h>
#include <stdlib.h>

struct lanes {
    struct ecr *ecr;
    struct lane_ticket *first; /* in the order of asking; of each key the first one has the turn */
    struct lane_ticket *last;
    struct virga_timer_handle *timer; /* turns are given from the loop */
};

/* FNV-1a. */
static uint64_t hash(uint64_t value, const char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        value = (value ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    }
    return value;
}

int lanes_create(struct ecr *ecr, struct lanes **ret_lanes) {
    struct lanes *lanes = calloc(1, sizeof *lanes);
    if (lanes == NULL) {
        return -ENOMEM;
    }
    lanes->ecr = ecr;
    *ret_lanes = lanes;
    return 0;
}

void lanes_destroy(struct lanes *lanes) {
    if (lanes != NULL) {
        lanes->ecr->timer->stop(lanes->timer);
        free(lanes);
    }
}

/* The first ticket that has not got its turn although it is the first of its key. */
static struct lane_ticket *next_turn(struct lanes *lanes) {
    for (struct lane_ticket *at = lanes->first; at != NULL; at = at->next) {
        if (at->taken) {
            continue;
        }
        struct lane_ticket *before = lanes->first;
        while (before != at && before->key != at->key) {
            before = before->next;
        }
        if (before == at) {
            return at;
        }
    }
    return NULL;
}

static void on_timer(void *arg) {
    struct lanes *lanes = arg;
    lanes->ecr->timer->stop(lanes->timer);
    lanes->timer = NULL;
    struct lane_ticket *ticket;
    while ((ticket = next_turn(lanes)) != NULL) {
        ticket->taken = true;
        ticket->on_turn(ticket);
    }
}

static int wake(struct lanes *lanes) {
    return lanes->timer != NULL
               ? 0
               : lanes->ecr->timer->start(lanes->ecr->host, 0, 0, on_timer, lanes, &lanes->timer);
}

int lane_enter(struct lanes *lanes, const struct tenant *tenant, struct virga_str name,
               struct lane_ticket *ticket, void (*on_turn)(struct lane_ticket *ticket)) {
    uint64_t key = hash(0xcbf29ce484222325u, tenant->account, strlen(tenant->account) + 1);
    key = hash(key, tenant->region, strlen(tenant->region) + 1);
    *ticket = (struct lane_ticket){.key = hash(key, name.ptr, name.len), .on_turn = on_turn};
    int result = wake(lanes);
    if (result != 0) {
        return result;
    }
    if (lanes->last != NULL) {
        lanes->last->next = ticket;
    } else {
        lanes->first = ticket;
    }
    lanes->last = ticket;
    return 0;
}

void lane_leave(struct lanes *lanes, struct lane_ticket *ticket) {
    struct lane_ticket *before = NULL;
    for (struct lane_ticket *at = lanes->first; at != NULL; before = at, at = at->next) {
        if (at != ticket) {
            continue;
        }
        if (before != NULL) {
            before->next = at->next;
        } else {
            lanes->first = at->next;
        }
        if (lanes->last == at) {
            lanes->last = before;
        }
        break;
    }
    if (next_turn(lanes) != NULL) {
        (void)wake(lanes);
    }
}
