/* SPDX-License-Identifier: MIT */
/* The requests that check-plugin sends, made from the plugin's routes. */
#include "check_plugin.h"

#include <errno.h>

/* An action that no service has: every plugin must answer it all the same. */
#define ACTION "VirgaCheckPlugin"
#define TARGET_MAX 512
/* What timers of the plugin may take until a request is answered. */
#define PATIENCE_MS 60000

/* How a request is spoilt. */
enum variant { NOTHING, EMPTY_OBJECT, GARBAGE, NO_ACTION, BROKEN_BODY, VARIANTS };

struct shape {
    const char *method;
    char target[TARGET_MAX];
    char amz_target[TARGET_MAX];
    char form[TARGET_MAX];
    char host[TARGET_MAX];
    const char *type;
    const char *body; /* NULL = none */
    const char *service;
    bool streams;
    bool breaks;
};

/* A path that the pattern takes: "{Name}" becomes "check", "{Key+}" "check/plugin". */
static void fill_path(const char *pattern, const char *before, char to[TARGET_MAX]) {
    size_t used = (size_t)snprintf(to, TARGET_MAX, "%s", before);
    while (*pattern != '\0' && used < TARGET_MAX - 16) {
        size_t len = strcspn(pattern, "}");
        if (*pattern == '{' && pattern[len] == '}') {
            used += (size_t)snprintf(to + used, TARGET_MAX - used, "%s",
                                     pattern[len - 1] == '+' ? "check/plugin" : "check");
            pattern += len + 1;
        } else {
            to[used++] = *pattern++;
            to[used] = '\0';
        }
    }
}

static void fill_host(const char *pattern, char to[TARGET_MAX]) {
    size_t used = 0;
    for (; *pattern != '\0' && used < TARGET_MAX - 8; pattern++) {
        if (*pattern == '*') {
            used += (size_t)snprintf(to + used, TARGET_MAX - used, "check");
        } else {
            to[used++] = *pattern;
            to[used] = '\0';
        }
    }
}

/* Whether the route can be asked in this way. */
static bool shape_of(const struct virga_route *route, enum variant variant, struct shape *shape) {
    static const char *const bodies[VARIANTS] = {NULL, "{}", "{\"a\": [1, \x01", NULL, "{}"};
    const char *action = variant == NO_ACTION ? "" : ACTION;
    bool named = route->kind == VIRGA_ROUTE_TARGET || route->kind == VIRGA_ROUTE_QUERY ||
                 route->kind == VIRGA_ROUTE_RPC;
    *shape = (struct shape){
        .method = route->method != NULL ? route->method : "POST",
        .target = "/",
        .body = bodies[variant],
        .service = route->service,
        .streams = (route->flags & VIRGA_ROUTE_STREAM) != 0,
        .breaks = variant == BROKEN_BODY,
    };
    if ((variant == NO_ACTION && !named) || (variant == BROKEN_BODY && !shape->streams)) {
        return false;
    }
    switch (route->kind) {
    case VIRGA_ROUTE_TARGET:
        (void)snprintf(shape->amz_target, TARGET_MAX, "%s.%s", route->pattern, action);
        shape->type = "application/x-amz-json-1.1";
        return true;
    case VIRGA_ROUTE_RPC:
        (void)snprintf(shape->target, TARGET_MAX, "/service/%s/operation/%s", route->pattern,
                       ACTION);
        shape->type = "application/cbor";
        return variant != NO_ACTION;
    case VIRGA_ROUTE_QUERY:
        /* One without an Action is no route's. */
        if (variant != NOTHING && variant != GARBAGE) {
            return false;
        }
        shape->type = "application/x-www-form-urlencoded";
        (void)snprintf(shape->form, TARGET_MAX, "Action=%s&Version=%s%s", ACTION, route->pattern,
                       variant == GARBAGE ? "&=&%zz&A.member.x=1&B.0&&" : "");
        shape->body = shape->form;
        return true;
    case VIRGA_ROUTE_HOST:
        fill_host(route->pattern, shape->host);
        return true;
    case VIRGA_ROUTE_ADMIN:
        fill_path(route->pattern, "/_floci/", shape->target);
        return true;
    case VIRGA_ROUTE_REST:
        fill_path(route->pattern, "", shape->target);
        return true;
    default:
        return false;
    }
}

static struct testkit_request *create(struct check_subject *subject, struct testkit *kit,
                                      const struct shape *shape) {
    struct testkit_request *req = testkit_request_create(kit, shape->method, shape->target);
    if (shape->type != NULL) {
        testkit_request_header(req, "Content-Type", shape->type);
    }
    if (shape->amz_target[0] != '\0') {
        testkit_request_header(req, "X-Amz-Target", shape->amz_target);
    }
    if (shape->host[0] != '\0') {
        testkit_request_header(req, "Host", shape->host);
    }
    testkit_request_identity(req, NULL, NULL, shape->service);
    if (shape->body != NULL && shape->streams) {
        testkit_request_piece(req, shape->body, 1);
        testkit_request_piece(req, shape->body + 1, strlen(shape->body + 1));
    } else if (shape->body != NULL) {
        testkit_request_body(req, shape->body, strlen(shape->body));
    }
    if (shape->breaks) {
        testkit_request_break_body(req, -ECONNRESET);
    }
    (void)snprintf(subject->report->request, sizeof subject->report->request,
                   "%s %.120s%s%.160s%s%s", shape->method, shape->target,
                   shape->amz_target[0] != '\0' || shape->form[0] != '\0' ? " " : "",
                   shape->form[0] != '\0' ? shape->form : shape->amz_target,
                   shape->body == NULL ? " without a body" : "",
                   shape->breaks ? " whose body breaks off" : "");
    return req;
}

static void send_it(struct check_subject *subject, struct testkit *kit,
                    struct testkit_request *req) {
    (void)testkit_send(req);
    (void)testkit_run(kit);
    if (testkit_status(req) == 0) {
        (void)testkit_advance(kit, PATIENCE_MS);
    }
    subject->report->request[0] = '\0';
}

static size_t walk(struct check_subject *subject, struct testkit *kit, size_t only,
                   void (*each)(void *arg, struct testkit_request *req, bool sent), void *arg,
                   struct testkit_request **ret_req) {
    const struct virga_plugin *plugin = subject->plugin;
    size_t count = 0;
    for (size_t i = 0; i < plugin->routes_count; i++) {
        struct virga_route route = plugin_route(plugin, i);
        for (int variant = 0; variant < VARIANTS; variant++) {
            struct shape shape;
            if (!shape_of(&route, (enum variant)variant, &shape)) {
                continue;
            }
            if (only != SIZE_MAX && count++ != only) {
                continue;
            }
            struct testkit_request *req = create(subject, kit, &shape);
            if (each != NULL) {
                each(arg, req, false);
            }
            send_it(subject, kit, req);
            if (each != NULL) {
                each(arg, req, true);
            }
            if (only != SIZE_MAX) {
                *ret_req = req;
                return 1;
            }
            count++;
        }
    }
    return only == SIZE_MAX ? count : 0;
}

size_t check_requests_send(struct check_subject *subject, struct testkit *kit,
                           void (*each)(void *arg, struct testkit_request *req, bool sent),
                           void *arg) {
    return walk(subject, kit, SIZE_MAX, each, arg, NULL);
}

struct testkit_request *check_requests_send_one(struct check_subject *subject, struct testkit *kit,
                                                size_t n) {
    struct testkit_request *req = NULL;
    (void)walk(subject, kit, n, NULL, NULL, &req);
    return req;
}
