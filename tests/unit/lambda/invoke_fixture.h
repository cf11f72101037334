/* SPDX-License-Identifier: MIT */
/* What runs functions, in a kit: the lambda-image plugin's parts without the plugin, its store and
 * clock in memory, and functions that are written straight into the store. */
#ifndef TESTS_LAMBDA_INVOKE_FIXTURE_H
#define TESTS_LAMBDA_INVOKE_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <virga/testkit.h>

#include "functions.h"
#include "invocation.h"

#define STR(text) virga_str_from(text)
#define ACCOUNT "123456789012"
#define ARN(name) "arn:aws:lambda:us-east-1:" ACCOUNT ":function:" name

static const struct tenant here = {ACCOUNT, "us-east-1"};
static struct lambda lambda;
static struct testkit *kit;

/* What a test file starts besides, and what it does with requests. */
static int start_parts(void);
static void destroy_parts(void);
static int stop_parts(void);
static void handle_request(struct virga_request *req);

static int fixture_start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    (void)err;
    lambda = (struct lambda){.host = host,
                             .log = host->get_interface(host, VIRGA_LOG_ID),
                             .config = host->get_interface(host, VIRGA_CONFIG_ID),
                             .timer = host->get_interface(host, VIRGA_TIMER_ID),
                             .store = host->get_interface(host, VIRGA_STORE_ID),
                             .dispatch = host->get_interface(host, VIRGA_DISPATCH_ID),
                             .metrics = host->get_interface(host, VIRGA_METRICS_ID),
                             .port = 4566,
                             .idle_ms = 300000,
                             .concurrency_max = 1000,
                             .init_ms = 10000};
    *ret_self = &lambda;
    int result = functions_create(&lambda, &lambda.functions);
    return result != 0 ? result : start_parts();
}

static void fixture_handle(void *self, struct virga_request *req) {
    (void)self;
    handle_request(req);
}

static int fixture_stop(void *self) {
    (void)self;
    return stop_parts();
}

static void fixture_destroy(void *self) {
    (void)self;
    destroy_parts();
    functions_destroy(lambda.functions);
}

static const struct virga_config_key fixture_keys[] = {
    {.key = "async-retry-first-ms", .type = VIRGA_CONFIG_INT, .default_value = "60000"},
    {.key = "async-retry-second-ms", .type = VIRGA_CONFIG_INT, .default_value = "120000"},
};

/* The routes are the test file's. */
static struct virga_plugin fixture_plugin = {
    VIRGA_PLUGIN_HEAD,
    .name = "lambda-image",
    .version = "0",
    .summary = "a test",
    VIRGA_CONFIG_KEYS(fixture_keys),
    .start = fixture_start,
    .handle = fixture_handle,
    .stop = fixture_stop,
    .destroy = fixture_destroy,
};

static int fixture_setup(void **state) {
    (void)state;
    kit = testkit_create(&fixture_plugin);
    return testkit_start(kit);
}

static int fixture_teardown(void **state) {
    (void)state;
    testkit_stop(kit);
    return (int)testkit_destroy(kit);
}

/* --- functions --- */

/* Writes a version with further members (`more`, JSON without braces, "" = none). The reference
 * stays the cache's. */
static inline struct function *put_function(const char *name, const char *version,
                                            const char *more) {
    char text[2048];
    struct function *function = NULL;
    (void)snprintf(text, sizeof text,
                   "{\"FunctionName\":\"%s\",\"Version\":\"%s\",\"RevisionId\":\"r\",\"State\":"
                   "\"Active\",\"Image\":{\"Digest\":\"sha256:0\"}%s%s}",
                   name, version, more[0] != '\0' ? "," : "", more);
    assert_int_equal(functions_put(&lambda, &here, json_tokener_parse(text), &function), 0);
    function_unref(function);
    return function;
}

static inline void put_side(enum side_kind kind, const char *name, const char *id,
                            const char *json) {
    struct json_object *object = json_tokener_parse(json);
    assert_non_null(object);
    assert_int_equal(side_put(&lambda, kind, &here, name, id, object), 0);
    json_object_put(object);
}

/* --- invocations: invocation.c without environments --- */

static size_t invocations; /* that there are */
static size_t resumed, abandoned;

int invocation_create(struct function *function, const char *qualifier, struct virga_str payload,
                      const char *request_id, struct invocation **ret_invocation) {
    static unsigned number;
    struct invocation *invocation = calloc(1, sizeof *invocation);
    assert_non_null(invocation);
    invocation->function = function_ref(function);
    invocation->payload = strndup(payload.ptr, payload.len);
    invocation->payload_len = payload.len;
    (void)snprintf(invocation->request_id, sizeof invocation->request_id, "%s",
                   request_id != NULL ? request_id : "");
    if (request_id == NULL) {
        (void)snprintf(invocation->request_id, sizeof invocation->request_id,
                       "00000000-0000-4000-8000-%012u", ++number);
    }
    (void)snprintf(invocation->trace_id, sizeof invocation->trace_id, "Root=1-made-up");
    function_arn(&function->tenant, function->name, qualifier, invocation->invoked_arn);
    invocations++;
    *ret_invocation = invocation;
    return 0;
}

void invocation_destroy(struct invocation *invocation) {
    if (invocation != NULL) {
        function_unref(invocation->function);
        free(invocation->payload);
        free(invocation->client_context);
        free(invocation->cognito_identity);
        free(invocation);
        invocations--;
    }
}

void invocation_resume(struct invocation *invocation) {
    assert_non_null(invocation);
    resumed++;
}

void invocation_abandon(struct invocation *invocation) {
    assert_non_null(invocation);
    abandoned++;
}

#endif
