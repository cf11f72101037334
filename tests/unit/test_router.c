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
    {.kind = VIRGA_ROUTE_REST, .method = "GET", .pattern = "/", .service = "s3"},
    {.kind = VIRGA_ROUTE_HOST, .pattern = "*.s3.*", .service = "s3"},
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
static const struct virga_route url_routes[] = {
    {.kind = VIRGA_ROUTE_HOST, .pattern = "*.lambda-url.*"},
    {.kind = VIRGA_ROUTE_HOST, .method = "GET", .pattern = "static.lambda-url.*", .tag = 1},
};
static const struct virga_route rpc_routes[] = {
    {.kind = VIRGA_ROUTE_RPC, .pattern = "GraniteServiceVersion20100801", .service = "monitoring"},
};
static const struct virga_plugin descs[] = {
    PLUGIN("ecr", ecr_routes), PLUGIN("lambda", lambda_routes), PLUGIN("s3", s3_routes),
    PLUGIN("sts", sts_routes), PLUGIN("cfn", cfn_routes),       PLUGIN("url", url_routes),
    PLUGIN("rpc", rpc_routes),
};
enum { ECR, LAMBDA, S3, STS, CFN, URL, RPC, COUNT };
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

static void a_host_pattern_takes_every_path_of_its_hosts(void **state) {
    (void)state;
    static const char *const paths[] = {"/", "/_floci/ecr/gc", "/2015-03-31/functions/f"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct fake_request fake;
        const struct router_entry *entry;
        fake_request_init(&fake, NULL, "POST", paths[i], "");
        fake.req.pub.host = virga_str_from("Abc.lambda-url.us-east-1.localhost:4566");
        assert_int_equal(match(&fake, &entry), 0);
        assert_ptr_equal(entry->plugin, &plugins[URL]);
        assert_int_equal(fake.req.pub.params_count, 2);
        assert_string_equal(fake.req.pub.params[0].ptr, "Abc");
        assert_string_equal(fake.req.pub.params[1].ptr, "us-east-1.localhost");
        fake.req.pub.host = virga_str_from("localhost:4566");
        entry = NULL;
        (void)match(&fake, &entry);
        assert_true(entry == NULL || entry->plugin != &plugins[URL]);
        fake_request_finish(&fake);
    }
}

static void the_more_specific_host_pattern_wins_where_its_method_fits(void **state) {
    (void)state;
    struct fake_request fake;
    const struct router_entry *entry;
    fake_request_init(&fake, NULL, "GET", "/", "");
    fake.req.pub.host = virga_str_from("static.lambda-url.x");
    assert_int_equal(match(&fake, &entry), 0);
    assert_int_equal(entry->route.tag, 1);
    fake.req.pub.method = virga_str_from("PUT");
    assert_int_equal(match(&fake, &entry), 0);
    assert_int_equal(entry->route.tag, 0);
    fake_request_finish(&fake);
}

static void a_host_of_one_service_is_not_where_another_is_called(void **state) {
    (void)state;
    struct fake_request fake;
    const struct router_entry *entry;
    fake_request_init(&fake, NULL, "PUT", "/key", "");
    fake.req.pub.host = virga_str_from("bucket.s3.localhost");
    assert_int_equal(match(&fake, &entry), 0);
    assert_int_equal(entry->route.kind, VIRGA_ROUTE_HOST);
    fake.req.pub.service = virga_str_from("s3");
    assert_int_equal(match(&fake, &entry), 0);
    assert_int_equal(entry->route.kind, VIRGA_ROUTE_HOST);
    fake.req.pub.service = virga_str_from("sqs");
    assert_int_equal(match(&fake, &entry), -ENOENT);
    fake.req.pub.service = virga_str_from("");
    fake_request_header(&fake, "X-Amz-Target",
                        "AmazonEC2ContainerRegistry_V20150921.CreateRepository");
    assert_int_equal(match(&fake, &entry), 0);
    assert_ptr_equal(entry->plugin, &plugins[ECR]);
    fake_request_finish(&fake);
    fake_request_init(&fake, NULL, "POST", "/_floci/ecr/gc", "");
    fake.req.pub.host = virga_str_from("bucket.s3.localhost");
    assert_int_equal(match(&fake, &entry), 0);
    assert_ptr_equal(entry->plugin, &plugins[ECR]);
    fake.req.pub.service = virga_str_from("s3");
    assert_int_equal(match(&fake, &entry), 0);
    assert_ptr_equal(entry->plugin, &plugins[S3]);
    fake_request_finish(&fake);
}

