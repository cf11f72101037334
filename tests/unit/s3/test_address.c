/* SPDX-License-Identifier: MIT */
/* Tests of address.c. */
#include "unit.h"

#include "address.h"

static void a_host_names_its_bucket(void **state) {
    (void)state;
    static const char *const hosts[][2] = {
        {"bucket.s3.localhost:4566", "bucket"},
        {"bucket.localhost", "bucket"},
        {"my.bucket.s3.localhost", "my.bucket"},
        {"my.bucket.localhost:1", "my.bucket"},
        {"bucket.s3.eu-west-1.amazonaws.com", "bucket"},
        {"bucket.S3.localhost.localstack.cloud:4566", "bucket"},
        {"s3.localhost:4566", NULL},
        {"s3.us-east-1.amazonaws.com", NULL},
        {"localhost:4566", NULL},
        {"127.0.0.1:4566", NULL},
        {"localhost.localstack.cloud", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct virga_str bucket = address_bucket_of_host(STR(hosts[i][0]));
        if (hosts[i][1] == NULL) {
            assert_null(bucket.ptr);
        } else {
            assert_str(bucket, hosts[i][1]);
        }
    }
}

static void a_path_is_a_bucket_and_a_key(void **state) {
    (void)state;
    struct virga_str bucket, key;
    address_split(STR("/b/a/b%20c"), &bucket, &key);
    assert_str(bucket, "b");
    assert_str(key, "a/b%20c");
    address_split(STR("/b//c/"), &bucket, &key);
    assert_str(key, "/c/");
    address_split(STR("/b/"), &bucket, &key);
    assert_str(key, "");
    address_split(STR("/b"), &bucket, &key);
    assert_str(bucket, "b");
    assert_str(key, "");
    address_split(STR("/"), &bucket, &key);
    assert_str(bucket, "");
}

static void keys_are_decoded_or_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"%", "%4", "%zz", "a%00b", "%ff", "\xc3"};
    char buffer[64];
    size_t len;
    assert_int_equal(address_decode(STR("a+b%2B%c3%a4"), buffer, &len), 0);
    assert_string_equal(buffer, "a+b+\xc3\xa4");
    assert_int_equal(len, 6);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(address_decode(STR(bad[i]), buffer, &len), -EINVAL);
    }
}

static void bucket_names_follow_the_rules(void **state) {
    (void)state;
    static const char *const good[] = {"abc", "my.bucket-1", "000", "cdk-hnb659fds-assets-1-eu"};
    static const char *const bad[] = {
        "ab",      "Abc",
        "-abc",    "abc-",
        "a..b",    "a_b",
        "1.2.3.4", "xn--abc",
        "a/bc",    "abc-s3alias",
        ".abc",    "0123456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(address_is_bucket_name(STR(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(address_is_bucket_name(STR(bad[i])));
    }
}

static void copy_sources_have_slashes_escapes_and_versions(void **state) {
    (void)state;
    static const char *const forms[] = {"b/a%20b", "/b/a%20b", "b%2Fa%20b", "%2Fb%2Fa%20b"};
    struct virga_str bucket, key, version;
    char buffer[64];
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_int_equal(address_copy_source(STR(forms[i]), buffer, &bucket, &key, &version), 0);
        assert_str(bucket, "b");
        assert_str(key, "a b");
        assert_null(version.ptr);
    }
    assert_int_equal(address_copy_source(STR("b/k?versionId=x1"), buffer, &bucket, &key, &version),
                     0);
    assert_str(key, "k");
    assert_str(version, "x1");
    assert_int_equal(address_copy_source(STR("b"), buffer, &bucket, &key, &version), -EINVAL);
    assert_int_equal(address_copy_source(STR("b/"), buffer, &bucket, &key, &version), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_names_its_bucket),
        cmocka_unit_test(a_path_is_a_bucket_and_a_key),
        cmocka_unit_test(keys_are_decoded_or_refused),
        cmocka_unit_test(bucket_names_follow_the_rules),
        cmocka_unit_test(copy_sources_have_slashes_escapes_and_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
