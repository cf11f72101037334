/* SPDX-License-Identifier: MIT */
/* Requests to function URLs as a client sees them, without environments. */
#include "pool_fake.h"

#include "permission_policy.h"
#include "url_config.h"
#include "url_event.h"
#include "url_request.h"

#define ID "abcdefghijklmnopqrstuvwxyz012345"
#define HOST ID ".lambda-url.us-east-1.localhost:4566"
#define FORBIDDEN                                                                                  \
    "{\"Message\":\"Forbidden. For troubleshooting Function URL authorization issues, see: "       \
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html\"}"

/* --- life --- */

static const struct virga_route routes[] = {
    {.kind = VIRGA_ROUTE_HOST, .pattern = "*.lambda-url.*", .body_limit_bytes = 8 * 1024 * 1024}};

static int start_parts(void) {
    return 0;
}

static int stop_parts(void) {
    return 0;
}

static void destroy_parts(void) {
}

static void handle_request(struct virga_request *req) {
    url_request_handle(&lambda, req);
}

static int setup(void **state) {
    resumed = abandoned = 0;
    fixture_plugin.routes = routes;
    fixture_plugin.routes_count = 1;
    fixture_plugin.route_size = sizeof routes[0];
    int result = fixture_setup(state);
    put_function("f", "$LATEST", "");
    return result;
}

static int teardown(void **state) {
    assert_null(held);
    int result = fixture_teardown(state);
    assert_int_equal(invocations, 0);
    return result;
}

static void put_url(const char *qualifier, const char *more) {
    char text[1000];
    (void)snprintf(text, sizeof text, "{\"UrlId\":\"" ID "\"%s}", more);
    put_side(SIDE_URL, "f", qualifier, text);
    (void)snprintf(text, sizeof text, ACCOUNT " us-east-1 f %s", qualifier);
    assert_int_equal(fact_put(&lambda, "url/" ID, text), 0);
}

#define NONE ",\"AuthType\":\"NONE\""

static struct testkit_request *ask(const char *method, const char *target, const char *body,
                                   const char *headers[][2]) {
    struct testkit_request *req = testkit_request_create(kit, method, target);
    testkit_request_header(req, "Host", HOST);
    for (size_t i = 0; headers != NULL && headers[i][0] != NULL; i++) {
        testkit_request_header(req, headers[i][0], headers[i][1]);
    }
    if (body != NULL) {
        testkit_request_body(req, body, strlen(body));
    }
    assert_int_equal(testkit_send(req), 0);
    testkit_run(kit);
    return req;
}

static struct testkit_request *get(const char *target) {
    return ask("GET", target, NULL, NULL);
}

/* --- tests --- */

static void a_request_becomes_an_event_and_its_result_an_answer(void **state) {
    (void)state;
    put_url("", NONE);
    struct testkit_request *req = get("/path?a=b");
    assert_non_null(strstr(held->payload, "\"rawPath\":\"/path\",\"rawQueryString\":\"a=b\""));
    assert_non_null(strstr(held->payload, "\"apiId\":\"" ID "\""));
    assert_non_null(strstr(held->payload, held->request_id));
    assert_false(held->streams);
    held_answers("{\"statusCode\":201,\"headers\":{\"X-A\":\"1\"},\"body\":\"made\"}");
    assert_int_equal(testkit_status(req), 201);
    assert_string_equal(testkit_header(req, "X-A"), "1");
    assert_string_equal(testkit_body(req), "made");
    req = get("/");
    held_answers("{\"a\":1}");
    assert_int_equal(testkit_status(req), 200);
    assert_string_equal(testkit_header(req, "Content-Type"), "application/json");
    assert_string_equal(testkit_body(req), "{\"a\":1}");
}

static void an_unknown_url_is_forbidden(void **state) {
    (void)state;
    struct testkit_request *req = get("/");
    assert_int_equal(testkit_status(req), 403);
    assert_string_equal(testkit_body(req), "{\"Message\":null}");
    put_url("live", NONE); /* an alias that is gone */
    req = get("/");
    assert_int_equal(testkit_status(req), 403);
    assert_string_equal(testkit_header(req, "x-amzn-ErrorType"), "AccessDeniedException");
    assert_string_equal(testkit_body(req), FORBIDDEN);
}

static void iam_wants_a_signature(void **state) {
    (void)state;
    put_url("", ",\"AuthType\":\"AWS_IAM\"");
    struct testkit_request *req = get("/");
    assert_int_equal(testkit_status(req), 403);
    assert_string_equal(testkit_body(req), FORBIDDEN);
}

static void where_permissions_are_obeyed_the_policy_has_to_allow_it(void **state) {
    (void)state;
    put_url("", NONE);
    lambda.enforce = true;
    assert_int_equal(testkit_status(get("/")), 403);
    put_side(
        SIDE_POLICY, "f", "",
        "{\"Policy\":{\"Version\":\"2012-10-17\",\"Id\":\"default\",\"Statement\":[{\"Sid\":\"s\""
        ",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"lambda:*\",\"Resource\":\"" ARN(
            "f") "\"}]},\"RevisionId\":\"r\"}");
    struct testkit_request *req = get("/");
    held_answers("{\"statusCode\":200}");
    assert_int_equal(testkit_status(req), 200);
}

