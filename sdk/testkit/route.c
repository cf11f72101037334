/* SPDX-License-Identifier: MIT */
/* Which route of the plugin takes a request, by the rules of virga/plugin.h. */
#include <stdlib.h>
#include <strings.h>

#include "request.h"

#define PARAMS_MAX 8

static const char floci[] = "/_floci/";
static const char localstack[] = "/_localstack/";

/* How well a path fits: the kind of each segment, the literal ones first. */
struct fit {
    struct virga_str params[PARAMS_MAX];
    size_t count;
    char shape[128]; /* 'a' literal, 'b' {name}, 'c' {name+}: a smaller one is more specific */
};

static bool path_fits(const char *pattern, struct virga_str path, struct fit *fit) {
    const char *at = path.ptr;
    const char *end = path.ptr + path.len;
    size_t segments = 0;
    fit->count = 0;
    for (;;) {
        size_t pattern_len = strcspn(pattern, "/");
        bool param = pattern[0] == '{';
        bool rest = param && pattern_len > 2 && pattern[pattern_len - 2] == '+';
        const char *slash = memchr(at, '/', (size_t)(end - at));
        const char *stop = !rest && slash != NULL ? slash : end;
        size_t len = (size_t)(stop - at);
        if (param ? len == 0 || fit->count == PARAMS_MAX
                  : len != pattern_len || memcmp(at, pattern, len) != 0) {
            return false;
        }
        if (param) {
            fit->params[fit->count++] = (struct virga_str){at, len};
        }
        if (segments < sizeof fit->shape - 1) {
            fit->shape[segments++] = rest ? 'c' : param ? 'b' : 'a';
            fit->shape[segments] = '\0';
        }
        pattern += pattern_len;
        if (*pattern == '\0' || stop == end) {
            return *pattern == '\0' && stop == end;
        }
        pattern++;
        at = stop + 1;
    }
}

/* "*" is one label at the left or in the middle, one or more at the end. */
static bool host_fits(const char *pattern, const char *host) {
    for (;;) {
        size_t pattern_len = strcspn(pattern, ".");
        size_t len = strcspn(host, ".");
        bool any = pattern_len == 1 && pattern[0] == '*';
        if (len == 0 || (!any && (len != pattern_len || strncasecmp(pattern, host, len) != 0))) {
            return false;
        }
        pattern += pattern_len;
        host += len;
        if (*pattern == '\0' || *host == '\0') {
            return *pattern == *host || (*pattern == '\0' && any);
        }
        pattern++;
        host++;
    }
}

static bool is_host(const char *pattern, struct virga_str host) {
    char name[256];
    (void)snprintf(name, sizeof name, "%.*s", (int)host.len, host.ptr != NULL ? host.ptr : "");
    char *colon = strrchr(name, ':');
    if (colon != NULL && name[0] != '[') {
        *colon = '\0';
    }
    return host_fits(pattern, name);
}

static bool is(struct virga_str text, const char *word) {
    return virga_str_equal(text, virga_str_from(word));
}

static bool begins(struct virga_str text, const char *prefix) {
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

static struct virga_str skip(struct virga_str text, size_t len) {
    return (struct virga_str){text.ptr + len, text.len - len};
}

static int hex(char c) {
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c | 0x20) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

static struct virga_str decode(struct testkit_request *req, struct virga_str text, bool form) {
    char *to = kit_request_memory(req, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%' && i + 2 < text.len && hex(text.ptr[i + 1]) >= 0 &&
            hex(text.ptr[i + 2]) >= 0) {
            c = (char)(hex(text.ptr[i + 1]) * 16 + hex(text.ptr[i + 2]));
            i += 2;
        } else if (c == '+' && form) {
            c = ' ';
        }
        to[len++] = c;
    }
    return (struct virga_str){to, len};
}

static struct virga_str form_value(struct virga_str form, const char *name) {
    size_t name_len = strlen(name);
    const char *at = form.ptr;
    const char *end = form.ptr + form.len;
    while (at != NULL && at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        if ((size_t)(stop - at) > name_len && at[name_len] == '=' &&
            memcmp(at, name, name_len) == 0) {
            return (struct virga_str){at + name_len + 1, (size_t)(stop - at) - name_len - 1};
        }
        at = stop + 1;
    }
    return (struct virga_str){NULL, 0};
}

/* The parameters of a Query request: a form body, else the query string. */
static struct virga_str query_parameters(const struct virga_request *pub) {
    struct virga_str type = kit_headers_find(pub->headers, pub->headers_count, "content-type");
    return begins(type, "application/x-www-form-urlencoded") ? pub->body : pub->query;
}

