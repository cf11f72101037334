/* SPDX-License-Identifier: MIT */
/* Routes of the distribution API, parsed from the right. */
#include "gateway_path.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_path(const char *text, enum gateway_kind kind, const char *name,
                        const char *reference) {
    struct gateway_path path;
    assert_int_equal(gateway_path_parse(virga_str_from(text), &path), 0);
    assert_int_equal(path.kind, kind);
    assert_true(virga_str_equal(path.name, virga_str_from(name)));
    assert_true(virga_str_equal(path.reference, virga_str_from(reference)));
}

static void every_route_is_told_apart(void **state) {
    (void)state;
    assert_path("", GATEWAY_BASE, "", "");
    assert_path("_catalog", GATEWAY_CATALOG, "", "");
    assert_path("app/tags/list", GATEWAY_TAGS, "app", "");
    assert_path("app/manifests/v1", GATEWAY_MANIFEST, "app", "v1");
    assert_path("app/blobs/sha256:0", GATEWAY_BLOB, "app", "sha256:0");
    assert_path("app/blobs/uploads", GATEWAY_UPLOADS, "app", "");
    assert_path("app/blobs/uploads/", GATEWAY_UPLOADS, "app", "");
    assert_path("app/blobs/uploads/5f-1", GATEWAY_UPLOAD, "app", "5f-1");
    assert_path("app/referrers/sha256:0", GATEWAY_REFERRERS, "app", "sha256:0");
}

static void repositories_may_be_called_like_routes(void **state) {
    (void)state;
    assert_path("team/blobs/manifests/x/manifests/v1", GATEWAY_MANIFEST, "team/blobs/manifests/x",
                "v1");
    assert_path("team/blobs/manifests/x/blobs/uploads/", GATEWAY_UPLOADS, "team/blobs/manifests/x",
                "");
    assert_path("a/blobs/blobs/uploads/id", GATEWAY_UPLOAD, "a/blobs", "id");
    assert_path("a/blobs/uploads/blobs/uploads/id", GATEWAY_UPLOAD, "a/blobs/uploads", "id");
    assert_path("a/blobs/uploads/manifests/v1", GATEWAY_MANIFEST, "a/blobs/uploads", "v1");
    assert_path("a/blobs/uploads/tags/list", GATEWAY_TAGS, "a/blobs/uploads", "");
    assert_path("a/manifests/tags/list", GATEWAY_TAGS, "a/manifests", "");
    assert_path("a/tags/list/tags/list", GATEWAY_TAGS, "a/tags/list", "");
    assert_path("a/tags/manifests/list", GATEWAY_MANIFEST, "a/tags", "list");
    assert_path("a/manifests/manifests/manifests", GATEWAY_MANIFEST, "a/manifests", "manifests");
}

static void what_is_no_route_is_refused(void **state) {
    static const char *const paths[] = {
        "app",           "/",          "app/",           "app/manifests", "app/manifests/",
        "manifests/v1",  "tags/list",  "app/tags/other", "blobs/uploads", "blobs/uploads/",
        "app/uploads/x", "_catalog/x", "/manifests/v1",  "app/blobs/",    "//"};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct gateway_path path;
        assert_int_equal(gateway_path_parse(virga_str_from(paths[i]), &path), -ENOENT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_told_apart),
        cmocka_unit_test(repositories_may_be_called_like_routes),
        cmocka_unit_test(what_is_no_route_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
