/* SPDX-License-Identifier: MIT */
/* Tests of core/protocol.c and core/protocol_body.c. */
#include "protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_request.h"

/* One request and the protocol that it is in. */
struct sample {
    const char *method;
    const char *path;
    const char *query;
    const char *service;
    const char *header;
    const char *value;
    enum protocol protocol;
};

static void make(struct fake_request *fake, const struct sample *sample) {
    fake_request_init(fake, NULL, sample->method, sample->path, sample->query);
    fake->req.pub.service = virga_str_from(sample->service);
    fake->req.pub.id = virga_str_from("id-1");
    if (sample->header != NULL) {
        fake_request_header(fake, sample->header, sample->value);
    }
}

static void the_protocol_is_told_by_header_service_and_query(void **state) {
    (void)state;
    static const struct sample samples[] = {
        {"POST", "/", "", "", "Content-Type", "application/x-amz-json-1.0", PROTOCOL_JSON_1_0},
        {"POST", "/", "", "", "X-Amz-Target", "A.B", PROTOCOL_JSON_1_1},
        {"POST", "/", "", "", "Content-Type", "application/x-amz-json-1.1", PROTOCOL_JSON_1_1},
        {"GET", "/x", "", "lambda", NULL, NULL, PROTOCOL_REST_JSON},
        {"GET", "/x", "", "", NULL, NULL, PROTOCOL_REST_JSON},
        {"GET", "/2013-04-01/hostedzone", "", "route53", NULL, NULL, PROTOCOL_REST_XML},
        {"PUT", "/x", "", "", "Content-Type", "application/xml", PROTOCOL_REST_XML},
        {"GET", "/b/k", "", "s3", NULL, NULL, PROTOCOL_S3},
        {"GET", "/b/k", "", "s3express", NULL, NULL, PROTOCOL_S3},
        {"GET", "/b", "Action=x", "s3", NULL, NULL, PROTOCOL_S3},
        {"GET", "/x", "", "s3tables", NULL, NULL, PROTOCOL_REST_JSON},
        {"GET", "/", "Action=X&Version=2011-06-15", "", NULL, NULL, PROTOCOL_QUERY},
        {"POST", "/", "", "sts", "Content-Type", "application/x-www-form-urlencoded",
         PROTOCOL_QUERY},
        {"GET", "/", "Action=X&Version=2016-11-15", "", NULL, NULL, PROTOCOL_EC2},
        {"POST", "/", "", "ec2", "Content-Type", "application/x-www-form-urlencoded", PROTOCOL_EC2},
        {"POST", "/service/S/operation/O", "", "", "smithy-protocol", "rpc-v2-cbor",
         PROTOCOL_RPC_CBOR},
        {"POST", "/service/S/operation/O", "", "", "Smithy-Protocol", "rpc-v2-json",
         PROTOCOL_RPC_JSON},
        {"GET", "/_floci/x", "Action=X", "s3", NULL, NULL, PROTOCOL_REST_JSON},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct fake_request fake;
        make(&fake, &samples[i]);
        assert_int_equal(protocol_of(&fake.req), samples[i].protocol);
        fake_request_finish(&fake);
    }
}

static void the_route_decides_where_there_is_one(void **state) {
    (void)state;
    static const struct virga_route query = {
        .kind = VIRGA_ROUTE_QUERY, .pattern = "", .service = "ec2"};
    static const struct virga_route rest = {
        .kind = VIRGA_ROUTE_REST, .pattern = "/{Bucket}", .service = "s3"};
    static const struct sample unsigned_request = {"POST", "/", "", "", NULL, NULL, 0};
    struct fake_request fake;
    make(&fake, &unsigned_request);
    fake.req.pub.route = &query;
    assert_int_equal(protocol_of(&fake.req), PROTOCOL_EC2);
    fake.req.pub.route = &rest;
    assert_int_equal(protocol_of(&fake.req), PROTOCOL_S3);
    fake_request_finish(&fake);
}

static const char hostile[] = "a\"b\\c<d>&\x01\xff";

static struct protocol_answer format(struct fake_request *fake, enum protocol protocol, int status,
                                     const char *code, const char *message) {
    static const struct sample plain = {"GET", "/p<q", "", "", NULL, NULL, 0};
    const struct protocol_error error = {.status = status, .code = code, .message = message};
    struct protocol_answer answer;
    make(fake, &plain);
    assert_int_equal(protocol_format(&fake->req, protocol, &error, &answer), 0);
    assert_int_equal(answer.status, status);
    assert_int_equal(answer.body.ptr[answer.body.len], '\0');
    return answer;
}

static void assert_header(const struct protocol_answer *answer, const char *name,
                          const char *value) {
    for (size_t i = 0; i < answer->headers_count; i++) {
        if (virga_str_equal(answer->headers[i].name, virga_str_from(name))) {
            assert_string_equal(answer->headers[i].value.ptr, value);
            return;
        }
    }
    fail_msg("no header %s", name);
}