static bool query_fits(struct testkit_request *req, const struct virga_route *route) {
    struct virga_request *pub = &req->pub;
    struct virga_str form = query_parameters(pub);
    struct virga_str action = form_value(form, "Action");
    struct virga_str version = form_value(form, "Version");
    if (action.len == 0 || route->service == NULL ||
        (pub->service.len > 0 && !is(pub->service, route->service)) ||
        (route->pattern[0] != '\0' && !is(version, route->pattern)) ||
        (pub->service.len == 0 && route->pattern[0] == '\0')) {
        return false;
    }
    pub->action = decode(req, action, true);
    return true;
}

static bool target_fits(struct virga_request *pub, const struct virga_route *route) {
    struct virga_str target = kit_headers_find(pub->headers, pub->headers_count, "x-amz-target");
    size_t len = strlen(route->pattern);
    if (!begins(target, route->pattern) || target.len <= len || target.ptr[len] != '.' ||
        memchr(target.ptr + len + 1, '.', target.len - len - 1) != NULL) {
        return false;
    }
    pub->action = skip(target, len + 1);
    return true;
}

static bool rpc_fits(struct virga_request *pub, const struct virga_route *route) {
    char prefix[256];
    (void)snprintf(prefix, sizeof prefix, "/service/%s/operation/", route->pattern);
    size_t len = strlen(prefix);
    if (!begins(pub->path, prefix) || pub->path.len == len ||
        memchr(pub->path.ptr + len, '/', pub->path.len - len) != NULL) {
        return false;
    }
    pub->action = skip(pub->path, len);
    return true;
}

static bool rest_fits(const struct virga_request *pub, const struct virga_route *route,
                      struct fit *fit) {
    return (route->service == NULL || pub->service.len == 0 || is(pub->service, route->service)) &&
           path_fits(route->pattern, pub->path, fit);
}

static bool admin_fits(const struct virga_request *pub, const struct virga_route *route,
                       struct fit *fit) {
    bool old = (route->flags & VIRGA_ROUTE_LOCALSTACK) != 0 && begins(pub->path, localstack);
    return (old || begins(pub->path, floci)) &&
           path_fits(route->pattern, skip(pub->path, (old ? sizeof localstack : sizeof floci) - 1),
                     fit);
}

static bool fits(struct testkit_request *req, const struct virga_route *route, struct fit *fit) {
    struct virga_request *pub = &req->pub;
    *fit = (struct fit){.shape = "a"};
    switch (route->kind) {
    case VIRGA_ROUTE_HOST:
        return is_host(route->pattern, pub->host) &&
               (route->service == NULL || pub->service.len == 0 ||
                is(pub->service, route->service));
    case VIRGA_ROUTE_ADMIN:
        return admin_fits(pub, route, fit);
    case VIRGA_ROUTE_TARGET:
        return target_fits(pub, route);
    case VIRGA_ROUTE_RPC:
        return rpc_fits(pub, route);
    case VIRGA_ROUTE_REST:
        return rest_fits(pub, route, fit);
    case VIRGA_ROUTE_QUERY:
        return query_fits(req, route);
    default:
        return false;
    }
}

static bool method_fits(const struct virga_route *route, struct virga_str method) {
    return route->kind == VIRGA_ROUTE_RPC ? is(method, "POST")
                                          : route->method == NULL || is(method, route->method);
}

static void take(struct testkit_request *req, const struct virga_route *route,
                 const struct fit *fit) {
    struct virga_str *params = kit_request_memory(req, (fit->count + 1) * sizeof *params);
    for (size_t i = 0; i < fit->count; i++) {
        params[i] = decode(req, fit->params[i], false);
    }
    req->route = *route;
    req->pub.route = &req->route;
    req->pub.params = params;
    req->pub.params_count = fit->count;
}

int kit_route_match(struct testkit_request *req) {
    /* In this order the host asks; kinds not listed do not exist. */
    static const uint32_t order[] = {VIRGA_ROUTE_HOST, VIRGA_ROUTE_ADMIN, VIRGA_ROUTE_TARGET,
                                     VIRGA_ROUTE_RPC,  VIRGA_ROUTE_REST,  VIRGA_ROUTE_QUERY};
    const struct virga_plugin *plugin = &req->kit->plugin;
    int result = -ENOENT;
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++) {
        struct fit best = {.shape = ""};
        struct virga_route found = {0};
        for (size_t i = 0; i < plugin->routes_count; i++) {
            struct virga_route route = {0};
            struct fit fit;
            size_t size = plugin->route_size;
            memcpy(&route, (const char *)plugin->routes + i * size,
                   size < sizeof route ? size : sizeof route);
            if (route.kind != order[k] || route.pattern == NULL || !fits(req, &route, &fit)) {
                continue;
            }
            if (!method_fits(&route, req->pub.method)) {
                result = -ENOTSUP;
                continue;
            }
            if (found.kind == 0 || strcmp(fit.shape, best.shape) < 0) {
                best = fit;
                found = route;
            }
        }
        if (found.kind != 0) {
            take(req, &found, &best);
            return 0;
        }
    }
    return result;
}
