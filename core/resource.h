/* SPDX-License-Identifier: MIT */
/* What a plugin holds of the host (a timer, a fetch, a listener): linked to its plugin, so that
 * what is left at stop can be named and cancelled. Embedded in the struct of each handle. */
#ifndef CORE_RESOURCE_H
#define CORE_RESOURCE_H

#include "list.h"

struct plugin;

struct resource {
    struct list node;
    struct plugin *owner;
    const char *kind; /* "timer" */
    /* Takes the resource away from its plugin: no callback into the plugin comes afterwards, and
     * the resource removes itself from the list inside this call. */
    void (*reclaim)(struct resource *resource);
};

/* Links the resource to its plugin. Thread: [loop]. */
void resource_add(struct resource *resource, struct plugin *owner, const char *kind,
                  void (*reclaim)(struct resource *resource));
/* Unlinks it; a second time does nothing. */
void resource_remove(struct resource *resource);

#endif
