/* SPDX-License-Identifier: MIT */
/* Matching of requests to routes. */
#include <errno.h>
#include <strings.h>

#include "pattern.h"
#include "pattern_host.h"
#include "request.h"
#include "router.h"
#include "router_impl.h"

static const char admin_prefix[] = "/_floci/";
static const char localstack_prefix[] = "/_localstack/";

static bool same(const char *text, size_t len, struct virga_str other) {
    return len == other.len && memcmp(text, other.ptr, len) == 0;
}

/* The chains in which a path's pattern may be, the most specific ones first. */
struct chains {
    size_t head[3];
    size_t count;
};

static struct chains chains_of(struct virga_str path) {
    struct chains chains = {.count = 0};
    struct virga_str two = router_first_segments(path.ptr, path.len, 2);
    struct virga_str one = router_first_segments(path.ptr, path.len, 1);
    if (two.len > one.len) {
        chains.head[chains.count++] = router_hash(two.ptr, two.len);
    }
    chains.head[chains.count++] = router_hash(one.ptr, one.len);
    chains.head[chains.count++] = OPEN;
    return chains;
}

/* What most entries of a chain fail at is looked at first. */
static bool fits(const struct entry *entry, struct virga_str path,
                 struct virga_str ret_params[PATTERN_PARAMS_MAX], size_t *ret_count) {
    return path.len >= entry->literal_len &&
           memcmp(path.ptr, entry->pattern, entry->literal_len) == 0 &&
           pattern_match(entry->pattern, path, ret_params, ret_count);
}

/* The route of a kind that is found by its whole pattern. */
static const struct entry *find_whole(const struct router *router, enum virga_route_kind kind,
                                      struct virga_str pattern) {
    const struct entry *entry = router->heads[kind][router_hash(pattern.ptr, pattern.len)];
    while (entry != NULL && !same(entry->pattern, entry->pattern_len, pattern)) {
        entry = entry->next;
    }
    return entry;
}

/* X-Amz-Target is "<prefix>.<action>"; the action holds no dot. */
static int match_target(const struct router *router, struct request *req, struct virga_str target,
                        const struct router_entry **ret_entry) {
    const char *dot = target.len > 0 ? memrchr(target.ptr, '.', target.len) : NULL;
    if (dot == NULL) {
        return -ENOENT;
    }
    struct virga_str prefix = {target.ptr, (size_t)(dot - target.ptr)};
    const struct entry *entry = find_whole(router, VIRGA_ROUTE_TARGET, prefix);
    if (entry == NULL) {
        return -ENOENT;
    }
    req->pub.action = (struct virga_str){dot + 1, target.len - prefix.len - 1};
    *ret_entry = &entry->pub;
    return 0;
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
    return route->method == NULL || same(route->method, strlen(route->method), method);
}

