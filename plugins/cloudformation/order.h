/* SPDX-License-Identifier: MIT */
/* Which resources of a template are to be there, and what each has to wait for. */
#ifndef CFN_ORDER_H
#define CFN_ORDER_H

#include "scope.h"

struct order_node {
    const char *logical; /* borrowed from the template */
    struct json_object *resource;
    size_t *waits_for; /* indices of nodes */
    size_t waits_for_count;
};

struct order {
    struct order_node *nodes; /* a node stands behind all that it waits for */
    size_t count;
};

/* Finds the resources whose conditions hold and puts them in order. The template must outlive it.
 * Owns: the caller, until order_finish(). Errors: -EINVAL a circle, or a reference to what is not
 * there; -ENOMEM. */
int order_make(struct scope *scope, struct order *ret_order, struct fault *fault);

/* The index of a resource; the count when it is not there. */
size_t order_find(const struct order *order, const char *logical);

void order_finish(struct order *order);

#endif
