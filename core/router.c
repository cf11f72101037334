/* SPDX-License-Identifier: MIT */
/* Matching of requests to routes. */
#include "router.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "pattern.h"
#include "request.h"

/* Kept apart by kind; within a kind the most specific pattern stands first. */
enum { KINDS = VIRGA_ROUTE_QUERY + 1 };

struct entry {
    struct router_entry pub; /* first */
    char *pattern;
    char *method;
    char *service;
    struct entry *next;
};

struct router {
    struct entry *first[KINDS];
    struct entry *removed; /* kept: a request under way may still point at its route */
};

static const char admin_prefix[] = "/_floci/";
static const char localstack_prefix[] = "/_localstack/";

int router_create(struct router **ret_router) {
    struct router *router = calloc(1, sizeof *router);
    if (router == NULL) {
        return -ENOMEM;
    }
    *ret_router = router;
    return 0;
}

static void entry_free(struct entry *entry) {
    if (entry != NULL) {
        free(entry->pattern);
        free(entry->method);
        free(entry->service);
        free(entry);
    }
}

static void chain_free(struct entry *entry) {
    while (entry != NULL) {
        struct entry *next = entry->next;
        entry_free(entry);
        entry = next;
    }
}

void router_destroy(struct router *router) {
    if (router == NULL) {
        return;
    }
    for (int kind = 0; kind < KINDS; kind++) {
        chain_free(router->first[kind]);
    }
    chain_free(router->removed);
    free(router);
}

static bool same_or_open(const char *a, const char *b) {
    return a == NULL || b == NULL || strcmp(a, b) == 0;
}

static const char *owner(const struct plugin *plugin) {
    return plugin != NULL ? plugin->desc->name : "the host itself";
}

/* Two routes clash when some request would match both and nothing settles which gets it. */
static bool clashes(const struct virga_route *a, const struct virga_route *b) {
    switch (a->kind) {
    case VIRGA_ROUTE_TARGET:
        return strcmp(a->pattern, b->pattern) == 0;
    case VIRGA_ROUTE_QUERY:
        return strcmp(a->service, b->service) == 0 && strcmp(a->pattern, b->pattern) == 0;
    case VIRGA_ROUTE_ADMIN:
        return same_or_open(a->method, b->method) && pattern_same_shape(a->pattern, b->pattern);
    default:
        /* One with a service and one without are told apart: the one with it is asked first. */
        return same_or_open(a->method, b->method) && pattern_same_shape(a->pattern, b->pattern) &&
               (a->service == NULL) == (b->service == NULL) && same_or_open(a->service, b->service);
    }
}

static int check_route(const struct virga_route *route, struct error *err) {
    if (route->kind < VIRGA_ROUTE_ADMIN || route->kind > VIRGA_ROUTE_QUERY ||
        route->pattern == NULL) {
        return error_set(err, -EINVAL, "a route has kind %u%s", route->kind,
                         route->pattern == NULL ? " and no pattern"
                                                : ", which this host does not know");
    }
    if (route->kind == VIRGA_ROUTE_QUERY && route->service == NULL) {
        return error_set(err, -EINVAL, "its Query route \"%s\" has no service", route->pattern);
    }
    if (route->kind == VIRGA_ROUTE_TARGET && route->pattern[0] == '\0') {
        return error_set(err, -EINVAL, "its target route has an empty prefix");
    }
    if ((route->kind == VIRGA_ROUTE_REST && route->pattern[0] != '/') ||
        (route->kind == VIRGA_ROUTE_ADMIN && route->pattern[0] == '/')) {
        return error_set(err, -EINVAL, "its route \"%s\" must%s begin with a slash", route->pattern,
                         route->kind == VIRGA_ROUTE_ADMIN ? " not" : "");
    }
    if ((route->kind == VIRGA_ROUTE_REST || route->kind == VIRGA_ROUTE_ADMIN) &&
        !pattern_valid(route->pattern)) {
        return error_set(
            err, -EINVAL,
            "its route \"%s\" is malformed: {name} stands for a whole segment, {name+} for "
            "the rest and comes last, at most %d of them",
            route->pattern, PATTERN_PARAMS_MAX);
    }
    return 0;
}

