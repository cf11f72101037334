/* SPDX-License-Identifier: MIT */
/* The links between a plugin and what it holds of the host. */
#include "resource.h"

#include "plugin.h"

void resource_add(struct resource *resource, struct plugin *owner, const char *kind,
                  void (*reclaim)(struct resource *resource)) {
    resource->owner = owner;
    resource->kind = kind;
    resource->reclaim = reclaim;
    /* Core's own use of an interface has no plugin to be linked to. */
    if (owner != NULL) {
        list_append(&owner->resources, &resource->node);
    } else {
        list_init(&resource->node);
    }
}

void resource_remove(struct resource *resource) {
    list_remove(&resource->node);
}