static bool starts_with(struct virga_str text, const char *prefix, size_t len) {
    return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

/* What a Query client posts: a form to the path "/". */
static bool is_query_post(const struct request *req) {
    return same("/", 1, req->pub.path) && router_is_form(req);
}

/* Whether the host's name alone is no reason to give the request to the route: it is signed for
 * another service, or unsigned and in a protocol that has a name for the operation, or for the host
 * itself. */
static bool is_anothers(const struct entry *entry, const struct request *req) {
    const struct virga_request *pub = &req->pub;
    if (entry->service == NULL) {
        return false;
    }
    if (pub->service.len > 0) {
        return !same(entry->service, entry->service_len, pub->service);
    }
    return request_http.header(pub, "x-amz-target").ptr != NULL ||
           request_http.header(pub, "smithy-protocol").ptr != NULL || is_query_post(req) ||
           router_is_admin(pub);
}

static int match_host(const struct router *router, struct request *req,
                      const struct router_entry **ret_entry) {
    struct virga_str raw[PATTERN_PARAMS_MAX];
    int result = -ENOENT;
    for (const struct entry *entry = router->heads[VIRGA_ROUTE_HOST][OPEN]; entry != NULL;
         entry = entry->next) {
        size_t count;
        if (!pattern_host_match(entry->pattern, req->pub.host, raw, &count) ||
            is_anothers(entry, req)) {
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

/* The last segment before `end`, which moves to the slash in front of it. ptr NULL: there is none.
 */
static struct virga_str take_last_segment(const char *begin, const char **end) {
    const char *slash = *end > begin ? memrchr(begin, '/', (size_t)(*end - begin)) : NULL;
    if (slash == NULL) {
        return (struct virga_str){NULL, 0};
    }
    struct virga_str segment = {slash + 1, (size_t)(*end - slash - 1)};
    *end = slash;
    return segment;
}

/* Source: Smithy RPC v2 CBOR, "Requests": the header smithy-protocol is always there, and only the
 * last four segments of the path count. Returns 0 when the request is one, with the two names. */
static int split_rpc(const struct virga_request *pub, struct virga_str *ret_service,
                     struct virga_str *ret_operation) {
    static const char protocol[] = "rpc-v2-";
    struct virga_str header = request_http.header(pub, "smithy-protocol");
    const char *end = pub->path.ptr + pub->path.len;
    if (header.ptr == NULL || !starts_with(header, protocol, sizeof protocol - 1)) {
        return -ENOENT;
    }
    *ret_operation = take_last_segment(pub->path.ptr, &end);
    struct virga_str operation_word = take_last_segment(pub->path.ptr, &end);
    *ret_service = take_last_segment(pub->path.ptr, &end);
    struct virga_str service_word = take_last_segment(pub->path.ptr, &end);
    return ret_operation->len > 0 && same("operation", 9, operation_word) &&
                   same("service", 7, service_word)
               ? 0
               : -ENOENT;
}

static int match_rpc(const struct router *router, struct request *req, struct virga_str service,
                     struct virga_str operation, const struct router_entry **ret_entry) {
    const struct entry *entry = find_whole(router, VIRGA_ROUTE_RPC, service);
    if (entry == NULL) {
        return -ENOENT;
    }
    if (!same("POST", 4, req->pub.method)) {
        return -ENOTSUP;
    }
    req->pub.action = operation;
    *ret_entry = &entry->pub;
    return 0;
}

static int match_admin(const struct router *router, struct request *req, size_t prefix_len,
                       bool localstack, const struct router_entry **ret_entry) {
    struct virga_str path = {req->pub.path.ptr + prefix_len, req->pub.path.len - prefix_len};
    struct chains chains = chains_of(path);
    struct virga_str raw[PATTERN_PARAMS_MAX];
    int result = -ENOENT;
    for (size_t i = 0; i < chains.count; i++) {
        for (const struct entry *entry = router->heads[VIRGA_ROUTE_ADMIN][chains.head[i]];
             entry != NULL; entry = entry->next) {
            size_t count;
            if ((localstack && (entry->pub.route.flags & VIRGA_ROUTE_LOCALSTACK) == 0) ||
                !fits(entry, path, raw, &count)) {
                continue;
            }
            if (!method_fits(&entry->pub.route, req->pub.method)) {
                result = -ENOTSUP;
                continue;
            }
            *ret_entry = &entry->pub;
            return fill_params(req, raw, count);
        }
    }
    return result;
}

/* What a walk over REST routes has found so far. */
struct rest_walk {
    const struct entry *best;
    bool settled;      /* nothing better can come */
    bool wrong_method; /* a path fitted */
};

/* The plugin whose service the caller signed for comes first, then routes of no service; an
 * unsigned request takes the first that fits at all. */
static void walk_rest(struct rest_walk *walk, const struct entry *entry,
                      const struct virga_request *pub) {
    struct virga_str raw[PATTERN_PARAMS_MAX];
    for (; entry != NULL && !walk->settled; entry = entry->next) {
        size_t count;
        bool is_signed = pub->service.len > 0;
        bool signed_for = is_signed && entry->service != NULL &&
                          same(entry->service, entry->service_len, pub->service);
        bool open = entry->service == NULL || !is_signed;
        if ((!signed_for && (!open || walk->best != NULL)) ||
            !fits(entry, pub->path, raw, &count)) {
            continue;
        }
        if (!method_fits(&entry->pub.route, pub->method)) {
            walk->wrong_method = true;
            continue;
        }
        walk->best = entry;
        walk->settled = signed_for || !is_signed;
    }
}

static int match_rest(const struct router *router, struct request *req,
                      const struct router_entry **ret_entry) {
    struct entry *const *heads = router->heads[VIRGA_ROUTE_REST];
    struct virga_str path = req->pub.path;
    struct chains chains = chains_of(path);
    struct virga_str raw[PATTERN_PARAMS_MAX];
    struct rest_walk walk = {0};
    size_t count;
    for (size_t i = 0; i < chains.count; i++) {
        walk_rest(&walk, heads[chains.head[i]], &req->pub);
    }
    if (walk.best == NULL) {
        return walk.wrong_method ? -ENOTSUP : -ENOENT;
    }
    (void)pattern_match(walk.best->pattern, path, raw, &count);
    *ret_entry = &walk.best->pub;
    return fill_params(req, raw, count);
}

bool router_is_admin(const struct virga_request *pub) {
    return starts_with(pub->path, admin_prefix, sizeof admin_prefix - 1) ||
           starts_with(pub->path, localstack_prefix, sizeof localstack_prefix - 1) ||
           same(admin_prefix, sizeof admin_prefix - 2, pub->path) ||
           same(localstack_prefix, sizeof localstack_prefix - 2, pub->path);
}

int router_match(const struct router *router, struct request *req,
                 const struct router_entry **ret_entry) {
    const struct virga_request *pub = &req->pub;
    struct virga_str service;
    struct virga_str operation;
    req->pub.action = virga_str_from("");
    if (router->heads[VIRGA_ROUTE_HOST][OPEN] != NULL) {
        int result = match_host(router, req, ret_entry);
        if (result != -ENOENT) {
            return result;
        }
    }
    if (starts_with(pub->path, admin_prefix, sizeof admin_prefix - 1)) {
        return match_admin(router, req, sizeof admin_prefix - 1, false, ret_entry);
    }
    if (starts_with(pub->path, localstack_prefix, sizeof localstack_prefix - 1)) {
        return match_admin(router, req, sizeof localstack_prefix - 1, true, ret_entry);
    }
    if (split_rpc(pub, &service, &operation) == 0) {
        return match_rpc(router, req, service, operation, ret_entry);
    }
    struct virga_str target = request_http.header(pub, "x-amz-target");
    if (target.ptr != NULL) {
        return match_target(router, req, target, ret_entry);
    }
    /* Unsigned: the Action that a service knows says more than a pattern that takes any path. */
    bool is_signed = pub->service.len > 0;
    if (!is_signed && !router_is_form(req) && pub->query.len > 0) {
        int result = router_match_query(router, req, pub->query, ret_entry);
        if (result != -ENOENT) {
            return result;
        }
    }
    int result = match_rest(router, req, ret_entry);
    if (result == -ENOTSUP && !is_signed && is_query_post(req)) {
        return -ENOENT; /* the Action is in the body */
    }
    if (result == -ENOENT && is_signed && !router_is_form(req) && pub->query.len > 0) {
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
    for (const struct entry *entry = router->heads[VIRGA_ROUTE_QUERY][OPEN]; entry != NULL;
         entry = entry->next) {
        bool same_service = service.len == 0 || same(entry->service, entry->service_len, service);
        bool same_version =
            entry->pattern_len == 0 || same(entry->pattern, entry->pattern_len, version);
        /* An unsigned request is told by its Version alone, so a route that takes every Version
         * would get all. */
        if (same_service && same_version && (service.len > 0 || entry->pattern_len > 0)) {
            req->pub.action = arena_copy(&req->arena, action);
            *ret_entry = &entry->pub;
            return req->pub.action.ptr != NULL ? 0 : -ENOMEM;
        }
    }
    return -ENOENT;
}

bool router_may_be_query(const struct router *router, struct virga_str service) {
    const struct entry *entry = router->heads[VIRGA_ROUTE_QUERY][OPEN];
    while (entry != NULL && service.len > 0 && !same(entry->service, entry->service_len, service)) {
        entry = entry->next;
    }
    return entry != NULL;
}

uint64_t router_query_limit(const struct router *router, uint64_t default_bytes) {
    uint64_t limit = default_bytes;
    for (const struct entry *entry = router->heads[VIRGA_ROUTE_QUERY][OPEN]; entry != NULL;
         entry = entry->next) {
        if (entry->pub.route.body_limit_bytes > limit) {
            limit = entry->pub.route.body_limit_bytes;
        }
    }
    return limit;
}
