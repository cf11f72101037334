/* SPDX-License-Identifier: MIT */
/* The table of routes: which plugin gets a request. Owns matching and the refusal of two claims on
 * one thing; leaves identity and the call itself to dispatch. */
#ifndef CORE_ROUTER_H
#define CORE_ROUTER_H

#include "error.h"
#include "plugin.h"

struct router;
struct request;

/* A route in the table. Valid: until the router is destroyed, also after router_remove_plugin(). */
struct router_entry {
    struct virga_route route;            /* first: request->pub.route points here */
    struct plugin *plugin;               /* NULL: the host's own */
    void (*handle)(struct request *req); /* of the host's own */
};

int router_create(struct router **ret_router);
/* NULL is fine. */
void router_destroy(struct router *router);

/* Adds the plugin's routes, all or none. Errors: -EEXIST with both names, -EINVAL a malformed
 * pattern, -ENOMEM. */
int router_add_plugin(struct router *router, struct plugin *plugin, struct error *err);
/* Adds a route of the host itself. */
int router_add_host(struct router *router, const struct virga_route *route,
                    void (*handle)(struct request *req), struct error *err);
/* Takes the plugin's routes out. */
void router_remove_plugin(struct router *router, struct plugin *plugin);

/* Finds who gets a request, from its head and identity, and fills pub.action and pub.params.
 * A request of the Query protocol whose Action stands in its body: router_match_query() once that
 * is there. Errors: -ENOENT nobody, -ENOTSUP somebody but not with this method, -ENOMEM. */
int router_match(const struct router *router, struct request *req,
                 const struct router_entry **ret_entry);

/* Whether the path is below /_floci or /_localstack, which are the host's whatever is there. */
bool router_is_admin(const struct virga_request *pub);

/* Whether the request speaks the Query protocol with its parameters in the body. */
bool router_is_form(const struct request *req);

/* Finds who gets a Query request by service and Version; `parameters` is the form body or the query
 * string. Fills pub.action. Errors: -ENOENT, -ENOMEM. */
int router_match_query(const struct router *router, struct request *req,
                       struct virga_str parameters, const struct router_entry **ret_entry);

/* Whether some Query route takes requests that are signed for `service` (empty: unsigned ones). */
bool router_may_be_query(const struct router *router, struct virga_str service);

/* The largest body that any Query route takes. */
uint64_t router_query_limit(const struct router *router, uint64_t default_bytes);

#endif
