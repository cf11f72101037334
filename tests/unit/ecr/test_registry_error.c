/* SPDX-License-Identifier: MIT */
/* The registry's errors on their way to the client: nothing internal stays in them. */
#include "registry_error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define UPSTREAM "123456789012/eu-west-1/app"
#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void names_are_replaced_wherever_they_stand(void **state) {
    struct strbuf text = {0};
    (void)state;
    assert_int_equal(
        registry_error_clean(
            virga_str_from("{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"no " UPSTREAM
                           "\",\"detail\":{\"name\":\"" UPSTREAM "\",\"list\":[\"" UPSTREAM
                           "\"]}}],\"path\":\"/" UPSTREAM "\"}"),
            UPSTREAM, virga_str_from("app"), &text),
        0);
    assert_string_equal(text.ptr, "{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"no app\","
                                  "\"detail\":{\"name\":\"app\",\"list\":[\"app\"]}}]}\n");
    strbuf_finish(&text);
}

static void what_is_no_error_answer_is_refused(void **state) {
    static const char *const bad[] = {
        "",    "404 page not found\n", "{}", "{\"errors\":[]}", "{\"errors\":{}}",
        "[1]", "{\"errors\":[{"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct strbuf text = {0};
        struct registry_error error;
        assert_int_equal(
            registry_error_clean(virga_str_from(bad[i]), UPSTREAM, virga_str_from("app"), &text),
            -EINVAL);
        registry_error_read(virga_str_from(bad[i]), UPSTREAM, virga_str_from("app"), &error, NULL);
        assert_string_equal(error.code, "UNKNOWN");
        strbuf_finish(&text);
    }
}

static void the_digests_of_all_errors_are_collected(void **state) {
    struct strbuf digests = {0};
    struct registry_error error;
    (void)state;
    registry_error_read(
        virga_str_from("{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\",\"message\":\"blob "
                       "unknown to registry\",\"detail\":\"" A "\"},7,"
                       "{\"code\":\"MANIFEST_BLOB_UNKNOWN\",\"detail\":{\"digest\":\"" B "\"}},"
                       "{\"code\":\"MANIFEST_BLOB_UNKNOWN\",\"detail\":\"other\"}]}"),
        UPSTREAM, virga_str_from("app"), &error, &digests);
    assert_string_equal(error.code, "MANIFEST_BLOB_UNKNOWN");
    assert_string_equal(error.message, "blob unknown to registry");
    assert_string_equal(digests.ptr, A ", " B);
    strbuf_finish(&digests);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_replaced_wherever_they_stand),
        cmocka_unit_test(what_is_no_error_answer_is_refused),
        cmocka_unit_test(the_digests_of_all_errors_are_collected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
