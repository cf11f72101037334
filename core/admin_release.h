/* SPDX-License-Identifier: MIT */
/* POST /_floci/plugins/{name}/release: lifts a plugin's quarantine. */
#ifndef CORE_ADMIN_RELEASE_H
#define CORE_ADMIN_RELEASE_H

#include "error.h"

struct router;

int admin_release_add_route(struct router *router, struct error *err);

#endif
