/* SPDX-License-Identifier: MIT */
/* ARNs, base64, SHA-256 and page tokens of the SDK's helper library. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <virga/helpers/arn.h>
#include <virga/helpers/base64.h>
#include <virga/helpers/page_token.h>
#include <virga/helpers/sha256.h>

#define STR(text) virga_str_from(text)

static void arn_comes_apart_and_together(void **state) {
    (void)state;
    static const char text[] = "arn:aws:ecr:us-east-1:123456789012:repository/a:b/c";
    struct virga_arn arn;
    char again[sizeof text];
    assert_int_equal(virga_arn_parse(STR(text), &arn), 0);
    assert_true(virga_str_equal(arn.service, STR("ecr")));
    assert_true(virga_str_equal(arn.resource, STR("repository/a:b/c")));
    assert_int_equal(virga_arn_format(&arn, again, sizeof again), strlen(text));
    assert_string_equal(again, text);
    assert_int_equal(virga_arn_parse(STR("arn:aws:s3:::bucket"), &arn), 0);
    assert_int_equal(arn.region.len, 0);
}

static void half_an_arn_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "arn",
                                      "arn:",
                                      "arn:aws:ecr:us-east-1:123456789012",
                                      "arn:aws:ecr:us-east-1:123456789012:",
                                      "urn:aws:ecr:us-east-1:123456789012:x",
                                      "arn::ecr:us-east-1:123456789012:x"};
    struct virga_arn arn;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(virga_arn_parse(STR(bad[i]), &arn), -EINVAL);
    }
}

static void partition_follows_the_region(void **state) {
    (void)state;
    assert_string_equal(virga_arn_partition(STR("us-east-1")), "aws");
    assert_string_equal(virga_arn_partition(STR("cn-north-1")), "aws-cn");
    assert_string_equal(virga_arn_partition(STR("us-gov-west-1")), "aws-us-gov");
    assert_string_equal(virga_arn_partition(STR("")), "aws");
}

static void base64_comes_back(void **state) {
    (void)state;
    char text[VIRGA_BASE64_SIZE(256)], bytes[sizeof text], all[256];
    size_t len = 0;
    for (size_t i = 0; i < sizeof all; i++) {
        all[i] = (char)i;
    }
    for (size_t size = 0; size <= sizeof all; size++) {
        size_t text_len = virga_base64_encode((struct virga_str){all, size}, text);
        assert_int_equal(text_len, strlen(text));
        assert_int_equal(text_len + 1, VIRGA_BASE64_SIZE(size));
        assert_int_equal(virga_base64_decode(STR(text), bytes, &len), 0);
        assert_int_equal(len, size);
        assert_memory_equal(bytes, all, size);
    }
    virga_base64_encode(STR("AWS:floci"), text);
    assert_string_equal(text, "QVdTOmZsb2Np");
}

static void base64_with_anything_else_in_it_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"QQ",     "QQ=",   "Q===", "====", "QQ==QQ==",        "Q Q=",
                                      "QUJD\n", "QUJD ", " QUJ", "QUI-", "\xff\xff\xff\xff"};
    char bytes[64];
    size_t len = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(virga_base64_decode(STR(bad[i]), bytes, &len), -EINVAL);
        assert_false(virga_base64_is_valid(STR(bad[i])));
    }
}

static void sha256_is_the_one_of_the_standard(void **state) {
    (void)state;
    char hex[VIRGA_SHA256_HEX_LEN + 1];
    assert_int_equal(virga_sha256_hex(STR("abc"), hex), 0);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(virga_sha256_hex((struct virga_str){NULL, 0}, hex), 0);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static const struct virga_page_key key = {{1, 2, 3}};
static const struct virga_page_key other_key = {{3, 2, 1}};

static void token_gives_its_position_back(void **state) {
    (void)state;
    char token[VIRGA_PAGE_TOKEN_SIZE], position[VIRGA_PAGE_POSITION_MAX];
    char longest[VIRGA_PAGE_POSITION_MAX];
    size_t len = 0;
    memset(longest, 'x', sizeof longest);
    assert_int_equal(virga_page_token_make(&key, STR("q"), (struct virga_str){"a\0b", 3}, token),
                     0);
    assert_int_equal(virga_page_token_open(&key, STR("q"), STR(token), position, &len), 0);
    assert_int_equal(len, 3);
    assert_memory_equal(position, "a\0b", 3);
    assert_int_equal(
        virga_page_token_make(&key, STR("q"), (struct virga_str){longest, sizeof longest}, token),
        0);
    assert_int_equal(virga_page_token_open(&key, STR("q"), STR(token), position, &len), 0);
    assert_int_equal(len, sizeof longest);
}

static void token_of_another_question_or_key_is_refused(void **state) {
    (void)state;
    char token[VIRGA_PAGE_TOKEN_SIZE], position[VIRGA_PAGE_POSITION_MAX];
    size_t len = 0;
    assert_int_equal(virga_page_token_make(&key, STR("list app"), STR("x"), token), 0);
    assert_int_equal(virga_page_token_open(&key, STR("list ap"), STR(token), position, &len),
                     -EINVAL);
    assert_int_equal(virga_page_token_open(&other_key, STR("list app"), STR(token), position, &len),
                     -EINVAL);
    assert_int_equal(virga_page_token_open(&key, STR("list app"), STR(token), position, &len), 0);
}

static void damaged_token_is_refused(void **state) {
    (void)state;
    char token[VIRGA_PAGE_TOKEN_SIZE], position[VIRGA_PAGE_POSITION_MAX];
    size_t len = 0;
    assert_int_equal(virga_page_token_make(&key, STR("q"), STR("position"), token), 0);
    size_t token_len = strlen(token);
    for (size_t i = 0; i < token_len; i++) {
        char was = token[i];
        token[i] = was == 'A' ? 'B' : 'A';
        assert_int_equal(virga_page_token_open(&key, STR("q"), STR(token), position, &len),
                         -EINVAL);
        token[i] = was;
    }
    for (size_t cut = 0; cut < token_len; cut++) {
        assert_int_equal(
            virga_page_token_open(&key, STR("q"), (struct virga_str){token, cut}, position, &len),
            -EINVAL);
    }
    char longer[2 * VIRGA_PAGE_TOKEN_SIZE];
    memset(longer, 'A', sizeof longer);
    assert_int_equal(virga_page_token_open(
                         &key, STR("q"), (struct virga_str){longer, sizeof longer}, position, &len),
                     -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arn_comes_apart_and_together),
        cmocka_unit_test(half_an_arn_is_refused),
        cmocka_unit_test(partition_follows_the_region),
        cmocka_unit_test(base64_comes_back),
        cmocka_unit_test(base64_with_anything_else_in_it_is_refused),
        cmocka_unit_test(sha256_is_the_one_of_the_standard),
        cmocka_unit_test(token_gives_its_position_back),
        cmocka_unit_test(token_of_another_question_or_key_is_refused),
        cmocka_unit_test(damaged_token_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