static void every_protocol_has_its_own_document(void **state) {
    (void)state;
    static const struct {
        enum protocol protocol;
        const char *type;
        const char *body;
    } cases[] = {
        {PROTOCOL_JSON_1_0, "application/x-amz-json-1.0", "{\"__type\":\"C\",\"message\":\"m\"}"},
        {PROTOCOL_JSON_1_1, "application/x-amz-json-1.1", "{\"__type\":\"C\",\"message\":\"m\"}"},
        {PROTOCOL_REST_JSON, "application/json", "{\"message\":\"m\"}"},
        {PROTOCOL_RPC_JSON, "application/json", "{\"__type\":\"C\",\"message\":\"m\"}"},
        {PROTOCOL_S3, "application/xml",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>C</Code><Message>m</Message>"
         "<Resource>/p&lt;q</Resource><RequestId>id-1</RequestId></Error>"},
        {PROTOCOL_QUERY, "text/xml",
         "<ErrorResponse xmlns=\"http://webservices.amazon.com/AWSFault/2005-15-09\"><Error><Type>"
         "Sender</Type><Code>C</Code><Message>m</Message></Error><RequestId>id-1</RequestId>"
         "</ErrorResponse>"},
        {PROTOCOL_EC2, "text/xml;charset=UTF-8",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>C</Code>"
         "<Message>m</Message></Error></Errors><RequestID>id-1</RequestID></Response>"},
        {PROTOCOL_RPC_CBOR, "application/cbor", "\xa2\x66__type\x61\x43\x67message\x61m"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_request fake;
        struct protocol_answer answer = format(&fake, cases[i].protocol, 400, "C", "m");
        assert_header(&answer, "Content-Type", cases[i].type);
        assert_string_equal(answer.body.ptr, cases[i].body);
        fake_request_finish(&fake);
    }
}

static void rest_json_and_rpc_say_more_in_headers(void **state) {
    (void)state;
    struct fake_request fake;
    struct protocol_answer answer = format(&fake, PROTOCOL_REST_JSON, 404, "C", "m");
    assert_header(&answer, "x-amzn-ErrorType", "C");
    fake_request_finish(&fake);
    answer = format(&fake, PROTOCOL_RPC_CBOR, 404, "C", "m");
    assert_header(&answer, "smithy-protocol", "rpc-v2-cbor");
    fake_request_finish(&fake);
}

static void the_fault_is_the_receivers_from_500_on(void **state) {
    (void)state;
    struct fake_request fake;
    struct protocol_answer answer = format(&fake, PROTOCOL_QUERY, 503, NULL, "m");
    assert_non_null(strstr(answer.body.ptr, "<Type>Receiver</Type><Code>ServiceUnavailable<"));
    fake_request_finish(&fake);
}

static void hostile_text_is_escaped(void **state) {
    (void)state;
    struct fake_request fake;
    struct protocol_answer answer = format(&fake, PROTOCOL_JSON_1_1, 400, "C", hostile);
    assert_string_equal(answer.body.ptr, "{\"__type\":\"C\",\"message\":\"a\\\"b\\\\c<d>&?\?\"}");
    fake_request_finish(&fake);
    answer = format(&fake, PROTOCOL_EC2, 400, "C", hostile);
    assert_non_null(strstr(answer.body.ptr, "<Message>a\"b\\c&lt;d&gt;&amp;?\?</Message>"));
    fake_request_finish(&fake);
}

static void long_cbor_texts_have_long_heads(void **state) {
    (void)state;
    char text[301];
    memset(text, 'x', sizeof text - 1);
    text[300] = '\0';
    struct fake_request fake;
    struct protocol_answer answer = format(&fake, PROTOCOL_RPC_CBOR, 400, "C", text);
    const size_t before = 1 + 7 + 2 + 8;
    assert_int_equal(answer.body.len, before + 3 + 300);
    assert_memory_equal(answer.body.ptr + before, "\x79\x01\x2c", 3);
    fake_request_finish(&fake);
    text[100] = '\0';
    answer = format(&fake, PROTOCOL_RPC_CBOR, 400, "C", text);
    assert_memory_equal(answer.body.ptr + before, "\x78\x64", 2);
    fake_request_finish(&fake);
}

static void quoting_cuts_and_leaves_out_what_is_not_printable(void **state) {
    (void)state;
    char buffer[6];
    assert_string_equal(protocol_quote(virga_str_from("a\n\xc3\xa4"
                                                      "bcdefg"),
                                       buffer, sizeof buffer),
                        "abcde");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_protocol_is_told_by_header_service_and_query),
        cmocka_unit_test(the_route_decides_where_there_is_one),
        cmocka_unit_test(every_protocol_has_its_own_document),
        cmocka_unit_test(rest_json_and_rpc_say_more_in_headers),
        cmocka_unit_test(the_fault_is_the_receivers_from_500_on),
        cmocka_unit_test(hostile_text_is_escaped),
        cmocka_unit_test(long_cbor_texts_have_long_heads),
        cmocka_unit_test(quoting_cuts_and_leaves_out_what_is_not_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