static void failures_are_502(void **state) {
    (void)state;
    put_url("", NONE);
    struct testkit_request *req = get("/");
    held_fails("{\"errorMessage\":\"secret\"}");
    assert_int_equal(testkit_status(req), 502);
    assert_string_equal(testkit_body(req), "Internal Server Error");
    req = get("/");
    held_answers("{\"statusCode\":1}");
    assert_int_equal(testkit_status(req), 502);
    req = get("/");
    held_is_refused();
    assert_int_equal(testkit_status(req), 502);
    req = get("/");
    held_is_throttled();
    assert_int_equal(testkit_status(req), 429);
}

static void an_event_that_is_too_large_is_413(void **state) {
    (void)state;
    put_url("", NONE);
    char *large = malloc(INVOCATION_EVENT_MAX);
    memset(large, 'x', INVOCATION_EVENT_MAX);
    large[INVOCATION_EVENT_MAX - 1] = '\0';
    struct testkit_request *req = ask("POST", "/", large, NULL);
    free(large);
    assert_int_equal(testkit_status(req), 413);
}

static void cors_answers_preflights_itself(void **state) {
    (void)state;
    const char *preflight[][2] = {
        {"Origin", "https://a.b"}, {"Access-Control-Request-Method", "PUT"}, {NULL, NULL}};
    const char *plain[][2] = {{"Origin", "https://a.b"}, {NULL, NULL}};
    put_url("", NONE ",\"Cors\":{\"AllowOrigins\":[\"*\"],\"AllowMethods\":[\"PUT\"]}");
    struct testkit_request *req = ask("OPTIONS", "/", NULL, preflight);
    assert_int_equal(testkit_status(req), 200);
    assert_string_equal(testkit_header(req, "Access-Control-Allow-Origin"), "*");
    assert_string_equal(testkit_header(req, "Access-Control-Allow-Methods"), "PUT");
    assert_null(held);
    req = ask("GET", "/", NULL, plain);
    held_answers("{\"statusCode\":200}");
    assert_string_equal(testkit_header(req, "Access-Control-Allow-Origin"), "*");
    put_url("", NONE); /* without it the function answers */
    req = ask("OPTIONS", "/", NULL, preflight);
    held_answers("{\"statusCode\":204}");
    assert_int_equal(testkit_status(req), 204);
}

#define STREAMED NONE ",\"InvokeMode\":\"RESPONSE_STREAM\""

static void a_streamed_answer_has_a_head_of_its_own(void **state) {
    (void)state;
    static const char rest[] = "\0\0\0\0\0\0first ";
    put_url("", STREAMED);
    struct testkit_request *req = get("/");
    assert_true(held->streams);
    held->on_head(held, URL_STREAM_TYPE);
    assert_int_equal(held->on_chunk(held, STR("{\"statusCode\":418,\"cookies\":[\"a=1\"],")),
                     VIRGA_BODY_GO_ON);
    testkit_run(kit);
    assert_int_equal(testkit_status(req), 0);
    static const char more[] = "\"headers\":{\"Content-Type\":\"text/x\"}}\0\0";
    (void)held->on_chunk(held, (struct virga_str){more, sizeof more - 1});
    (void)held->on_chunk(held, (struct virga_str){rest, sizeof rest - 1});
    testkit_run(kit);
    assert_int_equal(testkit_status(req), 418);
    assert_string_equal(testkit_header(req, "Set-Cookie"), "a=1");
    assert_string_equal(testkit_header(req, "Content-Type"), "text/x");
    assert_string_equal(testkit_body(req), "first ");
    (void)held->on_chunk(held, STR("second"));
    held_answers("");
    assert_string_equal(testkit_body(req), "first second");
    assert_true(testkit_is_complete(req));
}

static void a_streamed_answer_without_a_head_is_plain(void **state) {
    (void)state;
    put_url("", STREAMED);
    struct testkit_request *req = get("/");
    held->on_head(held, NULL);
    (void)held->on_chunk(held, STR("bytes"));
    held_answers("");
    assert_int_equal(testkit_status(req), 200);
    assert_string_equal(testkit_header(req, "Content-Type"), "application/octet-stream");
    assert_string_equal(testkit_body(req), "bytes");
}

static void a_stream_that_fails_is_broken_off(void **state) {
    (void)state;
    put_url("", STREAMED);
    struct testkit_request *req = get("/");
    (void)held->on_chunk(held, STR("bytes"));
    held_fails("{}");
    assert_int_equal(testkit_status(req), 200);
    assert_false(testkit_is_complete(req));
    req = get("/"); /* nothing was sent yet */
    held_fails("{}");
    assert_int_equal(testkit_status(req), 502);
    req = get("/"); /* the head never came, or cannot be read */
    held->on_head(held, URL_STREAM_TYPE);
    static const char bad[] = "{\"statusCode\":1}\0\0\0\0\0\0\0\0";
    (void)held->on_chunk(held, (struct virga_str){bad, sizeof bad - 1});
    held_answers("");
    assert_int_equal(testkit_status(req), 502);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_request_becomes_an_event_and_its_result_an_answer),
        TEST(an_unknown_url_is_forbidden),
        TEST(iam_wants_a_signature),
        TEST(where_permissions_are_obeyed_the_policy_has_to_allow_it),
        TEST(failures_are_502),
        TEST(an_event_that_is_too_large_is_413),
        TEST(cors_answers_preflights_itself),
        TEST(a_streamed_answer_has_a_head_of_its_own),
        TEST(a_streamed_answer_without_a_head_is_plain),
        TEST(a_stream_that_fails_is_broken_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
