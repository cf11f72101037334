/* SPDX-License-Identifier: MIT */
/* Names of upstream registries, overrides, redirects and challenges. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "upstream_registry.h"
#include "www_challenge.h"

#define STR(text) virga_str_from(text)

static const char *found(const char *url) {
    static char both[UPSTREAM_HOST_MAX + 64];
    char host[UPSTREAM_HOST_MAX + 1];
    const struct upstream_registry *registry = upstream_registry_find(STR(url), host);
    if (registry == NULL) {
        return "none";
    }
    (void)snprintf(both, sizeof both, "%s %s", registry->name, host);
    return both;
}

static void every_supported_registry_is_known(void **state) {
    (void)state;
    assert_string_equal(found("registry-1.docker.io"), "docker-hub registry-1.docker.io");
    assert_string_equal(found("https://Public.ECR.aws/"), "ecr-public public.ecr.aws");
    assert_string_equal(found("quay.io"), "quay quay.io");
    assert_string_equal(found("registry.k8s.io"), "k8s registry.k8s.io");
    assert_string_equal(found("ghcr.io"), "github-container-registry ghcr.io");
    assert_string_equal(found("my-team.azurecr.io"), "azure-container-registry my-team.azurecr.io");
    assert_string_equal(found("registry.gitlab.com"),
                        "gitlab-container-registry registry.gitlab.com");
    assert_string_equal(found("cgr.dev"), "chainguard cgr.dev");
    assert_string_equal(found("123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
                        "ecr 123456789012.dkr.ecr.eu-west-1.amazonaws.com");
    assert_string_equal(found("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"),
                        "ecr 123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn");
}

static void others_are_not(void **state) {
    (void)state;
    static const char *const urls[] = {"",
                                       "https://",
                                       "http://quay.io",
                                       "quay.io:443",
                                       "quay.io/team",
                                       "docker.io",
                                       "harbor.example.com",
                                       "azurecr.io",
                                       ".azurecr.io",
                                       "a.b.azurecr.io",
                                       "12345678901.dkr.ecr.eu-west-1.amazonaws.com",
                                       "123456789012.dkr.ecr.eu-west-1.evil.amazonaws.com",
                                       "s3.amazonaws.com"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        assert_string_equal(found(urls[i]), "none");
    }
}

static void an_override_is_found_by_its_host(void **state) {
    (void)state;
    char url[UPSTREAM_URL_MAX + 1];
    struct virga_str list =
        STR("registry-1.docker.io=http://127.0.0.1:5001/, quay.io = https://mirror:8443/quay ");
    assert_true(upstream_overrides_check(list, NULL));
    assert_true(upstream_override_find(list, "registry-1.docker.io", url));
    assert_string_equal(url, "http://127.0.0.1:5001");
    assert_true(upstream_override_find(list, "quay.io", url));
    assert_string_equal(url, "https://mirror:8443/quay");
    assert_false(upstream_override_find(list, "ghcr.io", url));
    assert_false(upstream_override_find(STR(""), "ghcr.io", url));
    assert_true(upstream_overrides_check(STR(""), NULL));
}

static void a_malformed_override_is_named(void **state) {
    (void)state;
    static const char *const lists[] = {
        "quay.io",         "=http://a",          "quay.io=",
        "quay.io=ftp://a", "quay.io=http://u@a", "quay.io=http://a,b"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct virga_error err = {.struct_size = sizeof err};
        assert_false(upstream_overrides_check(STR(lists[i]), &err));
        assert_non_null(strstr(err.text, "upstream-overrides"));
    }
}

static void a_redirect_is_made_whole(void **state) {
    (void)state;
    char url[64];
    assert_int_equal(
        upstream_redirect("https://a:1/v2/x", STR("https://cdn/b?c=d"), url, sizeof url), 0);
    assert_string_equal(url, "https://cdn/b?c=d");
    assert_int_equal(upstream_redirect("https://a:1/v2/x", STR("/b"), url, sizeof url), 0);
    assert_string_equal(url, "https://a:1/b");
    assert_int_equal(upstream_redirect("http://a/v2/x", STR("http://b/"), url, sizeof url), 0);
    assert_int_equal(upstream_redirect("https://a/v2/x", STR("http://b/"), url, sizeof url),
                     -EINVAL);
    assert_int_equal(upstream_redirect("https://a/v2/x", STR("//b/"), url, sizeof url), -EINVAL);
    assert_int_equal(upstream_redirect("https://a/v2/x", STR("file:///x"), url, sizeof url),
                     -EINVAL);
    assert_int_equal(upstream_redirect("https://a/v2/x", STR("/b"), url, 4), -EMSGSIZE);
}

static void a_bearer_challenge_is_taken_apart(void **state) {
    (void)state;
    struct www_challenge c;
    assert_true(www_challenge_parse(
        STR("Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
            "scope=\"repository:a/b:pull,push\",error=\"invalid_token\""),
        &c));
    assert_int_equal(c.scheme, WWW_BEARER);
    assert_string_equal(c.realm, "https://auth.docker.io/token");
    assert_string_equal(c.service, "registry.docker.io");
    assert_string_equal(c.scope, "repository:a/b:pull,push");
    assert_true(www_challenge_parse(STR("bearer  Realm = \"a\\\"b\" , service=x"), &c));
    assert_string_equal(c.realm, "a\"b");
    assert_string_equal(c.service, "x");
    assert_string_equal(c.scope, "");
}

static void bearer_is_preferred_to_basic(void **state) {
    (void)state;
    struct www_challenge c;
    assert_true(www_challenge_parse(STR("Basic realm=\"x\", Bearer realm=\"https://t\""), &c));
    assert_int_equal(c.scheme, WWW_BEARER);
    assert_true(www_challenge_parse(STR("Bearer realm=\"https://t\", Basic realm=\"x\""), &c));
    assert_string_equal(c.realm, "https://t");
    assert_true(www_challenge_parse(STR("Negotiate, Basic realm=\"x\", charset=\"UTF-8\""), &c));
    assert_int_equal(c.scheme, WWW_BASIC);
    assert_true(www_challenge_parse(STR("Basic"), &c));
}

static void a_malformed_challenge_is_refused(void **state) {
    (void)state;
    struct www_challenge c;
    char text[3000];
    (void)snprintf(text, sizeof text, "Bearer realm=\"%02000d\"", 1);
    assert_false(www_challenge_parse(STR(text), &c));
    static const char *const values[] = {"", "Digest realm=\"x\"", "Bearer realm=\"x", "=",
                                         "Basic ;"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_false(www_challenge_parse(STR(values[i]), &c));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_supported_registry_is_known),
        cmocka_unit_test(others_are_not),
        cmocka_unit_test(an_override_is_found_by_its_host),
        cmocka_unit_test(a_malformed_override_is_named),
        cmocka_unit_test(a_redirect_is_made_whole),
        cmocka_unit_test(a_bearer_challenge_is_taken_apart),
        cmocka_unit_test(bearer_is_preferred_to_basic),
        cmocka_unit_test(a_malformed_challenge_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
