/* SPDX-License-Identifier: MIT */
/* Tests of core/identity.c. */
#include "identity.h"

#include <setjmp.h>

#include <cmocka.h>
#include <virga/helpers/access_key.h>

#include "fake_request.h"

static struct host host = {.default_account = "000000000000", .default_region = "us-east-1"};

static void check(const char *authorization, const char *query, const char *account,
                  const char *region, const char *service, const char *access_key) {
    struct fake_request fake;
    fake_request_init(&fake, &host, "GET", "/", query);
    if (authorization != NULL) {
        fake_request_header(&fake, "Authorization", authorization);
    }
    assert_int_equal(identity_parse(&fake.req), 0);
    assert_string_equal(fake.req.pub.account.ptr, account);
    assert_string_equal(fake.req.pub.region.ptr, region);
    assert_string_equal(fake.req.pub.service.ptr, service);
    assert_string_equal(fake.req.pub.access_key.ptr, access_key);
    fake_request_finish(&fake);
}

#define SIGNED(scope)                                                                              \
    "AWS4-HMAC-SHA256 Credential=" scope ", SignedHeaders=host;x-amz-date, Signature=00ff"

static void access_key_of_12_digits_is_the_account(void **state) {
    (void)state;
    check(SIGNED("123456789012/20260101/eu-west-1/ecr/aws4_request"), "", "123456789012",
          "eu-west-1", "ecr", "123456789012");
}

static void issued_access_keys_lead_back_to_their_account(void **state) {
    char key[VIRGA_ACCESS_KEY_LEN + 1];
    char header[200];
    (void)state;
    assert_int_equal(virga_access_key_make(virga_str_from("210987654321"), 12345, key), 0);
    (void)snprintf(header, sizeof header, SIGNED("%s/20260101/eu-west-1/ecr/aws4_request"), key);
    check(header, "", "210987654321", "eu-west-1", "ecr", key);
    key[19] = key[19] == 'A' ? 'B' : 'A';
    (void)snprintf(header, sizeof header, SIGNED("%s/20260101/eu-west-1/ecr/aws4_request"), key);
    check(header, "", "000000000000", "eu-west-1", "ecr", key);
}

static void other_access_keys_get_the_default_account(void **state) {
    (void)state;
    check(SIGNED("test/20260101/eu-west-1/ecr/aws4_request"), "", "000000000000", "eu-west-1",
          "ecr", "test");
    check(SIGNED("1234567890123/20260101/eu-west-1/ecr/aws4_request"), "", "000000000000",
          "eu-west-1", "ecr", "1234567890123");
}

static void unsigned_requests_get_the_defaults(void **state) {
    (void)state;
    check(NULL, "", "000000000000", "us-east-1", "", "");
    check("Basic QVdTOmZsb2Np", "", "000000000000", "us-east-1", "", "");
}

static void malformed_scopes_count_as_unsigned(void **state) {
    (void)state;
    check(SIGNED("test/20260101/eu-west-1/aws4_request"), "", "000000000000", "us-east-1", "", "");
    check(SIGNED("test/20260101/eu-west-1/ecr/aws4"), "", "000000000000", "us-east-1", "", "");
    check(SIGNED("a/b/c/d/e/f/aws4_request"), "", "000000000000", "us-east-1", "", "");
    check("AWS4-HMAC-SHA256 Credential=", "", "000000000000", "us-east-1", "", "");
}

static void region_with_foreign_characters_is_not_taken(void **state) {
    (void)state;
    check(SIGNED("test/20260101/../ecr/aws4_request"), "", "000000000000", "us-east-1", "ecr",
          "test");
    check(SIGNED("test/20260101//ecr/aws4_request"), "", "000000000000", "us-east-1", "ecr",
          "test");
}

static void presigned_queries_carry_the_scope_encoded_or_not(void **state) {
    (void)state;
    check(NULL,
          "X-Amz-Credential=123456789012%2F20260101%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-Date=1",
          "123456789012", "us-west-2", "s3", "123456789012");
    check(NULL, "a=b&X-Amz-Credential=test/20260101/us-west-2/s3/aws4_request", "000000000000",
          "us-west-2", "s3", "test");
    check(NULL, "X-Amz-Credential=%zz%2F20260101", "000000000000", "us-east-1", "", "");
    check(NULL, "X-Amz-Credential=%00%2F20260101%2Fus-west-2%2Fs3%2Faws4_request", "000000000000",
          "us-east-1", "", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_key_of_12_digits_is_the_account),
        cmocka_unit_test(issued_access_keys_lead_back_to_their_account),
        cmocka_unit_test(other_access_keys_get_the_default_account),
        cmocka_unit_test(unsigned_requests_get_the_defaults),
        cmocka_unit_test(malformed_scopes_count_as_unsigned),
        cmocka_unit_test(region_with_foreign_characters_is_not_taken),
        cmocka_unit_test(presigned_queries_carry_the_scope_encoded_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
