/* SPDX-License-Identifier: MIT */
/* Tenants from host names, ?ns= and paths. */
#include "tenant.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct tenant defaults = {"000000000000", "us-east-1"};

static int from_host(const char *host, struct tenant *tenant) {
    return tenant_from_host(virga_str_from(host), tenant);
}

static int resolve(const char *host, const char *path, const char *query,
                   struct tenant_address *address) {
    return tenant_resolve(virga_str_from(host), virga_str_from(path), virga_str_from(query),
                          &defaults, address);
}

static void assert_address(const char *host, const char *path, const char *query,
                           enum tenant_form form, const char *account, const char *region,
                           const char *rest) {
    struct tenant_address address;
    assert_int_equal(resolve(host, path, query, &address), 0);
    assert_int_equal(address.form, form);
    assert_string_equal(address.tenant.account, account);
    assert_string_equal(address.tenant.region, region);
    assert_int_equal(address.rest.len, strlen(rest));
    assert_memory_equal(address.rest.ptr, rest, strlen(rest));
}

static void every_form_of_a_registry_host_names_its_tenant(void **state) {
    static const char *const hosts[] = {
        "123456789012.dkr.ecr.eu-west-1.localhost",
        "123456789012.dkr.ecr.eu-west-1.localhost:5100",
        "123456789012.DKR.ECR.EU-West-1.LOCALHOST:5100",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn",
        "123456789012.dkr.ecr-fips.eu-west-1.amazonaws.com",
        "123456789012.dkr-ecr.eu-west-1.on.aws",
        "123456789012.dkr-ecr.eu-west-1.on.amazonwebservices.com.cn:443",
        "123456789012.dkr-ecr-fips.eu-west-1.on.aws",
    };
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct tenant tenant;
        assert_int_equal(from_host(hosts[i], &tenant), 1);
        assert_string_equal(tenant.account, "123456789012");
        assert_string_equal(tenant.region, "eu-west-1");
    }
}

static void other_hosts_name_no_tenant(void **state) {
    static const char *const hosts[] = {"",
                                        "localhost",
                                        "localhost:5100",
                                        "127.0.0.1:5100",
                                        "[::1]:5100",
                                        "::1",
                                        "floci:5100",
                                        "docker.io",
                                        "a.b.c.d.e",
                                        "123456789012.dkr",
                                        "ecr.dkr.x",
                                        "123456789012.ecr.eu-west-1.localhost"};
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct tenant tenant;
        assert_int_equal(from_host(hosts[i], &tenant), 0);
    }
}

static void a_registry_host_with_a_bad_tenant_is_refused(void **state) {
    static const char *const hosts[] = {
        "12345678901.dkr.ecr.eu-west-1.localhost",   "1234567890123.dkr.ecr.eu-west-1.localhost",
        "app.dkr.ecr.eu-west-1.localhost",           "123456789012.dkr.ecr.localhost",
        "123456789012.dkr.ecr..localhost",           "123456789012.dkr.ecr.eu_west_1.localhost",
        "123456789012.dkr.ecr.-eu-west-1.localhost", "123456789012.dkr-ecr.eu-west-1"};
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct tenant tenant;
        assert_int_equal(from_host(hosts[i], &tenant), -EINVAL);
    }
    char longest[400];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    struct tenant tenant;
    assert_int_equal(from_host(longest, &tenant), 0);
}

static void host_form_keeps_the_whole_path(void **state) {
    (void)state;
    assert_address("123456789012.dkr.ecr.eu-west-1.localhost:5100", "/v2/app/manifests/v1", "",
                   TENANT_FORM_HOST, "123456789012", "eu-west-1", "app/manifests/v1");
    assert_address("123456789012.dkr.ecr.eu-west-1.localhost:5100",
                   "/v2/999999999999/us-east-1/app/manifests/v1", "", TENANT_FORM_HOST,
                   "123456789012", "eu-west-1", "999999999999/us-east-1/app/manifests/v1");
}

static void path_form_takes_account_and_region_off(void **state) {
    (void)state;
    assert_address("localhost:5100", "/v2/123456789012/eu-west-1/team/app/blobs/uploads/", "",
                   TENANT_FORM_PATH, "123456789012", "eu-west-1", "team/app/blobs/uploads/");
    assert_address("127.0.0.1:5100", "/v2/123456789012/eu-west-1/_catalog", "", TENANT_FORM_PATH,
                   "123456789012", "eu-west-1", "_catalog");
    assert_address("floci:5100", "/v2/123456789012/local/app/tags/list", "", TENANT_FORM_PATH,
                   "123456789012", "local", "app/tags/list");
}

