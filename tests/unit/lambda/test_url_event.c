/* SPDX-License-Identifier: MIT */
/* Requests to function URLs as events, and functions' results as answers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <virga/helpers/awsjson.h>

#include "url_cors.h"
#include "url_event.h"

#define STR(text) virga_str_from(text)

static struct virga_header headers[16];
static struct virga_request req;

static struct virga_str header(const struct virga_request *self, const char *name) {
    for (size_t i = 0; i < self->headers_count; i++) {
        if (strcasecmp(self->headers[i].name.ptr, name) == 0) {
            return self->headers[i].value;
        }
    }
    return (struct virga_str){NULL, 0};
}

static const struct virga_http http = {.struct_size = sizeof http, .header = header};

static void add_header(const char *name, const char *value) {
    headers[req.headers_count++] = (struct virga_header){STR(name), STR(value)};
}

static int setup(void **state) {
    (void)state;
    req = (struct virga_request){.struct_size = sizeof req,
                                 .http = &http,
                                 .method = STR("GET"),
                                 .path = STR("/a%20b"),
                                 .query = STR(""),
                                 .host = STR("abc.lambda-url.us-east-1.localhost:4566"),
                                 .headers = headers,
                                 .body = {"", 0},
                                 .peer = STR("127.0.0.1:5000"),
                                 .account = STR("123456789012"),
                                 .access_key = STR("")};
    return 0;
}

static char text[8192];

/* The event of the request, and a part of it. */
static const char *event(bool iam) {
    const struct url_context context = {.url_id = "abc",
                                        .request_id = "the-id",
                                        .trace_id = "Root=1",
                                        .iam = iam,
                                        .port = 4566,
                                        .now_ms = 1700000000123};
    struct virga_json_writer writer = {0};
    url_event_write(&req, &context, &writer);
    assert_int_equal(writer.failed, 0);
    (void)snprintf(text, sizeof text, "%.*s", (int)writer.len, writer.ptr);
    virga_json_finish(&writer);
    struct json_object *json = NULL;
    assert_int_equal(virga_awsjson_parse(STR(text), &json), 0);
    json_object_put(json);
    return text;
}

static void assert_has(const char *part) {
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in %s", part, text);
    }
}

static void a_plain_request(void **state) {
    (void)state;
    add_header("Host", "abc.lambda-url.us-east-1.localhost:4566");
    add_header("User-Agent", "curl");
    assert_string_equal(
        event(false),
        "{\"version\":\"2.0\",\"routeKey\":\"$default\",\"rawPath\":\"/a%20b\",\"rawQueryString\":"
        "\"\",\"headers\":{\"host\":\"abc.lambda-url.us-east-1.localhost:4566\",\"user-agent\":"
        "\"curl\",\"x-forwarded-for\":\"127.0.0.1\",\"x-forwarded-port\":\"4566\","
        "\"x-forwarded-proto\":\"http\",\"x-amzn-trace-id\":\"Root=1\"},\"requestContext\":{"
        "\"accountId\":\"anonymous\",\"apiId\":\"abc\",\"domainName\":\"abc.lambda-url.us-east-1."
        "localhost\",\"domainPrefix\":\"abc\",\"http\":{\"method\":\"GET\",\"path\":\"/a%20b\","
        "\"protocol\":\"HTTP/1.1\",\"sourceIp\":\"127.0.0.1\",\"userAgent\":\"curl\"},"
        "\"requestId\":\"the-id\",\"routeKey\":\"$default\",\"stage\":\"$default\",\"time\":"
        "\"14/Nov/2023:22:13:20 +0000\",\"timeEpoch\":1700000000123},\"isBase64Encoded\":false}");
}

static void headers_are_joined_and_cookies_apart(void **state) {
    (void)state;
    add_header("X-A", "1");
    add_header("Cookie", "a=1; b=2");
    add_header("x-a", "2");
    add_header("Connection", "close");
    (void)event(false);
    assert_has("\"cookies\":[\"a=1\",\"b=2\"],\"headers\":{\"x-a\":\"1,2\",\"x-forwarded-for\"");
}

