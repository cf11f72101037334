/* SPDX-License-Identifier: MIT */
/* The host's own admin endpoints below /_floci: health, plugins, config, state/reset, init. */
#ifndef CORE_ADMIN_H
#define CORE_ADMIN_H

#include "error.h"

struct json_object;
struct request;
struct router;

int admin_add_routes(struct router *router, struct error *err);

/* Answers with a JSON document. Owns: `root` (NULL: out of memory). */
void admin_answer(struct request *req, int status, struct json_object *root);

#endif
