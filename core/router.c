/* SPDX-License-Identifier: MIT */
/* The table: adding routes, refusing two claims on one thing, removing. */
#include "router.h"

#include <errno.h>
#include <stdlib.h>

#include "pattern.h"
#include "pattern_host.h"
#include "router_impl.h"

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
        for (int head = 0; head <= HEADS; head++) {
            chain_free(router->heads[kind][head]);
        }
    }
    chain_free(router->removed);
    free(router);
}

size_t router_hash(const char *text, size_t len) {
    uint32_t value = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < len; i++) {
        value = (value ^ (unsigned char)text[i]) * 16777619u;
    }
    return value % HEADS;
}

struct virga_str router_first_segments(const char *path, size_t len, int count) {
    size_t end = len > 0 && path[0] == '/';
    for (; count > 0 && end < len; count--) {
        const char *slash = memchr(path + end, '/', len - end);
        end = slash != NULL ? (size_t)(slash - path) + (count > 1) : len;
    }
    return (struct virga_str){path, end};
}

static size_t head_of(const struct virga_route *route) {
    size_t len = strlen(route->pattern);
    switch (route->kind) {
    case VIRGA_ROUTE_TARGET:
    case VIRGA_ROUTE_RPC:
        return router_hash(route->pattern, len);
    case VIRGA_ROUTE_REST:
    case VIRGA_ROUTE_ADMIN:
        for (int count = 2; count > 0; count--) {
            struct virga_str first = router_first_segments(route->pattern, len, count);
            if (memchr(first.ptr, '{', first.len) == NULL) {
                return router_hash(first.ptr, first.len);
            }
        }
        return OPEN;
    default:
        return OPEN;
    }
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
    case VIRGA_ROUTE_RPC:
        return strcmp(a->pattern, b->pattern) == 0;
    case VIRGA_ROUTE_HOST:
        return same_or_open(a->method, b->method) &&
               pattern_host_compare(a->pattern, b->pattern) == 0;
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

/* Which of two routes of one chain is to be asked first: negative when `a` is. */
static int compare(const struct virga_route *a, const struct virga_route *b) {
    switch (a->kind) {
    case VIRGA_ROUTE_REST:
    case VIRGA_ROUTE_ADMIN:
        return pattern_compare(a->pattern, b->pattern);
    case VIRGA_ROUTE_HOST:
        return pattern_host_compare(a->pattern, b->pattern);
    default:
        return 0;
    }
}

static int check_route(const struct virga_route *route, struct error *err) {
    if (route->kind < VIRGA_ROUTE_ADMIN || route->kind >= KINDS || route->pattern == NULL) {
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
    if (route->kind == VIRGA_ROUTE_RPC &&
        (route->pattern[0] == '\0' || strchr(route->pattern, '/') != NULL)) {
        return error_set(err, -EINVAL, "its RPC route \"%s\" is not the name of a service",
                         route->pattern);
    }
    if (route->kind == VIRGA_ROUTE_HOST && !pattern_host_valid(route->pattern)) {
        return error_set(err, -EINVAL,
                         "its host route \"%s\" is malformed: labels and \"*\", separated by dots, "
                         "at least one that is not \"*\"",
                         route->pattern);
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
    struct entry **link = &router->heads[route->kind][head_of(route)];
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
    entry->pattern_len = strlen(entry->pattern);
    entry->literal_len = strcspn(entry->pattern, "{");
    entry->service_len = entry->service != NULL ? strlen(entry->service) : 0;
    while (*link != NULL && compare(&(*link)->pub.route, &entry->pub.route) <= 0) {
        link = &(*link)->next;
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

static void remove_from(struct router *router, struct entry **link, const struct plugin *plugin) {
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

void router_remove_plugin(struct router *router, struct plugin *plugin) {
    for (int kind = 0; kind < KINDS; kind++) {
        for (int head = 0; head <= HEADS; head++) {
            remove_from(router, &router->heads[kind][head], plugin);
        }
    }
}