static void other_paths_mean_the_default_tenant(void **state) {
    (void)state;
    assert_address("localhost:5100", "/v2/app/manifests/v1", "", TENANT_FORM_DEFAULT,
                   "000000000000", "us-east-1", "app/manifests/v1");
    assert_address("localhost:5100", "/v2/", "", TENANT_FORM_DEFAULT, "000000000000", "us-east-1",
                   "");
    assert_address("localhost:5100", "/v2", "", TENANT_FORM_DEFAULT, "000000000000", "us-east-1",
                   "");
    assert_address("", "/v2/_catalog", "", TENANT_FORM_DEFAULT, "000000000000", "us-east-1",
                   "_catalog");
    /* A repository whose name begins with 12 digits. */
    assert_address("localhost", "/v2/123456789012/manifests/v1", "", TENANT_FORM_DEFAULT,
                   "000000000000", "us-east-1", "123456789012/manifests/v1");
    assert_address("localhost", "/v2/123456789012/app/manifests/v1", "", TENANT_FORM_DEFAULT,
                   "000000000000", "us-east-1", "123456789012/app/manifests/v1");
    assert_address("localhost", "/v2/12345678901/eu-west-1/app/manifests/v1", "",
                   TENANT_FORM_DEFAULT, "000000000000", "us-east-1",
                   "12345678901/eu-west-1/app/manifests/v1");
}

static void ns_names_the_tenant_whatever_the_host(void **state) {
    (void)state;
    assert_address("localhost:5100", "/v2/app/manifests/v1",
                   "ns=123456789012.dkr.ecr.eu-west-1.amazonaws.com", TENANT_FORM_NS,
                   "123456789012", "eu-west-1", "app/manifests/v1");
    assert_address("999999999999.dkr.ecr.us-east-1.localhost", "/v2/app/manifests/v1",
                   "x=1&ns=123456789012.dkr.ecr.eu-west-1.localhost%3A5100", TENANT_FORM_NS,
                   "123456789012", "eu-west-1", "app/manifests/v1");
    assert_address("localhost:5100", "/v2/app/manifests/v1", "ns=localhost%3A5100",
                   TENANT_FORM_DEFAULT, "000000000000", "us-east-1", "app/manifests/v1");
    assert_address("localhost:5100", "/v2/app/manifests/v1", "ns=", TENANT_FORM_DEFAULT,
                   "000000000000", "us-east-1", "app/manifests/v1");
}

static void ns_of_another_registry_is_refused(void **state) {
    struct tenant_address address;
    (void)state;
    assert_int_equal(
        resolve("localhost", "/v2/library/alpine/manifests/3", "ns=docker.io", &address),
        -EHOSTUNREACH);
    assert_int_equal(resolve("localhost", "/v2/a/manifests/3", "ns=%zz", &address), -EINVAL);
    assert_int_equal(
        resolve("localhost", "/v2/a/manifests/3", "ns=1.dkr.ecr.us-east-1.localhost", &address),
        -EINVAL);
}

static void paths_outside_v2_are_refused(void **state) {
    struct tenant_address address;
    (void)state;
    assert_int_equal(resolve("localhost", "/", "", &address), -ENOENT);
    assert_int_equal(resolve("localhost", "/v1/", "", &address), -ENOENT);
    assert_int_equal(resolve("localhost", "/v2x/", "", &address), -ENOENT);
    assert_int_equal(resolve("localhost", "", "", &address), -ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_a_registry_host_names_its_tenant),
        cmocka_unit_test(other_hosts_name_no_tenant),
        cmocka_unit_test(a_registry_host_with_a_bad_tenant_is_refused),
        cmocka_unit_test(host_form_keeps_the_whole_path),
        cmocka_unit_test(path_form_takes_account_and_region_off),
        cmocka_unit_test(other_paths_mean_the_default_tenant),
        cmocka_unit_test(ns_names_the_tenant_whatever_the_host),
        cmocka_unit_test(ns_of_another_registry_is_refused),
        cmocka_unit_test(paths_outside_v2_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
