/* SPDX-License-Identifier: MIT */
/* Tests of core/router.c. */
#include "router.h"

#include <errno.h>
#include <setjmp.h>

#include <cmocka.h>

#include "fake_request.h"

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    (void)host;
    (void)ret_self;
    (void)err;
    return 0;
}

static void handle(void *self, struct virga_request *req) {
    (void)self;
    (void)req;
}

#define PLUGIN(plugin_name, array)                                                                 \
    {                                                                                              \
        VIRGA_PLUGIN_HEAD, .name = plugin_name, .version = "1", .start = start, .handle = handle,  \
                           VIRGA_ROUTES(array)                                                     \
    }

static const struct virga_route ecr_routes[] = {
    {.kind = VIRGA_ROUTE_TARGET,
     .pattern = "AmazonEC2ContainerRegistry_V20150921",
     .service = "ecr"},
    {.kind = VIRGA_ROUTE_ADMIN, .method = "POST", .pattern = "ecr/gc"},
    {.kind = VIRGA_ROUTE_ADMIN,
     .method = "GET",
     .pattern = "ecr/{What}",
     .flags = VIRGA_ROUTE_LOCALSTACK},
};
static const struct virga_route lambda_routes[] = {
    {.kind = VIRGA_ROUTE_REST,
     .method = "GET",
     .pattern = "/2015-03-31/functions/{Name}",
     .service = "lambda"},
    {.kind = VIRGA_ROUTE_REST,
     .method = "PUT",
     .pattern = "/2015-03-31/functions/{Name}/code",
     .service = "lambda"},
};
static const struct virga_route s3_routes[] = {
    {.kind = VIRGA_ROUTE_REST, .method = "GET", .pattern = "/{Bucket}/{Key+}", .service = "s3"},
    {.kind = VIRGA_ROUTE_REST,
     .method = "PUT",
     .pattern = "/{Bucket}/{Key+}",
     .service = "s3",
     .body_limit_bytes = 77},
};
static const struct virga_route sts_routes[] = {
    {.kind = VIRGA_ROUTE_QUERY, .pattern = "2011-06-15", .service = "sts", .body_limit_bytes = 99},
};
static const struct virga_route cfn_routes[] = {
    {.kind = VIRGA_ROUTE_QUERY, .pattern = "", .service = "cloudformation"},
};
static const struct virga_plugin descs[] = {
    PLUGIN("ecr", ecr_routes), PLUGIN("lambda", lambda_routes), PLUGIN("s3", s3_routes),
    PLUGIN("sts", sts_routes), PLUGIN("cfn", cfn_routes),
};
enum { ECR, LAMBDA, S3, STS, CFN, COUNT };
static struct plugin plugins[COUNT];
static struct router *router;

static int set_up(void **state) {
    (void)state;
    struct error err = {0};
    assert_int_equal(router_create(&router), 0);
    for (int i = 0; i < COUNT; i++) {
        plugins[i].desc = &descs[i];
        assert_int_equal(router_add_plugin(router, &plugins[i], &err), 0);
    }
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    router_destroy(router);
    return 0;
}

static int match(struct fake_request *fake, const struct router_entry **ret_entry) {
    return router_match(router, &fake->req, ret_entry);
}

static void target_is_split_at_its_last_dot(void **state) {
    (void)state;
    struct fake_request fake;
    const struct router_entry *entry;
    fake_request_init(&fake, NULL, "POST", "/", "");
    fake_request_header(&fake, "X-Amz-Target",
                        "AmazonEC2ContainerRegistry_V20150921.CreateRepository");
    assert_int_equal(match(&fake, &entry), 0);
    assert_ptr_equal(entry->plugin, &plugins[ECR]);
    assert_string_equal(fake.req.pub.action.ptr, "CreateRepository");
    fake_request_finish(&fake);
}

static void unknown_targets_and_targets_without_a_dot_are_enoent(void **state) {
    (void)state;
    static const char *const targets[] = {"AmazonEC2ContainerRegistry_V20150921", "Other.Create",
                                          "AmazonEC2ContainerRegistry_V2015092.Create", ""};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct fake_request fake;
        const struct router_entry *entry;
        fake_request_init(&fake, NULL, "POST", "/", "");
        fake_request_header(&fake, "X-Amz-Target", targets[i]);
        assert_int_equal(match(&fake, &entry), -ENOENT);
        fake_request_finish(&fake);
    }
}

static void admin_goes_before_rest_and_tells_a_wrong_method(void **state) {
    (void)state;
    struct fake_request fake;
    const struct router_entry *entry;
    fake_request_init(&fake, NULL, "POST", "/_floci/ecr/gc", "");
    assert_int_equal(match(&fake, &entry), 0);
    assert_ptr_equal(entry->plugin, &plugins[ECR]);
    fake_request_finish(&fake);
    fake_request_init(&fake, NULL, "DELETE", "/_floci/ecr/gc", "");
    assert_int_equal(match(&fake, &entry), -ENOTSUP);
    fake_request_finish(&fake);
    fake_request_init(&fake, NULL, "GET", "/_floci/nothing", "");
    assert_int_equal(match(&fake, &entry), -ENOENT);
    fake_request_finish(&fake);
}