static int add(struct router *router, const struct virga_route *route, struct plugin *plugin,
               void (*handle)(struct request *req), struct error *err) {
    int result = check_route(route, err);
    if (result != 0) {
        return result;
    }
    struct entry **link = &router->first[route->kind];
    for (struct entry *other = *link; other != NULL; other = other->next) {
        if (clashes(&other->pub.route, route)) {
            return error_set(err, -EEXIST, "its route \"%s%s%s\" is claimed by %s already",
                             route->method != NULL ? route->method : "",
                             route->method != NULL ? " " : "", route->pattern,
                             other->pub.plugin == plugin ? "itself" : owner(other->pub.plugin));
        }
    }
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return error_set(err, -ENOMEM, "out of memory");
    }
    entry->pattern = strdup(route->pattern);
    entry->method = route->method != NULL ? strdup(route->method) : NULL;
    entry->service = route->service != NULL ? strdup(route->service) : NULL;
    if (entry->pattern == NULL || (route->method != NULL && entry->method == NULL) ||
        (route->service != NULL && entry->service == NULL)) {
        entry_free(entry);
        return error_set(err, -ENOMEM, "out of memory");
    }
    entry->pub = (struct router_entry){.route = *route, .plugin = plugin, .handle = handle};
    entry->pub.route.pattern = entry->pattern;
    entry->pub.route.method = entry->method;
    entry->pub.route.service = entry->service;
    if (route->kind == VIRGA_ROUTE_REST || route->kind == VIRGA_ROUTE_ADMIN) {
        while (*link != NULL && pattern_compare((*link)->pub.route.pattern, entry->pattern) <= 0) {
            link = &(*link)->next;
        }
    }
    entry->next = *link;
    *link = entry;
    return 0;
}

int router_add_plugin(struct router *router, struct plugin *plugin, struct error *err) {
    for (size_t i = 0; i < plugin->desc->routes_count; i++) {
        struct virga_route route = plugin_route(plugin->desc, i);
        int result = add(router, &route, plugin, NULL, err);
        if (result != 0) {
            router_remove_plugin(router, plugin);
            return result;
        }
    }
    return 0;
}

int router_add_host(struct router *router, const struct virga_route *route,
                    void (*handle)(struct request *req), struct error *err) {
    return add(router, route, NULL, handle, err);
}

void router_remove_plugin(struct router *router, struct plugin *plugin) {
    for (int kind = 0; kind < KINDS; kind++) {
        struct entry **link = &router->first[kind];
        while (*link != NULL) {
            struct entry *entry = *link;
            if (entry->pub.plugin == plugin) {
                *link = entry->next;
                entry->next = router->removed;
                router->removed = entry;
            } else {
                link = &entry->next;
            }
        }
    }
}

/* X-Amz-Target is "<prefix>.<action>"; the action holds no dot. */
static int match_target(const struct router *router, struct request *req, struct virga_str target,
                        const struct router_entry **ret_entry) {
    const char *dot = target.len > 0 ? memrchr(target.ptr, '.', target.len) : NULL;
    if (dot == NULL) {
        return -ENOENT;
    }
    size_t prefix_len = (size_t)(dot - target.ptr);
    for (const struct entry *entry = router->first[VIRGA_ROUTE_TARGET]; entry != NULL;
         entry = entry->next) {
        if (strlen(entry->pattern) == prefix_len &&
            memcmp(entry->pattern, target.ptr, prefix_len) == 0) {
            req->pub.action = (struct virga_str){dot + 1, target.len - prefix_len - 1};
            *ret_entry = &entry->pub;
            return 0;
        }
    }
    return -ENOENT;
}

static int fill_params(struct request *req, const struct virga_str *raw, size_t count) {
    if (count == 0) {
        return 0;
    }
    struct virga_str *params = arena_alloc(&req->arena, count * sizeof *params);
    if (params == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        char *text = arena_alloc(&req->arena, raw[i].len + 1);
        if (text == NULL) {
            return -ENOMEM;
        }
        params[i] = (struct virga_str){text, pattern_decode(raw[i], text)};
    }
    req->pub.params = params;
    req->pub.params_count = count;
    return 0;
}

static bool method_fits(const struct virga_route *route, struct virga_str method) {
    return route->method == NULL || (strlen(route->method) == method.len &&
                                     memcmp(route->method, method.ptr, method.len) == 0);
}

