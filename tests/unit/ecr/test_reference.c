/* SPDX-License-Identifier: MIT */
/* Names, tags, digests, percent-decoding. */
#include "reference.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define EMPTY_DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static bool is_name(const char *text) {
    return reference_is_name(virga_str_from(text));
}

static void names_follow_the_api_models_pattern(void **state) {
    static const char *const good[] = {
        "ab",   "app",       "a1/b2", "a.b-c_d/e", "123456789012/x", "team/blobs/manifests/x",
        "a__b", "a--b/c---d"};
    static const char *const bad[] = {"",     "a",     "A1",   "/ab", "ab/", "a//b",
                                      "a..b", "a___b", "a-/b", "-ab", "ab-", "a b",
                                      "a%b",  "../a",  "a/..", "a:b", "a@b", "\xc3\xa9x"};
    char longest[ECR_NAME_MAX + 2];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(is_name(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(is_name(bad[i]));
    }
    memset(longest, 'a', sizeof longest);
    assert_true(reference_is_name((struct virga_str){longest, ECR_NAME_MAX}));
    assert_false(reference_is_name((struct virga_str){longest, ECR_NAME_MAX + 1}));
}

static void tags_follow_the_oci_pattern(void **state) {
    char longest[ECR_TAG_MAX + 1];
    (void)state;
    assert_true(reference_is_tag(virga_str_from("v1.2-rc_3")));
    assert_true(reference_is_tag(virga_str_from("_")));
    assert_false(reference_is_tag(virga_str_from("")));
    assert_false(reference_is_tag(virga_str_from(".v1")));
    assert_false(reference_is_tag(virga_str_from("-v1")));
    assert_false(reference_is_tag(virga_str_from("v+1")));
    assert_false(reference_is_tag(virga_str_from("v/1")));
    memset(longest, 'V', sizeof longest);
    assert_true(reference_is_tag((struct virga_str){longest, ECR_TAG_MAX}));
    assert_false(reference_is_tag((struct virga_str){longest, ECR_TAG_MAX + 1}));
}

static void digests_are_sha256_in_lower_case(void **state) {
    char digest[ECR_DIGEST_LEN + 1];
    (void)state;
    assert_int_equal(reference_digest((struct virga_str){"", 0}, digest), 0);
    assert_string_equal(digest, EMPTY_DIGEST);
    assert_true(reference_is_digest(virga_str_from(digest)));
    digest[10] = 'A';
    assert_false(reference_is_digest(virga_str_from(digest)));
    assert_false(reference_is_digest(virga_str_from("sha256:e3b0")));
    assert_false(reference_is_digest(virga_str_from("sha512:" EMPTY_DIGEST)));
}

static void decoding_refuses_what_could_hide_something(void **state) {
    char buffer[16];
    size_t len;
    (void)state;
    assert_int_equal(reference_decode(virga_str_from("a%2Fb%2f+c"), buffer, sizeof buffer, &len),
                     0);
    assert_string_equal(buffer, "a/b/+c");
    assert_int_equal(len, 6);
    static const char *const bad[] = {"%", "%0", "%00", "a%0ab", "%zz", "a%2", "\n", "%7f"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(reference_decode(virga_str_from(bad[i]), buffer, sizeof buffer, &len),
                         -EINVAL);
    }
    assert_int_equal(
        reference_decode(virga_str_from("0123456789abcdef"), buffer, sizeof buffer, &len),
        -EMSGSIZE);
    assert_int_equal(
        reference_decode(virga_str_from("%30123456789abcde"), buffer, sizeof buffer, &len), 0);
}

static void parameters_are_found_and_decoded(void **state) {
    struct virga_str query = virga_str_from("&a&b=&mount=x%3Ay&mount=z&&c=1=2");
    char buffer[32];
    size_t len;
    (void)state;
    assert_int_equal(reference_param(query, "mount", buffer, sizeof buffer, &len), 0);
    assert_string_equal(buffer, "x:y");
    assert_int_equal(reference_param(query, "a", buffer, sizeof buffer, &len), 0);
    assert_int_equal(len, 0);
    assert_int_equal(reference_param(query, "c", buffer, sizeof buffer, &len), 0);
    assert_string_equal(buffer, "1=2");
    assert_int_equal(reference_param(query, "moun", buffer, sizeof buffer, &len), -ENOENT);
    assert_int_equal(reference_param((struct virga_str){"", 0}, "a", buffer, sizeof buffer, &len),
                     -ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_follow_the_api_models_pattern),
        cmocka_unit_test(tags_follow_the_oci_pattern),
        cmocka_unit_test(digests_are_sha256_in_lower_case),
        cmocka_unit_test(decoding_refuses_what_could_hide_something),
        cmocka_unit_test(parameters_are_found_and_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