static void an_unsigned_query_is_not_taken_by_a_pattern_of_any_path(void **state) {
    (void)state;
    static const char action[] = "Action=GetCallerIdentity&Version=2011-06-15";
    struct fake_request fake;
    const struct router_entry *entry;
    fake_request_init(&fake, NULL, "GET", "/", action);
    assert_int_equal(match(&fake, &entry), 0);
    assert_ptr_equal(entry->plugin, &plugins[STS]);
    fake.req.pub.query = virga_str_from("Action=GetCallerIdentity&Version=1");
    assert_int_equal(match(&fake, &entry), 0);
    assert_ptr_equal(entry->plugin, &plugins[S3]);
    fake_request_finish(&fake);
    fake_request_init(&fake, NULL, "POST", "/", "");
    assert_int_equal(match(&fake, &entry), -ENOTSUP);
    fake_request_header(&fake, "Content-Type", "application/x-www-form-urlencoded");
    assert_int_equal(match(&fake, &entry), -ENOENT); /* its body is asked next */
    fake_request_finish(&fake);
}

static void rpc_is_told_by_its_header_and_its_last_four_segments(void **state) {
    (void)state;
    static const struct {
        const char *method;
        const char *path;
        const char *protocol;
        int result;
    } cases[] = {
        {"POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", "rpc-v2-cbor",
         0},
        {"POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", "rpc-v2-json",
         0},
        {"POST", "/v1/x/service/GraniteServiceVersion20100801/operation/PutMetricData",
         "rpc-v2-cbor", 0},
        {"GET", "/service/GraniteServiceVersion20100801/operation/PutMetricData", "rpc-v2-cbor",
         -ENOTSUP},
        {"POST", "/service/Other/operation/PutMetricData", "rpc-v2-cbor", -ENOENT},
        {"POST", "/service/GraniteServiceVersion20100801/operation/", "rpc-v2-cbor", -ENOENT},
        {"POST", "/GraniteServiceVersion20100801/operation/X", "rpc-v2-cbor", -ENOENT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_request fake;
        const struct router_entry *entry;
        fake_request_init(&fake, NULL, cases[i].method, cases[i].path, "");
        fake.req.pub.service = virga_str_from("monitoring");
        fake_request_header(&fake, "Smithy-Protocol", cases[i].protocol);
        assert_int_equal(match(&fake, &entry), cases[i].result);
        if (cases[i].result == 0) {
            assert_ptr_equal(entry->plugin, &plugins[RPC]);
            assert_string_equal(fake.req.pub.action.ptr, "PutMetricData");
        }
        fake_request_finish(&fake);
    }
    struct fake_request fake;
    const struct router_entry *entry;
    fake_request_init(&fake, NULL, "POST", cases[0].path, "");
    fake.req.pub.service = virga_str_from("monitoring");
    assert_int_equal(match(&fake, &entry), -ENOENT);
    fake_request_finish(&fake);
}

static void may_be_query_knows_the_services_of_query_routes(void **state) {
    (void)state;
    assert_true(router_may_be_query(router, virga_str_from("sts")));
    assert_true(router_may_be_query(router, virga_str_from("")));
    assert_false(router_may_be_query(router, virga_str_from("sqs")));
}

static void each_kind_of_claim_is_refused_with_both_names(void **state) {
    (void)state;
    static const struct {
        struct virga_route route;
        const char *owner;
    } taken[] = {
        {{.kind = VIRGA_ROUTE_HOST, .pattern = "*.LAMBDA-url.*"}, "url"},
        {{.kind = VIRGA_ROUTE_HOST, .pattern = "static.lambda-url.*"}, "url"},
        {{.kind = VIRGA_ROUTE_RPC, .pattern = "GraniteServiceVersion20100801"}, "rpc"},
        {{.kind = VIRGA_ROUTE_TARGET, .pattern = "AmazonEC2ContainerRegistry_V20150921"}, "ecr"},
        {{.kind = VIRGA_ROUTE_QUERY, .pattern = "2011-06-15", .service = "sts"}, "sts"},
        {{.kind = VIRGA_ROUTE_ADMIN, .pattern = "ecr/{Other}"}, "ecr"},
    };
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        const struct virga_plugin desc = {
            VIRGA_PLUGIN_HEAD, .name = "thief",
            .version = "1",    .start = start,
            .handle = handle,  .routes = &taken[i].route,
            .routes_count = 1, .route_size = sizeof taken[i].route,
        };
        struct plugin thief = {.desc = &desc};
        struct error err = {0};
        assert_int_equal(router_add_plugin(router, &thief, &err), -EEXIST);
        assert_non_null(strstr(err.text, taken[i].owner));
        assert_non_null(strstr(err.text, taken[i].route.pattern));
    }
}

