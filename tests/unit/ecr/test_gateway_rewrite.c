/* SPDX-License-Identifier: MIT */
/* Locations, mounts and queries between client and registry. */
#include "gateway_rewrite.h"
#include "reference.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define UPSTREAM "123456789012/eu-west-1/team/app"
#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct tenant tenant = {"123456789012", "eu-west-1"};

static void assert_location(const char *location, const char *client, const char *ns,
                            const char *expected) {
    struct strbuf text = {0};
    assert_int_equal(gateway_rewrite_location(virga_str_from(location), UPSTREAM,
                                              virga_str_from(client), virga_str_from(ns), &text),
                     0);
    assert_string_equal(text.ptr, expected);
    strbuf_finish(&text);
}

static void locations_come_back_in_the_clients_form(void **state) {
    (void)state;
    assert_location("/v2/" UPSTREAM "/blobs/uploads/1?_state=a%3D", "team/app", NULL,
                    "/v2/team/app/blobs/uploads/1?_state=a%3D");
    assert_location("/v2/" UPSTREAM "/blobs/uploads/1?_state=a", UPSTREAM, NULL,
                    "/v2/" UPSTREAM "/blobs/uploads/1?_state=a");
    assert_location("http://localhost/v2/" UPSTREAM "/manifests/" DIGEST, "team/app", NULL,
                    "/v2/team/app/manifests/" DIGEST);
    assert_location("/v2/" UPSTREAM "/blobs/uploads/1?_state=x://y", "team/app", NULL,
                    "/v2/team/app/blobs/uploads/1?_state=x://y");
}

static void ns_is_carried_on(void **state) {
    (void)state;
    assert_location("/v2/" UPSTREAM "/blobs/uploads/1?_state=a", "team/app", "h%3A1",
                    "/v2/team/app/blobs/uploads/1?_state=a&ns=h%3A1");
    assert_location("/v2/" UPSTREAM "/blobs/x", "team/app", "h", "/v2/team/app/blobs/x?ns=h");
}

static void locations_elsewhere_are_refused(void **state) {
    static const char *const bad[] = {"",
                                      "/",
                                      "http://h",
                                      "/v2/" UPSTREAM,
                                      "/v2/" UPSTREAM "2/blobs/x",
                                      "/v2/other/blobs/x",
                                      "https://bucket.example/v2"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct strbuf text = {0};
        assert_int_equal(gateway_rewrite_location(virga_str_from(bad[i]), UPSTREAM,
                                                  virga_str_from("team/app"),
                                                  (struct virga_str){NULL, 0}, &text),
                         -EINVAL);
        strbuf_finish(&text);
    }
}

static int read_mount(const char *query, enum tenant_form form, struct gateway_mount *mount) {
    return gateway_rewrite_read_mount(virga_str_from(query), form, &tenant, mount);
}

static void mounts_name_a_repository_of_the_same_tenant(void **state) {
    struct gateway_mount mount;
    (void)state;
    assert_int_equal(read_mount("mount=" DIGEST "&from=team%2Fbase", TENANT_FORM_HOST, &mount), 0);
    assert_string_equal(mount.name, "team/base");
    assert_string_equal(mount.digest, DIGEST);
    assert_int_equal(
        read_mount("from=123456789012/eu-west-1/base&mount=" DIGEST, TENANT_FORM_PATH, &mount), 0);
    assert_string_equal(mount.name, "base");
    assert_int_equal(
        read_mount("from=123456789012/eu-west-1/base&mount=" DIGEST, TENANT_FORM_DEFAULT, &mount),
        0);
    assert_string_equal(mount.name, "base");
    /* By host name the whole text is the name. */
    assert_int_equal(
        read_mount("from=123456789012/eu-west-1/base&mount=" DIGEST, TENANT_FORM_HOST, &mount), 0);
    assert_string_equal(mount.name, "123456789012/eu-west-1/base");
}

static void mounts_that_cannot_be_done_are_dropped(void **state) {
    static const char *const bad[] = {
        "",
        "mount=" DIGEST,
        "from=123456789012/eu-west-1/base",
        "mount=" DIGEST "&from=base",
        "mount=" DIGEST "&from=123456789012/eu-west-2/base",
        "mount=" DIGEST "&from=999999999999/eu-west-1/base",
        "mount=" DIGEST "&from=123456789012/eu-west-1/../x",
        "mount=" DIGEST "&from=123456789012/eu-west-1/",
        "mount=" DIGEST "&from=%00",
        "mount=sha512:00&from=123456789012/eu-west-1/base",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct gateway_mount mount;
        assert_int_equal(read_mount(bad[i], TENANT_FORM_PATH, &mount), -ENOENT);
    }
}

static void the_gateways_own_parameters_are_taken_out(void **state) {
    struct strbuf target = {0};
    (void)state;
    gateway_rewrite_query(virga_str_from("_state=a%3D&ns=h&digest=x&mount=m&from=f"), &target);
    assert_string_equal(target.ptr, "?_state=a%3D&digest=x");
    strbuf_finish(&target);
    gateway_rewrite_query(virga_str_from("ns=h"), &target);
    assert_int_equal(target.len, 0);
    strbuf_finish(&target);
}

static void names_in_the_registry_fit_its_limit(void **state) {
    char name[BACKEND_NAME_MAX + 1], other[BACKEND_NAME_MAX + 1];
    char longest[ECR_NAME_MAX + 1];
    const struct tenant wide = {"123456789012", "a234567890123456789012345678901"};
    (void)state;
    assert_int_equal(backend_name(&tenant, virga_str_from("team/app"), name), strlen(UPSTREAM));
    assert_string_equal(name, UPSTREAM);
    for (size_t i = 0; i < ECR_NAME_MAX; i++) {
        longest[i] = i % 2 == 0 ? 'a' : '/';
    }
    longest[ECR_NAME_MAX - 1] = 'b';
    longest[ECR_NAME_MAX] = '\0';
    size_t len = backend_name(&wide, virga_str_from(longest), name);
    assert_true(len <= BACKEND_NAME_MAX);
    assert_int_equal(strlen(name), len);
    const char *tail = name + strlen(wide.account) + strlen(wide.region) + 2;
    assert_true(reference_is_name(virga_str_from(tail)));
    longest[ECR_NAME_MAX - 1] = 'c';
    (void)backend_name(&wide, virga_str_from(longest), other);
    assert_string_not_equal(name, other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locations_come_back_in_the_clients_form),
        cmocka_unit_test(ns_is_carried_on),
        cmocka_unit_test(locations_elsewhere_are_refused),
        cmocka_unit_test(mounts_name_a_repository_of_the_same_tenant),
        cmocka_unit_test(mounts_that_cannot_be_done_are_dropped),
        cmocka_unit_test(the_gateways_own_parameters_are_taken_out),
        cmocka_unit_test(names_in_the_registry_fit_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
