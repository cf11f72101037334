/* SPDX-License-Identifier: MIT */
/* A plugin whose handler is whatever a test says, in a kit. */
#ifndef TESTS_TESTKIT_FIXTURE_H
#define TESTS_TESTKIT_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <virga/testkit.h>

#define STR(text) virga_str_from(text)

struct probe {
    const struct virga_host *host;
    void (*handle)(struct virga_request *req);
    int start_result;
    int stop_result;
    int stops;
    int calls; /* of whatever the test counts */
    int status;
    char text[256];
    struct virga_request *kept;
};

static struct probe probe;

static int probe_start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    probe.host = host;
    if (probe.start_result != 0) {
        virga_error_set(err, "no luck today");
        return probe.start_result;
    }
    *ret_self = &probe;
    return 0;
}

static void probe_answer(struct virga_request *req, int status, const char *body) {
    const struct virga_header type = {STR("Content-Type"), STR("text/plain")};
    const struct virga_response res = {.struct_size = sizeof res,
                                       .status = status,
                                       .headers = &type,
                                       .headers_count = 1,
                                       .body = STR(body)};
    probe.status = req->http->respond(req, &res);
}

static void probe_handle(void *self, struct virga_request *req) {
    (void)self;
    probe.calls++;
    if (probe.handle != NULL) {
        probe.handle(req);
    } else {
        probe_answer(req, 200, "fine");
    }
}

static int probe_stop(void *self) {
    (void)self;
    probe.stops++;
    return probe.stop_result;
}

enum {
    ROUTE_TARGET = 1,
    ROUTE_ONE,
    ROUTE_LITERAL,
    ROUTE_REST,
    ROUTE_STREAM,
    ROUTE_QUERY,
    ROUTE_HOST,
    ROUTE_RPC,
    ROUTE_ADMIN
};

static const struct virga_route probe_routes[] = {
    {.kind = VIRGA_ROUTE_TARGET, .pattern = "Probe_1", .tag = ROUTE_TARGET},
    {.kind = VIRGA_ROUTE_REST, .method = "GET", .pattern = "/things/{name}", .tag = ROUTE_ONE},
    {.kind = VIRGA_ROUTE_REST, .method = "GET", .pattern = "/things/all", .tag = ROUTE_LITERAL},
    {.kind = VIRGA_ROUTE_REST,
     .method = "GET",
     .pattern = "/things/{name}/{rest+}",
     .tag = ROUTE_REST},
    {.kind = VIRGA_ROUTE_REST,
     .flags = VIRGA_ROUTE_STREAM,
     .method = "PUT",
     .pattern = "/stream",
     .tag = ROUTE_STREAM},
    {.kind = VIRGA_ROUTE_REST, .method = "POST", .pattern = "/small", .body_limit_bytes = 4},
    {.kind = VIRGA_ROUTE_QUERY, .pattern = "2011-06-15", .service = "probe", .tag = ROUTE_QUERY},
    {.kind = VIRGA_ROUTE_HOST, .pattern = "*.probe-url.*", .tag = ROUTE_HOST},
    {.kind = VIRGA_ROUTE_RPC, .pattern = "Probe", .tag = ROUTE_RPC},
    {.kind = VIRGA_ROUTE_ADMIN, .pattern = "probe/{name}", .tag = ROUTE_ADMIN},
};

static const struct virga_config_key probe_keys[] = {
    {.key = "word", .type = VIRGA_CONFIG_STRING, .default_value = "Hello"},
    {.key = "unset", .type = VIRGA_CONFIG_STRING},
    {.key = "count", .type = VIRGA_CONFIG_INT, .default_value = "3", .min = 1, .max = 9},
    {.key = "loud", .type = VIRGA_CONFIG_BOOL, .default_value = "no"},
    {.key = "mode", .type = VIRGA_CONFIG_ENUM, .default_value = "auto", .choices = "auto|fast"},
};

static const char *const probe_provides[] = {"probe.thing/1", NULL};

static const struct virga_plugin probe_plugin = {
    VIRGA_PLUGIN_HEAD,
    .name = "probe",
    .version = "1",
    VIRGA_CONFIG_KEYS(probe_keys),
    VIRGA_ROUTES(probe_routes),
    .provides = probe_provides,
    .start = probe_start,
    .handle = probe_handle,
    .stop = probe_stop,
};

/* A kit in which the probe runs. */
static struct testkit *probe_kit(void) {
    probe = (struct probe){0};
    struct testkit *kit = testkit_create(&probe_plugin);
    assert_int_equal(testkit_start(kit), 0);
    return kit;
}

/* Ends a kit whose problems are exactly this one. */
static void assert_only_problem(struct testkit *kit, const char *text) {
    testkit_stop(kit);
    assert_int_equal(testkit_problems_count(kit), 1);
    if (strstr(testkit_problem(kit, 0), text) == NULL) {
        fail_msg("problem \"%s\" does not say \"%s\"", testkit_problem(kit, 0), text);
    }
    assert_int_equal(testkit_destroy(kit), 1);
}

#define INTERFACE(type, id) ((const struct type *)probe.host->get_interface(probe.host, id))

#endif
