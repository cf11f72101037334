/* SPDX-License-Identifier: MIT */
/* Which image a URI names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "image_uri.h"

#define STR(text) virga_str_from(text)
#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct tenant defaults = {"000000000000", "us-east-1"};

static void assert_image(const char *uri, const char *account, const char *region, const char *name,
                         const char *reference, const char *place) {
    struct image_uri image;
    if (image_uri_parse(STR(uri), &defaults, &image) != 0) {
        fail_msg("refused: %s", uri);
    }
    assert_string_equal(image.tenant.account, account);
    assert_string_equal(image.tenant.region, region);
    assert_true(virga_str_equal(image.name, STR(name)));
    assert_true(virga_str_equal(image.reference, STR(reference)));
    assert_true(virga_str_equal(image.place, STR(place)));
    assert_int_equal(image.by_digest, strchr(uri, '@') != NULL);
}

static void assert_refused(const char *uri) {
    struct image_uri image;
    if (image_uri_parse(STR(uri), &defaults, &image) != -EINVAL) {
        fail_msg("taken: %s", uri);
    }
}

static void a_registry_host_names_account_and_region(void **state) {
    (void)state;
    static const char *const hosts[] = {
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn",
        "123456789012.dkr-ecr.eu-west-1.on.aws",
        "123456789012.dkr.ecr-fips.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.localhost:5100",
        "123456789012.dkr.ecr.eu-west-1.127.0.0.1",
        "123456789012.dkr.ecr.eu-west-1.localhost.localstack.cloud:4566",
        "123456789012.DKR.ECR.EU-WEST-1.AMAZONAWS.COM",
    };
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        char uri[256], place[200];
        (void)snprintf(place, sizeof place, "%s/team/app", hosts[i]);
        (void)snprintf(uri, sizeof uri, "%s:v1.0", place);
        assert_image(uri, "123456789012", "eu-west-1", "team/app", "v1.0", place);
    }
}

static void a_local_host_has_the_tenant_in_the_path(void **state) {
    (void)state;
    static const char *const hosts[] = {"localhost:5100", "127.0.0.1:5100", "[::1]:5100",
                                        "localhost",      "virga:5100",     "ecr.localhost"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        char uri[256], place[200];
        (void)snprintf(place, sizeof place, "%s/123456789012/eu-west-1/team/app", hosts[i]);
        (void)snprintf(uri, sizeof uri, "%s:v1", place);
        assert_image(uri, "123456789012", "eu-west-1", "team/app", "v1", place);
    }
    assert_image("localhost:5100/app:v1", "000000000000", "us-east-1", "app", "v1",
                 "localhost:5100/app");
    assert_image("localhost:5100/123456789012/app:v1", "000000000000", "us-east-1",
                 "123456789012/app", "v1", "localhost:5100/123456789012/app");
}

static void a_digest_counts_more_than_a_tag(void **state) {
    (void)state;
    assert_image("localhost:5100/app@" DIGEST, "000000000000", "us-east-1", "app", DIGEST,
                 "localhost:5100/app");
    assert_image("localhost:5100/app:v1@" DIGEST, "000000000000", "us-east-1", "app", DIGEST,
                 "localhost:5100/app");
}

static void what_names_no_image_here_is_refused(void **state) {
    (void)state;
    static const char *const uris[] = {
        "",
        ":",
        "@",
        "/",
        "app",
        "app:v1",
        "team/app:v1", /* no host but a folder, as docker reads it */
        "localhost:5100",
        "localhost:5100/",
        "localhost:5100/app", /* neither tag nor digest */
        "localhost:5100/app:",
        "localhost:5100/app:-v1",
        "localhost:5100/app:v1:v2",
        "localhost:5100/App:v1",
        "localhost:5100/app@",
        "localhost:5100/app@sha256:0123",
        "localhost:5100/app:@" DIGEST,
        "localhost:5100/app@" DIGEST "@" DIGEST,
        "localhost:5100//app:v1",
        "/app:v1",
        ":5100/app:v1",
        "docker.io/library/busybox:latest",
        "registry.example.com/123456789012/eu-west-1/app:v1",
        "127.example.com.evil/app:v1",
        "12345.dkr.ecr.eu-west-1.amazonaws.com/app:v1",
        "123456789012.dkr.ecr.EU_WEST.amazonaws.com/app:v1",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com:v1",
        "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:v1",
    };
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        assert_refused(uris[i]);
    }
    char uri[IMAGE_URI_MAX + 64] = "localhost:5100/app:v1";
    memset(uri + strlen(uri), 'a', IMAGE_URI_MAX);
    uri[sizeof uri - 1] = '\0';
    assert_refused(uri);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_registry_host_names_account_and_region),
        cmocka_unit_test(a_local_host_has_the_tenant_in_the_path),
        cmocka_unit_test(a_digest_counts_more_than_a_tag),
        cmocka_unit_test(what_names_no_image_here_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