static void parameters_are_decoded_and_joined(void **state) {
    (void)state;
    req.query = STR("a=1&b=x%20y+z&a=2&c&%C3%A4=%3D&d=100%");
    (void)event(false);
    assert_has("\"rawQueryString\":\"a=1&b=x%20y+z&a=2&c&%C3%A4=%3D&d=100%\"");
    assert_has("\"queryStringParameters\":{\"a\":\"1,2\",\"b\":\"x y z\",\"c\":\"\",\"\xc3\xa4\":"
               "\"=\",\"d\":\"100%\"}");
}

static void bodies_are_text_where_their_type_says_so(void **state) {
    (void)state;
    req.body = STR("{\"a\":1}");
    add_header("Content-Type", "application/json; charset=utf-8");
    (void)event(false);
    assert_has("\"body\":\"{\\\"a\\\":1}\",\"isBase64Encoded\":false}");
    headers[0].value = STR("application/x-www-form-urlencoded");
    (void)event(false);
    assert_has("\"body\":\"eyJhIjoxfQ==\",\"isBase64Encoded\":true}");
    headers[0].value = STR("text/plain");
    req.body = STR("\xff");
    (void)event(false);
    assert_has("\"body\":\"/w==\",\"isBase64Encoded\":true}");
}

static void who_signed_is_told(void **state) {
    (void)state;
    req.access_key = STR("AKIA");
    (void)event(true);
    assert_has("\"accountId\":\"123456789012\",\"apiId\":\"abc\",\"authorizer\":{\"iam\":{"
               "\"accessKey\":\"AKIA\",\"accountId\":\"123456789012\"");
}

/* --- answers --- */

static struct url_answer answer;

static void assert_answer(const char *payload, int status, const char *type, const char *body) {
    assert_int_equal(url_answer_make(STR(payload), NULL, &answer), 0);
    assert_int_equal(answer.status, status);
    struct virga_str given = url_answer_header(&answer, "content-type");
    assert_true(virga_str_equal(given, STR(type)));
    if (!virga_str_equal(answer.body, STR(body))) {
        fail_msg("%.*s is not %s", (int)answer.body.len, answer.body.ptr, body);
    }
    url_answer_finish(&answer);
}

static void results_without_a_status_are_the_body(void **state) {
    (void)state;
    assert_answer("{\"a\":1}", 200, "application/json", "{\"a\":1}");
    assert_answer("[1]", 200, "application/json", "[1]");
    assert_answer("null", 200, "application/json", "null");
    assert_answer("\"hello \\u00e4\"", 200, "application/json", "hello \xc3\xa4");
}

static void results_with_a_status_are_taken_apart(void **state) {
    (void)state;
    assert_answer("{\"statusCode\":201,\"body\":\"x\"}", 201, "application/json", "x");
    assert_answer("{\"statusCode\":\"404\",\"headers\":{\"content-type\":\"text/html\"}}", 404,
                  "text/html", "");
    assert_answer("{\"statusCode\":200,\"body\":\"aGk=\",\"isBase64Encoded\":true}", 200,
                  "application/json", "hi");
    assert_answer("{\"statusCode\":200,\"body\":{\"a\":[1]}}", 200, "application/json",
                  "{\"a\":[1]}");
    assert_int_equal(url_answer_make(STR("{\"statusCode\":200,\"headers\":{\"X\":5,\"Content-Length"
                                         "\":\"9\"},\"cookies\":[\"a=1\",\"b=2\"]}"),
                                     NULL, &answer),
                     0);
    assert_int_equal(answer.headers_count, 4);
    assert_true(virga_str_equal(url_answer_header(&answer, "x"), STR("5")));
    assert_string_equal(answer.headers[2].name.ptr, "Set-Cookie");
    assert_string_equal(answer.headers[2].value.ptr, "b=2");
    url_answer_finish(&answer);
}

