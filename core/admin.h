/* SPDX-License-Identifier: MIT */
/* The host's own admin endpoints: /_floci/health, /_localstack/health, /_floci/plugins. */
#ifndef CORE_ADMIN_H
#define CORE_ADMIN_H

#include "error.h"

struct router;

int admin_add_routes(struct router *router, struct error *err);

#endif