static void localstack_prefix_is_only_for_routes_that_say_so(void **state) {
    (void)state;
    struct fake_request fake;
    const struct router_entry *entry;
    fake_request_init(&fake, NULL, "GET", "/_localstack/ecr/a%20b", "");
    assert_int_equal(match(&fake, &entry), 0);
    assert_int_equal(fake.req.pub.params_count, 1);
    assert_string_equal(fake.req.pub.params[0].ptr, "a b");
    fake_request_finish(&fake);
    fake_request_init(&fake, NULL, "POST", "/_localstack/ecr/gc", "");
    assert_int_not_equal(match(&fake, &entry), 0);
    fake_request_finish(&fake);
}

static void service_of_the_signature_settles_a_tie(void **state) {
    (void)state;
    struct fake_request fake;
    const struct router_entry *entry;
    fake_request_init(&fake, NULL, "GET", "/2015-03-31/functions/f", "");
    assert_int_equal(match(&fake, &entry), 0);
    assert_ptr_equal(entry->plugin, &plugins[LAMBDA]);
    fake.req.pub.service = virga_str_from("s3");
    assert_int_equal(match(&fake, &entry), 0);
    assert_ptr_equal(entry->plugin, &plugins[S3]);
    assert_string_equal(fake.req.pub.params[1].ptr, "functions/f");
    fake.req.pub.service = virga_str_from("ecr");
    assert_int_equal(match(&fake, &entry), -ENOENT);
    fake_request_finish(&fake);
}

static void query_is_told_by_service_and_version(void **state) {
    (void)state;
    struct fake_request fake;
    const struct router_entry *entry;
    fake_request_init(&fake, NULL, "POST", "/", "");
    fake_request_header(&fake, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    assert_true(router_is_form(&fake.req));
    struct virga_str form = virga_str_from("Action=GetCallerIdentity&Version=2011-06-15");
    assert_int_equal(router_match_query(router, &fake.req, form, &entry), 0);
    assert_ptr_equal(entry->plugin, &plugins[STS]);
    assert_string_equal(fake.req.pub.action.ptr, "GetCallerIdentity");
    fake.req.pub.service = virga_str_from("cloudformation");
    assert_int_equal(router_match_query(router, &fake.req, form, &entry), 0);
    assert_ptr_equal(entry->plugin, &plugins[CFN]);
    fake.req.pub.service = virga_str_from("");
    form = virga_str_from("Action=ListStacks&Version=2010-05-15");
    assert_int_equal(router_match_query(router, &fake.req, form, &entry), -ENOENT);
    form = virga_str_from("Version=2011-06-15");
    assert_int_equal(router_match_query(router, &fake.req, form, &entry), -ENOENT);
    assert_int_equal(router_query_limit(router, 10), 99);
    fake_request_finish(&fake);
}

static void taken_routes_are_refused_with_both_names_and_leave_nothing(void **state) {
    (void)state;
    static const struct virga_route routes[] = {
        {.kind = VIRGA_ROUTE_TARGET, .pattern = "Fresh_1"},
        {.kind = VIRGA_ROUTE_REST,
         .method = "GET",
         .pattern = "/2015-03-31/functions/{Other}",
         .service = "lambda"},
    };
    static const struct virga_plugin desc = PLUGIN("thief", routes);
    struct plugin thief = {.desc = &desc};
    struct error err = {0};
    assert_int_equal(router_add_plugin(router, &thief, &err), -EEXIST);
    assert_non_null(strstr(err.text, "lambda"));
    struct fake_request fake;
    const struct router_entry *entry;
    fake_request_init(&fake, NULL, "POST", "/", "");
    fake_request_header(&fake, "X-Amz-Target", "Fresh_1.Do");
    assert_int_equal(match(&fake, &entry), -ENOENT);
    fake_request_finish(&fake);
}

static void malformed_routes_are_refused(void **state) {
    (void)state;
    static const struct virga_route bad[] = {
        {.kind = VIRGA_ROUTE_REST, .pattern = "no-slash"},
        {.kind = VIRGA_ROUTE_ADMIN, .pattern = "/slash"},
        {.kind = VIRGA_ROUTE_QUERY, .pattern = ""},
        {.kind = VIRGA_ROUTE_TARGET, .pattern = ""},
        {.kind = 9, .pattern = "x"},
        {.kind = VIRGA_ROUTE_REST, .pattern = "/x/{y+}/z"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = {0};
        assert_int_equal(router_add_host(router, &bad[i], NULL, &err), -EINVAL);
        assert_int_not_equal(err.text[0], '\0');
    }
}

static void removed_routes_match_no_more(void **state) {
    (void)state;
    router_remove_plugin(router, &plugins[ECR]);
    struct fake_request fake;
    const struct router_entry *entry;
    fake_request_init(&fake, NULL, "POST", "/_floci/ecr/gc", "");
    assert_int_equal(match(&fake, &entry), -ENOENT);
    fake_request_finish(&fake);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(target_is_split_at_its_last_dot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_targets_and_targets_without_a_dot_are_enoent,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(admin_goes_before_rest_and_tells_a_wrong_method, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(localstack_prefix_is_only_for_routes_that_say_so, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(service_of_the_signature_settles_a_tie, set_up, tear_down),
        cmocka_unit_test_setup_teardown(query_is_told_by_service_and_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(taken_routes_are_refused_with_both_names_and_leave_nothing,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(malformed_routes_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removed_routes_match_no_more, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