static bool starts_with(struct virga_str text, const char *prefix, size_t len) {
    return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

static int match_admin(const struct router *router, struct request *req, size_t prefix_len,
                       bool localstack, const struct router_entry **ret_entry) {
    struct virga_str path = {req->pub.path.ptr + prefix_len, req->pub.path.len - prefix_len};
    struct virga_str raw[PATTERN_PARAMS_MAX];
    int result = -ENOENT;
    for (const struct entry *entry = router->first[VIRGA_ROUTE_ADMIN]; entry != NULL;
         entry = entry->next) {
        size_t count;
        if ((localstack && (entry->pub.route.flags & VIRGA_ROUTE_LOCALSTACK) == 0) ||
            !pattern_match(entry->pattern, path, raw, &count)) {
            continue;
        }
        if (!method_fits(&entry->pub.route, req->pub.method)) {
            result = -ENOTSUP;
            continue;
        }
        *ret_entry = &entry->pub;
        return fill_params(req, raw, count);
    }
    return result;
}

/* The plugin whose service the caller signed for comes first, then routes of no service; an
 * unsigned request takes the first that fits at all. */
static int match_rest(const struct router *router, struct request *req,
                      const struct router_entry **ret_entry) {
    const struct virga_request *pub = &req->pub;
    struct virga_str raw[PATTERN_PARAMS_MAX];
    const struct entry *best = NULL;
    int result = -ENOENT;
    for (const struct entry *entry = router->first[VIRGA_ROUTE_REST]; entry != NULL;
         entry = entry->next) {
        size_t count;
        const char *service = entry->pub.route.service;
        bool signed_for = service != NULL && strlen(service) == pub->service.len &&
                          memcmp(service, pub->service.ptr, pub->service.len) == 0;
        bool open = service == NULL || pub->service.len == 0;
        if ((!signed_for && (!open || best != NULL)) ||
            !pattern_match(entry->pattern, pub->path, raw, &count)) {
            continue;
        }
        if (!method_fits(&entry->pub.route, pub->method)) {
            result = -ENOTSUP;
            continue;
        }
        best = entry;
        if (signed_for) {
            break;
        }
    }
    if (best == NULL) {
        return result;
    }
    size_t count;
    pattern_match(best->pattern, pub->path, raw, &count);
    *ret_entry = &best->pub;
    return fill_params(req, raw, count);
}

int router_match(const struct router *router, struct request *req,
                 const struct router_entry **ret_entry) {
    const struct virga_request *pub = &req->pub;
    req->pub.action = virga_str_from("");
    if (starts_with(pub->path, admin_prefix, sizeof admin_prefix - 1)) {
        return match_admin(router, req, sizeof admin_prefix - 1, false, ret_entry);
    }
    if (starts_with(pub->path, localstack_prefix, sizeof localstack_prefix - 1)) {
        return match_admin(router, req, sizeof localstack_prefix - 1, true, ret_entry);
    }
    struct virga_str target = request_http.header(pub, "x-amz-target");
    if (target.ptr != NULL) {
        return match_target(router, req, target, ret_entry);
    }
    int result = match_rest(router, req, ret_entry);
    if (result == -ENOENT && !router_is_form(req) && pub->query.len > 0) {
        return router_match_query(router, req, pub->query, ret_entry);
    }
    return result;
}

bool router_is_form(const struct request *req) {
    static const char form[] = "application/x-www-form-urlencoded";
    struct virga_str type = request_http.header(&req->pub, "content-type");
    return type.len >= sizeof form - 1 && strncasecmp(type.ptr, form, sizeof form - 1) == 0 &&
           (type.len == sizeof form - 1 || type.ptr[sizeof form - 1] == ';' ||
            type.ptr[sizeof form - 1] == ' ');
}

int router_match_query(const struct router *router, struct request *req,
                       struct virga_str parameters, const struct router_entry **ret_entry) {
    struct virga_str action = pattern_form_value(parameters, "Action");
    struct virga_str version = pattern_form_value(parameters, "Version");
    if (action.ptr == NULL || action.len == 0) {
        return -ENOENT;
    }
    struct virga_str service = req->pub.service;
    for (const struct entry *entry = router->first[VIRGA_ROUTE_QUERY]; entry != NULL;
         entry = entry->next) {
        bool same_service =
            service.len == 0 || (strlen(entry->service) == service.len &&
                                 memcmp(entry->service, service.ptr, service.len) == 0);
        bool same_version =
            entry->pattern[0] == '\0' || (strlen(entry->pattern) == version.len &&
                                          memcmp(entry->pattern, version.ptr, version.len) == 0);
        /* An unsigned request is told by its Version alone, so a route that takes every Version
         * would get all. */
        if (same_service && same_version && (service.len > 0 || entry->pattern[0] != '\0')) {
            req->pub.action = arena_copy(&req->arena, action);
            *ret_entry = &entry->pub;
            return req->pub.action.ptr != NULL ? 0 : -ENOMEM;
        }
    }
    return -ENOENT;
}

uint64_t router_query_limit(const struct router *router, uint64_t default_bytes) {
    uint64_t limit = default_bytes;
    for (const struct entry *entry = router->first[VIRGA_ROUTE_QUERY]; entry != NULL;
         entry = entry->next) {
        if (entry->pub.route.body_limit_bytes > limit) {
            limit = entry->pub.route.body_limit_bytes;
        }
    }
    return limit;
}