static void malformed_results_are_refused(void **state) {
    (void)state;
    static const char *const payloads[] = {
        "{\"statusCode\":99}", "{\"statusCode\":\"x\"}", "{\"statusCode\":600}",
        "{\"statusCode\":200,\"body\":\"?\",\"isBase64Encoded\":true}"};
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        assert_int_equal(url_answer_make(STR(payloads[i]), NULL, &answer), -EBADMSG);
    }
}

static void a_streamed_answer_that_was_gathered(void **state) {
    (void)state;
    static const char payload[] =
        "{\"statusCode\":418,\"headers\":{\"X\":\"1\"}}\0\0\0\0\0\0\0\0body";
    struct virga_str bytes = {payload, sizeof payload - 1};
    assert_int_equal(url_answer_make(bytes, URL_STREAM_TYPE, &answer), 0);
    assert_int_equal(answer.status, 418);
    assert_true(virga_str_equal(answer.body, STR("body")));
    url_answer_finish(&answer);
    bytes.len = 40;
    assert_int_equal(url_answer_make(bytes, URL_STREAM_TYPE, &answer), -EBADMSG);
}

/* --- CORS --- */

static void cors_headers_take_the_place_of_the_functions(void **state) {
    (void)state;
    struct json_object *cors =
        json_tokener_parse("{\"AllowOrigins\":[\"https://*.example.com\"],\"AllowMethods\":["
                           "\"GET\",\"PUT\"],\"AllowHeaders\":[\"x-a\"],\"ExposeHeaders\":[\"x-b\"]"
                           ",\"AllowCredentials\":true,\"MaxAge\":7}");
    struct url_cors_texts texts;
    assert_int_equal(
        url_answer_make(
            STR("{\"statusCode\":200,\"headers\":{\"Access-Control-Allow-Origin\":\"*\"}}"), NULL,
            &answer),
        0);
    url_cors_apply(&req, cors, false, &texts, &answer);
    assert_null(url_answer_header(&answer, "access-control-allow-origin").ptr);
    add_header("Origin", "https://APP.example.com");
    url_cors_apply(&req, cors, false, &texts, &answer);
    assert_string_equal(url_answer_header(&answer, "access-control-allow-origin").ptr,
                        "https://APP.example.com");
    assert_string_equal(url_answer_header(&answer, "access-control-allow-credentials").ptr, "true");
    assert_string_equal(url_answer_header(&answer, "access-control-expose-headers").ptr, "x-b");
    assert_null(url_answer_header(&answer, "access-control-allow-methods").ptr);
    url_cors_apply(&req, cors, true, &texts, &answer);
    assert_string_equal(url_answer_header(&answer, "access-control-allow-methods").ptr, "GET,PUT");
    assert_string_equal(url_answer_header(&answer, "access-control-max-age").ptr, "7");
    headers[0].value = STR("https://example.org");
    url_cors_apply(&req, cors, true, &texts, &answer);
    assert_null(url_answer_header(&answer, "access-control-allow-origin").ptr);
    url_answer_finish(&answer);
    json_object_put(cors);
}

static void a_preflight_has_an_origin_and_a_method(void **state) {
    (void)state;
    struct json_object *cors = json_object_new_object();
    req.method = STR("OPTIONS");
    add_header("Origin", "https://a");
    assert_false(url_cors_is_preflight(&req, cors));
    add_header("Access-Control-Request-Method", "PUT");
    assert_true(url_cors_is_preflight(&req, cors));
    assert_false(url_cors_is_preflight(&req, NULL));
    json_object_put(cors);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_plain_request),
        TEST(headers_are_joined_and_cookies_apart),
        TEST(parameters_are_decoded_and_joined),
        TEST(bodies_are_text_where_their_type_says_so),
        TEST(who_signed_is_told),
        TEST(results_without_a_status_are_the_body),
        TEST(results_with_a_status_are_taken_apart),
        TEST(malformed_results_are_refused),
        TEST(a_streamed_answer_that_was_gathered),
        TEST(cors_headers_take_the_place_of_the_functions),
        TEST(a_preflight_has_an_origin_and_a_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