/* Many plugins, as a whole cloud would have: every route must be found, whatever its chain. */
static void each_of_two_thousand_routes_is_found(void **state) {
    (void)state;
    enum { PLUGINS = 50, ROUTES = 40 };
    static char patterns[PLUGINS][ROUTES][64];
    static struct virga_route routes[PLUGINS][ROUTES];
    static struct virga_plugin many_descs[PLUGINS];
    static struct plugin many[PLUGINS];
    for (size_t p = 0; p < PLUGINS; p++) {
        for (size_t r = 0; r < ROUTES; r++) {
            (void)snprintf(patterns[p][r], sizeof patterns[p][r], "/2020-%zu/things%zu/{Id}/part",
                           p, r);
            routes[p][r] = (struct virga_route){
                .kind = VIRGA_ROUTE_REST, .method = "GET", .pattern = patterns[p][r], .tag = r};
        }
        many_descs[p] = (struct virga_plugin)PLUGIN("many", routes[p]);
        many[p].desc = &many_descs[p];
        assert_int_equal(router_add_plugin(router, &many[p], NULL), 0);
    }
    for (size_t p = 0; p < PLUGINS; p++) {
        for (size_t r = 0; r < ROUTES; r++) {
            char path[80];
            struct fake_request fake;
            const struct router_entry *entry;
            (void)snprintf(path, sizeof path, "/2020-%zu/things%zu/x/part", p, r);
            fake_request_init(&fake, NULL, "GET", path, "");
            assert_int_equal(match(&fake, &entry), 0);
            assert_ptr_equal(entry->plugin, &many[p]);
            assert_int_equal(entry->route.tag, r);
            fake_request_finish(&fake);
        }
    }
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
        {.kind = VIRGA_ROUTE_HOST, .pattern = "*.*"},
        {.kind = VIRGA_ROUTE_HOST, .pattern = "a.b*.c"},
        {.kind = VIRGA_ROUTE_RPC, .pattern = ""},
        {.kind = VIRGA_ROUTE_RPC, .pattern = "a/b"},
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
        cmocka_unit_test_setup_teardown(a_host_pattern_takes_every_path_of_its_hosts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_more_specific_host_pattern_wins_where_its_method_fits,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_host_of_one_service_is_not_where_another_is_called,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unsigned_query_is_not_taken_by_a_pattern_of_any_path,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(rpc_is_told_by_its_header_and_its_last_four_segments,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(may_be_query_knows_the_services_of_query_routes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_kind_of_claim_is_refused_with_both_names, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_of_two_thousand_routes_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(malformed_routes_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removed_routes_match_no_more, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
